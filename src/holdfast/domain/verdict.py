"""What `healing.decide` can say. Consumed by `match` ending in `assert_never`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class HoldReason(StrEnum):
    """Why a drift is left alone."""

    SELF_HEAL_OFF = "self-heal-off"
    SKIP_RECONCILE = "skip-reconcile"
    OBSERVE_ONLY = "observe-only"
    OBSERVED = "observed"
    WINDOW = "heal-window"
    NO_TARGET = "no-target"
    TERMINATING = "terminating"
    APP_DELETING = "application-deleting"
    HOOK = "hook"
    FINISHED = "finished"
    SHARED = "shared-resource"
    SYNC_RUNNING = "sync-running"
    REFUSED = "refused"
    FORBIDDEN = "forbidden-by-project"
    PREREQUISITE = "prerequisite-missing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no drift."""


@dataclass(frozen=True, slots=True)
class Heal:
    """Heal now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Heal later; `until_s` is on the monotonic clock, in seconds."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not heal; `detail` is a sentence for people.

    `until_s` (monotonic seconds) says when it is worth looking again, None when only an event
    can change the verdict.
    """

    reason: HoldReason
    detail: str = ""
    until_s: float | None = None


Verdict: TypeAlias = Nothing | Heal | Wait | Hold
