"""Which pause holds what (DESIGN §4.4). Pauses are on the wall clock: a person named the end."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.controller.state import ObjectState, Registry
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.drift import SyncCode
from holdfast.domain.events import AppEvent, EventRecorder, Reason
from holdfast.domain.identity import ResourceKey
from holdfast.domain.pause import Pause
from holdfast.domain.ports import Clock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

UNREADABLE = (
    "pauses cannot be read, so nothing is healed: there may be one. See whether Holdfast may list "
    "pauses.holdfast.dev"
)
_LAST_PART = 0.1
_LONGEST_SLEEP_S = 60.0
_MOST_EVENTS = 100  # a pause of everything is told by its log line; Events are for people to find
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

    @property
    def end(self) -> float:
        """When it ends, to be compared; one without an end is the last."""
        return self.until.timestamp() if self.until is not None else float("inf")


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
            pause for pause in known.values() if pause.is_active(now) and holds(pause, app, key)
        ]
        if not holding:
            return None
        longest = max(holding, key=_end)
        until_s = None
        if longest.until is not None:
            until_s = self._clock.monotonic() + (longest.until - now).total_seconds()
        return Held(longest.describe(), longest.until, until_s)

    def find_touched(self, app: Application, states: Iterable[ObjectState]) -> Held | None:
        """Return the pause of an Application, or of an object that a sync of it would touch.

        A commit about something else must not undo what a person does to a paused object.

        Args:
            app: The Application.
            states: Its objects.
        """
        whole = self.find(app)
        if whole is not None or not self._registry.pauses:
            return whole
        touched = [found.key for found in states if found.sync is not SyncCode.SYNCED]
        held = [one for key in touched if (one := self.find(app, key)) is not None]
        return max(held, key=lambda one: one.end, default=None)


class Reminders:
    """Says that a pause is about to end, when a tenth of it is left: an Event on what it holds."""

    def __init__(
        self, registry: Registry, clock: Clock, supervisor: Supervisor, recorder: EventRecorder
    ) -> None:
        """Plan nothing before the first pause."""
        self._registry = registry
        self._clock = clock
        self._supervisor = supervisor
        self._recorder = recorder
        self._planned: dict[str, datetime] = {}

    def plan(self) -> None:
        """Pauses have changed: set a timer for each end that is new."""
        known = self._registry.pauses or {}
        for gone in [name for name in self._planned if name not in known]:
            del self._planned[gone]
        now = self._clock.now()
        for pause in known.values():
            if pause.until is None or not pause.is_active(now):
                continue
            if self._planned.get(pause.id) == pause.until:
                continue
            self._planned[pause.id] = pause.until
            self._supervisor.once(f"pause {pause.id}", self._remind(pause, pause.until))

    async def _remind(self, pause: Pause, until: datetime) -> None:
        began = pause.created_at or self._clock.now()
        at = until - (until - began) * _LAST_PART
        # Once more after each sleep: the wall clock, which people read, may have stepped.
        while (left_s := (at - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left_s, _LONGEST_SLEEP_S))
        if self._planned.get(pause.id) != until or not pause.is_active(self._clock.now()):
            return  # it was resumed, or has another end now
        text = f"healing goes on at {until:%H:%M:%S} UTC: {pause.describe()}"
        log.warning("pause ends soon pause=%s until=%s", pause.id, until)
        held = [
            state.application
            for state in self._registry.apps.values()
            if holds(pause, state.application) or pause.holds_objects_of(state.key)
        ]
        for app in held[:_MOST_EVENTS]:
            self._recorder.record(
                AppEvent(
                    app=app.key,
                    uid=app.manifest.uid,
                    reason=Reason.PAUSE_EXPIRING,
                    message=text,
                    warning=True,
                    resource_version=app.manifest.resource_version,
                    dest_server=app.destination.server,
                    dest_namespace=app.destination.namespace,
                )
            )


def holds(pause: Pause, app: Application, key: ResourceKey | None = None) -> bool:
    """Whether a pause is about an Application, or about one object of it."""
    servers = frozenset({app.destination.server, app.destination.name}) - {""}
    if servers & _IN_CLUSTER:
        servers |= _IN_CLUSTER
    if pause.holds_app(app.key, app.project, servers):
        return True
    return key is not None and pause.holds_object(app.key, key)


def _end(pause: Pause) -> float:
    return pause.until.timestamp() if pause.until is not None else float("inf")
