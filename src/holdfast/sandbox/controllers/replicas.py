"""ReplicaSets and ReplicationControllers: as many pods as wanted."""

import datetime
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import (
    PODS,
    REPLICA_SETS,
    Access,
    owner_reference,
    value,
)
from holdfast.sandbox.controllers.conditions import find_condition, is_true
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import parse_time
from holdfast.sandbox.statuses import StatusError
from holdfast.sandbox.store.objects import Key

CONTROLLERS = ResourceId("", "replicationcontrollers")


def is_active(pod: Tree) -> bool:
    """Whether a pod counts: neither ended nor on its way out."""
    phase = value(pod, "status", "phase")
    return phase not in {"Succeeded", "Failed"} and not pod["metadata"].get("deletionTimestamp")


def is_ready(pod: Tree) -> bool:
    """Whether a pod is ready."""
    return is_true(value(pod, "status", "conditions"), "Ready")


def unavailable_for(pod: Tree, min_ready_s: int, now: datetime.datetime) -> float | None:
    """Return seconds until a ready pod counts as available: 0 now, None never as it is."""
    if not is_ready(pod):
        return None
    if not min_ready_s:
        return 0.0
    row = find_condition(value(pod, "status", "conditions"), "Ready")
    since = parse_time(str((row or {}).get("lastTransitionTime")))
    return max(0.0, min_ready_s - (now - since).total_seconds())


def pod_from_template(template: Tree, owner: Tree, name: Tree) -> Tree:
    """Return a pod as a controller makes it.

    Args:
        template: `spec.template`.
        owner: Who controls it.
        name: `{"generateName": …}` or `{"name": …}`.
    """
    metadata: Tree = dict(name)
    for key in ("labels", "annotations", "finalizers"):
        found = value(template, "metadata", key)
        if found:
            metadata[key] = dict(found) if isinstance(found, dict) else list(found)
    metadata["ownerReferences"] = [owner_reference(owner)]
    return {"metadata": metadata, "spec": dict(template.get("spec") or {})}


@dataclass(slots=True)
class Replicas:
    """Reconciles ReplicaSets (or ReplicationControllers).

    Attributes:
        resource: Which of the two.
        kind: Their kind.
    """

    resource: ResourceId = REPLICA_SETS
    kind: str = "ReplicaSet"
    name: str = "replicaset"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Wake by the sets themselves and by their pods."""
        self.wakes = {self.resource: own_key, PODS: owner_keys(self.kind)}

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Create or delete pods, then say what there is."""
        owner = access.find(self.resource, key)
        if owner is None:
            return None
        if not owner["metadata"].get("deletionTimestamp"):
            access.adopt(owner, PODS, self._selector(owner))
            self._balance(access, owner)
        return self._report(access, owner)

    def _selector(self, owner: Tree) -> Tree:
        selector: Tree = value(owner, "spec", "selector", default={})
        if self.resource == CONTROLLERS:
            return {"matchLabels": selector}
        return selector

    def _balance(self, access: Access, owner: Tree) -> None:
        wanted = int(value(owner, "spec", "replicas", default=1))
        pods = [pod for pod in access.owned(owner, PODS) if is_active(pod)]
        name = owner["metadata"]["name"]
        template: Tree = value(owner, "spec", "template", default={})
        try:
            for _ in range(wanted - len(pods)):
                pod = pod_from_template(template, owner, {"generateName": f"{name}-"})
                made = access.create(PODS, owner["metadata"]["namespace"], pod)
                text = f"Created pod: {made['metadata']['name']}"
                access.emit(owner, "Normal", "SuccessfulCreate", text, f"{self.name}-controller")
        except StatusError as error:
            text = f"Error creating: {error.message}"
            access.emit(owner, "Warning", "FailedCreate", text, f"{self.name}-controller")
            raise
        surplus = len(pods) - wanted
        if surplus > 0:
            for pod in sorted(pods, key=_worth)[:surplus]:
                access.delete(PODS, pod)
                text = f"Deleted pod: {pod['metadata']['name']}"
                access.emit(owner, "Normal", "SuccessfulDelete", text, f"{self.name}-controller")

    def _report(self, access: Access, owner: Tree) -> float | None:
        owner = access.find(self.resource, _key(owner)) or owner
        pods = [pod for pod in access.owned(owner, PODS) if is_active(pod)]
        least = int(value(owner, "spec", "minReadySeconds", default=0))
        now = access.plane.clock.now()
        waits = [unavailable_for(pod, least, now) for pod in pods]
        counts = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": sum(1 for wait in waits if wait is not None),
            "availableReplicas": sum(1 for wait in waits if wait == 0),
        }
        status: Tree = {"replicas": len(pods)}
        status |= {key: count for key, count in counts.items() if count}
        if self.resource == REPLICA_SETS:
            status["terminatingReplicas"] = 0
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        access.set_status(self.resource, owner, status)
        later = [wait for wait in waits if wait]
        return min(later) if later else None


def _key(tree: Tree) -> Key:
    return tree["metadata"].get("namespace") or "", tree["metadata"]["name"]


def _worth(pod: Tree) -> tuple[bool, bool, str, str]:
    """Order pods by how easily they are given up: unplaced, unready, young first."""
    placed = bool(value(pod, "spec", "nodeName"))
    created = pod["metadata"]["creationTimestamp"]
    # Times as text sort oldest first; the young are given up first.
    young = "".join(chr(0x10FFFF - ord(char)) for char in created)
    return placed, is_ready(pod), young, pod["metadata"]["name"]
