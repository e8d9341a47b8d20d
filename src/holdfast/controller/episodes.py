"""Episodes: from the moment an object drifts to the moment it is again what it should be.

Keeps at most one open episode for each object and tells the listeners. Called after the heal was
sent, never before: telling must not cost a heal time.
"""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.controller.sighting import Sighting
from holdfast.controller.state import ObjectState, OpenEpisode
from holdfast.domain.drift import Drift
from holdfast.domain.events import (
    Closing,
    DriftClosed,
    DriftDecided,
    DriftOpened,
    HealAttempted,
    Listener,
    Outcome,
)
from holdfast.domain.ports import Clock
from holdfast.domain.verdict import Heal, Hold, Nothing, Verdict, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from holdfast.domain.identity import AppKey
    from holdfast.schema.field_path import Path

_FIGHT = "fight"
_MORE = "more"
_MOST_TOLD = 100  # as many as the journal keeps of one drift


class Episodes:
    """Opens, decides upon and closes episodes."""

    def __init__(self, clock: Clock, listeners: tuple[Listener, ...]) -> None:
        """Tell these listeners; `describe_fights` is set by the heal lane."""
        self._clock = clock
        self._listeners = listeners
        self.describe_fights: Callable[[ObjectState, Collection[Path]], list[str]] = (
            lambda _state, _paths: []
        )

    def note(self, state: ObjectState, verdict: Verdict, sighting: Sighting) -> None:
        """Take note of a verdict on an object that was just compared.

        Where only our ownership is gone, nothing drifted: no episode begins, and one of values
        that were put back is over. A heal that takes ownership again is told like any other.
        """
        known = state.episode
        if sighting.is_disowned and (known is None or known.told):
            verdict = Nothing()
        match verdict:
            case Nothing():
                self.close(state, _how_it_ended(state))
            case Heal():
                self._decide(state, sighting, "heal", "", "")
            case Wait(until_s):
                wait_s = max(0.0, until_s - self._clock.monotonic())
                self._decide(state, sighting, "wait", "backoff", f"next heal in {wait_s:.0f} s")
            case Hold(reason, detail):
                self._decide(state, sighting, "hold", reason.value, detail)

    def attempted(
        self, state: ObjectState, sighting: Sighting, outcome: Outcome, message: str
    ) -> Drift:
        """Take note of a heal; return the drift in words."""
        episode = self._open(state, sighting)
        drift = sighting.drift(state.key)
        if episode is not None and state.app is not None:
            now = self._clock.monotonic()
            self._tell(
                HealAttempted(
                    episode.id,
                    state.app,
                    drift,
                    outcome,
                    now - sighting.began_s,
                    message,
                    self._clock.now(),
                    state.applied.hash if state.applied is not None else "",
                    state.memory.step,
                )
            )
            if outcome is Outcome.HEALED:
                self.close(state, Closing.HEALED)
        return drift

    def close(self, state: ObjectState, how: Closing) -> None:
        """End the episode of an object, if one is open."""
        episode, state.episode = state.episode, None
        if episode is not None:
            self._tell(DriftClosed(episode.id, episode.app, state.key, how, self._clock.now()))

    def _decide(
        self, state: ObjectState, sighting: Sighting, decision: str, reason: str, detail: str
    ) -> None:
        episode = self._open(state, sighting)
        if episode is None:
            return
        if decision != "heal":
            episode = self._tell_more(episode, state, sighting, reason)
        if episode.decision == (decision, reason):
            return
        state.episode = replace(episode, decision=(decision, reason))
        now = self._clock.now()
        self._tell(DriftDecided(episode.id, episode.app, state.key, decision, reason, detail, now))

    def _open(self, state: ObjectState, sighting: Sighting) -> OpenEpisode | None:
        if state.episode is not None or state.app is None:
            return state.episode
        app: AppKey = state.app
        target = state.applied.hash if state.applied is not None else ""
        state.episode = OpenEpisode(
            uuid.uuid4().hex[:16], app, ("", ""), target, frozenset(_paths(sighting))
        )
        drift, (uid, version) = sighting.drift(state.key), sighting.seen
        self._tell(
            DriftOpened(state.episode.id, app, drift, uid, sighting.at, version, sighting.after)
        )
        self._tell_fights(state.episode, state, sighting)
        return state.episode

    def _tell_more(
        self, episode: OpenEpisode, state: ObjectState, sighting: Sighting, reason: str
    ) -> OpenEpisode:
        """Say which fields somebody changed since the episode was opened, and who.

        Their values come with the heal. The reason is that of the decision that goes on.
        """
        new = set(_paths(sighting)) - episode.told
        if not new or len(episode.told) > _MOST_TOLD:
            return episode
        rows = zip(_paths(sighting), sighting.drift(state.key).differences, strict=False)
        words = [
            f"{row.path} was changed, too, by {', '.join(row.managers) or 'unknown'}"
            for path, row in rows
            if path in new
        ]
        state.episode = episode = replace(episode, told=episode.told | new)
        text, now = "; ".join(words), self._clock.now()
        self._tell(DriftDecided(episode.id, episode.app, state.key, _MORE, reason, text, now))
        return episode

    def _tell_fights(self, episode: OpenEpisode, state: ObjectState, sighting: Sighting) -> None:
        """Say of each drift that is part of a fight who fights, over what, and what ends it."""
        if sighting.comparison is None:
            return
        paths = [row.path for row in sighting.comparison.differences]
        for text in self.describe_fights(state, paths):
            now = self._clock.now()
            self._tell(DriftDecided(episode.id, episode.app, state.key, _FIGHT, _FIGHT, text, now))

    def _tell(self, happening: DriftOpened | DriftDecided | HealAttempted | DriftClosed) -> None:
        for listener in self._listeners:
            listener.take(happening)


def _paths(sighting: Sighting) -> "list[Path]":
    comparison = sighting.comparison
    return [row.path for row in comparison.differences] if comparison is not None else []


def _how_it_ended(state: ObjectState) -> Closing:
    """Say of a drift that is over without a heal whether git came to it, or it to git."""
    if state.episode is None or state.applied is None:
        return Closing.REVERTED
    return Closing.REVERTED if state.applied.hash == state.episode.target else Closing.ADOPTED
