"""Entries of `status.history` (controller.md §8.2).

One is added for each operation that succeeded, was no dry run and named no single resources; also
when the revision was the same as before.
"""

from dataclasses import dataclass
from datetime import datetime

from holdfast.domain.application import Application
from holdfast.domain.manifest import Tree
from holdfast.domain.operation import Operation, Phase
from holdfast.planning.times import format_time


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was deployed, when and by whom.

    Attributes:
        revisions: Resolved revisions, one for each source.
        sources: The sources as written, those of the operation where it overrode them.
        is_multi_source: Whether the plural fields are written.
        started_at: When the operation began.
        deployed_at: When it succeeded.
        initiated_by: `initiatedBy` of the operation, or None.
    """

    revisions: tuple[str, ...]
    sources: tuple[Tree, ...]
    is_multi_source: bool
    started_at: datetime
    deployed_at: datetime
    initiated_by: Tree | None = None


def is_recorded(operation: Operation, phase: Phase) -> bool:
    """Whether an operation that ended this way gets an entry."""
    return phase is Phase.SUCCEEDED and not operation.dry_run and not operation.is_selective


def extend_history(app: Application, deployment: Deployment) -> list[Tree]:
    """Return the whole new `status.history`, cut from the front to the Application's limit."""
    entries = [dict(entry) for entry in app.history]
    entries.append(_entry(_next_id(app), deployment))
    return entries[-app.history_limit :] if app.history_limit > 0 else []


def _next_id(app: Application) -> int:
    last = app.history[-1].get("id") if app.history else None
    return last + 1 if isinstance(last, int) else 0


def _entry(number: int, deployment: Deployment) -> Tree:
    entry: Tree = {
        "id": number,
        "deployStartedAt": format_time(deployment.started_at),
        "deployedAt": format_time(deployment.deployed_at),
    }
    if deployment.is_multi_source:
        entry["revisions"] = list(deployment.revisions)
        entry["sources"] = list(deployment.sources)
    else:
        entry["revision"] = deployment.revisions[0] if deployment.revisions else ""
        entry["source"] = deployment.sources[0] if deployment.sources else {"repoURL": ""}
    if deployment.initiated_by is not None:
        entry["initiatedBy"] = deployment.initiated_by
    return entry
