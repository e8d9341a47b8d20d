"""`Run`: one operation on its way, and the form of it in `status.operationState`.

Everything that a pass needs to go on after a crash is in the status: phase, start, retries and
one row for each object that was touched (controller.md §6.11, §6.12).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from holdfast.domain.application import Application
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Tree
from holdfast.domain.operation import Operation, Phase
from holdfast.planning.times import find_time, format_time


class ResultStatus(StrEnum):
    """`syncResult.resources[].status`."""

    SYNCED = "Synced"
    SYNC_FAILED = "SyncFailed"
    PRUNED = "Pruned"
    PRUNE_SKIPPED = "PruneSkipped"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What became of one object."""

    key: ResourceKey
    version: str
    status: ResultStatus
    message: str
    phase: Phase
    sync_phase: str = "Sync"

    def to_tree(self) -> Tree:
        """Return the row as status holds it."""
        return {
            "group": self.key.group,
            "version": self.version,
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "status": self.status.value,
            "message": self.message,
            "hookPhase": self.phase.value,
            "syncPhase": self.sync_phase,
        }

    def with_phase(self, phase: Phase, message: str = "") -> "ResultRow":
        """Return the row in another phase."""
        return replace(self, phase=phase, message=message or self.message)


@dataclass(slots=True)
class Run:
    """One operation on its way.

    Attributes:
        revisions: Resolved revisions; empty before the first pass has resolved them.
        sources: Sources used, as written.
        rows: Results by object, in the order of first recording.
        has_result: Whether a syncResult exists (it does once sources are known).
    """

    operation: Operation
    phase: Phase
    message: str
    started_at: datetime
    finished_at: datetime | None = None
    retry_count: int = 0
    revisions: tuple[str, ...] = ()
    sources: tuple[Tree, ...] = ()
    is_multi_source: bool = False
    has_result: bool = False
    namespace_metadata: Tree | None = None
    rows: dict[tuple[ResourceKey, str], ResultRow] = field(default_factory=dict)

    def record(self, row: ResultRow) -> None:
        """Put a row in its place, keeping the order of first recording."""
        self.rows[(row.key, row.sync_phase)] = row

    @property
    def revision_text(self) -> str:
        """The revision for messages."""
        return ", ".join(self.revisions)

    def to_tree(self) -> Tree:
        """Return `status.operationState`."""
        tree: Tree = {
            "operation": self.operation.tree,
            "phase": self.phase.value,
            "message": self.message,
            "startedAt": format_time(self.started_at),
        }
        if self.finished_at is not None:
            tree["finishedAt"] = format_time(self.finished_at)
        if self.retry_count:
            tree["retryCount"] = self.retry_count
        if self.has_result:
            tree["syncResult"] = self._result()
        return tree

    def _result(self) -> Tree:
        result: Tree = {}
        if self.is_multi_source:
            result["revision"] = ""
            result["revisions"] = list(self.revisions)
            result["source"] = {"repoURL": ""}
            result["sources"] = list(self.sources)
        else:
            result["revision"] = self.revisions[0] if self.revisions else ""
            result["source"] = self.sources[0] if self.sources else {"repoURL": ""}
        if self.rows:
            result["resources"] = [row.to_tree() for row in self.rows.values()]
        if self.namespace_metadata is not None:
            result["managedNamespaceMetadata"] = self.namespace_metadata
        return result


def start_run(operation: Operation, now: datetime) -> Run:
    """Return the run of a new operation."""
    return Run(operation, Phase.RUNNING, "", now)


def restore_run(app: Application, now: datetime) -> Run | None:
    """Return the run that stands in the Application, None when there is nothing to do.

    A finished state beside a requested operation is an old one: the request starts anew.
    """
    state = app.operation_state
    phase = find_phase(state.get("phase")) if state else None
    if app.operation is not None and (state is None or phase is None or phase.is_completed):
        return start_run(app.operation, now)
    if state is None or phase is None or phase.is_completed:
        return None
    tree = state.get("operation")
    operation = app.operation or Operation.parse(tree if isinstance(tree, dict) else {})
    result = state.get("syncResult")
    run = Run(
        operation=operation,
        phase=phase,
        message=str(state.get("message") or ""),
        started_at=find_time(state.get("startedAt")) or now,
        finished_at=find_time(state.get("finishedAt")),
        retry_count=int(state.get("retryCount") or 0),
    )
    if isinstance(result, dict):
        _restore_result(run, result)
    return run


def find_phase(value: object) -> Phase | None:
    """Return the phase a text names, or None."""
    return next((phase for phase in Phase if phase.value == value), None)


def _restore_result(run: Run, result: Tree) -> None:
    run.has_result = True
    several = result.get("revisions")
    run.is_multi_source = bool(several)
    run.revisions = tuple(several) if several else (str(result.get("revision") or ""),)
    run.sources = tuple(result.get("sources") or ()) or (result.get("source") or {},)
    metadata = result.get("managedNamespaceMetadata")
    run.namespace_metadata = metadata if isinstance(metadata, dict) else None
    if run.revisions == ("",):
        run.revisions = ()
    for item in result.get("resources") or ():
        status = next((one for one in ResultStatus if one.value == item.get("status")), None)
        if status is None:
            continue  # a row of somebody else's making: the object is looked at anew
        key = ResourceKey(
            str(item.get("group") or ""),
            str(item.get("kind") or ""),
            str(item.get("namespace") or ""),
            str(item.get("name") or ""),
        )
        run.record(
            ResultRow(
                key=key,
                version=str(item.get("version") or ""),
                status=status,
                message=str(item.get("message") or ""),
                phase=find_phase(item.get("hookPhase")) or Phase.RUNNING,
                sync_phase=str(item.get("syncPhase") or "Sync"),
            )
        )
