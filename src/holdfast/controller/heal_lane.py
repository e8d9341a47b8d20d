"""The heal lane: from a watch event straight to the apply of the drifted object.

    observe / observe_gone ─▶ compare ─▶ decide ─▶ apply ─▶ accept
          (the event)         (pure)     (pure)    (1 request)

No queue behind slow work, no git, no render. What is healed to is what was last applied to that
very object. Rules A1-A3 of docs/internals/argocd/apply.md hold here:
  * one lock per object, shared with the sync lane; while a write is in flight, events are parked;
  * after the answer, events at or below its version are our own past and dropped;
  * the target is read after the lock is taken;
  * a deletion asks for the Application first: it may have been deleted in the same instant;
  * a terminating or missing namespace or CRD is no failed heal: the object waits for it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from holdfast.applying.write import MIGRATION_ANNOTATION, ObjectWriting, WriteOrder
from holdfast.config.settings import ControllerSettings
from holdfast.controller.episodes import Episodes
from holdfast.controller.fights import Fights, Split
from holdfast.controller.objects import Objects, find_last_apply, is_finished_job
from holdfast.controller.permits import Permits
from holdfast.controller.remembered import Target
from holdfast.controller.sighting import Sighting
from holdfast.controller.situations import Situations
from holdfast.controller.state import AppState, HealedObject, ObjectState, ParkedEvent, Registry
from holdfast.diffing.cold_start import declared_is_live
from holdfast.diffing.compare import EQUAL, Comparison, compare
from holdfast.diffing.ignore import without_ignored
from holdfast.diffing.strictness import compare_strictly, removals
from holdfast.domain.application import APPLICATION, Application
from holdfast.domain.drift import Drift, DriftKind
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.events import Closing, Outcome
from holdfast.domain.identity import AppKey, ResourceKey, Uid
from holdfast.domain.journal import Episode
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import SelectedResource
from holdfast.domain.plan import Authorized, Purpose, Refused
from holdfast.domain.ports import Clock, ClusterReader
from holdfast.domain.verdict import Heal, Hold, HoldReason, Nothing, Verdict, Wait
from holdfast.healing.decide import decide
from holdfast.healing.fights import with_values
from holdfast.healing.memory import HealPolicy, next_attempt_at, remember, restored, undone
from holdfast.healing.recall import recall
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

_RETRY_S = 1.0
_JUDGED = frozenset({"HF2002", "HF2013", "HF2014"})  # forbidden, webhook, quota (apply.md A1)
_SIGNED_OUT = 401


@dataclass(frozen=True, slots=True)
class HealReport:
    """What one heal did; told to whoever listens."""

    app: AppState
    drift: Drift
    seconds: float
    answer: Manifest


class HealLane:
    """Watches over the objects that were applied."""

    def __init__(
        self,
        registry: Registry,
        objects: Objects,
        writing: ObjectWriting,
        reader: ClusterReader,
        permits: Permits,
        runtime: "LaneRuntime",
    ) -> None:
        """Keep the collaborators; nothing happens before the first event."""
        self._registry = registry
        self._objects = objects
        self._writing = writing
        self._reader = reader
        self._permits = permits
        self._clock = runtime.clock
        self._supervisor = runtime.supervisor
        self._settings = runtime.settings
        heal = runtime.settings.heal
        self._policy = HealPolicy(
            heal.free_heals, heal.window_s, heal.base_s, heal.factor, heal.cap_s
        )
        self._changed = runtime.changed
        self._healed = runtime.healed
        self._episodes = runtime.episodes
        self.fights = Fights(runtime.clock, self._policy)
        self._episodes.describe_fights = self.fights.describe
        self._situations = Situations(
            registry, objects, runtime.clock, runtime.settings, self.fights, runtime.look_at_git
        )
        self._is_closed = False
        self.at_work = 0  # heals that are being carried out
        self._looks: dict[ResourceKey, float] = {}  # the next look of each object that waits
        self._not_before: dict[ResourceKey, float] = {}  # the server asked for patience

    def close(self) -> None:
        """Heal nothing any more, whatever still comes: somebody else leads from now on."""
        self._is_closed = True

    def recall(self, episodes: Iterable[Episode]) -> None:
        """Go on where the last process was: neither a backoff nor a fight begins anew (C4)."""
        now, now_s = self._clock.now(), self._clock.monotonic()

        def to_s(moment: datetime) -> float:
            # A wall clock that was set back since must not put an end into the future.
            return now_s - max(0.0, (now - moment).total_seconds())

        self._registry.pasts = recall(episodes, self._policy, to_s)

    # --- events -------------------------------------------------------------------------------

    def observe(self, state: ObjectState, manifest: Manifest) -> None:
        """An object was listed, added or changed."""
        version = manifest.version_number
        if state.in_flight:
            if state.parked is None or state.parked.version < version:
                state.parked = ParkedEvent(manifest, manifest.uid, version)
            return
        known = state.live
        is_same_form = known is not None and known.gvk == manifest.gvk
        if version <= state.fence or (known and is_same_form and version <= known.version):
            return
        began_s, at = self._clock.monotonic(), self._clock.now()
        before = (
            state.sync,
            state.live.health if state.live else None,
            state.drift,
            state.live is None,
        )
        after = known.version if known is not None and state.drift is None else 0
        sighting = Sighting(
            manifest, _compare_applied(state, manifest), began_s, at, after=max(state.fence, after)
        ).since(state.unhealed)
        is_new_fight = self.fights.note(state, manifest, sighting.comparison)
        verdict = self._act(state, sighting)
        self._objects.saw(state, manifest, sighting.comparison)
        self._follow_up(state, verdict, sighting)
        health = state.live.health if state.live else None
        if is_new_fight or before != (state.sync, health, state.drift, False):
            self._changed(state)

    def observe_gone(
        self, state: ObjectState, uid: Uid, version: int, last: Manifest | None = None
    ) -> None:
        """An object was deleted; `last` is its last form when an event brought it."""
        if state.in_flight:
            if state.parked is None or state.parked.version < version:
                state.parked = ParkedEvent(None, uid, version)
            return
        if version <= state.fence or (state.live is not None and state.live.uid != uid):
            return
        began_s, at = self._clock.monotonic(), self._clock.now()
        sighting = Sighting(None, None, began_s, at, (uid, version))
        state.last_finished = _was_finished(state, last)
        self._objects.lost(state)
        verdict = self._act(state, sighting)
        self._follow_up(state, verdict, sighting)
        self._changed(state)

    def consider(self, state: ObjectState) -> None:
        """Look at an object again: a timer, a prerequisite or a switch may have changed things."""
        if state.in_flight or state.is_locked:
            state.is_dirty = True
            return
        began_s, at = self._clock.monotonic(), self._clock.now()
        live = state.live.manifest if state.live is not None else None
        comparison = _compare_applied(state, live) if live is not None else None
        sighting = Sighting(live, comparison, began_s, at).since(state.unhealed)
        before = state.drift
        verdict = self._act(state, sighting)
        self._follow_up(state, verdict, sighting)
        if state.drift is not before:
            self._changed(state)

    def settle(self, state: ObjectState) -> None:
        """Process what came while a write was in flight; called when the lock is free again."""
        parked, state.parked = state.parked, None
        dirty, state.is_dirty = state.is_dirty, False
        if parked is not None and parked.manifest is not None:
            self.observe(state, parked.manifest)
        elif parked is not None:
            self.observe_gone(state, parked.uid, parked.version)
        elif dirty:
            self.consider(state)

    def close_episode(self, state: ObjectState, how: Closing) -> None:
        """An object's drift is over for another reason than a heal."""
        self._episodes.close(state, how)

    # --- deciding -----------------------------------------------------------------------------

    def _verdict(self, state: ObjectState, sighting: Sighting) -> Verdict:
        live, comparison = sighting.live, sighting.comparison
        app = self._registry.apps.get(state.app) if state.app is not None else None
        if app is None or self._is_closed:
            return Nothing()
        if live is None:
            kind = DriftKind.MISSING if state.applied is not None else None
        else:
            drifted = comparison is not None and comparison.needs_apply
            kind = DriftKind.CHANGED if drifted else None
        state.drift = None if sighting.is_disowned else kind
        if kind is None:
            state.memory = restored(state.memory)
            state.was_paused, state.resumed_s = False, None
            return Nothing()
        situation = self._situations.of(state, app.application, sighting, kind)
        now = self._clock.monotonic()
        state.memory = undone(state.memory, now)
        verdict = decide(situation, state.memory, self._policy, now)
        patience = self._not_before.get(state.key, now)
        return Wait(patience) if isinstance(verdict, Heal) and patience > now else verdict

    def _follow_up(self, state: ObjectState, verdict: Verdict, sighting: Sighting) -> None:
        if not isinstance(verdict, Heal):
            self._episodes.note(state, verdict, sighting)
        match verdict:
            case Nothing():
                state.drifted_since_s = None
            case Heal():
                pass
            case Wait(until_s):
                self._look_again(state, until_s)
            case Hold(reason, _, until_s):
                if reason is HoldReason.PREREQUISITE:
                    self._objects.wait_for_prerequisite(state)
                    self._objects.ask_for_namespace(state)
                if until_s is not None:
                    self._look_again(state, until_s)
            case _:
                assert_never(verdict)

    def _look_again(self, state: ObjectState, until_s: float) -> None:
        planned = self._looks.get(state.key)
        if planned is not None and planned <= until_s:
            return  # what is seen then decides about the next look
        self._looks[state.key] = until_s
        self._supervisor.once(f"heal-timer {state.key}", self._consider_at(state, until_s))

    async def _consider_at(self, state: ObjectState, until_s: float) -> None:
        await self._clock.sleep(max(0.0, until_s - self._clock.monotonic()))
        if self._looks.get(state.key) != until_s:
            return  # an earlier look took this one's place
        del self._looks[state.key]
        self.consider(state)

    # --- acting -------------------------------------------------------------------------------

    def _act(self, state: ObjectState, sighting: Sighting) -> Verdict:
        """Decide, and heal at once where that is the verdict."""
        verdict = self._verdict(state, sighting)
        if isinstance(verdict, Heal):
            state.unhealed = sighting
            self._start(state, sighting)
        else:
            state.unhealed = None
        return verdict

    def _is_past(self, state: ObjectState, live: Manifest | None) -> bool:
        """Whether the drift that was seen is no longer what is live."""
        if live is None:
            return state.live is not None
        return state.live is None or state.live.version != live.version_number

    def _start(self, state: ObjectState, sighting: Sighting) -> None:
        if state.is_locked:
            state.is_dirty = True  # whoever holds the lock looks again when it is done
            return
        self._supervisor.once(f"heal {state.key}", self._heal(state, sighting))

    async def _heal(self, state: ObjectState, sighting: Sighting) -> None:
        self.at_work += 1
        try:
            async with state.lock:
                await self._heal_locked(state, sighting)
        finally:
            self.at_work -= 1
            self.settle(state)
        self._changed(state)

    async def _heal_locked(self, state: ObjectState, sighting: Sighting) -> None:
        app = self._registry.apps.get(state.app) if state.app is not None else None
        target = state.applied
        if app is None or target is None or self._is_past(state, sighting.live):
            return
        try:
            if sighting.live is None and not await _still_wants(self._reader, app.application):
                return
            if self._is_past(state, sighting.live):
                state.is_dirty = True  # somebody created it meanwhile: look at what stands there
                return
            state.unhealed = None  # what is seen from now on is another drift
            # Anything may have changed while we waited: decide again on what is known now.
            verdict = self._verdict(state, sighting)
            if not isinstance(verdict, Heal):
                self._follow_up(state, verdict, sighting)
                return
            permit = self._permits.permit(app.application, target.gvk, state.key, Purpose.HEAL)
            if isinstance(permit, Refused):
                hold = Hold(HoldReason.FORBIDDEN, permit.message)
                self._follow_up(state, hold, sighting)
                return
            started = self._clock.now()
            split = self.fights.split(state, sighting.comparison)
            order = self._order(app, target, sighting, permit)
            order = replace(
                order,
                target=_carrying(order.target, split),
                last=find_last_apply(state, target.manifest),
            )
            answer = await self._write(state, order)
        except ClusterError as error:
            self._failed(state, sighting, error)
            return
        held = frozenset(row.path for row in split.held)
        state.drift = DriftKind.CHANGED if held else None
        self._objects.applied(state, target, answer, held)
        self.fights.healed(state, sighting.comparison, held)
        if split.held:
            self._look_again(state, split.until_s)
        if not self.fights.is_only_fought(state, sighting.comparison):
            state.memory = remember(state.memory, self._policy, self._clock.monotonic())
        self._not_before.pop(state.key, None)
        app.heal_attempts += 1
        state.drifted_since_s = None
        drift = self._episodes.attempted(state, sighting, Outcome.HEALED, "")
        app.healed.append(_healed_object(target, drift, started, self._clock.now()))
        seconds = self._clock.monotonic() - sighting.began_s
        self._healed(HealReport(app, drift, seconds, answer))

    async def _write(self, state: ObjectState, order: WriteOrder) -> Manifest:
        state.in_flight += 1
        try:
            async with asyncio.timeout(self._settings.heal.timeout_s):
                return await self._writing.write(order)
        except TimeoutError as error:
            raise ClusterError(
                "HF2001",
                f"The API server did not answer within {self._settings.heal.timeout_s:g} s.",
                about=state.key,
            ) from error
        finally:
            state.in_flight -= 1

    def _order(
        self, app: AppState, target: Target, sighting: Sighting, permit: Authorized
    ) -> WriteOrder:
        comparison = sighting.comparison
        return WriteOrder(
            target=target.manifest,
            ignored=target.ignored,
            live=sighting.live,
            permit=permit,
            drifted=tuple(row.path for row in comparison.differences) if comparison else (),
            take_over_first=comparison.is_renamed_element if comparison else False,
            removes=removals(comparison) if comparison and target.is_strict else (),
            previous_manager=app.application.manifest.annotation(MIGRATION_ANNOTATION) or "",
            tries=self._settings.heal.take_over_tries,
        )

    def _failed(self, state: ObjectState, sighting: Sighting, error: ClusterError) -> None:
        now = self._clock.monotonic()
        refused = error.retry is Retry.NEVER or _was_judged(error)
        outcome = Outcome.REFUSED if refused else Outcome.POSTPONED
        if refused:
            # The server's words on this very manifest: one try for each step of the backoff.
            hashed = state.applied.hash if state.applied else ""
            state.memory = remember(
                state.memory, self._policy, now, refusal=error.message, manifest=hashed
            )
        self._episodes.attempted(state, sighting, outcome, f"{error.code} {error.message}")
        if refused:
            log.warning("heal refused object=%s code=%s %s", state.key, error.code, error)
            self._look_again(state, next_attempt_at(state.memory, self._policy, now))
            self._changed(state)
        elif error.retry is Retry.ON_PREREQUISITE:
            self._objects.wait_for_prerequisite(state)
            self._objects.ask_for_namespace(state)
            self._look_again(state, now + _RETRY_S)
        else:
            # Not an attempt that counts: the server never judged it.
            at = self._not_before[state.key] = now + (error.retry_after_s or _RETRY_S)
            log.info("heal postponed object=%s code=%s %s", state.key, error.code, error)
            self._look_again(state, at)


@dataclass(frozen=True, slots=True)
class LaneRuntime:
    """What a lane needs from the process around it.

    Attributes:
        changed: Called when the sync or health of an object changed.
        healed: Called after each heal.
        episodes: Told of every drift and what became of it.
        look_at_git: Asks for a round that asks the remote, soon.
    """

    clock: Clock
    supervisor: Supervisor
    settings: ControllerSettings
    changed: Callable[[ObjectState], None]
    healed: Callable[[HealReport], None]
    episodes: Episodes
    look_at_git: Callable[[AppKey], None] = lambda _app: None


def note_drift(state: ObjectState) -> None:
    """Learn whether an object drifted, and do nothing about it: its target was recalled."""
    live = state.live
    if live is None:
        state.drift = DriftKind.MISSING
        return
    found = _compare_applied(state, live.manifest)
    drifted = found is not None and found.needs_apply and not found.is_disowned
    state.drift = DriftKind.CHANGED if drifted else None


def _compare_applied(state: ObjectState, live: Manifest) -> Comparison | None:
    """Compare with what was applied; None when nothing is known to compare with."""
    target = state.applied
    if target is None or target.gvk != live.gvk:
        return None  # another version of it was seen before git was read (apply.md A5)
    seen, kept = without_ignored(live, target.ignored), state.kept_echo
    if kept is not None and kept.target.is_like(target) and kept.uid == live.uid:
        echo = kept.unpack()
        if echo is not None:
            return compare_strictly(seen, echo, target.ignored.managers, target.strictness)
    if declared_is_live(without_ignored(target.manifest, target.ignored), seen):
        return EQUAL
    # Somebody created another in its place. What differs must be known all the same: where
    # the other's list element stands beside ours, it is taken over (apply.md A1).
    lost = state.lost_echo
    if kept is not None and kept.uid != live.uid:
        lost = kept  # its deletion was never seen
    echo = lost.unpack() if lost is not None and lost.target.is_like(target) else None
    if echo is None:
        return Comparison(owns_all=False, is_unclear=True)
    return replace(compare(seen, echo, target.ignored.managers), owns_all=False)


def _was_judged(error: ClusterError) -> bool:
    """Whether somebody must change something before the same request can succeed."""
    return error.code in _JUDGED and error.status != _SIGNED_OUT


def _carrying(target: Manifest, split: Split) -> Manifest:
    """Fields that back off keep their live value while the rest is healed."""
    if not split.held:
        return target
    return Manifest(with_values(target.tree, [(row.path, row.live) for row in split.held]))


async def _still_wants(reader: ClusterReader, app: Application) -> bool:
    """Ask for the Application itself: its deletion may not have reached us yet (A3)."""
    fresh = await reader.get(APPLICATION, app.key.namespace, app.key.name)
    if fresh is None or fresh.uid != app.manifest.uid:
        return False
    now = Application.parse(fresh)
    return now.self_heals and not now.is_deleting and not now.skips_reconcile


def _was_finished(state: ObjectState, last: Manifest | None) -> bool:
    if state.live is not None and state.live.is_finished_job:
        return True
    return last is not None and is_finished_job(last)


def _healed_object(
    target: Target, drift: Drift, started: datetime, finished: datetime
) -> HealedObject:
    key = drift.key
    selected = SelectedResource(key.group, key.kind, key.namespace, key.name)
    return HealedObject(selected, target.gvk.version, _message_of(drift), started, finished)


def _message_of(drift: Drift) -> str:
    name = (
        f"{drift.key.kind.lower()}.{drift.key.group}" if drift.key.group else drift.key.kind.lower()
    )
    what = "created" if drift.kind is DriftKind.MISSING else "configured"
    return f"{name}/{drift.key.name} {what}"
