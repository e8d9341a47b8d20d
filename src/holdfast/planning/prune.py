"""What happens to one object that git no longer declares (controller.md §6.7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.domain.application import DELETION_APPROVED_ANNOTATION, Application
from holdfast.domain.operation import Operation
from holdfast.planning.options import Removal
from holdfast.planning.tasks import Task
from holdfast.planning.times import find_time


@dataclass(frozen=True, slots=True)
class PruneChoice:
    """What to do, and the row of the operation's result.

    Attributes:
        deletes: Whether the object is to be deleted now.
        status: `Pruned` or `PruneSkipped`; the latter counts as success.
        message: Argo CD's words.
    """

    deletes: bool
    status: str
    message: str


def choose_prune(task: Task, operation: Operation) -> PruneChoice:
    """Return what becomes of a prune task; the object's annotation beats the operation."""
    if not operation.prune:
        return PruneChoice(False, "PruneSkipped", "ignored (requires pruning)")
    if task.options.prune is Removal.NEVER:
        return PruneChoice(False, "PruneSkipped", "ignored (no prune)")
    if operation.dry_run:
        return PruneChoice(False, "Pruned", "pruned (dry run)")
    is_going = task.live is not None and task.live.is_terminating
    return PruneChoice(not is_going, "Pruned", "pruned")


def unconfirmed_prunes(
    tasks: Iterable[Task], operation: Operation, app: Application, started_at: datetime
) -> tuple[Task, ...]:
    """Return the prunes of a step that wait for a person; any of them holds the whole step.

    Approval is the annotation `argocd.argoproj.io/deletion-approved` with a time that is not
    before the start of the operation. An operation that deletes nothing has nothing to confirm.
    """
    if not operation.prune or operation.dry_run or is_approved(app, started_at):
        return ()
    return tuple(task for task in tasks if task.is_prune and task.options.prune is Removal.CONFIRM)


def is_approved(app: Application, since: datetime) -> bool:
    """Whether removal was approved at or after a moment."""
    approved = find_time(app.manifest.annotation(DELETION_APPROVED_ANNOTATION))
    return approved is not None and approved >= since
