"""`Journal`: the port `JournalReader`, in threads, since a database may take its time."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Row, Table, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from holdfast.domain.audit import Culprit
from holdfast.domain.drift import Difference, Drift, DriftKind, FieldOwner
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.events import DriftOpened
from holdfast.domain.identity import AppKey, ResourceKey, Uid
from holdfast.domain.journal import (
    DecisionMade,
    DriftStats,
    Episode,
    EpisodeFilter,
    FieldChange,
    HealMade,
)
from holdfast.journal.engines import display, is_sqlite, reading_engine
from holdfast.journal.migrations import ALL, version_of
from holdfast.journal.tables import CLOSINGS, CULPRITS, DECISIONS, DRIFTS, HEALS, SYNCS

Result = TypeVar("Result")
_CHUNK = 400  # values of one IN; SQLite of old permits 999
_MOST_UNATTRIBUTED = 2000
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Journal:
    """Reads a journal that a `holdfast run` writes."""

    def __init__(self, url: URL) -> None:
        """Open nothing yet; `url` is from `engines.parse_dsn`."""
        self._url = url
        self._engine = reading_engine(url)

    async def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        """Return episodes, newest first."""
        return await self._read(lambda connection: _episodes(connection, wanted))

    async def episode(self, episode_id: str) -> Episode:
        """Return the episode whose id begins so.

        Raises:
            ConfigurationError: HF3012, there is none, or several.
        """
        found = await self._read(lambda connection: _find(connection, episode_id))
        if len(found) == 1:
            return found[0]
        which = "several drifts have an id" if found else "no drift has an id"
        raise ConfigurationError(
            "HF3012",
            f'{which} that begins with "{episode_id}"',
            hint="`holdfast drift list` shows the ids; their first digits are enough",
            retry=Retry.NEVER,
        )

    async def unattributed(self, source: str, since: datetime) -> tuple[DriftOpened, ...]:
        """Return the drifts since then of which nobody knows who made them, oldest first.

        As they were told, but for the values: who made it is not asked for those.
        """
        return await self._read(lambda connection: _unattributed(connection, source, since))

    async def stats(self, since: datetime | None) -> DriftStats:
        """Count what happened since then."""
        return await self._read(lambda connection: _stats(connection, since))

    async def _read(self, act: Callable[[Connection], Result]) -> Result:
        return await asyncio.to_thread(self._read_now, act)

    def _read_now(self, act: Callable[[Connection], Result]) -> Result:
        if is_sqlite(self._url) and not Path(str(self._url.database)).exists():
            raise ConfigurationError(
                "HF3012",
                f"there is no journal at {display(self._url)}",
                hint="`holdfast run` and `holdfast up` write one; --journal names another place",
                retry=Retry.NEVER,
            )
        try:
            with self._engine.connect() as connection:
                known = version_of(connection)
                if known != len(ALL):
                    raise _unreadable(
                        self._url,
                        f"it has schema {known}, this version of Holdfast reads {len(ALL)}; "
                        "a `holdfast run` of this version brings an older one up to date",
                    )
                return act(connection)
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or type(error).__name__).strip()
            raise _unreadable(self._url, cause.splitlines()[0]) from error


def _unreadable(url: URL, why: str) -> ConfigurationError:
    return ConfigurationError("HF3012", f"the journal at {display(url)} cannot be read: {why}")


def _episodes(connection: Connection, wanted: EpisodeFilter) -> tuple[Episode, ...]:
    query = select(DRIFTS)
    if wanted.app:
        namespace, _, name = wanted.app.rpartition("/")
        query = query.where(DRIFTS.c.app == name)
        if namespace:
            query = query.where(DRIFTS.c.app_namespace == namespace)
    if wanted.source:
        query = query.where(DRIFTS.c.source == wanted.source)
    if wanted.since is not None:
        query = query.where(DRIFTS.c.detected_at >= wanted.since)
    if wanted.open_only:
        query = query.where(~exists().where(CLOSINGS.c.episode == DRIFTS.c.id))
    query = query.order_by(DRIFTS.c.detected_at.desc(), DRIFTS.c.id).limit(wanted.limit)
    return _completed(connection, connection.execute(query).all())


def _unattributed(connection: Connection, source: str, since: datetime) -> tuple[DriftOpened, ...]:
    query = (
        select(DRIFTS)
        .where(DRIFTS.c.source == source, DRIFTS.c.detected_at >= since)
        .where(~exists().where(CULPRITS.c.episode == DRIFTS.c.id))
        .order_by(DRIFTS.c.detected_at, DRIFTS.c.id)
        .limit(_MOST_UNATTRIBUTED)
    )
    return tuple(_opened(row) for row in connection.execute(query).all())


def _opened(row: Row[Any]) -> DriftOpened:
    found = _episode(row)
    rows = (
        Difference(change.path, None, None, change.managers, change.owners)
        for change in found.changes
    )
    return DriftOpened(
        found.id,
        found.app,
        Drift(found.key, DriftKind(found.what), tuple(rows)),
        Uid(row.object_uid),
        found.detected_at,
        row.object_version,
    )


def _find(connection: Connection, episode_id: str) -> tuple[Episode, ...]:
    if not re.fullmatch(r"[0-9a-f]{1,32}", episode_id):
        return ()
    query = select(DRIFTS).where(DRIFTS.c.id.like(f"{episode_id}%")).limit(2)
    return _completed(connection, connection.execute(query).all())


def _completed(connection: Connection, rows: Iterable[Row[Any]]) -> tuple[Episode, ...]:
    """Give each episode what stands about it in the other tables."""
    found = {row.id: _episode(row) for row in rows}
    for row in _about(connection, CLOSINGS, list(found)):
        if found[row.episode].is_open:  # the first one counts
            found[row.episode] = replace(found[row.episode], closed_at=row.at, closing=row.how)
    for row in _about(connection, DECISIONS, list(found)):
        made = DecisionMade(row.at, row.decision, row.reason, row.detail)
        episode = found[row.episode]
        found[row.episode] = replace(episode, decisions=(*episode.decisions, made))
    for row in _about(connection, HEALS, list(found)):
        heal = HealMade(
            row.at,
            row.outcome,
            row.took_s,
            row.message,
            _changes(row.changes),
            row.manifest,
            row.step,
        )
        episode = found[row.episode]
        found[row.episode] = replace(episode, heals=(*episode.heals, heal))
    for row in _about(connection, CULPRITS, list(found)):
        if found[row.episode].culprit is None:  # the first one counts
            found[row.episode] = replace(found[row.episode], culprit=_culprit(row))
    return tuple(found.values())


def _culprit(row: Row[Any]) -> Culprit:
    return Culprit(
        username=row.username,
        impersonator=row.impersonator,
        user_agent=row.user_agent,
        source_ip=row.source_ip,
        verb=row.verb,
        subresource=row.subresource,
        audit_id=row.audit_id,
        matched_by=row.matched_by,
        at=row.at,
    )


def _about(connection: Connection, table: Table, ids: list[str]) -> Iterable[Row[Any]]:
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        query = select(table).where(table.c.episode.in_(some)).order_by(table.c.id)
        yield from connection.execute(query).all()


def _episode(row: Row[Any]) -> Episode:
    return Episode(
        id=row.id,
        source=row.source,
        app=AppKey(row.app_namespace, row.app),
        key=ResourceKey(row.object_group, row.object_kind, row.object_namespace, row.object_name),
        what=row.what,
        changes=_changes(row.changes),
        managers=tuple(row.managers),
        detected_at=row.detected_at,
    )


def _changes(value: list[dict[str, Any]]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            item["path"],
            item["before"],
            item["after"],
            tuple(item["managers"]),
            tuple(FieldOwner(**owner) for owner in item.get("owners") or ()),
        )
        for item in value
    )


def _stats(connection: Connection, since: datetime | None) -> DriftStats:
    episodes = _episodes(connection, EpisodeFilter(since=since, limit=1_000_000))
    syncs = select(func.count()).select_from(SYNCS)
    if since is not None:
        syncs = syncs.where(SYNCS.c.finished_at >= since)
    took = sorted(
        heal.took_s * 1000 for e in episodes for heal in e.heals if heal.outcome == "healed"
    )
    return DriftStats(
        since=since,
        episodes=len(episodes),
        open=sum(episode.is_open for episode in episodes),
        heals=len(took),
        syncs=int(connection.execute(syncs).scalar_one()),
        heal_ms=_percentiles(took),
        by_state=_counted(episode.state for episode in episodes),
        by_what=_counted(episode.what for episode in episodes),
        by_app=_counted(str(episode.app) for episode in episodes),
        by_manager=_counted(
            name for episode in episodes for name in episode.managers or ("unknown",)
        ),
        by_user=_counted(e.culprit.shown for e in episodes if e.culprit is not None),
    )


def _percentiles(sorted_ms: list[float]) -> dict[str, float]:
    if not sorted_ms:
        return {}
    last = len(sorted_ms) - 1
    found = {name: sorted_ms[round(part * last)] for name, part in _PERCENTILES.items()}
    return {name: round(ms, 3) for name, ms in {**found, "max": sorted_ms[-1]}.items()}


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))
