"""Which pause holds what (DESIGN §4.4), and the warning before one ends.

Pauses are on the wall clock: a person named the end.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.controller.state import ObjectState, Registry
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.drift import SyncCode
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.events import AppEvent, EventRecorder, Reason
from holdfast.domain.identity import ResourceKey
from holdfast.domain.pause import ANNOUNCED_ANNOTATION, PAUSE, Pause
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

UNREADABLE = (
    "pauses cannot be read, so nothing is healed: there may be one. See whether Holdfast may list "
    "pauses.holdfast.dev"
)
_LAST_PART = 0.1
_LONGEST_SLEEP_S = 60.0
_AGAIN_S = 2.0
_TRIES = 5
_NOT_FOUND = 404
_REFUSALS = range(400, 429)  # the same answer is to be expected once more
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
    """Says that a pause is about to end, when a tenth of it is left: an Event on what it holds.

    Once: the Pause itself says that its end was announced, so a restart or another leader in the
    last tenth does not say it again. The mark is made first. A process that dies in the
    milliseconds between mark and Event has then told nobody, which is the lesser evil beside a
    warning with each restart; where the mark is refused, the warning still comes.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        supervisor: Supervisor,
        recorder: EventRecorder,
        system: SystemWriter,
    ) -> None:
        """Plan nothing before the first pause."""
        self._registry = registry
        self._clock = clock
        self._supervisor = supervisor
        self._recorder = recorder
        self._system = system
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
            if not pause.is_announced:
                self._supervisor.once(f"pause {pause.id}", self._remind(pause, pause.until))

    async def _remind(self, pause: Pause, until: datetime) -> None:
        began = pause.created_at or self._clock.now()
        at = until - (until - began) * _LAST_PART
        # Once more after each sleep: the wall clock, which people read, may have stepped.
        while (left_s := (at - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left_s, _LONGEST_SLEEP_S))
        for _ in range(_TRIES):
            if not self._is_due(pause, until) or await self._mark(pause, until):
                break
            await self._clock.sleep(_AGAIN_S)
        if self._is_due(pause, until):
            self._tell(pause, until)

    def _is_due(self, pause: Pause, until: datetime) -> bool:
        """Whether it was neither resumed nor given another end meanwhile."""
        return self._planned.get(pause.id) == until and pause.is_active(self._clock.now())

    async def _mark(self, pause: Pause, until: datetime) -> bool:
        """Write down that this end is announced; False when it is to be tried again."""
        mark = {ANNOUNCED_ANNOTATION: until.isoformat()}
        namespace = pause.manifest.namespace
        try:
            await self._system.merge_patch(
                PAUSE, namespace, pause.id, {"metadata": {"annotations": mark}}, SystemWrite.PAUSE
            )
        except HoldfastError as error:
            status = error.status if isinstance(error, ClusterError) else 0
            if status == _NOT_FOUND:
                self._planned.pop(pause.id, None)  # it was resumed; the watch will say so
                return True
            log.warning("end of pause not marked as told pause=%s %s", pause.id, error.describe())
            return status in _REFUSALS
        return True

    def _tell(self, pause: Pause, until: datetime) -> None:
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
