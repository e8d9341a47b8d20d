"""In which order tasks run (controller.md §6.3).

    phase -> wave -> kind -> name

Then a Namespace moves in front of the first task that lives in it, and a
CustomResourceDefinition in front of the first object of its kind; they take over phase and wave.
Prunes run in reverse: their distinct waves are mirrored (lowest <-> highest) beforehand, and
`PruneLast` puts them behind the last wave of the Sync phase.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from holdfast.domain.identity import GroupKind, ResourceKey
from holdfast.domain.kinds import NAMESPACE
from holdfast.planning.definitions import defined_kind, is_crd
from holdfast.planning.tasks import SyncPhase, Task

# What others need comes first; kinds that are not listed come last, as equals.
KIND_ORDER = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
_RANK = {kind: rank for rank, kind in enumerate(KIND_ORDER)}

_Place: TypeAlias = str | GroupKind


def kind_rank(kind: str) -> int:
    """Return the place of a kind; unlisted kinds share the last one."""
    return _RANK.get(kind, len(KIND_ORDER))


def order_tasks(tasks: Iterable[Task], destination_namespace: str) -> tuple[Task, ...]:
    """Return the tasks in the order in which they run, waves of prunes already mirrored."""
    waved = _send_last(mirror_prune_waves(tasks))
    ordered = sorted(waved, key=_sort_key)
    return tuple(_move_prerequisites(ordered, destination_namespace))


def mirror_prune_waves(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Swap the waves of prunes, lowest with highest and so on, leaving other tasks alone."""
    tasks = tuple(tasks)
    waves = sorted({task.wave for task in tasks if task.is_prune})
    mirrored = dict(zip(waves, reversed(waves), strict=True))
    return tuple(
        replace(task, wave=mirrored[task.wave]) if task.is_prune else task for task in tasks
    )


def _send_last(tasks: Sequence[Task]) -> list[Task]:
    last = max((task.wave for task in tasks if task.phase is SyncPhase.SYNC), default=0)
    return [
        replace(task, wave=last + 1) if task.is_prune and task.options.prune_last else task
        for task in tasks
    ]


def _sort_key(task: Task) -> tuple[int, int, int, str, ResourceKey]:
    """The identity at the end makes the order independent of the order of the input."""
    manifest = task.manifest
    return (task.phase, task.wave, kind_rank(manifest.kind), manifest.name, manifest.key)


def _move_prerequisites(tasks: list[Task], destination_namespace: str) -> list[Task]:
    """Move each Namespace and CRD in front of the first task that needs it.

    One pass over the sorted list: a task that moves makes the indices behind it stale, so places
    are looked up anew for each mover. There are few Namespaces and CRDs in an Application.
    """
    ordered = list(tasks)
    for task in [task for task in tasks if not task.is_prune and _offers(task) is not None]:
        offered = _offers(task)
        position = ordered.index(task)
        for index in range(position):
            earlier = ordered[index]
            if not earlier.is_prune and offered in _needs(earlier, destination_namespace):
                del ordered[position]
                ordered.insert(index, replace(task, phase=earlier.phase, wave=earlier.wave))
                break
    return ordered


def _offers(task: Task) -> _Place | None:
    manifest = task.manifest
    if manifest.group == NAMESPACE.group and manifest.kind == NAMESPACE.kind:
        return manifest.name
    if is_crd(manifest):
        return defined_kind(manifest)
    return None


def _needs(task: Task, destination_namespace: str) -> tuple[_Place, ...]:
    """Cluster-scoped targets count as living in the destination namespace (§6.4 step 1)."""
    return (task.manifest.namespace or destination_namespace, task.key.group_kind)
