"""Carry out the tasks of a plan: applies and prunes of single objects, under their locks.

Both kinds follow apply.md A2: the object's target is replaced (or, for a prune, forgotten) before
the request is sent and put back if it fails; events that come meanwhile are parked.
"""

import asyncio
import logging
from dataclasses import dataclass, replace

from holdfast.applying.write import MIGRATION_ANNOTATION, ObjectWriting, WriteOrder
from holdfast.controller.heal_lane import HealLane
from holdfast.controller.objects import Objects, find_last_apply
from holdfast.controller.permits import Permits
from holdfast.controller.remembered import Target
from holdfast.controller.run_state import ResultRow, ResultStatus, Run
from holdfast.controller.state import ObjectState, Registry
from holdfast.diffing.ignore import IgnoredPaths
from holdfast.diffing.strictness import removals
from holdfast.domain.application import Application
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.events import Closing
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import Phase
from holdfast.domain.plan import ApplyOptions, Authorized, Propagation, Purpose, Refused, Verb
from holdfast.domain.ports import ClusterWriter
from holdfast.planning.options import OperationOptions
from holdfast.planning.prune import choose_prune
from holdfast.planning.tasks import Task

log = logging.getLogger(__name__)

_GONE = "HF2003"


@dataclass(frozen=True, slots=True)
class TaskPorts:
    """What the runner works with."""

    writer: ClusterWriter
    writing: ObjectWriting
    permits: Permits
    objects: Objects
    lane: HealLane
    parallel: asyncio.Semaphore
    parallel_dry_runs: asyncio.Semaphore


class TaskRunner:
    """Runs single tasks for an Application."""

    def __init__(self, registry: Registry, ports: TaskPorts) -> None:
        """Keep the ports."""
        self._registry = registry
        self._ports = ports

    async def dry_run(self, app: Application, task: Task, target: Target | None) -> str:
        """Ask the server about an apply; return its refusal, or `""`."""
        if task.is_prune:
            return ""
        manifest = task.manifest if target is None else target.manifest
        async with self._ports.parallel_dry_runs:
            try:
                await self._ports.writer.dry_run(manifest)
            except ClusterError as error:
                return error.explain()
        return ""

    async def apply(self, app: Application, run: Run, task: Task, target: Target) -> ResultRow:
        """Apply one object and return its row."""
        state = self._registry.object(task.key)
        if not self._needs_write(state, task, target):
            return _row(task, ResultStatus.SYNCED, f"{_name(task)} unchanged", Phase.RUNNING)
        permit = self._ports.permits.permit(app, task.gvk, task.key, Purpose.SYNC)
        if isinstance(permit, Refused):
            return _row(task, ResultStatus.SYNC_FAILED, permit.message, Phase.FAILED)
        try:
            async with self._ports.parallel, state.lock:
                message = await self._apply_locked(app, run, task, target, permit)
        finally:
            self._ports.lane.settle(state)
        if message.startswith(_FAILED):
            text = message.removeprefix(_FAILED)
            return _row(task, ResultStatus.SYNC_FAILED, text, Phase.FAILED)
        return _row(task, ResultStatus.SYNCED, message, Phase.RUNNING)

    async def prune(self, app: Application, run: Run, task: Task) -> ResultRow:
        """Prune one object, or say why not."""
        choice = choose_prune(task, run.operation)
        status = ResultStatus(choice.status)
        if not choice.deletes:
            return _row(task, status, choice.message, Phase.SUCCEEDED)
        permit = self._ports.permits.permit(
            app, task.gvk, task.key, Purpose.PRUNE, verb=Verb.DELETE
        )
        if isinstance(permit, Refused):
            return _row(task, ResultStatus.SYNC_FAILED, permit.message, Phase.FAILED)
        options = OperationOptions.of(run.operation.options)
        state = self._registry.object(task.key)
        try:
            async with self._ports.parallel, state.lock:
                refused = await self._delete_locked(state, task, permit, options.propagation)
        finally:
            self._ports.lane.settle(state)  # what came while the lock was held
        if refused:
            return _row(task, ResultStatus.SYNC_FAILED, refused, Phase.FAILED)
        log.info("pruned object=%s app=%s", task.key, app.key)
        return _row(task, status, choice.message, Phase.SUCCEEDED)

    async def _delete_locked(
        self, state: ObjectState, task: Task, permit: Authorized, propagation: Propagation
    ) -> str:
        """Delete the object; return why not, or `""`."""
        # Before the request: the object's DELETED event must find nothing to heal.
        before = self._ports.objects.forget_target(state)
        try:
            await self._ports.writer.delete(
                task.gvk,
                permit,
                uid=task.live.uid if task.live is not None else None,
                propagation=propagation,
            )
        except ClusterError as error:
            if _is_refusal(error):  # else it may have happened: nothing may put it back
                state.applied = before
                state.is_dirty = True  # events that came meanwhile found nothing to heal
            return error.explain()
        finally:
            state.claimed_by_sync = False
        return ""

    def _needs_write(self, state: ObjectState, task: Task, target: Target) -> bool:
        if state.live is None or task.options.replace:
            return True
        if state.applied is not None and state.applied.hash != target.hash:
            return True
        if state.desired is not None and state.desired.hash == target.hash:
            judged = self._ports.objects.is_judged(state) and state.sync is SyncCode.SYNCED
            return not judged
        return state.find_echo(target) is None or task.is_modified

    async def _apply_locked(
        self, app: Application, run: Run, task: Task, target: Target, permit: Authorized
    ) -> str:
        state = self._registry.object(task.key)
        live = state.live.manifest if state.live is not None else None
        order = self._order(app, run, task, target, permit)
        before = state.applied
        state.app = state.app or app.key
        state.applied = target
        state.in_flight += 1
        try:
            answer = await self._write(order)
        except ClusterError as error:
            # Without a clear refusal the server may have done it: then neither manifest may be
            # put back by guess, until a comparison finds out what stands there.
            state.applied = before if _is_refusal(error) else None
            return f"{_FAILED}{error.explain()}"
        finally:
            state.in_flight -= 1
            state.claimed_by_sync = False
        self._ports.objects.applied(state, target, answer)
        self._ports.lane.close_episode(state, Closing.SYNCED)
        log.info("applied object=%s app=%s revision=%s", task.key, app.key, target.revision[:7])
        return f"{_name(task)} {_outcome(live, answer)}"

    async def _write(self, order: WriteOrder) -> Manifest:
        """Write; an object that went in the same moment is created, as the sync wants it."""
        try:
            return await self._ports.writing.write(order)
        except ClusterError as error:
            if order.live is None or error.code != _GONE:
                raise
        return await self._ports.writing.write(replace(order, live=None))

    def _order(
        self, app: Application, run: Run, task: Task, target: Target, permit: Authorized
    ) -> WriteOrder:
        state = self._registry.object(task.key)
        live = state.live.manifest if state.live is not None else None
        comparison = state.comparison
        options = OperationOptions.of(run.operation.options)
        is_new_manifest = state.applied is not None and state.applied.hash != target.hash
        before = state.echo.field_set if state.echo is not None and is_new_manifest else None
        return WriteOrder(
            target=target.manifest,
            ignored=target.ignored if options.respect_ignored else IgnoredPaths(),
            live=live,
            permit=permit,
            options=ApplyOptions(validate=task.options.validate),
            drifted=tuple(row.path for row in comparison.differences if row.path),
            take_over_first=comparison.is_renamed_element,
            removes=removals(comparison) if target.is_strict else (),
            follows="ClientSideApplyMigration=false" not in run.operation.options,
            previous_manager=app.manifest.annotation(MIGRATION_ANNOTATION) or "",
            applied_before=before,
            replaces=task.options.replace,
            recreates=task.options.force or run.operation.force,
            last=find_last_apply(state, target.manifest),
        )


_FAILED = "\0failed:"


def _is_refusal(error: ClusterError) -> bool:
    """Whether the server said no; a lost answer or a failing server says nothing.

    What has no typed form is refused for good although the status is 500 (apply.md A7).
    """
    return 400 <= error.status < 500 or error.retry is Retry.NEVER


def _row(task: Task, status: ResultStatus, message: str, phase: Phase) -> ResultRow:
    return ResultRow(task.key, task.gvk.version, status, message, phase, str(task.phase))


def _name(task: Task) -> str:
    kind = task.key.kind.lower()
    full = f"{kind}.{task.key.group}" if task.key.group else kind
    return f"{full}/{task.key.name}"


def _outcome(live: Manifest | None, answer: Manifest) -> str:
    if live is None or live.uid != answer.uid:
        return "created"
    return "unchanged" if live.resource_version == answer.resource_version else "configured"
