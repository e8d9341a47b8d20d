"""The history of an Application: syncs, and between them what was healed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.api.page.app_view import SourceView, block, blocks, moment, source_view, text
from holdfast.domain.journal import Episode
from holdfast.domain.manifest import Tree

_MOST_HEALS_BETWEEN = 5


@dataclass(frozen=True, slots=True)
class Deployed:
    """One entry of the history.

    Attributes:
        until: When the next one took its place; None for the newest.
        revisions: One for each source.
        is_current: The newest entry: it is redeployed, older ones are rolled back to.
    """

    id: int
    sources: tuple[SourceView, ...]
    revisions: tuple[str, ...]
    started: datetime | None
    at: datetime | None
    until: datetime | None
    initiated_by: str
    is_automated: bool
    is_current: bool

    @property
    def revision(self) -> str:
        """Of the first source."""
        return self.revisions[0] if self.revisions else ""

    @property
    def source(self) -> SourceView:
        """The first source."""
        return self.sources[0] if self.sources else SourceView("", "", "HEAD", is_chart=False)

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started is None or self.at is None:
            return None
        return max(0.0, (self.at - self.started).total_seconds())

    def active_s(self, now: datetime) -> float | None:
        """How long it was, or is, what runs."""
        return ((self.until or now) - self.at).total_seconds() if self.at else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time between two syncs: what was healed in it, newest first."""

    deployed: Deployed | None
    heals: tuple[Episode, ...]
    more: int = 0


def deployed_of(app: Tree) -> tuple[Deployed, ...]:
    """Return the history of an Application, newest first."""
    entries = blocks(app, "status", "history")
    found = []
    until: datetime | None = None
    for number, entry in enumerate(reversed(entries)):
        several = blocks(entry, "sources")
        revisions = [str(one) for one in entry.get("revisions") or ()] or [text(entry, "revision")]
        trees = several or [block(entry, "source")]
        who = block(entry, "initiatedBy")
        at = moment(entry.get("deployedAt"))
        identity = entry.get("id")
        found.append(
            Deployed(
                id=identity if isinstance(identity, int) else 0,
                sources=tuple(source_view(tree) for tree in trees),
                revisions=tuple(revisions),
                started=moment(entry.get("deployStartedAt")),
                at=at,
                until=until,
                initiated_by=text(who, "username"),
                is_automated=bool(who.get("automated")),
                is_current=number == 0,
            )
        )
        until = at
    return tuple(found)


def woven(deployed: Iterable[Deployed], episodes: Iterable[Episode]) -> tuple[Stretch, ...]:
    """Put the heals between the syncs that they followed, newest first."""
    heals = [one for one in episodes if any(heal.outcome == "healed" for heal in one.heals)]
    stretches = []
    for entry in deployed:
        mine = [
            one
            for one in heals
            if entry.at is not None
            and one.detected_at >= entry.at
            and (entry.until is None or one.detected_at < entry.until)
        ]
        shown = tuple(mine[:_MOST_HEALS_BETWEEN])
        stretches.append(Stretch(entry, shown, len(mine) - len(shown)))
    return tuple(stretches)
