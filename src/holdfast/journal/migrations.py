"""The schema, step by step. A step that was released never changes; a new one is added.

Which steps a database has seen stands in its table `schema_steps`. All steps of one start are one
transaction, under a lock, so that two replicas that start at once do not trip over each other.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, inspect, select, text

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.journal.tables import CULPRITS, DRIFTS, HEALS, METADATA, Moment

STEPS = Table(
    "schema_steps",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
)
_LOCK = 0x686F6C64  # "hold"; PostgreSQL's advisory locks are numbers


def _create_tables(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[t for t in METADATA.sorted_tables if t != CULPRITS])


def _add_culprits(connection: Connection) -> None:
    """Who made a drift; in which version it was seen; what the next start must know of a heal.

    A new database has the columns from the first step.
    """
    CULPRITS.create(connection)
    for table, column, definition in (
        (HEALS, "manifest", "TEXT NOT NULL DEFAULT ''"),
        (HEALS, "step", "INTEGER NOT NULL DEFAULT 0"),
        (DRIFTS, "object_version", "BIGINT NOT NULL DEFAULT 0"),
    ):
        if column not in {known["name"] for known in inspect(connection).get_columns(table.name)}:
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column} {definition}"))


ALL: tuple[Callable[[Connection], None], ...] = (_create_tables, _add_culprits)
"""Step n stands at place n - 1."""


def migrate(
    connection: Connection, now: datetime, steps: tuple[Callable[[Connection], None], ...] = ALL
) -> int:
    """Bring the schema up to date; return how many steps were taken.

    Args:
        connection: In a transaction, which the caller commits.
        now: For the record.
        steps: Another list, for tests.

    Raises:
        ConfigurationError: HF3012, a newer Holdfast made this schema.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    STEPS.create(connection, checkfirst=True)
    seen = version_of(connection)
    if seen > len(steps):
        raise ConfigurationError(
            "HF3012",
            f"the journal has schema {seen}, this version of Holdfast knows {len(steps)}",
            hint="a newer Holdfast has used it: run that one, or name another journal",
            retry=Retry.NEVER,
        )
    for number in range(seen + 1, len(steps) + 1):
        steps[number - 1](connection)
        connection.execute(insert(STEPS).values(number=number, at=now))
    return len(steps) - seen


def version_of(connection: Connection) -> int:
    """Return the number of the last step, 0 for an empty database."""
    if not inspect(connection).has_table(STEPS.name):
        return 0
    numbers = connection.execute(select(STEPS.c.number)).scalars()
    return max(numbers, default=0)
