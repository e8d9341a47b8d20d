"""Which pause holds what (DESIGN §4.4). Pauses are on the wall clock: a person named the end."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.controller.state import Registry
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.identity import ResourceKey
from holdfast.domain.pause import Pause
from holdfast.domain.ports import Clock

UNREADABLE = (
    "pauses cannot be read, so nothing is healed: there may be one. See whether Holdfast may list "
    "pauses.holdfast.dev"
)
_IN_CLUSTER = frozenset({IN_CLUSTER_SERVER, IN_CLUSTER_NAME})


@dataclass(frozen=True, slots=True)
class Held:
    """A pause that holds something.

    Attributes:
        text: Who, until when, why.
        until: When it ends; None for no end.
        until_s: The same in monotonic seconds, as of now.
    """

    text: str
    until: datetime | None
    until_s: float | None


class Pauses:
    """Answers whether something is paused."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        """Keep where pauses are known."""
        self._registry = registry
        self._clock = clock

    def find(self, app: Application, key: ResourceKey | None = None) -> Held | None:
        """Return the pause that holds an Application, or one object of it, longest first."""
        known = self._registry.pauses
        if known is None:
            return Held(UNREADABLE, None, None)
        if not known:
            return None
        now = self._clock.now()
        holding = [
            pause for pause in known.values() if pause.is_active(now) and _holds(pause, app, key)
        ]
        if not holding:
            return None
        longest = max(holding, key=_end)
        until_s = None
        if longest.until is not None:
            until_s = self._clock.monotonic() + (longest.until - now).total_seconds()
        return Held(longest.describe(), longest.until, until_s)


def _holds(pause: Pause, app: Application, key: ResourceKey | None) -> bool:
    servers = frozenset({app.destination.server, app.destination.name}) - {""}
    if servers & _IN_CLUSTER:
        servers |= _IN_CLUSTER
    if pause.holds_app(app.key, app.project, servers):
        return True
    return key is not None and pause.holds_object(app.key, key)


def _end(pause: Pause) -> float:
    return pause.until.timestamp() if pause.until is not None else float("inf")
