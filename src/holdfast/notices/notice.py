"""`Notice`: one thing that people may want to hear of, made from what the lanes tell. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from holdfast.domain.drift import Difference, Drift
from holdfast.domain.events import (
    AppEvent,
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
from holdfast.domain.manifest import Tree
from holdfast.kit.masking import shown_text, shown_value

SUBSCRIBE = "notifications.argoproj.io/subscribe."
"""Annotation of an Application: `…subscribe.TRIGGER.TARGET` (docs/internals/argocd/api.md §9)."""

LONGEST_VALUE = 500
LONGEST_WHY = 1000
MOST_CHANGES = 10


class Trigger(StrEnum):
    """What people can be told of."""

    DRIFT = "on-drift"
    HEAL = "on-heal"
    FIGHT = "on-fight"
    HEAL_FAILED = "on-heal-failed"
    PAUSE_EXPIRING = "on-pause-expiring"


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What decides who hears of an Application."""

    project: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One field, as it may be shown."""

    path: str
    before: object
    after: object

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {"path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened.

    Attributes:
        key: The object; None when it is about the Application as a whole.
        drift: How the object differs; its values are masked when they are shown, not before.
        why: A sentence: why nothing was done, why a heal failed, who fights.
        diff: Equal for equal drifts of one object.
        seconds: From the receipt of the event to the accepted heal; None for no heal.
    """

    trigger: Trigger
    app: AppKey
    at: datetime
    key: ResourceKey | None = None
    drift: Drift | None = None
    episode: str = ""
    why: str = ""
    diff: str = ""
    seconds: float | None = None

    @property
    def what(self) -> str:
        """`missing`, `changed`, `extra`; `""` for an Application as a whole."""
        return self.drift.kind.value if self.drift is not None else ""

    @property
    def who(self) -> tuple[str, ...]:
        """Who made the change; empty when that cannot be known."""
        rows = self.drift.differences if self.drift is not None else ()
        return tuple(sorted({manager for row in rows for manager in row.managers}))

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes two notices the same: trigger, object, diff."""
        return (self.trigger.value, str(self.key or ""), self.diff)

    def changes(self) -> list[Change]:
        """Return the fields, masked and cut."""
        if self.drift is None:
            return []
        rows = self.drift.differences
        shown = [_change(row, self.drift) for row in rows[:MOST_CHANGES]]
        left = len(rows) - len(shown)
        return [*shown, Change(f"… {left} more fields", None, None)] if left > 0 else shown


@dataclass(frozen=True, slots=True)
class Remark:
    """What else became known of an episode: why nothing is done yet, or how it ended."""

    app: AppKey
    episode: str
    why: str = ""
    state: str = ""
    is_over: bool = False


def remark_of(happening: Happening) -> Remark | None:
    """Return what a happening adds to a notice that was not sent yet."""
    match happening:
        case DriftDecided(episode=episode, app=app, decision=decision):
            detail = happening.detail or happening.reason
            words = {"hold": "not healed", "wait": "heals later"}
            if decision not in words:
                return None
            return Remark(app, episode, shown_text(detail, LONGEST_WHY), words[decision])
        case DriftClosed(episode=episode, app=app, how=how):
            return Remark(app, episode, state=how.value, is_over=True)
        case DriftOpened() | HealAttempted() | SyncEnded():
            return None


def notices_of(happening: Happening) -> list[Notice]:
    """Return what a happening tells people."""
    match happening:
        case DriftOpened():
            drift = happening.drift
            return [
                Notice(
                    Trigger.DRIFT,
                    happening.app,
                    happening.detected_at,
                    drift.key,
                    drift,
                    happening.episode,
                    diff=diff_of(drift),
                )
            ]
        case HealAttempted():
            return _heal(happening)
        case DriftDecided() | DriftClosed() | SyncEnded():
            return []


def notice_of_event(event: AppEvent, at: datetime) -> Notice | None:
    """Return what an Event on an Application tells people; most tell nothing."""
    triggers = {
        Reason.FIGHT: Trigger.FIGHT,
        Reason.PAUSE_EXPIRING: Trigger.PAUSE_EXPIRING,
    }
    trigger = triggers.get(event.reason)
    if trigger is None:
        return None
    why = shown_text(event.message, LONGEST_WHY)
    # Figures change from one telling to the next, the fight does not.
    words = event.message.partition(" (")[0] if trigger is Trigger.FIGHT else event.message
    return Notice(trigger, event.app, at, why=why, diff=_hash(words))


def diff_of(drift: Drift) -> str:
    """Return a hash of what differs; it is made of the tokens of Secrets, never of values."""
    rows = [(row.path, row.desired, row.live) for row in drift.differences]
    return _hash(f"{drift.kind.value} {rows!r}")


def _heal(tried: HealAttempted) -> list[Notice]:
    triggers = {Outcome.HEALED: Trigger.HEAL, Outcome.REFUSED: Trigger.HEAL_FAILED}
    trigger = triggers.get(tried.outcome)
    if trigger is None:
        return []  # postponed: it waits for something, and is tried again
    return [
        Notice(
            trigger,
            tried.app,
            tried.at,
            tried.drift.key,
            tried.drift,
            tried.episode,
            why=shown_text(tried.message, LONGEST_WHY),
            diff=diff_of(tried.drift),
            seconds=tried.seconds if trigger is Trigger.HEAL else None,
        )
    ]


def _change(row: Difference, drift: Drift) -> Change:
    is_secret = drift.hides(row.path)
    return Change(
        row.path,
        shown_value(row.path, row.desired, is_secret=is_secret, longest=LONGEST_VALUE),
        shown_value(row.path, row.live, is_secret=is_secret, longest=LONGEST_VALUE),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
