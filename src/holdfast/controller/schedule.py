"""When an Application is due for a round (controller.md §7.4), on the age that is kept in memory.

`status.reconciledAt` alone is written once an hour only (decision record 0004), so that it cannot
say when the last comparison was.
"""

import random
from datetime import timedelta

from holdfast.config.settings import RefreshSettings
from holdfast.controller.state import AppState
from holdfast.domain.ports import Clock
from holdfast.planning.refresh import Expiry, Level, Refresh, RefreshType, find_refresh

# Status ranks below heals: while so many are on their way it waits, but not for ever.
_STORM = 8
_MAKES_WAY_S = 8.0
_NEVER = Expiry(timedelta(0), timedelta(0))


class Schedule:
    """Says what is due, and when to look next."""

    def __init__(self, settings: RefreshSettings, clock: Clock, rng: random.Random) -> None:
        """Keep the timeouts; `rng` spreads Applications over the jitter."""
        self._settings = settings
        self._clock = clock
        self._rng = rng

    def find_due(self, state: AppState, level: Level) -> Refresh | None:
        """Return the round that is due, None for none; `level` is what the queue asks for."""
        queued = level if level > Level.NOTHING else None
        if self._is_expired(state):
            queued = max(queued or Level.LATEST, Level.LATEST)
        elif state.desired is None and queued is Level.RECENT:
            queued = None  # git could not be read a moment ago; an object's event changes nothing
        due = find_refresh(state.application, self._clock.now(), _NEVER, queued)
        hard_s = self._settings.hard_reconciliation_s
        if due is not None and hard_s > 0 and self._age_s(state) > hard_s:
            return Refresh(RefreshType.HARD, max(due.level, Level.LATEST), due.reason)
        return due

    def makes_way(self, state: AppState, heals: int) -> bool:
        """Whether a status waits because many heals are at work; for seconds at most."""
        now = self._clock.monotonic()
        since, state.makes_way_since_s = state.makes_way_since_s, None
        if heals < _STORM:
            return False
        since = now if since is None else since
        if now - since >= _MAKES_WAY_S:
            return False
        state.makes_way_since_s = since
        return True

    def next_look_s(self, state: AppState) -> float | None:
        """Return the seconds until the next look at git; None when there is none by time."""
        if self._settings.reconciliation_s <= 0:
            return None
        wait_s = max(1.0, self._settings.reconciliation_s - self._age_s(state))
        return wait_s + self._rng.random() * self._settings.jitter_s

    def _is_expired(self, state: AppState) -> bool:
        soft_s = self._settings.reconciliation_s
        return soft_s > 0 and self._age_s(state) >= soft_s

    def _age_s(self, state: AppState) -> float:
        if state.reconciled_at is None:
            return float("inf")
        return (self._clock.now() - state.reconciled_at).total_seconds()
