"""DaemonSets: one pod on the one node."""

from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.controllers.pods import NODE, NODES
from holdfast.sandbox.controllers.replicas import is_active, is_ready, pod_from_template
from holdfast.sandbox.controllers.revisions import HASH_LABEL, forget_old, present_revision
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Key

DAEMON_SETS = ResourceId("apps", "daemonsets")
_SOURCE = "daemonset-controller"


@dataclass(slots=True)
class DaemonSets:
    """Reconciles DaemonSets."""

    name: str = "daemonset"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {DAEMON_SETS: own_key, PODS: owner_keys("DaemonSet")}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Have the one pod, of the present revision."""
        owner = access.find(DAEMON_SETS, key)
        if owner is None or owner["metadata"].get("deletionTimestamp"):
            return None
        revision = present_revision(access, owner)
        short = revision["metadata"]["labels"][HASH_LABEL]
        wanted = _wants_node(access, owner)
        pods = [pod for pod in access.owned(owner, PODS) if is_active(pod)]
        if wanted and not access.owned(owner, PODS):
            self._create(access, owner, short)
        rolling = value(owner, "spec", "updateStrategy", "type", default="RollingUpdate")
        for index, pod in enumerate(pods):
            old = (pod["metadata"].get("labels") or {}).get(HASH_LABEL) != short
            if not wanted or index > 0 or (old and rolling == "RollingUpdate"):
                access.delete(PODS, pod)
                text = f"Deleted pod: {pod['metadata']['name']}"
                access.emit(owner, "Normal", "SuccessfulDelete", text, _SOURCE)
        self._report(access, owner, short, wanted=wanted)
        forget_old(access, owner, {revision["metadata"]["name"]})
        return None

    @staticmethod
    def _create(access: Access, owner: Tree, short: str) -> None:
        metadata = owner["metadata"]
        template = value(owner, "spec", "template", default={})
        pod = pod_from_template(template, owner, {"generateName": f"{metadata['name']}-"})
        labels = pod["metadata"].get("labels") or {}
        generation = (metadata.get("annotations") or {}).get(
            "deprecated.daemonset.template.generation", "1"
        )
        pod["metadata"]["labels"] = {
            **labels,
            HASH_LABEL: short,
            "pod-template-generation": generation,
        }
        made = access.create(PODS, metadata["namespace"], pod)
        text = f"Created pod: {made['metadata']['name']}"
        access.emit(owner, "Normal", "SuccessfulCreate", text, _SOURCE)

    @staticmethod
    def _report(access: Access, owner: Tree, short: str, *, wanted: bool) -> None:
        key = (owner["metadata"]["namespace"], owner["metadata"]["name"])
        owner = access.find(DAEMON_SETS, key) or owner
        pods = [pod for pod in access.owned(owner, PODS) if is_active(pod)]
        ready = sum(1 for pod in pods if is_ready(pod))
        fresh = sum(
            1 for pod in pods if (pod["metadata"].get("labels") or {}).get(HASH_LABEL) == short
        )
        status: Tree = {
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": int(wanted),
            "numberReady": ready,
            "observedGeneration": owner["metadata"].get("generation", 1),
        }
        if fresh:
            status["updatedNumberScheduled"] = fresh
        if ready:
            status["numberAvailable"] = ready
        if wanted and not ready:
            status["numberUnavailable"] = 1
        access.set_status(DAEMON_SETS, owner, status)


def _wants_node(access: Access, owner: Tree) -> bool:
    node = access.find(NODES, ("", NODE))
    if node is None:
        return False
    labels = node["metadata"].get("labels") or {}
    selector = value(owner, "spec", "template", "spec", "nodeSelector", default={})
    return all(labels.get(key) == wanted for key, wanted in selector.items())
