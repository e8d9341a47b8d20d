"""What the journal remembers, as people and programs read it: episodes, heals, syncs, counts.

An episode is one drift of one object, from the moment it was seen to the moment it was over. Who
made a change is a list of field managers, empty when it cannot be known (apply.md B2): nobody is
ever accused by guess.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from holdfast.domain.audit import Culprit
from holdfast.domain.drift import FieldOwner
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import JSON, Tree


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: what it should be and what it was; None where it was absent."""

    path: str
    before: JSON
    after: JSON
    managers: tuple[str, ...] = ()
    owners: tuple[FieldOwner, ...] = ()

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "managers": list(self.managers),
            "owners": [
                {
                    "manager": owner.manager,
                    "operation": owner.operation,
                    "time": owner.time or None,
                    "subresource": owner.subresource,
                }
                for owner in self.owners
            ],
        }


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """What was decided about an episode at one moment."""

    at: datetime
    decision: str
    reason: str
    detail: str

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "at": moment_text(self.at),
            "decision": self.decision,
            "reason": self.reason,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class HealMade:
    """One heal of an episode.

    Attributes:
        took_s: Seconds from the receipt of the event to the server's answer.
        changes: What it put back; it may be more than what was seen first.
        manifest, step: See `domain.events.HealAttempted`; for the next start.
    """

    at: datetime
    outcome: str
    took_s: float
    message: str
    changes: tuple[FieldChange, ...] = ()
    manifest: str = ""
    step: int = 0

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "at": moment_text(self.at),
            "outcome": self.outcome,
            "tookMs": round(self.took_s * 1000, 3),
            "message": self.message,
            "changes": [change.to_tree() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Episode:
    """One drift of one object.

    Attributes:
        id: Sixteen hexadecimal digits.
        source: Server and control namespace of the Holdfast that saw it.
        what: `changed`, `missing` or `extra`.
        managers: Who made the change; empty when that cannot be known.
        culprit: The user, as the audit log of the API server proves; None when it does not.
        closed_at, closing: When and why it was over; None and `""` while it is open.
    """

    id: str
    source: str
    app: AppKey
    key: ResourceKey
    what: str
    changes: tuple[FieldChange, ...]
    managers: tuple[str, ...]
    detected_at: datetime
    closed_at: datetime | None = None
    closing: str = ""
    decisions: tuple[DecisionMade, ...] = ()
    heals: tuple[HealMade, ...] = ()
    culprit: Culprit | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None

    @property
    def who(self) -> str:
        """Return the user, else the managers, for people; `unknown` when nobody can be named."""
        managers = ",".join(self.managers)
        if self.culprit is not None:
            return f"{self.culprit.shown} with {managers}" if managers else self.culprit.shown
        return managers or "unknown"

    @property
    def took_s(self) -> float | None:
        """Return how long the heal that ended it took, None when none did."""
        healed = [heal.took_s for heal in self.heals if heal.outcome == "healed"]
        return healed[-1] if healed else None

    @property
    def state(self) -> str:
        """Return one word for how it stands: how it ended, else why nothing was done yet."""
        if self.closing:
            return self.closing
        if self.decisions:
            last = self.decisions[-1]
            return last.reason or last.decision
        return self.heals[-1].outcome if self.heals else "open"

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "id": self.id,
            "source": self.source,
            "app": {"namespace": self.app.namespace, "name": self.app.name},
            "object": {
                "group": self.key.group,
                "kind": self.key.kind,
                "namespace": self.key.namespace,
                "name": self.key.name,
            },
            "what": self.what,
            "changes": [change.to_tree() for change in self.changes],
            "managers": list(self.managers),
            "culprit": self.culprit.to_tree() if self.culprit is not None else None,
            "detectedAt": moment_text(self.detected_at),
            "closedAt": moment_text(self.closed_at) if self.closed_at else None,
            "state": self.state,
            "tookMs": round(self.took_s * 1000, 3) if self.took_s is not None else None,
            "decisions": [decision.to_tree() for decision in self.decisions],
            "heals": [heal.to_tree() for heal in self.heals],
        }


@dataclass(frozen=True, slots=True)
class EpisodeFilter:
    """Which episodes, newest first.

    Attributes:
        app: Name of an Application, or `NAMESPACE/NAME`; `""` is all.
        since: Not older than this; None is all.
        open_only: Only those that go on.
        limit: At most so many.
        source: Only of the Holdfast of this name; `""` is all.
    """

    app: str = ""
    since: datetime | None = None
    open_only: bool = False
    limit: int = 100
    source: str = ""


@dataclass(frozen=True, slots=True)
class DriftStats:
    """Counts of a while.

    Attributes:
        heal_ms: Milliseconds of the heals that the server accepted: `p50`, `p90`, `p99`, `max`.
        by_state, by_what, by_app, by_manager, by_user: How many episodes.
    """

    since: datetime | None
    episodes: int = 0
    open: int = 0
    heals: int = 0
    syncs: int = 0
    heal_ms: dict[str, float] = field(default_factory=dict)
    by_state: dict[str, int] = field(default_factory=dict)
    by_what: dict[str, int] = field(default_factory=dict)
    by_app: dict[str, int] = field(default_factory=dict)
    by_manager: dict[str, int] = field(default_factory=dict)
    by_user: dict[str, int] = field(default_factory=dict)

    def to_tree(self) -> Tree:
        """Return them as JSON."""
        return {
            "since": moment_text(self.since) if self.since else None,
            "episodes": self.episodes,
            "open": self.open,
            "heals": self.heals,
            "syncs": self.syncs,
            "healMs": self.heal_ms,
            "byState": self.by_state,
            "byWhat": self.by_what,
            "byApp": self.by_app,
            "byManager": self.by_manager,
            "byUser": self.by_user,
        }


class JournalReader(Protocol):
    """Reads a journal. Errors: `ConfigurationError` HF3012."""

    async def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        """Return episodes, newest first."""
        ...

    async def episode(self, episode_id: str) -> Episode:
        """Return the episode whose id begins so.

        Raises:
            ConfigurationError: HF3012, there is none, or several.
        """
        ...

    async def stats(self, since: datetime | None) -> DriftStats:
        """Count what happened since then."""
        ...


def moment_text(moment: datetime) -> str:
    """Return a time as RFC 3339 with milliseconds, in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
