"""What stands against guessing passwords (docs/internals/argocd/api.md §2.5)."""

from dataclasses import dataclass

from holdfast.domain.ports import Clock

MOST_FAILURES = 5
WINDOW_S = 300.0
MOST_NAMES = 10_000
MOST_AT_ONCE = 50


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: float


class LoginGuard:
    """Counts failures for each name, and logins that run now."""

    def __init__(self, clock: Clock) -> None:
        """Nobody has failed yet."""
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        self._running = 0

    def is_locked(self, name: str) -> bool:
        """Whether this name failed so often that its password is not looked at."""
        found = self._failures.get(name)
        return (
            found is not None
            and found.count >= MOST_FAILURES
            and self._clock.monotonic() - found.last_at < WINDOW_S
        )

    def note_failure(self, name: str) -> None:
        """Count a failure; names that nobody has count as well."""
        now = self._clock.monotonic()
        found = self._failures.pop(name, None)
        fresh = found is not None and now - found.last_at < WINDOW_S
        count = found.count + 1 if found is not None and fresh else 1
        if len(self._failures) >= MOST_NAMES:
            self._failures.pop(next(iter(self._failures)))  # the one that failed longest ago
        self._failures[name] = _Failures(count, now)

    def note_success(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failures.pop(name, None)

    def enter(self) -> bool:
        """Whether one more login may run now; who may must `leave`."""
        if self._running >= MOST_AT_ONCE:
            return False
        self._running += 1
        return True

    def leave(self) -> None:
        """End a login."""
        self._running -= 1
