"""`Journal`: the port `JournalReader`, in threads, since a database may take its time."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

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
from holdfast.journal.engines import (
    Database,
    DatabaseError,
    Engine,
    Record,
    Transaction,
    display,
    places,
)
from holdfast.journal.migrations import ALL, version_of
from holdfast.journal.tables import CLOSINGS, CULPRITS, DECISIONS, DRIFTS, HEALS, SYNCS

Result = TypeVar("Result")
_CHUNK = 400  # values of one IN; SQLite of old permits 999
_MOST_UNATTRIBUTED = 2000
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Journal:
    """Reads a journal that a `holdfast run` writes."""

    def __init__(self, database: Database, sources: tuple[str, ...] = ()) -> None:
        """Open nothing yet.

        Args:
            database: As `engines.parse_dsn` returns it.
            sources: Tell only what the Holdfasts of these names saw; empty is all. Several
                clusters may write into one journal.
        """
        self._database = database
        self._sources = sources

    async def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        """Return episodes, newest first."""
        return await self._read(lambda transaction: _episodes(transaction, wanted, self._sources))

    async def episode(self, episode_id: str) -> Episode:
        """Return the episode whose id begins so.

        Raises:
            ConfigurationError: HF3012, there is none, or several.
        """
        found = await self._read(lambda transaction: _find(transaction, episode_id))
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
        return await self._read(lambda transaction: _unattributed(transaction, source, since))

    async def stats(self, since: datetime | None) -> DriftStats:
        """Count what happened since then."""
        return await self._read(lambda transaction: _stats(transaction, since, self._sources))

    async def _read(self, act: Callable[[Transaction], Result]) -> Result:
        return await asyncio.to_thread(self._read_now, act)

    def _read_now(self, act: Callable[[Transaction], Result]) -> Result:
        database = self._database
        if database.is_sqlite and not Path(database.path).exists():
            raise ConfigurationError(
                "HF3012",
                f"there is no journal at {display(database)}",
                hint="`holdfast run` and `holdfast up` write one; --journal names another place",
                retry=Retry.NEVER,
            )
        try:
            with Engine(database, reads_only=True).transaction() as transaction:
                known = version_of(transaction)
                if known != len(ALL):
                    raise _unreadable(
                        database,
                        f"it has schema {known}, this version of Holdfast reads {len(ALL)}; "
                        "a `holdfast run` of this version brings an older one up to date",
                    )
                return act(transaction)
        except DatabaseError as error:
            raise _unreadable(database, str(error)) from error


def _unreadable(database: Database, why: str) -> ConfigurationError:
    where = display(database)
    return ConfigurationError("HF3012", f"the journal at {where} cannot be read: {why}")


def _episodes(
    transaction: Transaction, wanted: EpisodeFilter, sources: tuple[str, ...] = ()
) -> tuple[Episode, ...]:
    conditions: dict[str, object] = {}
    if wanted.app:
        namespace, _, name = wanted.app.rpartition("/")
        conditions["d.app = ?"] = name
        if namespace:
            conditions["d.app_namespace = ?"] = namespace
    if wanted.source:
        conditions["d.source = ?"] = wanted.source
    if wanted.since is not None:
        conditions["d.detected_at >= ?"] = wanted.since
    rules = list(conditions)
    if wanted.open_only:
        rules.append(f"NOT EXISTS (SELECT 1 FROM {CLOSINGS} c WHERE c.episode = d.id)")
    if sources:
        rules.append(f"d.source IN ({places(sources)})")
    where = f" WHERE {' AND '.join(rules)}" if rules else ""
    query = f"SELECT d.* FROM {DRIFTS} d{where} ORDER BY d.detected_at DESC, d.id LIMIT ?"
    rows = transaction.rows(query, [*conditions.values(), *sources, wanted.limit])
    return _completed(transaction, rows)


def _unattributed(
    transaction: Transaction, source: str, since: datetime
) -> tuple[DriftOpened, ...]:
    rows = transaction.rows(
        f"SELECT d.* FROM {DRIFTS} d WHERE d.source = ? AND d.detected_at >= ?"
        f" AND NOT EXISTS (SELECT 1 FROM {CULPRITS} c WHERE c.episode = d.id)"
        f" ORDER BY d.detected_at, d.id LIMIT {_MOST_UNATTRIBUTED}",
        [source, since],
    )
    return tuple(_opened(row) for row in rows)


def _opened(row: Record) -> DriftOpened:
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


def _find(transaction: Transaction, episode_id: str) -> tuple[Episode, ...]:
    if not re.fullmatch(r"[0-9a-f]{1,32}", episode_id):
        return ()
    query = f"SELECT * FROM {DRIFTS} WHERE id LIKE ? LIMIT 2"
    return _completed(transaction, transaction.rows(query, [f"{episode_id}%"]))


def _completed(transaction: Transaction, rows: Iterable[Record]) -> tuple[Episode, ...]:
    """Give each episode what stands about it in the other tables."""
    found = {row.id: _episode(row) for row in rows}
    for row in _about(transaction, CLOSINGS, list(found)):
        if found[row.episode].is_open:  # the first one counts
            found[row.episode] = replace(found[row.episode], closed_at=row.at, closing=row.how)
    for row in _about(transaction, DECISIONS, list(found)):
        made = DecisionMade(row.at, row.decision, row.reason, row.detail)
        episode = found[row.episode]
        found[row.episode] = replace(episode, decisions=(*episode.decisions, made))
    for row in _about(transaction, HEALS, list(found)):
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
    for row in _about(transaction, CULPRITS, list(found)):
        if found[row.episode].culprit is None:  # the first one counts
            found[row.episode] = replace(found[row.episode], culprit=_culprit(row))
    return tuple(found.values())


def _culprit(row: Record) -> Culprit:
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


def _about(transaction: Transaction, table: str, ids: list[str]) -> Iterable[Record]:
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        query = f"SELECT * FROM {table} WHERE episode IN ({places(some)}) ORDER BY id"
        yield from transaction.rows(query, some)


def _episode(row: Record) -> Episode:
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


def _stats(
    transaction: Transaction, since: datetime | None, sources: tuple[str, ...]
) -> DriftStats:
    episodes = _episodes(transaction, EpisodeFilter(since=since, limit=1_000_000), sources)
    rules = ["finished_at >= ?"] * (since is not None)
    rules += [f"source IN ({places(sources)})"] * bool(sources)
    where = f" WHERE {' AND '.join(rules)}" if rules else ""
    parameters = [*([since] if since is not None else []), *sources]
    took = sorted(
        heal.took_s * 1000 for e in episodes for heal in e.heals if heal.outcome == "healed"
    )
    return DriftStats(
        since=since,
        episodes=len(episodes),
        open=sum(episode.is_open for episode in episodes),
        heals=len(took),
        syncs=int(transaction.value(f"SELECT count(*) FROM {SYNCS}{where}", parameters)),
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
