"""The sync lane's round: what does git say, what is live, what follows (DESIGN §4.3).

    validate ─▶ load ─▶ watch ─▶ judge ─▶ view ─▶ automatic sync? ─▶ status

How deep a round goes is its level (controller.md §7.4): 1 looks at objects alone, 2 resolves the
target revision, 3 asks the remote without any cache. A round that cannot read git or the cluster
ends with a ComparisonError and changes nothing else; what was applied is still healed.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.config.settings import ControllerSettings
from holdfast.controller.comparing import Comparing
from holdfast.controller.desired import DesiredStates, Wanted
from holdfast.controller.heal_lane import HealLane
from holdfast.controller.hints import Hints
from holdfast.controller.misread import misread_annotations
from holdfast.controller.objects import Objects
from holdfast.controller.pauses import Pauses
from holdfast.controller.recalling import Recalling
from holdfast.controller.state import NO_FIGHTS, AppState, Desired, ObjectState, Registry
from holdfast.controller.status import (
    Overview,
    ResourceView,
    divergences,
    health_tree,
    overview,
    shared_conditions,
    status_tree,
    unknown_views,
    view_objects,
)
from holdfast.controller.status_writer import StatusWriter
from holdfast.controller.watches import Watches
from holdfast.domain.application import Application
from holdfast.domain.condition import (
    SET_BY_COMPARISON,
    SET_BY_VALIDATION,
    Condition,
    ConditionType,
)
from holdfast.domain.divergence import NO_DIVERGENCE
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.events import Reason
from holdfast.domain.health import Health, HealthCode
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.ports import Clock, Kinds, Metrics
from holdfast.planning.autosync import (
    Comparison,
    HealBackoff,
    Refuse,
    Skip,
    SkipReason,
    Start,
    decide_auto_sync,
)
from holdfast.planning.conditions import replace_conditions
from holdfast.planning.refresh import Level, RefreshType
from holdfast.planning.times import find_time, format_time
from holdfast.planning.validate import validate_spec

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class SyncLaneParts:
    """The collaborators of a round."""

    registry: Registry
    objects: Objects
    desired: DesiredStates
    watches: Watches
    comparing: Comparing
    lane: HealLane
    status: StatusWriter
    kinds: Kinds
    clock: Clock
    metrics: Metrics
    settings: ControllerSettings
    hints: Hints


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """What a round asks for.

    Attributes:
        operation: An operation to put on the Application, or None.
        status: The status that has to be written with it, or None: it has been written.
        event: The Event that goes with it.
        again_at: When to look again because a backoff ends, or None.
    """

    operation: Tree | None = None
    status: Tree | None = None
    event: str = ""
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """What status must say at the end of an operation, and the Events that go with it."""

    status: Tree
    changes: tuple[str, ...]


class SyncLane:
    """Runs rounds."""

    def __init__(self, parts: SyncLaneParts) -> None:
        """Keep the collaborators."""
        self._parts = parts
        self._pauses = Pauses(parts.registry, parts.clock)
        self.recalling = Recalling(
            parts.registry, parts.desired, parts.watches, parts.lane, parts.clock, parts.hints
        )

    async def round(self, state: AppState, level: Level, kind: RefreshType) -> RoundEnd:
        """Compare an Application and write its status, or return it with the operation to start."""
        began = self._parts.clock.monotonic()
        app = state.application
        try:
            end = await self._compare(state, level, kind)
        finally:
            seconds = self._parts.clock.monotonic() - began
            self._parts.metrics.observe(
                "argocd_app_reconcile",
                seconds,
                namespace=app.key.namespace,
                dest_server=app.destination.server,
            )
        log.debug("round done app=%s level=%d ms=%.1f", app.key, level, seconds * 1000)
        return end

    async def _compare(self, state: AppState, level: Level, kind: RefreshType) -> RoundEnd:
        app = state.application
        project = self._parts.registry.projects.get(app.project)
        wrong = validate_spec(app, project, self._parts.settings.control_namespace)
        if wrong:
            state.conditions = wrong
            await self._write_unknown(state, wrong, keeps_resources=False)
            return RoundEnd()
        try:
            desired = await self._load(state, level, kind)
        except HoldfastError as error:
            text = f"Failed to load target state: {error.explain()}"
            return await self._comparison_error(state, text)
        before, state.desired = state.desired, desired
        try:
            states = await self._observe(state, desired)
            await self.recalling.recall(state)
            await self._parts.comparing.judge(states)
        except ClusterError as error:
            state.desired = before
            text = f"Failed to compare desired state to live state: {error.explain()}"
            await self._comparison_error(state, text)
            wait = timedelta(seconds=error.retry_after_s or _LOOK_AGAIN_S)
            return RoundEnd(again_at=self._parts.clock.now() + wait)
        except HoldfastError as error:
            return await self._comparison_error(
                state, f"Failed to load target state: {error.explain()}"
            )
        return await self._conclude(state, desired, level)

    # --- reading ------------------------------------------------------------------------------

    async def _load(self, state: AppState, level: Level, kind: RefreshType) -> Desired:
        app = state.application
        if level <= Level.RECENT and state.desired is not None:
            return state.desired
        hard = kind is RefreshType.HARD
        wanted = Wanted(app.sources, force=level >= Level.LATEST_FORCED or hard, hard=hard)
        began_s = self._parts.clock.monotonic()
        desired = await self._parts.desired.load(app, wanted, state.desired)
        if wanted.force:
            state.git_seen_s = began_s
        return desired

    async def _observe(self, state: AppState, desired: Desired) -> list[ObjectState]:
        await self._parts.watches.ensure(desired)
        await self._parts.watches.ensure_kinds(former_kinds(state.application))
        return await self._parts.watches.adopt(state, desired)

    # --- concluding ---------------------------------------------------------------------------

    async def _conclude(self, state: AppState, desired: Desired, level: Level) -> RoundEnd:
        app, now = state.application, self._parts.clock.now()
        states = self._parts.registry.objects_of(state)
        views, conditions = self._see(state, states, desired)
        seen = overview(state, views)
        decision = decide_auto_sync(
            app,
            Comparison(
                status=seen.sync,
                revisions=desired.revisions,
                resources=tuple(view.compared() for view in views),
            ),
            now,
        )
        if any(item.type is ConditionType.COMPARISON_ERROR for item in conditions):
            decision = Refuse("")
        held = self._pauses.find_touched(app, states) if isinstance(decision, Start) else None
        if held is not None:
            # Automatic sync and prune are held; what a person asks for goes on.
            log.info("automatic sync held app=%s %s", app.key, held.text)
            decision = HealBackoff(held.until) if held.until else Skip(SkipReason.OFF)
        sync_errors = []
        if isinstance(decision, Refuse) and decision.message:
            sync_errors = [Condition(ConditionType.SYNC_ERROR, decision.message)]
        if level >= Level.LATEST:
            state.reconciled_at = now
        self.recalling.note(state)
        status = self._status(state, seen, desired, [*conditions, *sync_errors])
        for text in _changes(app, seen):
            self._parts.status.tell(state, Reason.RESOURCE_UPDATED, text)
        if isinstance(decision, Start) and not self._parts.settings.observe:
            # The sync brings what git says now; a heal before it would bring what git said then.
            return RoundEnd(decision.operation, status, decision.event)
        await self._parts.status.write_status(state, status)
        for found in states:
            # Synced, with an open drift: git has come to what stands there, or it lost our entry.
            is_unsettled = found.sync is not SyncCode.SYNCED or found.drifted_since_s is not None
            if is_unsettled and found.applied is not None:
                self._parts.lane.consider(found)
        if isinstance(decision, HealBackoff):
            return RoundEnd(again_at=decision.until)
        return RoundEnd()

    def glance(self, state: AppState) -> Glance | None:
        """Return what is known of an Application at the end of an operation that succeeded.

        It asks nobody. It goes into the request that ends the operation: a status of its own
        takes the API server as long as two applies. A round follows, and corrects what moved.

        Returns:
            None where only a round can tell: the Application was changed meanwhile, an object was
            not compared, or something is wrong.
        """
        app, desired = state.application, state.desired
        if desired is None or not self._declares(desired, app):
            return None
        kept = {one.get("type") for one in _mappings(app.status.get("conditions"))}
        states = self._parts.registry.objects_of(state)
        is_judged = all(map(self._parts.objects.is_judged, states))
        if ConditionType.SYNC_ERROR.value in kept or not is_judged:
            return None
        views, conditions = self._see(state, states, desired)
        if any(item.type.is_error for item in conditions):
            return None
        seen = overview(state, views)
        status = self._status(state, seen, desired, conditions)
        status["reconciledAt"] = format_time(self._parts.clock.now())
        return Glance(status, _changes(app, seen))

    def _declares(self, desired: Desired, app: Application) -> bool:
        """Whether a render is one of the Application as it is written now."""
        wanted = Wanted(app.sources, desired.revisions)
        return desired.fingerprint == self._parts.desired.fingerprint(
            app, wanted, desired.revisions
        )

    def _see(
        self, state: AppState, states: list[ObjectState], desired: Desired
    ) -> tuple[tuple[ResourceView, ...], list[Condition]]:
        """Look at the objects: one entry for each, and what there is to say of them."""
        tracking = self._parts.objects.tracking
        views = view_objects(state, states, self._parts.registry, tracking)
        state.divergences = divergences(views)
        conditions = [*desired.conditions, *self._not_built(state, desired)]
        conditions += shared_conditions(state, states, self._find_other_owner)
        conditions += self._unwatched(desired)
        conditions += self._fights(state, states)
        project = self._parts.registry.projects.get(state.application.project)
        conditions += misread_annotations(state.application, project)
        state.conditions = tuple(conditions)
        return views, conditions

    def _status(
        self, state: AppState, seen: Overview, desired: Desired, conditions: list[Condition]
    ) -> Tree:
        app, now = state.application, self._parts.clock.now()
        stamp = format_time(now)
        status = status_tree(app, seen, desired.revisions)
        status["health"] = health_tree(app, seen.health, stamp)
        status["controllerNamespace"] = self._parts.settings.control_namespace
        types = [kind.value for kind in desired.source_types]
        status["sourceType"] = types[0] if types and not app.is_multi_source else None
        status["sourceTypes"] = types if types and app.is_multi_source else None
        evaluated = SET_BY_COMPARISON | SET_BY_VALIDATION | {ConditionType.SYNC_ERROR}
        kept = _mappings(app.status.get("conditions"))
        status["conditions"] = replace_conditions(kept, evaluated, conditions, now) or None
        if self._reconciled_at_is_due(state, status):
            status["reconciledAt"] = stamp
            state.reconciled_at_written = now
        return status

    def _reconciled_at_is_due(self, state: AppState, status: Tree) -> bool:
        """Write the time beside other changes, on request, and else once an hour (record 0004)."""
        app = state.application
        last = find_time(app.status.get("reconciledAt"))
        if last is None or "argocd.argoproj.io/refresh" in app.manifest.annotations:
            return True
        if _is_before_last_operation(app):
            return True
        now = self._parts.clock.now()
        if (now - last).total_seconds() >= self._parts.settings.refresh.reconciled_at_interval_s:
            return True
        current = app.status
        return any(
            current.get(key) != value
            for key, value in status.items()
            if value is not None and key in ("sync", "resources", "health")
        )

    # --- what is wrong ------------------------------------------------------------------------

    async def _comparison_error(self, state: AppState, message: str) -> RoundEnd:
        condition = Condition(ConditionType.COMPARISON_ERROR, message)
        state.conditions = (condition,)
        state.last_error = message
        await self._write_unknown(state, (condition,), keeps_resources=True)
        return RoundEnd()

    async def _write_unknown(
        self, state: AppState, conditions: tuple[Condition, ...], *, keeps_resources: bool
    ) -> None:
        app, now = state.application, self._parts.clock.now()
        current = app.status.get("sync")
        sync: Tree = {
            **(current if isinstance(current, dict) else {}),
            "status": SyncCode.UNKNOWN.value,
            "comparedTo": app.compared_to(),
        }
        status: Tree = {
            "sync": sync,
            "health": health_tree(app, Health(HealthCode.UNKNOWN), format_time(now)),
            "conditions": replace_conditions(
                _mappings(app.status.get("conditions")),
                SET_BY_COMPARISON | SET_BY_VALIDATION,
                conditions,
                now,
            ),
            "resources": unknown_views(state) if keeps_resources else None,
            "controllerNamespace": self._parts.settings.control_namespace,
        }
        if (
            app.status.get("reconciledAt") is None
            or "argocd.argoproj.io/refresh" in app.manifest.annotations
            or _is_before_last_operation(app)
        ):
            status["reconciledAt"] = format_time(now)
        state.reconciled_at = now
        state.divergences = NO_DIVERGENCE  # nothing was compared: nothing is known
        await self._parts.status.write_status(state, status)

    async def say_bug(self, state: AppState, error: Exception) -> None:
        """Put a mistake of ours on the Application it happened to, and on no other."""
        message = (
            f"HF9001 a mistake in Holdfast ({type(error).__name__}) ended the comparison; nothing "
            "was changed because of it. It is tried again; the log has the traceback"
        )
        condition = Condition(ConditionType.UNKNOWN_ERROR, message)
        await self._write_unknown(state, (condition,), keeps_resources=True)

    def _not_built(self, state: AppState, desired: Desired) -> list[Condition]:
        app = state.application
        project = self._parts.registry.projects.get(app.project)
        found = []
        if desired.hooks:
            names = ", ".join(f"{hook.kind}/{hook.name}" for hook in desired.hooks[:3])
            more = f" and {len(desired.hooks) - 3} more" if len(desired.hooks) > 3 else ""
            found.append(
                Condition(
                    ConditionType.NOT_BUILT,
                    "Hooks are not run by this version of Holdfast, they are left out: "
                    f"{names}{more}",
                )
            )
        if project is not None and project.has_sync_windows:
            found.append(
                Condition(
                    ConditionType.NOT_BUILT,
                    f"Project {project.name} has sync windows, which this version of Holdfast "
                    "does not evaluate",
                )
            )
        if project is not None and project.has_signature_keys:
            found.append(
                Condition(
                    ConditionType.COMPARISON_ERROR,
                    f"Project {project.name} demands signed commits, which this version of "
                    "Holdfast cannot verify; nothing is synced",
                )
            )
        return found

    def _fights(self, state: AppState, states: list[ObjectState]) -> list[Condition]:
        """Name who keeps undoing us; an Event goes with each fight that is new."""
        texts = [text for found in states for text in self._parts.lane.fights.describe(found)]
        names = frozenset(text.partition(" (")[0] for text in texts) or NO_FIGHTS
        for text in texts:
            if text.partition(" (")[0] not in state.fights_told:
                self._parts.status.tell(state, Reason.FIGHT, text, warning=True)
        state.fights_told = names
        return [Condition(ConditionType.FIGHT, text) for text in texts]

    def _unwatched(self, desired: Desired) -> list[Condition]:
        """A kind that may not be watched is unknown, never missing (apply.md B4)."""
        found = []
        for gvk in sorted({target.gvk for target in desired.manifests.values()}):
            error = self._parts.watches.find_failure(gvk)
            if error is not None and self._parts.kinds.find(gvk) is not None:
                text = f"Failed to load live state: {gvk.group_kind}: {error}"
                found.append(Condition(ConditionType.COMPARISON_ERROR, text))
        return found

    def _find_other_owner(self, state: AppState, found: ObjectState) -> str:
        if found.app is not None and found.app != state.key:
            return str(found.app)
        return self._parts.objects.find_other_owner(found, None)  # by what is kept of live


def _changes(app: Application, seen: Overview) -> tuple[str, ...]:
    """Return the Events' words for what differs from the status as it stands."""
    old_sync = str((app.status.get("sync") or {}).get("status") or "")
    old_health = str((app.status.get("health") or {}).get("status") or "")
    texts = []
    if old_sync != seen.sync.value:
        texts.append(f"Updated sync status: {old_sync} -> {seen.sync.value}")
    if old_health != seen.health.code.value:
        text = f"Updated health status: {old_health} -> {seen.health.code.value}"
        texts.append(text + (f" ({seen.health.message})" if seen.health.message else ""))
    return tuple(texts)


def _is_before_last_operation(app: Application) -> bool:
    """Whether `reconciledAt` is older than the end of the operation.

    Until it is not, `argocd app sync` and `wait` take the operation for running (api.md §4.9.5).
    """
    last = find_time(app.status.get("reconciledAt"))
    finished = find_time((app.operation_state or {}).get("finishedAt"))
    return finished is not None and (last is None or last < finished)


def former_kinds(app: Application) -> set[tuple[GroupVersionKind, str]]:
    """Kinds of what the Application had: objects that git dropped must still be seen (B1)."""
    found = set()
    for row in _mappings(app.status.get("resources")):
        gvk = GroupVersionKind(
            str(row.get("group") or ""), str(row.get("version") or ""), str(row.get("kind") or "")
        )
        found.add((gvk, str(row.get("namespace") or "")))
    return found


def _mappings(value: JSON) -> tuple[Tree, ...]:
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )
