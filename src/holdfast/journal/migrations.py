"""The schema, step by step. A step that was released never changes; a new one is added.

Which steps a database has seen stands in its table `schema_steps`. All steps of one start are one
transaction, under a lock, so that two replicas that start at once do not trip over each other.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.journal.engines import Transaction
from holdfast.journal.tables import COLUMNS, CULPRITS, DRIFTS, HEALS, creation, typed

Step: TypeAlias = Callable[[Transaction], None]

STEPS = "schema_steps"
_STEPS_COLUMNS = "number INTEGER NOT NULL PRIMARY KEY, at {moment} NOT NULL"
_LOCK = 0x686F6C64  # "hold"; PostgreSQL's advisory locks are numbers


def _create_tables(transaction: Transaction) -> None:
    _create(transaction, *(name for name in COLUMNS if name != CULPRITS))


def _add_culprits(transaction: Transaction) -> None:
    """Who made a drift; in which version it was seen; what the next start must know of a heal.

    A new database has the columns from the first step.
    """
    _create(transaction, CULPRITS)
    for table, column, definition in (
        (HEALS, "manifest", "TEXT NOT NULL DEFAULT ''"),
        (HEALS, "step", "INTEGER NOT NULL DEFAULT 0"),
        (DRIFTS, "object_version", "BIGINT NOT NULL DEFAULT 0"),
    ):
        if column not in columns_of(transaction, table):
            transaction.run(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")


ALL: tuple[Step, ...] = (_create_tables, _add_culprits)
"""Step n stands at place n - 1."""


def migrate(transaction: Transaction, now: datetime, steps: tuple[Step, ...] = ALL) -> int:
    """Bring the schema up to date; return how many steps were taken.

    Args:
        transaction: Where; SQLite lets in one that writes at a time.
        now: For the record.
        steps: Another list, for tests.

    Raises:
        ConfigurationError: HF3012, a newer Holdfast made this schema.
    """
    if not transaction.is_sqlite:
        transaction.rows(f"SELECT pg_advisory_xact_lock({_LOCK})")
    columns = typed(_STEPS_COLUMNS, is_sqlite=transaction.is_sqlite)
    transaction.run(f"CREATE TABLE IF NOT EXISTS {STEPS} ({columns})")
    seen = version_of(transaction)
    if seen > len(steps):
        raise ConfigurationError(
            "HF3012",
            f"the journal has schema {seen}, this version of Holdfast knows {len(steps)}",
            hint="a newer Holdfast has used it: run that one, or name another journal",
            retry=Retry.NEVER,
        )
    for number in range(seen + 1, len(steps) + 1):
        steps[number - 1](transaction)
        transaction.add(STEPS, [{"number": number, "at": now}])
    return len(steps) - seen


def version_of(transaction: Transaction) -> int:
    """Return the number of the last step, 0 for an empty database."""
    if not columns_of(transaction, STEPS):
        return 0
    return int(transaction.value(f"SELECT coalesce(max(number), 0) FROM {STEPS}"))


def columns_of(transaction: Transaction, table: str) -> frozenset[str]:
    """Return the names of a table's columns; none for a table that does not exist."""
    found = transaction.rows(
        "SELECT name FROM pragma_table_info(?)"
        if transaction.is_sqlite
        else "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = ?",
        [table],
    )
    return frozenset(row[0] for row in found)


def _create(transaction: Transaction, *tables: str) -> None:
    for statement in creation(tables, is_sqlite=transaction.is_sqlite):
        transaction.run(statement)
