"""Gather what `healing.decide` needs to know about one drifted object."""

from collections.abc import Callable

from holdfast.config.settings import ControllerSettings
from holdfast.controller.fights import Fights
from holdfast.controller.objects import Objects
from holdfast.controller.pauses import Pauses
from holdfast.controller.sighting import Sighting
from holdfast.controller.state import ObjectState, Registry
from holdfast.domain.application import Application
from holdfast.domain.drift import DriftKind
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import Clock
from holdfast.healing.decide import Situation
from holdfast.healing.policy import ObjectPolicy, has_annotations, object_policy

_DEFAULTS = ObjectPolicy()


class Situations:
    """Knows where each part of a situation is to be found."""

    def __init__(
        self,
        registry: Registry,
        objects: Objects,
        clock: Clock,
        settings: ControllerSettings,
        fights: Fights,
        look_at_git: Callable[[AppKey], None],
    ) -> None:
        """Keep the sources."""
        self._registry = registry
        self._objects = objects
        self._clock = clock
        self._settings = settings
        self._pauses = Pauses(registry, clock)
        self._fights = fights
        self._look_at_git = look_at_git

    def of(
        self, state: ObjectState, app: Application, sighting: Sighting, kind: DriftKind
    ) -> Situation:
        """Return the situation of an object that drifted."""
        live = sighting.live
        now_s = self._clock.monotonic()
        if state.drifted_since_s is None:
            state.drifted_since_s = now_s
        held = self._pauses.find(app, state.key)
        git_until_s = self._git_until_s(state, now_s, is_held=held is not None)
        policy = self._policy(state, app, live)
        until = policy.window.until
        split = self._fights.split(state, sighting.comparison)
        return Situation(
            kind=kind,
            target_hash=state.applied.hash if state.applied else "",
            app_deleting=app.is_deleting,
            observe_only=self._settings.observe,
            skips_reconcile=app.skips_reconcile,
            self_heals=app.self_heals,
            owner=self._objects.find_other_owner(state, live),
            sync_running=state.claimed_by_sync,
            terminating=live is not None and live.is_terminating,
            finished_job=live is None and state.last_finished,
            missing_prerequisite=self._objects.find_missing_prerequisite(state),
            paused=held.text if held is not None else "",
            paused_until_s=held.until_s if held is not None else None,
            git_until_s=git_until_s,
            observed=policy.observed,
            window=policy.window.detail,
            window_until_s=now_s + (until - self._clock.now()).total_seconds() if until else None,
            fought_until_s=split.until_s if split.is_all else 0.0,
            delayed_until_s=state.drifted_since_s + policy.delay_s,
        )

    def _git_until_s(self, state: ObjectState, now_s: float, *, is_held: bool) -> float:
        """Return how long a drift waits for git after a pause; 0 when it need not.

        Whoever made an emergency fix takes it into git and resumes: healing at once would undo the
        fix until git has been read. With git away it is healed after a while all the same.
        """
        if is_held:
            state.was_paused, state.resumed_s = True, None
            return 0.0
        if not state.was_paused:
            return 0.0
        if state.resumed_s is None:
            state.resumed_s = now_s
            if state.app is not None:
                self._look_at_git(state.app)
        owner = self._registry.apps.get(state.app) if state.app is not None else None
        until_s = state.resumed_s + self._settings.heal.git_after_pause_s
        if owner is None or owner.git_seen_s >= state.resumed_s or now_s >= until_s:
            state.was_paused, state.resumed_s = False, None
            return 0.0
        return until_s

    def _policy(self, state: ObjectState, app: Application, live: Manifest | None) -> ObjectPolicy:
        project = self._registry.projects.get(app.project)
        if not has_annotations(app, project):
            return _DEFAULTS
        target = state.applied.manifest if state.applied is not None else None
        return object_policy(app, project, state.key, live or target, self._clock.now())
