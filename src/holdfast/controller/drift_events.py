"""Kubernetes Events about drift, on the Application: seen, healed, refused.

A `Listener`. What happens to an Application within a second is told together, and in a storm only
when the heals are through: an Event is a request, and heals go first. A drift that is healed within
that second has one Event, `DriftHealed`, which says what it was; one that lasts has `DriftDetected`
with the reason. A refusal is told once for each text, however often it is tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.controller.state import AppState, Registry
from holdfast.controller.status_writer import StatusWriter
from holdfast.domain.drift import Drift, DriftKind
from holdfast.domain.events import (
    DriftClosed,
    DriftDecided,
    DriftOpened,
    Happening,
    HealAttempted,
    Outcome,
    Reason,
    SyncEnded,
)
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.ports import Clock
from holdfast.kit.tasks import Supervisor

GATHER_S = 1.0
STORM = 8
"""Heals on their way from which on Events wait."""
_LONGEST_STORM = 8
_NAMED_OBJECTS = 5
_NAMED_FIELDS = 5
_TASK = "drift events"


@dataclass(slots=True)
class _Gathered:
    """What happened to one Application since the last Event."""

    opened: dict[str, Drift] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    healed: list[HealAttempted] = field(default_factory=list)
    refused: dict[ResourceKey, str] = field(default_factory=dict)


class DriftEvents:
    """Gathers what happens to each Application, and tells it."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        supervisor: Supervisor,
        status: StatusWriter,
        is_busy: Callable[[], bool],
    ) -> None:
        """Tell nothing before something happens.

        Args:
            registry: Knows the Applications.
            clock: For the second.
            supervisor: Runs the task that tells.
            status: Records Events of Applications.
            is_busy: Whether many heals are on their way.
        """
        self._registry = registry
        self._clock = clock
        self._supervisor = supervisor
        self._status = status
        self._is_busy = is_busy
        self._gathered: dict[AppKey, _Gathered] = {}
        self._refusals: dict[ResourceKey, str] = {}

    def take(self, happening: Happening) -> None:
        """Take note; returns at once."""
        if isinstance(happening, SyncEnded):
            return
        if isinstance(happening, DriftClosed):
            self._refusals.pop(happening.key, None)
            return
        found = self._gathered.setdefault(happening.app, _Gathered())
        match happening:
            case DriftOpened(episode, _, drift):
                found.opened[episode] = drift
            case DriftDecided(episode, _, _, decision, reason, detail):
                found.why[episode] = detail or reason or decision
            case HealAttempted():
                self._attempted(found, happening)
        if not self._supervisor.is_running(_TASK):
            self._supervisor.once(_TASK, self._tell_soon())

    def _attempted(self, found: _Gathered, heal: HealAttempted) -> None:
        key = heal.drift.key
        if heal.outcome is Outcome.HEALED:
            found.healed.append(heal)
            found.opened.pop(heal.episode, None)
        elif heal.outcome is Outcome.REFUSED and self._refusals.get(key) != heal.message:
            self._refusals[key] = found.refused[key] = heal.message
            found.opened.pop(heal.episode, None)  # the refusal says it

    async def _tell_soon(self) -> None:
        while self._gathered:
            await self._clock.sleep(GATHER_S)
            for _ in range(_LONGEST_STORM):
                if not self._is_busy():
                    break
                await self._clock.sleep(GATHER_S)
            gathered, self._gathered = self._gathered, {}
            for key, found in gathered.items():
                state = self._registry.apps.get(key)
                if state is not None:
                    self._tell_of(state, found)
                await self._clock.sleep(0)  # heals go between

    def _tell_of(self, state: AppState, found: _Gathered) -> None:
        if found.opened:
            self._status.tell(state, Reason.DRIFT_DETECTED, _detected(found), warning=True)
        if found.healed:
            self._status.tell(state, Reason.DRIFT_HEALED, _healed(found.healed))
        for key, message in list(found.refused.items())[:_NAMED_OBJECTS]:
            text = f"The heal of {key} was refused: {message}"
            self._status.tell(state, Reason.HEAL_REFUSED, text, warning=True)


def _detected(found: _Gathered) -> str:
    if len(found.opened) == 1:
        ((episode, drift),) = found.opened.items()
        why = found.why.get(episode, "")
        text = f"{drift.key} drifted: {_what(drift)}"
        return f"{text}. Not healed: {why}" if why else text
    names = _names([drift.key for drift in found.opened.values()])
    reasons = sorted({found.why[episode] for episode in found.opened if episode in found.why})
    return f"{len(found.opened)} objects drifted: {names}" + (
        f". Not healed: {'; '.join(reasons[:_NAMED_OBJECTS])}" if reasons else ""
    )


def _healed(heals: list[HealAttempted]) -> str:
    if len(heals) == 1:
        heal = heals[0]
        took = f"{heal.seconds * 1000:.0f} ms"
        return f"{heal.drift.key} was healed in {took}: {_what(heal.drift)}"
    names = _names(sorted({heal.drift.key for heal in heals}))
    longest = max(heal.seconds for heal in heals)
    return f"{len(heals)} drifts were healed in {longest * 1000:.0f} ms at most: {names}"


def _what(drift: Drift) -> str:
    """Say what was changed, and by whom as far as that can be known; no values."""
    if drift.kind is DriftKind.MISSING:
        return "it was deleted"
    fields = [row.path for row in drift.differences]
    if not fields:
        return "its fields belong to another manager"
    text = ", ".join(fields[:_NAMED_FIELDS])
    if len(fields) > _NAMED_FIELDS:
        text += f" and {len(fields) - _NAMED_FIELDS} more"
    managers = sorted({name for row in drift.differences for name in row.managers})
    return f"{text} changed" + (f" by {', '.join(managers)}" if managers else "")


def _names(keys: list[ResourceKey]) -> str:
    text = ", ".join(str(key) for key in keys[:_NAMED_OBJECTS])
    more = len(keys) - _NAMED_OBJECTS
    return f"{text} and {more} more" if more > 0 else text
