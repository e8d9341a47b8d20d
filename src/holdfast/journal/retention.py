"""Forget what is old, or too much: 500 rows a transaction, and never a full VACUUM (C4).

An open episode is never forgotten; what belongs to an episode goes with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, Engine, Table, delete, func, select, text

from holdfast.journal.tables import CLOSINGS, DRIFTS, METADATA, OF_AN_EPISODE, SYNCS

ROWS = 500
_EPISODES = 100  # of a batch; each has a few rows in other tables
_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept.

    Attributes:
        age: Episodes that ended earlier, and syncs, are forgotten.
        max_bytes: Above this the oldest are forgotten, whatever their age.
    """

    age: timedelta = timedelta(days=90)
    max_bytes: int = 1_000_000_000


def forget(engine: Engine, keep: Retention, now: datetime) -> Iterator[int]:
    """Remove what is too old or too much; yield after each transaction how many rows went.

    The caller decides between two transactions whether something else is more urgent.
    """
    yield from _forget_before(engine, now - keep.age)
    with engine.connect() as connection:
        size = size_bytes(connection)
        share = 1 - keep.max_bytes / size if size > keep.max_bytes else 0.0
        episodes, syncs = _count(connection, DRIFTS), _count(connection, SYNCS)
    if share:
        # A little more than needed, so that it does not begin again with the next row.
        share = min(1.0, share * 1.1)
        yield from _forget_oldest(engine, ceil(episodes * share), ceil(syncs * share))
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA incremental_vacuum({_PAGES})").close()


def size_bytes(connection: Connection) -> int:
    """Return how much room the rows take; pages that are free to be used again do not count."""
    if connection.dialect.name == "sqlite":
        pages, free, page = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)
    # Tables of PostgreSQL do not shrink: what the rows themselves take is what counts.
    sizes = [
        connection.execute(
            text(f"SELECT coalesce(sum(pg_column_size(t.*)), 0) FROM {table.name} t")  # noqa: S608
        ).scalar_one()
        for table in METADATA.tables.values()
    ]
    return int(sum(sizes))


def _forget_before(engine: Engine, before: datetime) -> Iterator[int]:
    while True:
        with engine.begin() as connection:
            old = select(CLOSINGS.c.episode).where(CLOSINGS.c.at < before)
            ids = list(connection.execute(old.order_by(CLOSINGS.c.at).limit(_EPISODES)).scalars())
        if not ids:
            break
        yield from _remove_episodes(engine, ids)
    while True:
        with engine.begin() as connection:
            gone = _remove_rows(connection, SYNCS, SYNCS.c.finished_at < before)
        yield gone
        if gone < ROWS:
            break


def _forget_oldest(engine: Engine, episodes: int, syncs: int) -> Iterator[int]:
    while episodes > 0:
        with engine.begin() as connection:
            closed = select(CLOSINGS.c.episode).order_by(CLOSINGS.c.at)
            ids = list(connection.execute(closed.limit(min(_EPISODES, episodes))).scalars())
        if not ids:
            break
        episodes -= len(ids)
        yield from _remove_episodes(engine, ids)
    while syncs > 0:
        with engine.begin() as connection:
            oldest = select(SYNCS.c.id).order_by(SYNCS.c.finished_at).limit(min(ROWS, syncs))
            found = list(connection.execute(oldest).scalars())
            connection.execute(delete(SYNCS).where(SYNCS.c.id.in_(found)))
        if not found:
            break
        syncs -= len(found)
        yield len(found)


def _remove_episodes(engine: Engine, ids: list[str]) -> Iterator[int]:
    """Remove the drifts first and their closings last: half removed, they are found again."""
    with engine.begin() as connection:
        yield connection.execute(delete(DRIFTS).where(DRIFTS.c.id.in_(ids))).rowcount
    for table in OF_AN_EPISODE:
        while True:
            with engine.begin() as connection:
                gone = _remove_rows(connection, table, table.c.episode.in_(ids))
            yield gone
            if gone < ROWS:
                break


def _remove_rows(connection: Connection, table: Table, which: object) -> int:
    some = select(table.c.id).where(which).limit(ROWS)  # type: ignore[arg-type] # a condition
    return connection.execute(delete(table).where(table.c.id.in_(some))).rowcount


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
