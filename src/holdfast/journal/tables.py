"""The tables. Rows are only added: what became of an episode stands in rows of other tables."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()
_KEY = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only an INTEGER key by itself


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which knows no zones, holds it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the database what it can hold."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say again that it is UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


DRIFTS = Table(
    "drifts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("app_namespace", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("object_group", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_namespace", Text, nullable=False),
    Column("object_name", Text, nullable=False),
    Column("object_uid", Text, nullable=False),
    Column("object_version", BigInteger, nullable=False, server_default="0"),
    Column("what", Text, nullable=False),
    Column("changes", JSON, nullable=False),
    Column("managers", JSON, nullable=False),
    Column("detected_at", Moment, nullable=False),
    Index("drifts_by_time", "detected_at"),
    Index("drifts_by_app", "app", "detected_at"),
)
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("episode", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("decisions_by_episode", "episode"),
)
HEALS = Table(
    "heals",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("episode", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("changes", JSON, nullable=False),
    Column("manifest", Text, nullable=False, server_default=""),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("at", Moment, nullable=False),
    Index("heals_by_episode", "episode"),
    Index("heals_by_time", "at"),
)
CLOSINGS = Table(
    "closings",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("episode", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("closings_by_episode", "episode"),
    Index("closings_by_time", "at"),
)
SYNCS = Table(
    "syncs",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("source", Text, nullable=False),
    Column("app_namespace", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("revisions", JSON, nullable=False),
    Column("phase", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("initiated_by", Text, nullable=False),
    Column("is_selective", Boolean, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Index("syncs_by_time", "finished_at"),
)
CULPRITS = Table(
    "culprits",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("episode", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("impersonator", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subresource", Text, nullable=False),
    Column("audit_id", Text, nullable=False),
    Column("matched_by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("culprits_by_episode", "episode"),
)
OF_AN_EPISODE = (DECISIONS, HEALS, CULPRITS, CLOSINGS)
"""Tables whose rows belong to a row of `drifts`."""
