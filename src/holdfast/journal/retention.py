"""Forget what is old, or too much: 500 rows a transaction, and never a full VACUUM (C4).

An open episode is never forgotten; what belongs to an episode goes with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from holdfast.journal.engines import Engine, Transaction, places
from holdfast.journal.tables import CLOSINGS, COLUMNS, DRIFTS, OF_AN_EPISODE, SYNCS

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
    with engine.transaction() as transaction:
        size = size_bytes(transaction)
        share = 1 - keep.max_bytes / size if size > keep.max_bytes else 0.0
        episodes, syncs = _count(transaction, DRIFTS), _count(transaction, SYNCS)
    if share:
        # A little more than needed, so that it does not begin again with the next row.
        share = min(1.0, share * 1.1)
        yield from _forget_oldest(engine, ceil(episodes * share), ceil(syncs * share))
    engine.give_back(_PAGES)


def size_bytes(transaction: Transaction) -> int:
    """Return how much room the rows take; pages that are free to be used again do not count."""
    if transaction.is_sqlite:
        pages, free, page = (
            transaction.value(f"PRAGMA {name}")
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)
    # Tables of PostgreSQL do not shrink: what the rows themselves take is what counts.
    sizes = [
        transaction.value(f"SELECT coalesce(sum(pg_column_size(t.*)), 0) FROM {table} t")
        for table in COLUMNS
    ]
    return int(sum(sizes))


def _forget_before(engine: Engine, before: datetime) -> Iterator[int]:
    old = f"SELECT episode FROM {CLOSINGS} WHERE at < ? ORDER BY at LIMIT {_EPISODES}"
    while True:
        with engine.transaction() as transaction:
            ids = [row.episode for row in transaction.rows(old, [before])]
        if not ids:
            break
        yield from _remove_episodes(engine, ids)
    while True:
        with engine.transaction() as transaction:
            gone = _remove_rows(transaction, SYNCS, "finished_at < ?", [before])
        yield gone
        if gone < ROWS:
            break


def _forget_oldest(engine: Engine, episodes: int, syncs: int) -> Iterator[int]:
    while episodes > 0:
        with engine.transaction() as transaction:
            closed = f"SELECT episode FROM {CLOSINGS} ORDER BY at LIMIT ?"
            found = transaction.rows(closed, [min(_EPISODES, episodes)])
        if not found:
            break
        episodes -= len(found)
        yield from _remove_episodes(engine, [row.episode for row in found])
    while syncs > 0:
        with engine.transaction() as transaction:
            oldest = f"SELECT id FROM {SYNCS} ORDER BY finished_at LIMIT ?"
            gone = transaction.run(
                f"DELETE FROM {SYNCS} WHERE id IN ({oldest})", [min(ROWS, syncs)]
            )
        if not gone:
            break
        syncs -= gone
        yield gone


def _remove_episodes(engine: Engine, ids: list[str]) -> Iterator[int]:
    """Remove the drifts first and their closings last: half removed, they are found again."""
    with engine.transaction() as transaction:
        gone = transaction.run(f"DELETE FROM {DRIFTS} WHERE id IN ({places(ids)})", ids)
    yield gone
    for table in OF_AN_EPISODE:
        while True:
            with engine.transaction() as transaction:
                gone = _remove_rows(transaction, table, f"episode IN ({places(ids)})", ids)
            yield gone
            if gone < ROWS:
                break


def _remove_rows(
    transaction: Transaction, table: str, which: str, parameters: Sequence[object]
) -> int:
    some = f"SELECT id FROM {table} WHERE {which} LIMIT {ROWS}"
    return transaction.run(f"DELETE FROM {table} WHERE id IN ({some})", parameters)


def _count(transaction: Transaction, table: str) -> int:
    return int(transaction.value(f"SELECT count(*) FROM {table}"))
