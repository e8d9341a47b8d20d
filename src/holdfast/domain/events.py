"""What happens to Applications, for those who listen: Kubernetes Events, log, metrics, journal.

One union, `Happening`, carries everything that the lanes do; journal, notifications and metrics
are `Listener`s of it. A drift is an *episode*: opened when it is first seen, decided upon (perhaps
several times), closed when the object is again what it should be.

`AppEvent`s are Kubernetes Events; reasons and texts: docs/internals/argocd/controller.md §11.1.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from holdfast.domain.drift import Drift
from holdfast.domain.identity import AppKey, ResourceKey, Uid


class Reason(StrEnum):
    """Why an Event is written."""

    STATUS_REFRESHED = "StatusRefreshed"
    RESOURCE_CREATED = "ResourceCreated"
    RESOURCE_UPDATED = "ResourceUpdated"
    RESOURCE_DELETED = "ResourceDeleted"
    PAUSE_EXPIRING = "PauseExpiring"
    RESOURCE_ACTION_RAN = "ResourceActionRan"
    DRIFT_DETECTED = "DriftDetected"
    DRIFT_HEALED = "DriftHealed"
    HEAL_REFUSED = "HealRefused"
    FIGHT = "FightDetected"
    OPERATION_STARTED = "OperationStarted"
    OPERATION_COMPLETED = "OperationCompleted"


@dataclass(frozen=True, slots=True)
class AppEvent:
    """One thing that happened to an Application.

    Attributes:
        app, uid, resource_version: The Application.
        reason: What kind of thing.
        message: The sentence people read.
        warning: Type Warning instead of Normal.
        dest_server, dest_namespace: Where the Application deploys to.
        user: Who asked for it, or `""`.
    """

    app: AppKey
    uid: Uid
    reason: Reason
    message: str
    warning: bool = False
    resource_version: str = ""
    dest_server: str = ""
    dest_namespace: str = ""
    user: str = ""


class EventRecorder(Protocol):
    """Takes note of what happened; never waits and never fails."""

    def record(self, event: AppEvent) -> None:
        """Note what happened; returns at once."""
        ...


class Outcome(StrEnum):
    """How one heal ended."""

    HEALED = "healed"
    REFUSED = "refused"
    POSTPONED = "postponed"


class Closing(StrEnum):
    """Why an episode is over."""

    HEALED = "healed"
    REVERTED = "reverted"  # somebody else put it back
    ADOPTED = "adopted"  # git declares by now what stands there
    SYNCED = "synced"
    RELEASED = "released"  # the Application or its target is gone
    INTERRUPTED = "interrupted"  # Holdfast stopped meanwhile; its next life opens a new one


@dataclass(frozen=True, slots=True)
class DriftOpened:
    """A live object is not what was applied to it.

    Attributes:
        episode: Unique id of the episode.
        uid: The object; the one that is gone when it is missing, `""` if that is not known.
        detected_at: When the event arrived.
        version: resourceVersion of the event, 0 when it was no event that showed it.
        after: The newest resourceVersion before it that was as it should be, 0 when that is not
            known: whoever made the drift wrote a version above this one.
    """

    episode: str
    app: AppKey
    drift: Drift
    uid: Uid
    detected_at: datetime
    version: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class DriftDecided:
    """What was decided about an open episode; `reason` is one word, `detail` a sentence."""

    episode: str
    app: AppKey
    key: ResourceKey
    decision: str
    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HealAttempted:
    """One heal; `seconds` from the receipt of the event to the server's answer.

    Attributes:
        manifest: Hash of what was applied: a refusal is of this manifest alone.
        step: How many heals in a row had to wait, this one included: the pace goes on from there.
    """

    episode: str
    app: AppKey
    drift: Drift
    outcome: Outcome
    seconds: float
    message: str
    at: datetime
    manifest: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class DriftClosed:
    """An episode is over."""

    episode: str
    app: AppKey
    key: ResourceKey
    how: Closing
    at: datetime


@dataclass(frozen=True, slots=True)
class SyncEnded:
    """An operation is over; `initiated_by` is a user name, `""` for automatic sync."""

    app: AppKey
    revisions: tuple[str, ...]
    phase: str
    message: str
    started_at: datetime
    finished_at: datetime
    initiated_by: str
    is_selective: bool


Happening: TypeAlias = DriftOpened | DriftDecided | HealAttempted | DriftClosed | SyncEnded


class Listener(Protocol):
    """Is told what happens, on the event loop; must return at once and never fail."""

    def take(self, happening: Happening) -> None:
        """Take note."""
        ...
