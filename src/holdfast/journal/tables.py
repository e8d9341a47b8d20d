"""The tables. Rows are only added: what became of an episode stands in rows of other tables.

Columns as SQL, with `{key}` for a number that the database gives and `{moment}` for a time.
"""

from collections.abc import Iterable

DRIFTS = "drifts"
DECISIONS = "decisions"
HEALS = "heals"
CLOSINGS = "closings"
SYNCS = "syncs"
CULPRITS = "culprits"

OF_AN_EPISODE = (DECISIONS, HEALS, CULPRITS, CLOSINGS)
"""Tables whose rows belong to a row of `drifts`."""

COLUMNS = {
    DRIFTS: """
        id TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL,
        app_namespace TEXT NOT NULL, app TEXT NOT NULL,
        object_group TEXT NOT NULL, object_kind TEXT NOT NULL,
        object_namespace TEXT NOT NULL, object_name TEXT NOT NULL,
        object_uid TEXT NOT NULL, object_version BIGINT NOT NULL DEFAULT 0,
        what TEXT NOT NULL, changes JSON NOT NULL, managers JSON NOT NULL,
        detected_at {moment} NOT NULL""",
    DECISIONS: """
        id {key}, episode TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL,
        detail TEXT NOT NULL, at {moment} NOT NULL""",
    HEALS: """
        id {key}, episode TEXT NOT NULL, outcome TEXT NOT NULL, took_s FLOAT NOT NULL,
        message TEXT NOT NULL, changes JSON NOT NULL, manifest TEXT NOT NULL DEFAULT '',
        step INTEGER NOT NULL DEFAULT 0, at {moment} NOT NULL""",
    CLOSINGS: "id {key}, episode TEXT NOT NULL, how TEXT NOT NULL, at {moment} NOT NULL",
    SYNCS: """
        id {key}, source TEXT NOT NULL, app_namespace TEXT NOT NULL, app TEXT NOT NULL,
        revisions JSON NOT NULL, phase TEXT NOT NULL, message TEXT NOT NULL,
        initiated_by TEXT NOT NULL, is_selective BOOLEAN NOT NULL,
        started_at {moment} NOT NULL, finished_at {moment} NOT NULL""",
    CULPRITS: """
        id {key}, episode TEXT NOT NULL, username TEXT NOT NULL, impersonator TEXT NOT NULL,
        user_agent TEXT NOT NULL, source_ip TEXT NOT NULL, verb TEXT NOT NULL,
        subresource TEXT NOT NULL, audit_id TEXT NOT NULL, matched_by TEXT NOT NULL,
        at {moment} NOT NULL""",
}
_INDEXES = {
    DRIFTS: {"drifts_by_time": "detected_at", "drifts_by_app": "app, detected_at"},
    DECISIONS: {"decisions_by_episode": "episode"},
    HEALS: {"heals_by_episode": "episode", "heals_by_time": "at"},
    CLOSINGS: {"closings_by_episode": "episode", "closings_by_time": "at"},
    SYNCS: {"syncs_by_time": "finished_at"},
    CULPRITS: {"culprits_by_episode": "episode"},
}


def creation(tables: Iterable[str], *, is_sqlite: bool) -> tuple[str, ...]:
    """Return the statements that make tables with their indexes."""
    statements = []
    for table in tables:
        statements.append(f"CREATE TABLE {table} ({typed(COLUMNS[table], is_sqlite=is_sqlite)})")
        statements += [
            f"CREATE INDEX {name} ON {table} ({columns})"
            for name, columns in _INDEXES[table].items()
        ]
    return tuple(statements)


def typed(columns: str, *, is_sqlite: bool) -> str:
    """Return columns with the types that a database has."""
    # SQLite numbers only an INTEGER key by itself.
    key = "INTEGER" if is_sqlite else "BIGSERIAL"
    moment = "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE"
    return columns.format(key=f"{key} NOT NULL PRIMARY KEY", moment=moment)
