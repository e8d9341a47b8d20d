"""May every task of a plan run at all? Asked before the first write (controller.md §6.4 step 2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import KindInfo
from holdfast.planning.authorize import WriteScope, find_refusal
from holdfast.planning.definitions import FindKind, FindPreferred, defined_kind, is_crd
from holdfast.planning.tasks import Task


@dataclass(frozen=True, slots=True)
class Invalid:
    """A task that must not run, and the message of its result row (`SyncFailed`)."""

    task: Task
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer for a whole plan.

    Attributes:
        invalid: Tasks that must not run; any of them fails the operation.
        without_dry_run: Objects of kinds that come with this very sync (or may be missing).
    """

    invalid: tuple[Invalid, ...]
    without_dry_run: frozenset[ResourceKey]

    @property
    def failure(self) -> str | None:
        """The message of the failed operation, or None."""
        if not self.invalid:
            return None
        messages = "; ".join(sorted({item.message for item in self.invalid}))
        return f"one or more synchronization tasks are not valid: {messages}"


def check_tasks(
    tasks: Iterable[Task], scope: WriteScope, find_kind: FindKind, find_preferred: FindPreferred
) -> Checked:
    """Return which tasks are not permitted or of a kind that the cluster does not serve."""
    tasks = tuple(tasks)
    coming = {
        defined_kind(task.manifest) for task in tasks if is_crd(task.manifest) and not task.is_prune
    }
    invalid: list[Invalid] = []
    without_dry_run: set[ResourceKey] = set()
    for task in tasks:
        kind = find_kind(task.gvk)
        if kind is None:
            if task.options.skip_dry_run_on_missing or task.key.group_kind in coming:
                without_dry_run.add(task.key)
            else:
                message = unknown_kind_message(task, find_preferred(task.key.group_kind))
                invalid.append(Invalid(task, message))
            continue
        refusal = find_refusal(scope, task.key, kind)
        if refusal is not None:
            invalid.append(Invalid(task, refusal))
    return Checked(tuple(invalid), frozenset(without_dry_run))


def unknown_kind_message(task: Task, served: KindInfo | None) -> str:
    """Return Argo CD's sentence for a kind, or a version of it, that is not served (§6.11)."""
    key, gvk = task.key, task.gvk
    kind = f"{gvk.group}/{gvk.kind}"
    where = f"{key.namespace}/{key.name}"
    if served is not None and served.gvk.version != gvk.version:
        return (
            f'The Kubernetes API could not find version "{gvk.version}" of {kind} for requested '
            f'resource {where}. Version "{served.gvk.version}" of {kind} is installed on the '
            "destination cluster."
        )
    return (
        f"The Kubernetes API could not find {kind} for requested resource {where}. "
        f'Make sure the "{gvk.kind}" CRD is installed on the destination cluster.'
    )
