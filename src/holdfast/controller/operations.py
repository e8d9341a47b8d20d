"""Operations: one requested sync, carried out in passes (controller.md §6.4, §6.10, §6.12).

A pass begins where the status says the last one ended, so that a restart in the middle of a sync
goes on instead of starting over. A pass ends when there is nothing to do but wait: for health of
a wave, for a deletion, for a confirmation, for the next retry.

    load ─▶ checks ─▶ dry run ─▶ wave ─▶ (wait) ─▶ wave … ─▶ finish
           └────── first pass only ─────┘

Nothing is pruned because something could not be read: an operation whose manifests cannot be
loaded is an Error and touches nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from holdfast.config.settings import ControllerSettings
from holdfast.controller.comparing import Comparing
from holdfast.controller.desired import DesiredStates, Wanted
from holdfast.controller.held_operations import HeldOperations, disclaim
from holdfast.controller.namespaces import NamespaceKeeper
from holdfast.controller.permits import Permits
from holdfast.controller.remembered import Target
from holdfast.controller.run_state import ResultRow, ResultStatus, Run, restore_run
from holdfast.controller.state import AppState, Desired, ObjectState, Registry
from holdfast.controller.status_writer import StatusWriter
from holdfast.controller.sync_lane import Glance
from holdfast.controller.tasks_runner import TaskRunner
from holdfast.controller.watches import Watches
from holdfast.domain.application import Application
from holdfast.domain.condition import ConditionType
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import HoldfastError
from holdfast.domain.health import HealthCode
from holdfast.domain.identity import ResourceKey
from holdfast.domain.operation import Phase
from holdfast.domain.ports import Clock, Kinds
from holdfast.domain.source import Source
from holdfast.planning.checks import check_tasks
from holdfast.planning.options import OperationOptions
from holdfast.planning.prune import unconfirmed_prunes
from holdfast.planning.retry import Attempt, TryAgain, decide_retry, next_attempt_at, retry_message
from holdfast.planning.sync import NamespaceWish, Plan, Step, plan_sync
from holdfast.planning.tasks import Pair, Task
from holdfast.planning.tracking import is_self_referencing

log = logging.getLogger(__name__)


class Ended(Exception):  # noqa: N818 - not an error: the way out of nested steps
    """The pass has come to the end of the operation."""

    def __init__(self, phase: Phase, message: str) -> None:
        """Keep how the operation ends."""
        super().__init__(message)
        self.phase = phase
        self.message = message


@dataclass(frozen=True, slots=True)
class OperationParts:
    """The collaborators of the operation engine.

    Attributes:
        glance: What status says at the end of an operation, as far as it is known.
    """

    registry: Registry
    desired: DesiredStates
    comparing: Comparing
    watches: Watches
    runner: TaskRunner
    permits: Permits
    namespaces: NamespaceKeeper
    kinds: Kinds
    status: StatusWriter
    clock: Clock
    settings: ControllerSettings
    glance: Callable[[AppState], Glance | None]


class Operations:
    """Runs the operations of Applications, one pass at a time."""

    def __init__(self, parts: OperationParts) -> None:
        """Keep the collaborators."""
        self._parts = parts
        self._held = HeldOperations(parts.registry, parts.status, parts.clock)

    async def step(self, state: AppState) -> float | None:
        """Run one pass.

        Returns:
            Seconds after which to look again at the latest; None when no operation is left.
        """
        now = self._parts.clock.now()
        run = restore_run(state.application, now)
        if run is None:
            return None
        held_s = await self._held.wait(state, run)
        if held_s is not None:
            return held_s
        waiting = await self._wait_for_retry(state, run)
        pause_s = state.next_wave_at - self._parts.clock.monotonic()
        if waiting is None and pause_s > 0 and run.phase is Phase.RUNNING:
            waiting = pause_s
        if waiting is not None:
            return waiting
        if not run.has_result and run.phase is Phase.RUNNING:
            await self._parts.status.write_run(state, run)
        try:
            pause = await self._advance(state, run)
        except Ended as end:
            _heed_termination(state, run)
            return await self._finish(state, run, end.phase, end.message)
        except HoldfastError as error:
            message = f"ComparisonError: Failed to load target state: {error.explain()}"
            return await self._finish(state, run, Phase.ERROR, message)
        if _heed_termination(state, run):
            pause = 0.0
        elif self._timed_out(run):
            run.phase = Phase.TERMINATING
            run.message = "operation is terminating due to timeout"
            pause = 0.0
        await self._parts.status.write_run(state, run)
        return pause

    # --- the course of a pass -----------------------------------------------------------------

    async def _advance(self, state: AppState, run: Run) -> float:
        app = state.application
        if run.phase is Phase.TERMINATING:
            raise Ended(Phase.FAILED, "Operation terminated")
        if not run.operation.has_sync:
            raise Ended(Phase.ERROR, "Invalid operation request: no operation specified")
        desired = await self._load(state, run)
        states = await self._prepare(state, desired)
        plan = self._plan(state, run, desired, states)
        if not run.rows:
            await self._check_first(state, run, plan, desired)
        return await self._run_steps(state, run, plan, desired, app)

    async def _load(self, state: AppState, run: Run) -> Desired:
        """Return what this operation applies, pinned to the revisions of its first pass."""
        app, operation = state.application, run.operation
        if app.project not in self._parts.registry.projects:
            raise Ended(
                Phase.ERROR,
                "Failed to load application project: "
                f"Application referencing project {app.project} which does not exist",
            )
        _refuse_invalid(state)
        sources = _sources_of(app, run)
        asked = (
            run.revisions
            or operation.revisions
            or ((operation.revision,) if operation.revision else ())
        )
        wanted = Wanted(
            sources=sources,
            revisions=asked,
            force=not run.revisions,
            manifests=operation.manifests,
            lenient=not OperationOptions.of(operation.options).validate,
        )
        desired = await self._parts.desired.load(app, wanted, state.desired)
        run.revisions = desired.revisions
        run.sources = tuple(source.tree for source in sources)
        run.is_multi_source = bool(operation.sources) or (
            app.is_multi_source and operation.source is None
        )
        run.has_result = True
        broken = [item for item in desired.conditions if item.type.is_error]
        if broken:
            text = ";".join(f"{item.type}: {item.message}" for item in broken)
            raise Ended(Phase.ERROR, text)
        return desired

    async def _prepare(self, state: AppState, desired: Desired) -> list[ObjectState]:
        """Make sure that every object of the operation is watched and judged."""
        await self._parts.watches.ensure(desired)
        states = await self._parts.watches.adopt(state, desired)
        await self._parts.comparing.judge([found for found in states if found.desired is not None])
        return states

    def _plan(self, state: AppState, run: Run, desired: Desired, states: list[ObjectState]) -> Plan:
        app, metadata = state.application, state.application.sync_policy.managed_namespace_metadata
        pairs = [_pair(found, desired.manifests.get(found.key), self._parts) for found in states]
        namespace = app.destination.namespace
        wish = NamespaceWish(
            name=namespace,
            live=self._parts.namespaces.find(namespace),
            metadata=metadata,
        )
        hooks = [Pair(hook, None) for hook in desired.hooks]
        known = [pair for pair in pairs if pair is not None]
        return plan_sync([*known, *hooks], run.operation, wish)

    async def _check_first(self, state: AppState, run: Run, plan: Plan, desired: Desired) -> None:
        """Refuse the whole operation before the first write if a part of it cannot work."""
        app, options = state.application, OperationOptions.of(run.operation.options)
        shared = [c for c in state.conditions if c.type is ConditionType.SHARED_RESOURCE]
        if options.fail_on_shared and shared:
            raise Ended(Phase.FAILED, f"Shared resource found: {shared[0].message}")
        scope = self._parts.permits.find_scope(app)
        assert scope is not None  # noqa: S101 - _load ended the pass when there is no project
        checked = check_tasks(
            [task for task in plan.tasks if not task.creates_namespace],
            scope,
            self._parts.kinds.find,
            self._parts.kinds.find_preferred,
        )
        for invalid in checked.invalid:
            run.record(_failed_row(invalid.task, invalid.message))
        if checked.failure is not None:
            raise Ended(Phase.FAILED, checked.failure)
        for task in plan.tasks:
            if task.creates_namespace and task.live is None and not run.operation.dry_run:
                refusal = await self._parts.namespaces.ensure(app, task.manifest)
                if refusal:
                    raise Ended(Phase.FAILED, f"the namespace failed to apply: {refusal}")
                run.record(_namespace_row(task))
        await self._dry_run(app, run, plan, desired, checked.without_dry_run)

    async def _dry_run(
        self,
        app: Application,
        run: Run,
        plan: Plan,
        desired: Desired,
        exempt: frozenset[ResourceKey],
    ) -> None:
        if _is_all_new(plan) and not run.operation.dry_run:
            return  # decision 0014
        tasks = [
            task
            for task in plan.tasks
            if not task.is_prune
            and not task.creates_namespace
            and task.key not in exempt
            and task.is_modified
            and not _may_recreate(task, run)
            and self._can_ask(task, plan)
        ]
        is_small = not plan.is_multi_step and len(tasks) < len(plan.tasks) == 1
        if is_small and not run.operation.dry_run:
            return
        async with asyncio.TaskGroup() as group:
            asked = [
                (
                    task,
                    group.create_task(
                        self._parts.runner.dry_run(app, task, desired.manifests.get(task.key))
                    ),
                )
                for task in tasks
            ]
        refused = [(task, answer.result()) for task, answer in asked if answer.result()]
        for task, message in refused:
            run.record(_failed_row(task, message))
        if refused:
            raise Ended(
                Phase.FAILED,
                "one or more objects failed to apply (dry run), reason: "
                + ",".join(sorted({message for _, message in refused})),
            )
        if run.operation.dry_run:
            for task in plan.tasks:
                run.record(_dry_row(task))
            raise Ended(Phase.SUCCEEDED, "successfully synced (all tasks run)")

    def _can_ask(self, task: Task, plan: Plan) -> bool:
        """Objects in a namespace that comes with this very sync cannot be asked about."""
        namespaces = self._parts.registry.namespaces
        if not task.key.namespace or namespaces is None:
            return True
        if task.key.namespace in namespaces:
            return True
        coming = {t.key.name for t in plan.tasks if t.key.kind == "Namespace" and not t.is_prune}
        return task.key.namespace not in coming

    # --- waves --------------------------------------------------------------------------------

    async def _run_steps(
        self, state: AppState, run: Run, plan: Plan, desired: Desired, app: Application
    ) -> float:
        if run.operation.dry_run:
            raise Ended(Phase.SUCCEEDED, "successfully synced (all tasks run)")
        self._claim(plan, run)
        steps = [step for step in plan.steps if _pending(step, run)]
        self._update_rows(app, run)
        _fail_on(run)
        waiting = self._waiting(run)
        if waiting and steps:
            run.message = waiting
            return self._parts.settings.sync.recheck_s
        if not steps:
            self._release(plan)
            raise Ended(Phase.SUCCEEDED, "successfully synced (no more tasks)")
        step = steps[0]
        unconfirmed = unconfirmed_prunes(step.prunes, run.operation, app, run.started_at)
        if unconfirmed:
            names = _listed("pruning confirmation of", [task.key for task in unconfirmed])
            run.message = names
            return self._parts.settings.sync.recheck_s
        await self._run_step(app, run, step, desired)
        _fail_on(run)  # by what was refused; the last wave is not gated on health (appendix B 4)
        if len(steps) == 1:
            self._release(plan)
            raise Ended(Phase.SUCCEEDED, "successfully synced (all tasks run)")
        run.message = "one or more tasks are running"
        log.info(
            "wave done app=%s phase=%s wave=%d objects=%d",
            app.key,
            step.phase,
            step.wave,
            len(step.tasks),
        )
        delay_s = self._parts.settings.sync.wave_delay_s
        state.next_wave_at = self._parts.clock.monotonic() + delay_s
        return delay_s

    async def _run_step(self, app: Application, run: Run, step: Step, desired: Desired) -> None:
        runner = self._parts.runner
        async with asyncio.TaskGroup() as group:
            prunes = [group.create_task(runner.prune(app, run, task)) for task in step.prunes]
        for done in prunes:
            run.record(done.result())
        if any(done.result().phase is Phase.FAILED for done in prunes):
            return  # nothing of this wave is applied then (controller.md §6.3)
        for members in step.groups:
            async with asyncio.TaskGroup() as group:
                applies = [
                    group.create_task(self._apply(app, run, task, desired)) for task in members
                ]
            for applied in applies:
                run.record(applied.result())

    async def _apply(self, app: Application, run: Run, task: Task, desired: Desired) -> ResultRow:
        if task.creates_namespace:
            refusal = await self._parts.namespaces.ensure(app, task.manifest)
            if refusal:
                return _failed_row(task, refusal)
            return _namespace_row(task)
        target = desired.manifests.get(task.key)
        assert target is not None  # noqa: S101 - tasks that apply come from desired.manifests
        row = await self._parts.runner.apply(app, run, task, target)
        if row.status is ResultStatus.SYNCED and task.key.kind == "CustomResourceDefinition":
            await self._parts.watches.learn_kinds(target)
        return row

    def _claim(self, plan: Plan, run: Run) -> None:
        """What the operation still has to touch is left to it by the heal lane."""
        for task in plan.tasks:
            if not task.creates_namespace and (task.key, str(task.phase)) not in run.rows:
                self._parts.registry.object(task.key).claimed_by_sync = True

    def _release(self, plan: Plan) -> None:
        for task in plan.tasks:
            found = self._parts.registry.objects.get(task.key)
            if found is not None:
                found.claimed_by_sync = False

    def _update_rows(self, app: Application, run: Run) -> None:
        """Give running rows the outcome that their object's health tells."""
        for row in list(run.rows.values()):
            if row.phase is not Phase.RUNNING:
                continue
            found = self._parts.registry.objects.get(row.key)
            live = found.live if found is not None else None
            if live is None:
                if not app.self_heals:  # else the heal lane puts it back
                    run.record(_missing(row))
                continue
            if live.health is None or live.health.code is HealthCode.HEALTHY:
                run.record(row.with_phase(Phase.SUCCEEDED))
            elif live.health.code is HealthCode.DEGRADED:
                run.record(row.with_phase(Phase.FAILED, live.health.message))

    def _waiting(self, run: Run) -> str:
        """Return what the operation waits for before the next wave, or `""`.

        The plan is no help: with `ApplyOutOfSyncOnly` it forgets a wave that has been applied.
        """
        running = [row.key for row in run.rows.values() if row.phase is Phase.RUNNING]
        if running:
            return _listed("healthy state of", running)
        going = [
            row.key
            for row in run.rows.values()
            if row.status is ResultStatus.PRUNED and self._is_live(row.key)
        ]
        return _listed("deletion of", going) if going else ""

    def _is_live(self, key: ResourceKey) -> bool:
        found = self._parts.registry.objects.get(key)
        return found is not None and found.live is not None

    # --- the end ------------------------------------------------------------------------------

    async def _finish(self, state: AppState, run: Run, phase: Phase, message: str) -> float | None:
        now = self._parts.clock.now()
        disclaim(self._parts.registry, state)
        run.message, run.finished_at = message, now
        if phase is not Phase.SUCCEEDED:
            decision = decide_retry(
                Attempt(
                    phase,
                    message,
                    run.retry_count,
                    now,
                    was_terminated=run.phase is Phase.TERMINATING,
                ),
                run.operation.retry,
            )
            if isinstance(decision, TryAgain):
                run.phase, run.retry_count = Phase.RUNNING, decision.retry_count
                run.message = decision.message
                await self._parts.status.write_run(state, run)
                return max(0.0, (decision.at - now).total_seconds())
            phase, run.message = decision.phase, decision.message
        run.phase = phase
        run.namespace_metadata = state.application.sync_policy.managed_namespace_metadata
        seen = self._parts.glance(state) if phase is Phase.SUCCEEDED else None
        if seen is None:
            await self._parts.status.complete_run(state, run)
        else:
            await self._parts.status.complete_run(state, run, seen.status, seen.changes)
        log.info("operation done app=%s phase=%s message=%s", state.key, phase, run.message)
        return None

    async def _wait_for_retry(self, state: AppState, run: Run) -> float | None:
        """Return the seconds until the next attempt, or None when it is time (or none is due)."""
        if run.finished_at is None or run.phase is not Phase.RUNNING:
            return None
        now = self._parts.clock.now()
        try:
            at = next_attempt_at(run.finished_at, run.retry_count, run.operation.retry)
        except ValueError:
            at = now
        if run.finished_at > now:
            at = now  # the clock was set back: nobody knows how much of the wait is over
        if now < at:
            return (at - now) / timedelta(seconds=1)
        run.finished_at = None
        run.rows.clear()
        run.message = retry_message(run.retry_count, run.operation.retry)
        if run.operation.retry.refresh:
            run.revisions = ()
        return None

    def _timed_out(self, run: Run) -> bool:
        limit = self._parts.settings.sync.timeout_s
        age = (self._parts.clock.now() - run.started_at).total_seconds()
        return limit > 0 and age > limit and run.phase is Phase.RUNNING


def _pair(found: ObjectState, target: Target | None, parts: OperationParts) -> Pair | None:
    live = found.live.manifest if found.live is not None else None
    if target is None:
        if live is None or not found.live or not found.live.is_root:
            return None
        own = is_self_referencing(live, None, parts.desired.settings.tracking)
        return Pair(None, live, is_modified=True, is_self_referencing=own)
    manifest = target.manifest
    modified = live is None or found.sync is not SyncCode.SYNCED or found.desired is None
    modified = modified or (found.desired is not None and found.desired.hash != target.hash)
    modified = modified or (found.applied is not None and found.applied.hash != target.hash)
    own = is_self_referencing(live, manifest, parts.desired.settings.tracking)
    return Pair(manifest, live, is_modified=modified, is_self_referencing=own)


def _is_all_new(plan: Plan) -> bool:
    """Whether nothing that is to be applied exists: then nothing that works can break half-way."""
    return all(task.live is None for task in plan.tasks if not task.creates_namespace)


def _may_recreate(task: Task, run: Run) -> bool:
    """Whether a refused change is no failure: a dry run cannot delete the object first."""
    return task.live is not None and (task.options.force or run.operation.force)


def _sources_of(app: Application, run: Run) -> tuple[Source, ...]:
    operation = run.operation
    if operation.sources:
        return tuple(Source.parse(tree) for tree in operation.sources)
    if operation.source is not None:
        return (Source.parse(operation.source),)
    return app.sources


def _heed_termination(state: AppState, run: Run) -> bool:
    """Whether somebody asked to terminate during this pass: our own write must not undo it."""
    asked = (state.application.operation_state or {}).get("phase")
    if run.phase is not Phase.RUNNING or asked != Phase.TERMINATING.value:
        return False
    run.phase, run.message = Phase.TERMINATING, "operation is terminating"
    return True


def _refuse_invalid(state: AppState) -> None:
    wrong = [
        item
        for item in state.conditions
        if item.type in (ConditionType.INVALID_SPEC_ERROR, ConditionType.UNKNOWN_ERROR)
    ]
    if wrong:
        raise Ended(Phase.ERROR, ";".join(f"{item.type}: {item.message}" for item in wrong))


def _pending(step: Step, run: Run) -> bool:
    return any((task.key, str(task.phase)) not in run.rows for task in step.tasks)


def _fail_on(run: Run) -> None:
    failed = [row for row in run.rows.values() if row.phase is Phase.FAILED]
    if not failed:
        return
    refused = [row for row in failed if row.status is ResultStatus.SYNC_FAILED]
    reasons = ",".join(sorted({row.message for row in refused if row.message}))
    if refused:
        raise Ended(Phase.FAILED, f"one or more objects failed to apply, reason: {reasons}")
    raise Ended(Phase.FAILED, "one or more synchronization tasks completed unsuccessfully")


def _namespace_row(task: Task) -> ResultRow:
    message = f"namespace/{task.key.name} created"
    return ResultRow(task.key, "v1", ResultStatus.SYNCED, message, Phase.SUCCEEDED, str(task.phase))


def _failed_row(task: Task, message: str) -> ResultRow:
    return ResultRow(
        task.key,
        task.gvk.version,
        ResultStatus.SYNC_FAILED,
        message,
        Phase.FAILED,
        str(task.phase),
    )


def _missing(row: ResultRow) -> ResultRow:
    name = f"{row.key.group}/{row.key.kind}/{row.key.name}"
    text = f"Resource {name} is missing, it might have been deleted"
    return replace(row.with_phase(Phase.FAILED, text), status=ResultStatus.SYNC_FAILED)


def _dry_row(task: Task) -> ResultRow:
    status = ResultStatus.PRUNED if task.is_prune else ResultStatus.SYNCED
    message = "pruned (dry run)" if task.is_prune else f"{task.key.kind.lower()} (dry run)"
    return ResultRow(task.key, task.gvk.version, status, message, Phase.SUCCEEDED, str(task.phase))


def _listed(reason: str, keys: Iterable[ResourceKey]) -> str:
    names = sorted(keys)
    first = names[0]
    more = f" and {len(names) - 1} more resources" if len(names) > 1 else ""
    return f"waiting for {reason} {first.group}/{first.kind}/{first.name}{more}"
