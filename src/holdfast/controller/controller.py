"""The controller: wires the two lanes to the watches and keeps Applications in the queue.

    watch events ─▶ observer ─▶ heal lane                      objects, at once
                        └─────▶ queue ─▶ sync lane, operations, deletion   one Application at a time

Triggers of one Application are merged: the deepest level wins. A worker does, in this order: a
requested operation, the deletion, the round that is due.
"""

import logging
from datetime import timedelta

from holdfast.config.settings import ControllerSettings
from holdfast.controller.app_info import DivergingApps, forget_app_info, tell_app_info
from holdfast.controller.clock_steps import ClockSteps, keep_ages
from holdfast.controller.heal_lane import HealReport
from holdfast.controller.installation import InstallationSettings, read_installation
from holdfast.controller.kind_changes import KindChanges
from holdfast.controller.pauses import Reminders
from holdfast.controller.projects import Projects
from holdfast.controller.run_state import restore_run
from holdfast.controller.schedule import Schedule
from holdfast.controller.state import AppState, ObjectState, Registry
from holdfast.controller.wiring import ControllerPorts, Hooks, wire
from holdfast.domain.application import (
    DELETION_APPROVED_ANNOTATION,
    Application,
)
from holdfast.domain.divergence import DIFFERS_ANNOTATION
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import ClusterError
from holdfast.domain.events import Reason
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.kit.keyed_queue import KeyedQueue
from holdfast.planning.refresh import Level, Refresh, RefreshType

__all__ = ["Controller", "ControllerPorts"]

log = logging.getLogger(__name__)

_OURS = "holdfast.dev/"

_CLOCK_STEPS = "clock steps"
_HINTS = "hints"
_SOON_S = 0.05
_HEAL_STATUS = -1


class Controller:
    """Keeps Applications in sync. Make one, `await run()`; cancel to stop."""

    def __init__(
        self,
        ports: ControllerPorts,
        settings: ControllerSettings,
    ) -> None:
        """Wire everything; nothing happens before `run`."""
        self._ports = ports
        self._settings = settings
        self.installation = InstallationSettings()
        self.registry = Registry(settings.control_namespace)
        self.registry.projects = self._projects = Projects()
        self._queue: KeyedQueue[AppKey, Level] = KeyedQueue(max)
        self._watched_repositories: set[str] = set()
        self._diverging = DivergingApps(ports.metrics)
        hooks = Hooks(self._object_changed, self._healed, self._look_at_git)
        lanes = wire(ports, settings, self.registry, hooks)
        lanes.observer.app_changed = self._app_changed
        kinds = KindChanges(ports, lanes, self.registry, self._look_again)
        lanes.observer.kinds_changed = kinds.changed
        lanes.observer.settings_changed = self._settings_changed
        lanes.observer.pauses_changed = self._pauses_changed
        self.lane, self.observer = lanes.heal, lanes.observer
        self._lanes = lanes
        self._reminders = Reminders(
            self.registry, ports.clock, ports.supervisor, ports.recorder, ports.system
        )
        self._schedule = Schedule(settings.refresh, ports.clock, ports.rng)

    # --- running ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Watch and work until cancelled.

        Raises:
            ClusterError: the first lists could not be had.
        """
        try:
            self._lanes.desired.kube_version = (await self._ports.reader.server_version()).lstrip(
                "v"
            )
        except ClusterError as error:
            log.warning("server version unknown code=%s %s", error.code, error)
        try:
            await self._work_until_cancelled()
        finally:
            self._ports.supervisor.cancel(_CLOCK_STEPS)
            self._ports.supervisor.cancel(_HINTS)
            self.lane.close()
            self._lanes.watches.stop()
            self._queue.close()

    async def _work_until_cancelled(self) -> None:
        def stepped(forward: timedelta) -> None:
            keep_ages(self.registry, forward)
            for key in self.registry.apps:  # a pause or a window may have begun or ended
                self._queue.add(key, Level.RECENT)
            self._pauses_changed()

        steps = ClockSteps(self._ports.clock, stepped)
        self._ports.supervisor.spawn(_CLOCK_STEPS, steps.run)
        await self._lanes.watches.start()
        log.info(
            "watching namespace=%s apps=%d",
            self._settings.control_namespace,
            len(self.registry.apps),
        )
        recalling = self._lanes.sync.recalling
        await recalling.begin()
        self._ports.supervisor.spawn(_HINTS, recalling.hints.keep)
        await self._queue.work(self._work, workers=self._settings.sync.workers)

    @property
    def queue_length(self) -> int:
        """Applications that wait for a worker."""
        return len(self._queue)

    def refresh(self, key: AppKey, level: Level = Level.LATEST) -> None:
        """Ask for a round of one Application."""
        self._queue.add(key, level)

    # --- triggers -----------------------------------------------------------------------------

    def _app_changed(self, key: AppKey, old: Application | None, new: Application | None) -> None:
        if new is None:
            self._queue.forget(key)
            forget_app_info(self._ports.metrics, key)
            self._diverging.forget(key)
            return
        for source in new.sources:
            if old is None or source.repo_url not in {s.repo_url for s in old.sources}:
                self._watch_repository(source.repo_url)
        self._queue.add(key, _level_of(old, new))
        state = self.registry.apps.get(key)
        if old is not None and state is not None and _policy_differs(old, new):
            self.observer.reconsider(self.registry.objects_of(state))

    def _watch_repository(self, repo_url: str) -> None:
        if repo_url in self._watched_repositories:
            return  # one watch serves all its Applications
        self._watched_repositories.add(repo_url)

        def changed() -> None:
            for state in self.registry.apps.values():
                if any(s.repo_url == repo_url for s in state.application.sources):
                    self._queue.add(state.key, Level.LATEST_FORCED)

        self._ports.sources.watch_local(repo_url, changed)

    def _object_changed(self, state: ObjectState) -> None:
        """The sync or health of an object changed: status follows, at most once a second."""
        if state.app is None:
            return
        app = self.registry.apps.get(state.app)
        if app is None:
            return
        running = app.application.operation is not None or app.application.is_deleting
        delay = _SOON_S if running else self._settings.status_debounce_s
        self._queue.add_after(state.app, Level.RECENT, delay)

    def _healed(self, report: HealReport) -> None:
        drift = report.drift
        managers = sorted({m for difference in drift.differences for m in difference.managers})
        log.info(
            "healed app=%s object=%s what=%s managers=%s fields=%s ms=%.1f",
            report.app.key,
            drift.key,
            drift.kind,
            ",".join(managers) or "unknown",
            ",".join(difference.path for difference in drift.differences[:5]) or "-",
            report.seconds * 1000,
        )

    def _look_again(self, app: AppKey) -> None:
        self._queue.add(app, Level.RECENT)

    def _look_at_git(self, app: AppKey) -> None:
        self._queue.add(app, Level.LATEST_FORCED)

    def _settings_changed(self, config_map: Manifest | None) -> None:
        """`argocd-cm` says something else: every Application is compared again."""
        settings = read_installation(config_map)
        if settings == self.installation:
            return
        self.installation = settings
        self._lanes.objects.tracking = settings.tracking
        self._lanes.desired.settings = settings
        self._projects.inherit(settings.global_projects)
        for key in self.registry.apps:
            self._queue.add(key, Level.LATEST)

    def _pauses_changed(self) -> None:
        """A pause came, changed or went: look again at everything that is not as it should be."""
        self._reminders.plan()
        for state in self.registry.apps.values():
            drifted = [
                found
                for found in self.registry.objects_of(state)
                if found.drifted_since_s is not None or found.sync is not SyncCode.SYNCED
            ]
            self.observer.reconsider([found for found in drifted if found.applied is not None])
            if drifted or state.application.operation is not None:
                self._queue.add(state.key, Level.RECENT)

    # --- work ---------------------------------------------------------------------------------

    async def _work(self, key: AppKey, level: Level) -> None:
        """Do what is due for one Application; whatever fails is tried again."""
        state = self.registry.apps.get(key)
        if state is None:
            return
        try:
            await self._work_on(state, level)
        except ClusterError as error:
            state.last_error = error.describe()
            log.warning("postponed app=%s code=%s %s", key, error.code, error)
            state.failures += 1
            wait_s = error.retry_after_s or min(30.0, 2.0 ** (state.failures - 1))
            self._queue.add_after(key, max(level, Level.RECENT), wait_s)
        except Exception as error:
            # The border of a round: one Application's trouble must not stop the others.
            state.failures += 1
            state.last_error = f"HF9001 {type(error).__name__}: {error}"
            log.exception("HF9001 round failed app=%s", key)
            await self._lanes.sync.say_bug(state, error)
            self._queue.add_after(key, Level.LATEST, min(300.0, 2.0**state.failures))
        else:
            state.failures = 0
        tell_app_info(self._ports.metrics, state.application)
        self._diverging.tell(key, state.divergences)

    async def _work_on(self, state: AppState, level: Level) -> None:
        app = state.application
        if app.skips_reconcile:
            return
        if self._settings.observe:
            if not app.is_deleting:
                # What others write is not our status: each of their writes is looked at again.
                await self._look(state, max(level, Level.RECENT))
        elif restore_run(app, self._ports.clock.now()) is not None:
            await self._operate(state)
        elif app.is_deleting:
            again = await self._lanes.deletion.step(state)
            if again is not None:
                self._queue.add_after(state.key, Level.NOTHING, again)
        elif level <= Level.RECENT and self._schedule.makes_way(state, self.lane.at_work):
            self._queue.add_after(state.key, level, self._settings.status_debounce_s)
        else:
            if not await self._lanes.status.write_heals(state):
                self._queue.add_after(state.key, Level.RECENT, self._settings.status_debounce_s)
            await self._look(state, level)

    async def _operate(self, state: AppState) -> None:
        """Run one pass of the requested operation; a round follows its end."""
        operation = state.application.operation
        if state.desired is None:
            await self._round_beside(state, Level.LATEST)
        again = await self._lanes.operations.step(state)
        if again is not None:
            # The operation waits; what people see of the objects must not wait with it.
            await self._round_beside(state, Level.RECENT)
            self._queue.add_after(state.key, Level.RECENT, again)
            return
        is_manual = operation is not None and not operation.automated
        self._queue.add(state.key, Level.LATEST_FORCED if is_manual else Level.LATEST)

    async def _round_beside(self, state: AppState, level: Level) -> None:
        """Compare while an operation is there already: none is started."""
        end = await self._lanes.sync.round(state, level, RefreshType.NORMAL)
        if end.status is not None:
            await self._lanes.status.write_status(state, end.status)

    async def _look(self, state: AppState, level: Level) -> None:
        due = self._schedule.find_due(state, level)
        if due is not None:
            await self._round(state, due)
        elif state.reconciled_at is not None:
            self._queue_next(state)

    async def _round(self, state: AppState, due: Refresh) -> None:
        app = state.application
        end = await self._lanes.sync.round(state, due.level, due.type)
        if end.operation is not None and end.status is not None:
            await self._start_operation(state, end.operation, end.status, end.event)
        await self._lanes.status.remove_refresh_annotation(app)
        if end.again_at is not None:
            wait = (end.again_at - self._ports.clock.now()).total_seconds()
            self._queue.add_after(state.key, Level.LATEST, max(0.0, wait))
        self._queue_next(state)

    async def _start_operation(
        self, state: AppState, operation: Tree, status: Tree, event: str
    ) -> None:
        """Begin an automatic sync, unless the Application moved meanwhile."""
        if state.application.operation is not None:
            await self._lanes.status.write_status(state, status)
            return
        if await self._lanes.status.start_operation(state, status, operation):
            self._lanes.status.tell(state, Reason.OPERATION_STARTED, event)
        self._queue.add(state.key, Level.RECENT)

    # --- when ---------------------------------------------------------------------------------

    def _queue_next(self, state: AppState) -> None:
        wait_s = self._schedule.next_look_s(state)
        if wait_s is not None:
            self._queue.add_after(state.key, Level.NOTHING, wait_s)


def _level_of(old: Application | None, new: Application) -> Level:
    """Return how deep the round must go that follows a change of the Application."""
    if old is None or old is new or _switched_on(old, new) or old.project != new.project:
        return Level.LATEST
    if _policy_differs(old, new):
        return Level.LATEST
    return Level.RECENT if _approved_anew(old, new) else Level.NOTHING


def _policy_differs(old: Application, new: Application) -> bool:
    """Whether a `holdfast.dev/…` annotation says something else."""
    was, now = (
        {
            key: text
            for key, text in app.manifest.annotations.items()
            if key.startswith(_OURS) and key != DIFFERS_ANNOTATION  # said by us, not to us
        }
        for app in (old, new)
    )
    return was != now


def _approved_anew(old: Application, new: Application) -> bool:
    """Whether a person approved removals since."""
    key = DELETION_APPROVED_ANNOTATION
    return old.manifest.annotation(key) != new.manifest.annotation(key)


def _switched_on(old: Application, new: Application) -> bool:
    """Whether automatic sync or self-heal went from off to on (§7.5)."""
    was, now = old.sync_policy.automated, new.sync_policy.automated
    if now is None:
        return False
    return was is None or (now.self_heal and not was.self_heal)
