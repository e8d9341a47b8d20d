"""Drift: episodes, one episode, counts, and a stream of them. Absent where no journal is kept."""

import re
from collections.abc import AsyncGenerator
from typing import Any

from holdfast.api.applications import rbac_name, target_of
from holdfast.api.call import Call, Stream
from holdfast.api.failures import ApiError, Code
from holdfast.api.models.ours import (
    DriftQuery,
    EpisodeList,
    EpisodeShape,
    NoQuery,
    StatsQuery,
    StatsShape,
)
from holdfast.api.standing import demand_good_token
from holdfast.api.table import Route
from holdfast.domain.errors import HoldfastError, Retry
from holdfast.domain.journal import Episode, EpisodeFilter, JournalReader
from holdfast.domain.manifest import JSON, Tree

_OURS = "/api/holdfast/v1"
_ID = re.compile(r"[0-9a-f]{4,16}")
_LONGEST_ID = 64
_PAGES = 5  # how often more is read for somebody who may see few of them


def _journal(call: Call[Any, Any]) -> JournalReader:
    if call.services.journal is None:
        raise ApiError(Code.NOT_FOUND, "no journal is kept here", hint="start with --journal")
    return call.services.journal


def may_see(call: Call[Any, Any], episode: Episode) -> bool:
    """Whether the caller may see the Application that drifted."""
    tree = call.services.applications.find(episode.app)
    if tree is not None:
        return call.may("applications", "get", target_of(call, tree))
    # It is gone, and with it its project: only who may see all may see what it was.
    gone = rbac_name("*", episode.app, call.services.facts.control_namespace)
    return call.may("applications", "get", gone)


async def _list(call: Call[DriftQuery, None]) -> JSON:
    query, journal = call.query, _journal(call)
    limit, seen = query.limit, list[Episode]()
    for _ in range(_PAGES):
        wanted = EpisodeFilter(query.app, query.since, query.open, limit)
        found = await journal.episodes(wanted)
        seen = [episode for episode in found if may_see(call, episode)]
        if len(seen) >= query.limit or len(found) < limit:
            break
        limit *= 4
    return {"items": [episode.to_tree() for episode in seen[: query.limit]]}


async def _show(call: Call[NoQuery, None]) -> Tree:
    journal, name = _journal(call), call.path["id"]
    missing = ApiError(
        Code.NOT_FOUND,
        f'no drift has an id that begins with "{name[:_LONGEST_ID]}"',
        ours="HF3012",
        hint="`holdfast drift list` shows the ids; their first digits are enough",
    )
    if not _ID.fullmatch(name):
        raise missing
    try:
        episode = await journal.episode(name)
    except HoldfastError as error:
        if error.retry is Retry.NEVER:
            raise missing from error
        raise
    if not may_see(call, episode):
        raise missing
    return episode.to_tree()


async def _stats(call: Call[StatsQuery, None]) -> Tree:
    call.demand("applications", "get", "*/*")  # the counts are of all Applications
    return (await _journal(call).stats(call.query.since)).to_tree()


async def _watch(call: Call[NoQuery, None]) -> Stream:
    return Stream(_changes(call, _journal(call)), wrapped=False)


async def _changes(call: Call[NoQuery, None], journal: JournalReader) -> AsyncGenerator[JSON, None]:
    """Yield open episodes, then each one that begins or changes."""
    known: dict[str, tuple[object, ...]] = {}
    first = True
    while True:
        demand_good_token(call)
        found = await call.services.episodes.get(journal)
        for episode in sorted(found.values(), key=lambda e: (e.detected_at, e.id)):
            mark = (episode.closing, len(episode.heals), len(episode.decisions))
            if known.get(episode.id) == mark:
                continue
            known[episode.id] = mark
            if (episode.is_open or not first) and may_see(call, episode):
                yield episode.to_tree()
        known = {name: mark for name, mark in known.items() if name in found}
        first = False
        await call.services.episodes.wait()


ROUTES = (
    Route("GET", f"{_OURS}/drift", _list, "Episodes of drift, newest first.",
          query=DriftQuery, answer=EpisodeList),
    Route("GET", f"{_OURS}/drift/{{id}}", _show, "One episode, by the first digits of its id.",
          query=NoQuery, answer=EpisodeShape),
    Route("GET", f"{_OURS}/drift-stats", _stats, "How much drifted, and how fast it was healed.",
          query=StatsQuery, answer=StatsShape),
    Route("GET", f"{_OURS}/stream/drift", _watch, "Open episodes, and every change of one.",
          query=NoQuery, answer=EpisodeShape, streams=True),
)  # fmt: skip
