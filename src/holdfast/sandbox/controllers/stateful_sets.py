"""StatefulSets: pods with names and volumes of their own, one after the other."""

from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.controllers.replicas import is_ready, pod_from_template, unavailable_for
from holdfast.sandbox.controllers.revisions import HASH_LABEL, forget_old, present_revision
from holdfast.sandbox.controllers.volumes import CLAIMS
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Key

STATEFUL_SETS = ResourceId("apps", "statefulsets")
_SOURCE = "statefulset-controller"


@dataclass(slots=True)
class StatefulSets:
    """Reconciles StatefulSets."""

    name: str = "statefulset"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {STATEFUL_SETS: own_key, PODS: owner_keys("StatefulSet")}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """One step towards the wanted pods, then the status."""
        owner = access.find(STATEFUL_SETS, key)
        if owner is None or owner["metadata"].get("deletionTimestamp"):
            return None
        access.adopt(owner, PODS, value(owner, "spec", "selector"))
        revision = present_revision(access, owner)["metadata"]["name"]
        before = value(owner, "status", "currentRevision") or revision
        self._step(access, owner, revision, before)
        return self._report(access, owner, revision, before)

    def _step(self, access: Access, owner: Tree, revision: str, before: str) -> None:
        first = int(value(owner, "spec", "ordinals", "start", default=0))
        wanted = int(value(owner, "spec", "replicas", default=1))
        parallel = value(owner, "spec", "podManagementPolicy") == "Parallel"
        pods = _by_number(access, owner)
        partition = _partition(owner)
        for number in range(first, first + wanted):
            pod = pods.get(number)
            if pod is None:
                use = revision if number >= partition or before == revision else before
                self._create(access, owner, number, use)
                if not parallel:
                    return
            elif not parallel and (not is_ready(pod) or pod["metadata"].get("deletionTimestamp")):
                return
        for number in sorted(pods, reverse=True):
            if not first <= number < first + wanted:
                self._delete(access, owner, pods[number])
                if not parallel:
                    return
        self._update_next(access, owner, revision, pods)

    @staticmethod
    def _update_next(access: Access, owner: Tree, revision: str, pods: dict[int, Tree]) -> None:
        """Replace the highest pod of an older revision, one at a time."""
        if value(owner, "spec", "updateStrategy", "type", default="RollingUpdate") == "OnDelete":
            return
        partition = _partition(owner)
        for number in sorted(pods, reverse=True):
            pod = pods[number]
            if number < partition:
                return
            current = _revision_of(pod) == revision
            if current and (pod["metadata"].get("deletionTimestamp") or not is_ready(pod)):
                return
            if not current:
                StatefulSets._delete(access, owner, pod)
                return

    def _create(self, access: Access, owner: Tree, number: int, revision: str) -> None:
        metadata = owner["metadata"]
        name = f"{metadata['name']}-{number}"
        template = _template_of(access, owner, revision)
        pod = pod_from_template(
            template, owner, {"name": name, "generateName": f"{metadata['name']}-"}
        )
        short = revision.rpartition("-")[2]
        pod["metadata"]["labels"] = {
            **(pod["metadata"].get("labels") or {}),
            HASH_LABEL: f"{metadata['name']}-{short}",
            "apps.kubernetes.io/pod-index": str(number),
            "statefulset.kubernetes.io/pod-name": name,
        }
        spec = pod["spec"]
        spec["hostname"] = name
        service = value(owner, "spec", "serviceName")
        if service:
            spec["subdomain"] = service
        self._give_claims(access, owner, name, spec)
        access.create(PODS, metadata["namespace"], pod)
        text = f"create Pod {name} in StatefulSet {metadata['name']} successful"
        access.emit(owner, "Normal", "SuccessfulCreate", text, _SOURCE)

    @staticmethod
    def _give_claims(access: Access, owner: Tree, name: str, spec: Tree) -> None:
        namespace = owner["metadata"]["namespace"]
        volumes = list(spec.get("volumes") or [])
        for claim in value(owner, "spec", "volumeClaimTemplates", default=[]):
            own = claim["metadata"]["name"]
            claim_name = f"{own}-{name}"
            if access.find(CLAIMS, (namespace, claim_name)) is None:
                labels = value(owner, "spec", "selector", "matchLabels", default={})
                metadata = {**(claim.get("metadata") or {}), "name": claim_name}
                metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
                tree: Tree = {"metadata": metadata, "spec": claim.get("spec") or {}}
                access.create(CLAIMS, namespace, tree)
            volumes = [row for row in volumes if row.get("name") != own]
            volumes.append({"name": own, "persistentVolumeClaim": {"claimName": claim_name}})
        if volumes:
            spec["volumes"] = volumes

    @staticmethod
    def _delete(access: Access, owner: Tree, pod: Tree) -> None:
        if pod["metadata"].get("deletionTimestamp"):
            return
        access.delete(PODS, pod)
        name, own = pod["metadata"]["name"], owner["metadata"]["name"]
        text = f"delete Pod {name} in StatefulSet {own} successful"
        access.emit(owner, "Normal", "SuccessfulDelete", text, _SOURCE)

    @staticmethod
    def _report(access: Access, owner: Tree, revision: str, before: str) -> float | None:
        key = (owner["metadata"]["namespace"], owner["metadata"]["name"])
        owner = access.find(STATEFUL_SETS, key) or owner
        pods = list(_by_number(access, owner).values())
        least = int(value(owner, "spec", "minReadySeconds", default=0))
        now = access.plane.clock.now()
        waits = [unavailable_for(pod, least, now) for pod in pods]
        updated = sum(1 for pod in pods if _revision_of(pod) == revision)
        wanted = int(value(owner, "spec", "replicas", default=1))
        ready = sum(1 for wait in waits if wait is not None)
        done = updated == wanted == len(pods) == ready
        current = revision if done else before
        counts = {
            "readyReplicas": ready,
            "currentReplicas": sum(1 for pod in pods if _revision_of(pod) == current),
            "updatedReplicas": updated,
        }
        status: Tree = {
            "observedGeneration": owner["metadata"].get("generation", 1),
            "replicas": len(pods),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
            "availableReplicas": sum(1 for wait in waits if wait == 0),
        }
        status |= {name: count for name, count in counts.items() if count}
        access.set_status(STATEFUL_SETS, owner, status)
        forget_old(access, owner, {revision, current})
        later = [wait for wait in waits if wait]
        return min(later) if later else None


def _by_number(access: Access, owner: Tree) -> dict[int, Tree]:
    found = {}
    prefix = owner["metadata"]["name"] + "-"
    for pod in access.owned(owner, PODS):
        number = pod["metadata"]["name"].removeprefix(prefix)
        if number.isdigit():
            found[int(number)] = pod
    return found


def _revision_of(pod: Tree) -> str:
    return str((pod["metadata"].get("labels") or {}).get(HASH_LABEL, ""))


def _partition(owner: Tree) -> int:
    return int(value(owner, "spec", "updateStrategy", "rollingUpdate", "partition", default=0))


def _template_of(access: Access, owner: Tree, revision: str) -> Tree:
    """Return the template of a revision; below the partition that is an older one."""
    stored = access.find(
        ResourceId("apps", "controllerrevisions"), (owner["metadata"]["namespace"], revision)
    )
    template = value(stored, "data", "spec", "template") or value(owner, "spec", "template")
    return {key: item for key, item in template.items() if key != "$patch"}
