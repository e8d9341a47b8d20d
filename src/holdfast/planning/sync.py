"""What one operation does, as steps (controller.md §6.1-§6.4, §6.8, §6.9).

In:  pairs of target and live object, the operation, and the destination namespace.
Out: a `Plan`: steps in order, one for each (phase, wave); within a step first all prunes, in
     parallel, then the applies, one group of consecutive equal kinds after the other.

No task becomes of: garbage hooks, `Skip`, hooks of deletion, live hooks, objects whose tracking
data is a copy, what a selective sync does not name, and with `ApplyOutOfSyncOnly` what is in sync.

Hooks of sync phases are not run by this version: they are left out, and a condition names them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.hooks import (
    is_deletion_hook,
    is_garbage_hook,
    is_hook,
    is_skipped,
)
from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import NAMESPACE
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.operation import Operation, SelectedResource
from holdfast.planning.options import (
    SYNC_OPTIONS_ANNOTATION,
    OperationOptions,
    SyncOptions,
)
from holdfast.planning.order import order_tasks
from holdfast.planning.tasks import Pair, SyncPhase, Task


@dataclass(frozen=True, slots=True)
class Step:
    """One wave of one phase.

    Attributes:
        prunes: Removed first, in parallel.
        groups: Applied afterwards: within a group in parallel, groups in order. A group that
            fails does not stop the later groups of its step.
    """

    phase: SyncPhase
    wave: int
    prunes: tuple[Task, ...]
    groups: tuple[tuple[Task, ...], ...]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks of the step, prunes first."""
        return self.prunes + tuple(task for group in self.groups for task in group)


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of one operation.

    Attributes:
        steps: In order; each but the last is gated on the health of its objects.
        left_out: Hooks that an operation of Argo CD would have run.
        conditions: One that names them, or none.
    """

    steps: tuple[Step, ...]
    left_out: tuple[ResourceKey, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks in order."""
        return tuple(task for step in self.steps for task in step.tasks)

    @property
    def is_multi_step(self) -> bool:
        """Whether more than one wave or phase takes part: only then is health waited for."""
        return len(self.steps) > 1


@dataclass(frozen=True, slots=True)
class NamespaceWish:
    """What `CreateNamespace=true` needs to know.

    Attributes:
        name: Destination namespace, `""` for none.
        live: The namespace as it stands in the cluster, or None.
        metadata: `spec.syncPolicy.managedNamespaceMetadata`, or None.
    """

    name: str
    live: Manifest | None = None
    metadata: Tree | None = None


def plan_sync(pairs: Iterable[Pair], operation: Operation, namespace: NamespaceWish) -> Plan:
    """Return the plan of one operation; it does not depend on the order of the pairs."""
    options = OperationOptions.of(operation.options)
    known = tuple(pairs)
    tasks: list[Task] = []
    hooks: list[Manifest] = []
    for pair in known:
        if not is_selected(operation, pair.manifest.key) or not pair.is_self_referencing:
            continue
        if pair.target is not None and is_pending_hook(pair.target):
            hooks.append(pair.target)
        elif is_task(pair):
            tasks.append(Task.of(pair, SyncOptions.of(pair.target, pair.live, options)))
    tasks.extend(_namespace_task(known, options, namespace))
    if options.out_of_sync_only:
        tasks = [task for task in tasks if task.is_modified or task.live is None or task.is_prune]
    left_out = _left_out(hooks, operation)
    steps = tuple(_steps(order_tasks(tasks, namespace.name)))
    return Plan(steps, left_out, hooks_condition(left_out))


def is_task(pair: Pair) -> bool:
    """Whether a pair gives a task of the Sync phase."""
    manifest = pair.manifest
    return not (is_hook(manifest) or is_skipped(manifest))


def is_pending_hook(target: Manifest) -> bool:
    """Whether the target is a hook that runs during a sync."""
    return is_hook(target) and not is_garbage_hook(target) and not is_deletion_hook(target)


def is_selected(operation: Operation, key: ResourceKey) -> bool:
    """Whether the operation concerns the object: all do, unless it is selective (§6.9)."""
    return not operation.resources or any(_names(selected, key) for selected in operation.resources)


def _names(selected: SelectedResource, key: ResourceKey) -> bool:
    return (
        selected.name == key.name
        and selected.kind == key.kind
        and selected.group == key.group
        and selected.namespace in ("", key.namespace)
    )


def _namespace_task(
    pairs: tuple[Pair, ...], options: OperationOptions, wish: NamespaceWish
) -> Iterator[Task]:
    if not (options.create_namespace and wish.name) or _declares_namespace(pairs, wish.name):
        return
    if wish.live is not None and wish.metadata is None:
        return
    manifest = _namespace_manifest(wish)
    yield Task(
        phase=SyncPhase.PRE_SYNC,
        wave=0,
        manifest=manifest,
        live=wish.live,
        options=SyncOptions.of(manifest, wish.live, options),
        creates_namespace=True,
    )


def _declares_namespace(pairs: tuple[Pair, ...], name: str) -> bool:
    return any(
        pair.target is not None
        and not is_hook(pair.target)
        and pair.target.key == ResourceKey(NAMESPACE.group, NAMESPACE.kind, "", name)
        for pair in pairs
    )


def _namespace_manifest(wish: NamespaceWish) -> Manifest:
    metadata: Tree = {"name": wish.name}
    if wish.metadata is not None:
        if wish.metadata.get("labels"):
            metadata["labels"] = dict(wish.metadata["labels"])
        metadata["annotations"] = {
            **(wish.metadata.get("annotations") or {}),
            SYNC_OPTIONS_ANNOTATION: "ServerSideApply=true",
        }
    return Manifest(
        {"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.kind, "metadata": metadata}
    )


def _steps(tasks: tuple[Task, ...]) -> Iterator[Step]:
    for (phase, wave), members in groupby(tasks, key=lambda task: (task.phase, task.wave)):
        step = tuple(members)
        applies = [task for task in step if not task.is_prune]
        yield Step(
            phase=phase,
            wave=wave,
            prunes=tuple(task for task in step if task.is_prune),
            groups=tuple(
                tuple(group) for _, group in groupby(applies, key=lambda task: task.manifest.kind)
            ),
        )


def _left_out(hooks: list[Manifest], operation: Operation) -> tuple[ResourceKey, ...]:
    """Argo CD itself skips hooks in a selective sync and with strategy `apply`."""
    if operation.is_selective or not operation.uses_hooks:
        return ()
    return tuple(sorted({hook.key for hook in hooks}))


def hooks_condition(hooks: Iterable[ResourceKey]) -> tuple[Condition, ...]:
    """Return the warning that names hooks which this version does not run; none for no hooks."""
    keys = sorted(set(hooks))
    if not keys:
        return ()
    names = ", ".join(str(key) for key in keys[:3])
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    message = f"Hooks are not run by this version of Holdfast, they were left out: {names}{more}"
    return (Condition(ConditionType.NOT_BUILT, message),)
