"""Write `status` (and end operations), as seldom and as small as possible.

Every write is a merge patch of what differs from the status as it was last read or written; no
difference, no request. Status after heals is written at most once a second for each Application
and ranks below heals (DESIGN §4.3).
"""

import logging
from collections.abc import Mapping

from holdfast.config.settings import ControllerSettings
from holdfast.controller.run_state import ResultRow, ResultStatus, Run, start_run
from holdfast.controller.state import AppState, HealedObject, Registry
from holdfast.domain.application import (
    APPLICATION,
    IN_CLUSTER_SERVER,
    REFRESH_ANNOTATION,
    REFRESH_TIMESTAMP_ANNOTATION,
    Application,
)
from holdfast.domain.divergence import DIFFERS_ANNOTATION
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.events import AppEvent, EventRecorder, Listener, Reason, SyncEnded
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.operation import Operation, Phase
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, Metrics, SystemWriter
from holdfast.planning.history import Deployment, extend_history, is_recorded

log = logging.getLogger(__name__)

_GONE = "HF2003"
_CONFLICT = "HF2004"
_INVALID = "HF2005"  # the `test` failed: a newer request has come, and has an event of its own
_TOO_LARGE = 413
_NAMED = 10  # objects that a line of the log names


class StatusWriter:
    """Writes what the controller found out about Applications."""

    def __init__(
        self,
        registry: Registry,
        system: SystemWriter,
        clock: Clock,
        settings: ControllerSettings,
        recorder: EventRecorder,
        metrics: Metrics,
    ) -> None:
        """Keep the ports; `listeners` are told of every operation that ended."""
        self.listeners: tuple[Listener, ...] = ()
        self._registry = registry
        self._system = system
        self._clock = clock
        self._settings = settings
        self._recorder = recorder
        self._metrics = metrics

    async def write_status(self, state: AppState, status: Tree) -> None:
        """Write the status fields that differ; `status` holds whole new top-level fields.

        What is behind git and what drifted goes in the same request.
        """
        if self._settings.observe:
            wanted = _merged(state.application.status, status)
            if difference(state.application.status, wanted):
                _keep(state, wanted)
            return
        patch = _patch_of(state, status)
        if patch:
            await self._patch(state, patch, SystemWrite.APPLICATION_STATUS)

    async def start_operation(self, state: AppState, status: Tree, operation: Tree) -> bool:
        """Put the operation of automatic sync on the Application, its first state and a status.

        All of it is one request: each takes the API server longer than three of the applies.

        Returns:
            False when the Application moved meanwhile: then the status alone is written, and who
            asked must look again.

        Raises:
            ClusterError: it is worth trying again.
        """
        app = state.application
        run = start_run(Operation.parse(operation), self._clock.now())
        patch = _patch_of(state, {**status, "operationState": run.to_tree()})
        patch["operation"] = operation
        patch.setdefault("metadata", {})["resourceVersion"] = app.manifest.resource_version
        try:
            answer = await self._system.merge_patch(
                APPLICATION,
                app.key.namespace,
                app.key.name,
                patch,
                SystemWrite.APPLICATION_OPERATION,
            )
        except ClusterError as error:
            if error.code != _CONFLICT:
                raise
            await self.write_status(state, status)
            return False
        self._accept(answer)
        return True

    async def write_run(self, state: AppState, run: Run) -> None:
        """Write `status.operationState` where it differs."""
        await self.write_status(state, {"operationState": run.to_tree()})

    async def complete_run(
        self, state: AppState, run: Run, seen: Tree | None = None, changes: tuple[str, ...] = ()
    ) -> None:
        """End an operation: its state, `operation: null` and the history in one patch (§6.12).

        Args:
            state: The Application.
            run: The operation.
            seen: What else status says now, or None: a round follows and writes it.
            changes: Events that go with `seen`.
        """
        app = state.application
        status: Tree = {**(seen or {}), "operationState": run.to_tree()}
        if is_recorded(run.operation, run.phase):
            who = run.operation.tree.get("initiatedBy")
            deployment = Deployment(
                revisions=run.revisions,
                sources=run.sources,
                is_multi_source=run.is_multi_source,
                started_at=run.started_at,
                deployed_at=self._clock.now(),
                initiated_by=who if isinstance(who, dict) and who else None,
            )
            status["history"] = extend_history(app, deployment)
        patch: Tree = {**_patch_of(state, status), "operation": None}
        await self._patch(state, patch, SystemWrite.APPLICATION_STATUS)
        self._tell_completed(state, run)
        for text in changes:
            self.tell(state, Reason.RESOURCE_UPDATED, text)
        self._tell_listeners(state, run)
        if run.phase is Phase.SUCCEEDED and not run.operation.is_selective:
            state.heal_attempts = 0

    async def write_heals(self, state: AppState) -> bool:
        """Write the heals of the last second as Argo CD would show a self-heal.

        Returns False when an operation is in the way and it has to be tried again.
        """
        app = state.application
        if not state.healed:
            return True
        phase = (app.operation_state or {}).get("phase")
        if app.operation is not None or phase in (Phase.RUNNING, Phase.TERMINATING):
            return False
        healed = list(state.healed)
        if phase not in (Phase.FAILED, Phase.ERROR):
            # Else: that this revision did not work must stay to be seen (§7.2, 6a).
            run = _heal_run(state, healed)
            await self.write_run(state, run)
            self._count(state, run)
        del state.healed[: len(healed)]  # only now: a write that fails is tried again
        return True

    async def remove_refresh_annotation(self, app: Application) -> None:
        """Answer a refresh request; a newer one that arrived meanwhile is not lost (§7.5)."""
        if self._settings.observe:
            return
        annotations = app.manifest.annotations
        patch: list[Tree] = []
        for key in (REFRESH_TIMESTAMP_ANNOTATION, REFRESH_ANNOTATION):
            if key not in annotations:
                continue
            path = "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")
            patch.append({"op": "test", "path": path, "value": annotations[key]})
            patch.append({"op": "remove", "path": path})
        if not patch:
            return
        try:
            answer = await self._system.json_patch(
                APPLICATION,
                app.key.namespace,
                app.key.name,
                patch,
                SystemWrite.APPLICATION_METADATA,
            )
        except ClusterError as error:
            if error.code not in (_GONE, _INVALID):
                raise  # the round is tried again: whoever asked waits until the annotation goes
            log.info("refresh annotation stays app=%s code=%s %s", app.key, error.code, error)
            return
        self._accept(answer)

    def tell(self, state: AppState, reason: Reason, message: str, *, warning: bool = False) -> None:
        """Record a Kubernetes Event on the Application."""
        app = state.application
        self._recorder.record(
            AppEvent(
                app=app.key,
                uid=app.manifest.uid,
                reason=reason,
                message=message,
                warning=warning,
                resource_version=app.manifest.resource_version,
                dest_server=app.destination.server or IN_CLUSTER_SERVER,
                dest_namespace=app.destination.namespace,
            )
        )

    # --- inside -------------------------------------------------------------------------------

    async def _patch(self, state: AppState, patch: Tree, write: SystemWrite) -> None:
        """Send a merge patch.

        Raises:
            ClusterError: it is worth trying again; the queue does, with patience.
        """
        if self._settings.observe:
            return
        key = state.key
        try:
            answer = await self._system.merge_patch(
                APPLICATION, key.namespace, key.name, patch, write
            )
        except ClusterError as error:
            if error.code == _GONE:
                return
            log.warning("status not written app=%s code=%s %s", key, error.code, error)
            if error.status == _TOO_LARGE:
                await self._say_too_large(state)
            elif error.retry is not Retry.NEVER:
                raise
            return
        self._accept(answer)

    def _accept(self, answer: Manifest) -> None:
        """Take the answer as the newest form, before its event arrives."""
        app = Application.parse(answer)
        known = self._registry.apps.get(app.key)
        if known is None or known.application.manifest.uid != answer.uid:
            return
        if known.application.manifest.version_number < answer.version_number:
            known.application = app

    async def _say_too_large(self, state: AppState) -> None:
        condition = {
            "type": "UnknownError",
            "message": "Application status exceeds the Kubernetes resource size limit and could "
            "not be persisted. The displayed status may be stale. Reduce the number of managed "
            "resources, set ApplyOutOfSyncOnly=true, lower spec.revisionHistoryLimit, or split "
            "the Application.",
        }
        patch = {"status": {"conditions": [condition]}}
        try:
            await self._system.merge_patch(
                APPLICATION,
                state.key.namespace,
                state.key.name,
                patch,
                SystemWrite.APPLICATION_STATUS,
            )
        except ClusterError as error:
            log.warning("status not written app=%s code=%s %s", state.key, error.code, error)

    def _tell_completed(self, state: AppState, run: Run) -> None:
        partial = "Partial sync" if run.operation.is_selective else "Sync"
        target = f" to {run.revision_text}" if run.has_result else ""
        if run.phase is Phase.SUCCEEDED:
            text = f"{partial} operation{target} succeeded"
        else:
            text = f"{partial} operation{target} failed: {run.message}"
        self.tell(state, Reason.OPERATION_COMPLETED, text, warning=run.phase is not Phase.SUCCEEDED)
        self._count(state, run)

    def _tell_listeners(self, state: AppState, run: Run) -> None:
        ended = SyncEnded(
            app=state.key,
            revisions=run.revisions,
            phase=run.phase.value,
            message=run.message,
            started_at=run.started_at,
            finished_at=run.finished_at or self._clock.now(),
            initiated_by=run.operation.username,
            is_selective=run.operation.is_selective,
        )
        for listener in self.listeners:
            listener.take(ended)

    def _count(self, state: AppState, run: Run) -> None:
        app = state.application
        labels = {
            "namespace": app.key.namespace,
            "name": app.key.name,
            "project": app.project,
            "dest_server": app.destination.server or IN_CLUSTER_SERVER,
        }
        self._metrics.increment(
            "argocd_app_sync_total",
            phase=run.phase.value,
            dry_run=str(run.operation.dry_run).lower(),
            **labels,
        )
        if run.finished_at is not None:
            seconds = (run.finished_at - run.started_at).total_seconds()
            self._metrics.increment("argocd_app_sync_duration_seconds_total", seconds, **labels)


def _merged(current: Mapping[str, JSON], status: Tree) -> Tree:
    wanted = {**current, **status}
    return {key: value for key, value in wanted.items() if value is not None}


def _patch_of(state: AppState, status: Tree) -> Tree:
    """Return the merge patch of a status, and of what it says beside itself; `{}`: it is there."""
    current = state.application.status
    changed = difference(current, _merged(current, status))
    patch: Tree = {"status": changed} if changed else {}
    known = state.application.manifest.annotation(DIFFERS_ANNOTATION)
    differs = state.divergences.annotation() if state.divergences is not None else known
    if differs != known:
        patch["metadata"] = {"annotations": {DIFFERS_ANNOTATION: differs}}
    return patch


def _keep(state: AppState, status: Tree) -> None:
    """With `--observe`: keep the status in memory, and say in the log what it comes to."""
    app = state.application
    whole = Manifest({**app.manifest.tree, "status": status})
    state.application = Application.parse(whole)
    text = _summary(status)
    if text != state.observed:
        state.observed = text
        log.info("observed app=%s %s", app.key, text)


def _summary(status: Tree) -> str:
    differing = [
        f"{row.get('kind')}/{row.get('name')}"
        for row in status.get("resources") or ()
        if row.get("status") not in (None, "", SyncCode.SYNCED.value)
    ]
    text = (
        f"sync={(status.get('sync') or {}).get('status')} "
        f"health={(status.get('health') or {}).get('status')} "
        f"differs={','.join(differing[:_NAMED]) or '-'}"
    )
    if len(differing) > _NAMED:
        text += f" and {len(differing) - _NAMED} more"
    for condition in status.get("conditions") or ():
        text += f" {condition.get('type')}: {condition.get('message')}"
    return text


def difference(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Tree:
    """Return the merge patch (RFC 7386) that turns `old` into `new`."""
    patch: Tree = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if before == value and type(before) is type(value):
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            inner = difference(before, value)
            if inner:
                patch[key] = inner
        elif before != value or (before is None) != (value is None):
            patch[key] = value
    return patch


def _heal_run(state: AppState, healed: list[HealedObject]) -> Run:
    """Return the selective self-heal that Argo CD would show for these heals."""
    app = state.application
    last = app.operation_state or {}
    result = last.get("syncResult") if isinstance(last.get("syncResult"), dict) else {}
    result = result or {}
    newest: dict[ResourceKey, HealedObject] = {}
    for item in healed:
        selected = item.resource
        key = ResourceKey(selected.group, selected.kind, selected.namespace, selected.name)
        newest[key] = item
    sync: Tree = {
        "revision": result.get("revision") or "",
        "autoHealAttemptsCount": state.heal_attempts,
        "resources": [
            {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
            for key in sorted(newest)
        ],
    }
    for name in ("revisions", "source", "sources"):
        if result.get(name):
            sync[name] = result[name]
    if app.sync_policy.options:
        sync["syncOptions"] = list(app.sync_policy.options)
    operation = Operation.parse(
        {"sync": sync, "initiatedBy": {"automated": True}, "retry": {"limit": 5}}
    )
    several = tuple(result.get("revisions") or ())
    run = Run(
        operation=operation,
        phase=Phase.SUCCEEDED,
        message="successfully synced (all tasks run)",
        started_at=min(item.started for item in healed),
        finished_at=max(item.finished for item in healed),
        revisions=several or ((str(result["revision"]),) if result.get("revision") else ()),
        sources=tuple(result.get("sources") or ()) or (result.get("source") or {"repoURL": ""},),
        is_multi_source=bool(several),
        has_result=True,
        namespace_metadata=result.get("managedNamespaceMetadata"),
    )
    for key, item in sorted(newest.items()):
        run.record(ResultRow(key, item.version, ResultStatus.SYNCED, item.message, Phase.SUCCEEDED))
    return run
