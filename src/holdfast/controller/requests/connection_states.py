"""What is known of how repositories and clusters answer; asked anew after a while."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock
from holdfast.planning.times import format_time

BELIEVED_S = 3600.0
"""How long a success is believed; Argo CD's own (docs/internals/argocd/api.md §1.7)."""
_TROUBLE_BELIEVED_S = 30.0
_AT_ONCE = 8
_MOST_KNOWN = 10_000
_LONGEST_S = 30.0

Try = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class State:
    """One outcome; `detail` is what the try returned."""

    status: str
    message: str
    attempted_at: str
    at: float
    detail: str = ""

    @property
    def tree(self) -> Tree:
        """As Argo CD's API writes it."""
        return {
            "status": self.status, "message": self.message, "attemptedAt": self.attempted_at or None
        }  # fmt: skip


NOT_TRIED = State("Unknown", "not tried yet", "", 0.0)


@dataclass(slots=True)
class ConnectionStates:
    """Outcomes by a key that changes with what is tried."""

    clock: Clock
    _known: dict[str, State] = field(default_factory=dict)
    _running: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def look(
        self, tries: Mapping[str, Try], *, refresh: bool, patience_s: float | None
    ) -> dict[str, State]:
        """Return the state of each; what has to be tried is tried, and goes on after `patience_s`.

        Args:
            tries: By key; each returns a detail or raises a HoldfastError.
            refresh: Try all, whatever is known.
            patience_s: How long is waited; None is to the end, 0 tries nothing.
        """
        if len(self._known) > _MOST_KNOWN:  # of Secrets that have changed or gone
            self._known.clear()
        if patience_s == 0:
            return {key: self._known.get(key, NOT_TRIED) for key in tries}
        for key, attempt in tries.items():
            if key not in self._running and (refresh or not self._is_fresh(key)):
                self._running[key] = asyncio.ensure_future(self._run(key, attempt))
        waiting = [self._running[key] for key in tries if key in self._running]
        if waiting:
            await asyncio.wait(waiting, timeout=patience_s)
        return {key: self._known.get(key, NOT_TRIED) for key in tries}

    def _is_fresh(self, key: str) -> bool:
        state = self._known.get(key)
        if state is None:
            return False
        believed = BELIEVED_S if state.status == "Successful" else _TROUBLE_BELIEVED_S
        return self.clock.monotonic() - state.at < believed

    async def _run(self, key: str, attempt: Try) -> None:
        try:
            async with self._limit, asyncio.timeout(_LONGEST_S):
                self._known[key] = self._state("Successful", "", await attempt())
        except HoldfastError as error:
            self._known[key] = self._state("Failed", error.explain())
        except TimeoutError:
            self._known[key] = self._state("Failed", f"no answer within {_LONGEST_S:g} s")
        finally:
            self._running.pop(key, None)

    def _state(self, status: str, message: str, detail: str = "") -> State:
        now = format_time(self.clock.now())
        return State(status, message, now, self.clock.monotonic(), detail)
