"""The port `JournalReader` through a server: what it tells of drift, read back as it was written.

Times have milliseconds there, which is what every output shows.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from holdfast.assembly.contexts import Server
from holdfast.assembly.rest import Asked, Rest, segment
from holdfast.domain.audit import Culprit
from holdfast.domain.drift import FieldOwner
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.journal import (
    DecisionMade,
    DriftStats,
    Episode,
    EpisodeFilter,
    FieldChange,
    HealMade,
)
from holdfast.domain.manifest import Tree
from holdfast.kit.clock import SystemClock

_OURS = "/api/holdfast/v1"
_MOST = 1000


@asynccontextmanager
async def remote_journal(server: Server) -> AsyncIterator["RemoteJournal"]:
    """Read the journal of a server, for the time of one command."""
    rest = Rest(server, SystemClock())
    try:
        yield RemoteJournal(rest)
    finally:
        await rest.close()


class RemoteJournal:
    """Asks a server."""

    def __init__(self, rest: Rest) -> None:
        """Keep the way."""
        self._rest = rest

    async def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        """Return episodes that the caller may see, newest first.

        Raises:
            HoldfastError: the server refused, or cannot be reached.
        """
        if wanted.limit > _MOST:
            raise ConfigurationError(
                "HF3016",
                f"a server tells of at most {_MOST} drifts at once",
                hint=f"give --limit {_MOST} or less, or --journal to read the journal itself",
                retry=Retry.NEVER,
            )
        asked: Asked = {
            "app": wanted.app,
            "since": wanted.since.isoformat() if wanted.since is not None else "",
            "open": wanted.open_only,
            "limit": wanted.limit,
        }
        found = await self._rest.get(f"{_OURS}/drift", asked)
        return tuple(read_episode(tree) for tree in found["items"])

    async def episode(self, episode_id: str) -> Episode:
        """Return the episode whose id begins so.

        Raises:
            HoldfastError: there is none, or several, or the server refused.
        """
        return read_episode(await self._rest.get(f"{_OURS}/drift/{segment(episode_id)}"))

    async def stats(self, since: datetime | None) -> DriftStats:
        """Count what happened since then.

        Raises:
            HoldfastError: the server refused, or cannot be reached.
        """
        asked = {"since": since.isoformat() if since is not None else ""}
        tree = await self._rest.get(f"{_OURS}/drift-stats", asked)
        return DriftStats(
            since=_find_moment(tree["since"]),
            episodes=tree["episodes"],
            open=tree["open"],
            heals=tree["heals"],
            syncs=tree["syncs"],
            heal_ms=tree["healMs"],
            by_state=tree["byState"],
            by_what=tree["byWhat"],
            by_app=tree["byApp"],
            by_manager=tree["byManager"],
            by_user=tree["byUser"],
        )


def read_episode(tree: Tree) -> Episode:
    """Return an episode from what `Episode.to_tree` made of it."""
    app, named = tree["app"], tree["object"]
    closed_at = _find_moment(tree["closedAt"])
    return Episode(
        id=tree["id"],
        source=tree["source"],
        app=AppKey(app["namespace"], app["name"]),
        key=ResourceKey(named["group"], named["kind"], named["namespace"], named["name"]),
        what=tree["what"],
        changes=_changes(tree["changes"]),
        managers=tuple(tree["managers"]),
        detected_at=_moment(tree["detectedAt"]),
        closed_at=closed_at,
        closing=tree["state"] if closed_at is not None else "",
        decisions=tuple(
            DecisionMade(_moment(one["at"]), one["decision"], one["reason"], one["detail"])
            for one in tree["decisions"]
        ),
        heals=tuple(
            HealMade(
                at=_moment(one["at"]),
                outcome=one["outcome"],
                took_s=round(one["tookMs"] / 1000, 6),
                message=one["message"],
                changes=_changes(one["changes"]),
            )
            for one in tree["heals"]
        ),
        culprit=_culprit(tree["culprit"]) if tree["culprit"] is not None else None,
    )


def _changes(trees: list[Tree]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            tree["path"],
            tree["before"],
            tree["after"],
            tuple(tree["managers"]),
            tuple(
                FieldOwner(
                    one["manager"], one["operation"], one["time"] or "", one["subresource"]
                )
                for one in tree["owners"]
            ),
        )
        for tree in trees
    )  # fmt: skip


def _culprit(tree: Tree) -> Culprit:
    return Culprit(
        username=tree["user"],
        impersonator=tree["impersonatedBy"] or "",
        user_agent=tree["userAgent"],
        source_ip=tree["sourceIP"],
        verb=tree["verb"],
        subresource=tree["subresource"],
        audit_id=tree["auditID"],
        matched_by=tree["matchedBy"],
        at=_moment(tree["at"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _find_moment(text: Any) -> datetime | None:
    return _moment(text) if text else None
