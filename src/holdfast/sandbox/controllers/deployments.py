"""Deployments: one ReplicaSet for each template, and the way from one to the next."""

import hashlib
from dataclasses import dataclass, field

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import REPLICA_SETS, Access, owner_reference, value
from holdfast.sandbox.controllers.conditions import find_condition, set_condition
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.controllers.rollout import Limits, grow_to, may_remove
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import parse_time
from holdfast.sandbox.store.objects import Key

DEPLOYMENTS = ResourceId("apps", "deployments")
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_SOURCE = "deployment-controller"
_NOT_COPIED = {LAST_APPLIED, REVISION, HISTORY, DESIRED, MAX, "deprecated.deployment.rollback.to"}


def template_hash(template: Tree) -> str:
    """Return the short name of a pod template."""
    digest = hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).digest()
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[byte % len(letters)] for byte in digest[:10])


def bare_template(template: Tree) -> Tree:
    """Return a template without the label that marks its ReplicaSet."""
    metadata = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    metadata["labels"] = labels
    kept = {key: item for key, item in metadata.items() if item}
    return {**template, "metadata": kept}


@dataclass(slots=True)
class Sets:
    """The ReplicaSets of a Deployment.

    Attributes:
        new: The one of the present template, None before it is made.
        old: The others.
    """

    new: Tree | None
    old: list[Tree]

    @property
    def all(self) -> list[Tree]:
        """All of them."""
        return [*self.old, self.new] if self.new else list(self.old)


@dataclass(slots=True)
class Deployments:
    """Reconciles Deployments."""

    name: str = "deployment"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {DEPLOYMENTS: own_key, REPLICA_SETS: owner_keys("Deployment")}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """One step of a rollout, then the status."""
        owner = access.find(DEPLOYMENTS, key)
        if owner is None:
            return None
        if owner["metadata"].get("deletionTimestamp"):
            return None
        access.adopt(owner, REPLICA_SETS, value(owner, "spec", "selector"))
        sets = self._sets(access, owner)
        if not value(owner, "spec", "paused", default=False):
            if sets.new is None:
                sets.new = self._make(access, owner, sets)
            else:
                sets.new = self._mark(access, owner, sets)
            owner = self._revise(access, owner, sets.new)
            if value(owner, "spec", "strategy", "type") == "Recreate":
                self._recreate(access, owner, sets)
            else:
                self._roll(access, owner, sets)
            self._forget(access, owner, sets)
        elif sets.new is not None:
            self._scale(access, owner, sets.new, _replicas(owner))
        return self._report(access, owner)

    @staticmethod
    def _sets(access: Access, owner: Tree) -> Sets:
        wanted = bare_template(value(owner, "spec", "template", default={}))
        new: Tree | None = None
        old: list[Tree] = []
        for tree in access.owned(owner, REPLICA_SETS):
            same = bare_template(value(tree, "spec", "template", default={})) == wanted
            if same and new is None:
                new = tree
            else:
                old.append(tree)
        return Sets(new, old)

    def _make(self, access: Access, owner: Tree, sets: Sets) -> Tree:
        template = value(owner, "spec", "template", default={})
        short = template_hash(bare_template(template))
        metadata = dict(template.get("metadata") or {})
        labels = {**(metadata.get("labels") or {}), HASH_LABEL: short}
        metadata["labels"] = labels
        selector = dict(value(owner, "spec", "selector", default={}))
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: short}
        annotations = _copied(owner)
        annotations[REVISION] = str(_last_revision(sets.old) + 1)
        annotations |= _sizes(owner)
        replicas = self._first_size(owner, sets)
        spec: Tree = {"replicas": replicas, "selector": selector}
        least = value(owner, "spec", "minReadySeconds")
        if least:
            spec["minReadySeconds"] = least
        spec["template"] = {**template, "metadata": metadata}
        name = f"{owner['metadata']['name']}-{short}"
        tree: Tree = {
            "metadata": {
                "name": name,
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [owner_reference(owner)],
            },
            "spec": spec,
        }
        made = access.create(REPLICA_SETS, owner["metadata"]["namespace"], tree)
        if replicas:
            self._tell(access, owner, name, 0, replicas)
        return made

    @staticmethod
    def _first_size(owner: Tree, sets: Sets) -> int:
        total = sum(_replicas(tree) for tree in sets.old)
        if value(owner, "spec", "strategy", "type") == "Recreate":
            busy = any(value(t, "status", "replicas") or _replicas(t) for t in sets.old)
            return 0 if busy else _replicas(owner)
        return grow_to(_limits(owner), 0, total)

    @staticmethod
    def _mark(access: Access, owner: Tree, sets: Sets) -> Tree:
        """Give the present set the newest revision; a rollback makes an old one present."""
        new = sets.new
        assert new is not None  # noqa: S101 # called only with one
        annotations = dict(new["metadata"].get("annotations") or {})
        before = dict(annotations)
        current = int(annotations.get(REVISION, "0"))
        newest = _last_revision(sets.old)
        if current <= newest:
            if current:
                earlier = [*filter(None, annotations.get(HISTORY, "").split(",")), str(current)]
                annotations[HISTORY] = ",".join(earlier)
            annotations[REVISION] = str(newest + 1)
        annotations |= _sizes(owner)
        annotations |= _copied(owner)
        if annotations == before:
            return new
        metadata = {**new["metadata"], "annotations": annotations}
        return access.update(REPLICA_SETS, {**new, "metadata": metadata})

    @staticmethod
    def _revise(access: Access, owner: Tree, new: Tree) -> Tree:
        revision = (new["metadata"].get("annotations") or {}).get(REVISION)
        annotations = dict(owner["metadata"].get("annotations") or {})
        if annotations.get(REVISION) == revision:
            return owner
        annotations[REVISION] = revision
        metadata = {**owner["metadata"], "annotations": annotations}
        # Through the status, as the real controller does: it is no new generation.
        return access.update_metadata(DEPLOYMENTS, {**owner, "metadata": metadata})

    def _recreate(self, access: Access, owner: Tree, sets: Sets) -> None:
        for tree in sets.old:
            self._scale(access, owner, tree, 0)
        gone = all(not value(self._fresh(access, tree), "status", "replicas") for tree in sets.old)
        if gone and sets.new is not None:
            self._scale(access, owner, sets.new, _replicas(owner))

    def _roll(self, access: Access, owner: Tree, sets: Sets) -> None:
        new = sets.new
        if new is None:
            return
        limits = _limits(owner)
        total = sum(_replicas(tree) for tree in sets.all)
        old_total = total - _replicas(new)
        wanted = limits.replicas if not old_total else grow_to(limits, _replicas(new), total)
        if wanted != _replicas(new):
            new = self._scale(access, owner, new, wanted)
            total = sum(_replicas(tree) for tree in sets.old) + _replicas(new)
        available = int(value(new, "status", "availableReplicas", default=0))
        surplus = may_remove(limits, total, _replicas(new), min(available, _replicas(new)))
        for tree in sorted(sets.old, key=lambda item: str(item["metadata"]["creationTimestamp"])):
            unready = _replicas(tree) - int(value(tree, "status", "availableReplicas", default=0))
            # Pods that do not serve anybody go first, whatever the bounds.
            part = min(_replicas(tree), max(surplus, 0))
            if unready > 0 and part == 0:
                part = min(unready, max(0, total - (limits.replicas - limits.unavailable)))
            if part > 0:
                self._scale(access, owner, tree, _replicas(tree) - part)
                surplus -= part

    def _scale(self, access: Access, owner: Tree, tree: Tree, replicas: int) -> Tree:
        before = _replicas(tree)
        if before == replicas:
            return tree
        metadata = dict(tree["metadata"])
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **_sizes(owner)}
        spec = {**tree["spec"], "replicas": replicas}
        changed = access.update(REPLICA_SETS, {**tree, "metadata": metadata, "spec": spec})
        self._tell(access, owner, tree["metadata"]["name"], before, replicas)
        return changed

    @staticmethod
    def _tell(access: Access, owner: Tree, name: str, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        text = f"Scaled {way} replica set {name} from {before} to {after}"
        access.emit(owner, "Normal", "ScalingReplicaSet", text, _SOURCE)

    @staticmethod
    def _fresh(access: Access, tree: Tree) -> Tree:
        key = (tree["metadata"]["namespace"], tree["metadata"]["name"])
        return access.find(REPLICA_SETS, key) or {}

    @staticmethod
    def _forget(access: Access, owner: Tree, sets: Sets) -> None:
        limit = value(owner, "spec", "revisionHistoryLimit", default=10)
        idle = [
            tree
            for tree in sets.old
            if not _replicas(tree) and not value(tree, "status", "replicas")
        ]
        idle.sort(key=_revision_of)
        for tree in idle[: max(0, len(idle) - int(limit))]:
            access.delete(REPLICA_SETS, tree)

    def _report(self, access: Access, owner: Tree) -> float | None:
        key = (owner["metadata"]["namespace"], owner["metadata"]["name"])
        owner = access.find(DEPLOYMENTS, key) or owner
        sets = self._sets(access, owner)
        counts = {
            "replicas": _sum(sets.all, "replicas"),
            "updatedReplicas": _sum([sets.new] if sets.new else [], "replicas"),
            "readyReplicas": _sum(sets.all, "readyReplicas"),
            "availableReplicas": _sum(sets.all, "availableReplicas"),
        }
        counts["unavailableReplicas"] = max(0, _total(sets, owner) - counts["availableReplicas"])
        status: Tree = {"observedGeneration": owner["metadata"].get("generation", 1)}
        status |= {key: count for key, count in counts.items() if count}
        status["terminatingReplicas"] = _sum(sets.all, "terminatingReplicas")
        now = access.plane.now()
        conditions = value(owner, "status", "conditions", default=[])
        conditions = _with_available(conditions, owner, counts["availableReplicas"], now)
        conditions, again = self._with_progress(access, conditions, owner, sets, counts)
        status["conditions"] = conditions
        access.set_status(DEPLOYMENTS, owner, status)
        return again

    @staticmethod
    def _with_progress(
        access: Access, conditions: list[Tree], owner: Tree, sets: Sets, counts: dict[str, int]
    ) -> tuple[list[Tree], float | None]:
        """Say how the rollout goes; return also when to look whether it is late."""
        now = access.plane.now()
        name = sets.new["metadata"]["name"] if sets.new else ""
        before = find_condition(conditions, "Progressing") or {}
        row: Tree = {"type": "Progressing", "status": "True", "lastUpdateTime": now}
        if _is_complete(owner, counts):
            reason = "NewReplicaSetAvailable"
            message = f'ReplicaSet "{name}" has successfully progressed.'
        elif value(owner, "spec", "paused", default=False):
            row["status"] = "Unknown"
            reason, message = "DeploymentPaused", "Deployment is paused"
        else:
            reason, message = "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'
        late = _late_in(access, owner, before, counts)
        if reason == "ReplicaSetUpdated" and late is not None and late <= 0:
            row["status"] = "False"
            reason = "ProgressDeadlineExceeded"
            message = f'ReplicaSet "{name}" has timed out progressing.'
        row |= {"reason": reason, "message": message}
        old = value(owner, "status", default={})
        moved = any(old.get(key, 0) != count for key, count in counts.items())
        same = before.get("reason") == reason and before.get("message") == message
        if same and (not moved or reason != "ReplicaSetUpdated"):
            row["lastUpdateTime"] = before.get("lastUpdateTime", now)
        waiting = late if reason == "ReplicaSetUpdated" and late and late > 0 else None
        return set_condition(conditions, row, now), waiting


def _late_in(access: Access, owner: Tree, before: Tree, counts: dict[str, int]) -> float | None:
    """Return seconds until a rollout without progress is late; negative: it is."""
    deadline = value(owner, "spec", "progressDeadlineSeconds", default=600)
    old = value(owner, "status", default={})
    if any(old.get(key, 0) != count for key, count in counts.items()) or not before:
        return float(deadline)
    if before.get("reason") == "NewReplicaSetAvailable":
        return float(deadline)
    since = parse_time(str(before.get("lastUpdateTime") or access.plane.now()))
    return float(deadline) - (access.plane.clock.now() - since).total_seconds()


def _is_complete(owner: Tree, counts: dict[str, int]) -> bool:
    wanted = _replicas(owner)
    return (
        counts["updatedReplicas"] == wanted
        and counts["replicas"] == wanted
        and counts["availableReplicas"] == wanted
    )


def _with_available(conditions: list[Tree], owner: Tree, available: int, now: str) -> list[Tree]:
    limits = _limits(owner)
    least = limits.replicas - (
        0 if value(owner, "spec", "strategy", "type") == "Recreate" else limits.unavailable
    )
    good = available >= least
    row: Tree = {
        "type": "Available",
        "status": "True" if good else "False",
        "lastUpdateTime": now,
        "reason": "MinimumReplicasAvailable" if good else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if good else 'does not have'} minimum availability.",
    }
    before = find_condition(conditions, "Available")
    if before is not None and before.get("status") == row["status"]:
        return conditions
    return set_condition(conditions, row, now)


def _limits(owner: Tree) -> Limits:
    rolling = value(owner, "spec", "strategy", "rollingUpdate", default={})
    surge, unavailable = rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%")
    if not _replicas(owner):
        return Limits(0, 0, 0)
    return Limits.of(_replicas(owner), surge, unavailable)


def _replicas(tree: Tree) -> int:
    return int(value(tree, "spec", "replicas", default=1))


def _total(sets: Sets, owner: Tree) -> int:
    """The pods that should be there at this moment, in the sense of unavailableReplicas."""
    return max(_replicas(owner), sum(_replicas(tree) for tree in sets.all))


def _sum(trees: list[Tree], field_name: str) -> int:
    return sum(int(value(tree, "status", field_name, default=0)) for tree in trees)


def _revision_of(tree: Tree) -> int:
    text = (tree["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def _last_revision(trees: list[Tree]) -> int:
    return max((_revision_of(tree) for tree in trees), default=0)


def _copied(owner: Tree) -> dict[str, str]:
    annotations = owner["metadata"].get("annotations") or {}
    return {key: text for key, text in annotations.items() if key not in _NOT_COPIED}


def _sizes(owner: Tree) -> dict[str, str]:
    limits = _limits(owner)
    recreate = value(owner, "spec", "strategy", "type") == "Recreate"
    surge = 0 if recreate else limits.surge
    return {DESIRED: str(limits.replicas), MAX: str(limits.replicas + surge)}
