"""From a DSN to transactions.

    sqlite:////var/lib/holdfast/journal.db      or just /var/lib/holdfast/journal.db
    postgresql://user:password@host:5432/holdfast?sslmode=require

Both databases speak the little SQL that a journal needs; what differs is here: parameters are `?`
everywhere, times are aware and in UTC, lists and objects go into columns of type JSON and come out
of them. No library between (docs/internals/decisions/0013).

SQLite: WAL, so that readers never stop the writer; `auto_vacuum=INCREMENTAL`, which must be set
before the first table, since a full VACUUM holds everybody up for as long as it takes (C4).
"""

import importlib.util
import json
import os
import re
import sqlite3
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from holdfast.domain.errors import ConfigurationError, Retry

_BUSY_S = 5.0
_CONNECT_S = 5
_SCHEME = re.compile(r"[a-z][a-z0-9+]*")
_ACCOUNT = re.compile(r"^(\w+://[^:/@]*):.*@")
_PASSWORD = re.compile(r"(password=)[^&#]*")
_WRITING = ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL",
            "journal_size_limit=8388608")  # fmt: skip

Record: TypeAlias = Any
"""A row of an answer: its columns are attributes."""


class DatabaseError(Exception):
    """A database failed; the text is its own first line: no statement, no values, no password."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where a journal is.

    Attributes:
        path: Of an SQLite file, or `""`.
        dsn: Of PostgreSQL, or `""`. It may hold a password: people are shown `display`.
    """

    path: str = ""
    dsn: str = ""

    def __repr__(self) -> str:
        """Say nothing that is secret."""
        return f"Database({display(self)!r})"

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return bool(self.path)


def parse_dsn(text: str) -> Database:
    """Read a DSN, or the path of an SQLite file.

    Raises:
        ConfigurationError: HF3012, it is neither, or its database is not supported here.
    """
    if "://" not in text:
        return Database(path=str(Path(text).expanduser().absolute()))
    scheme, _, rest = text.partition("://")
    name = scheme.partition("+")[0]
    if not _SCHEME.fullmatch(scheme) or not _has_good_port(text):
        # The text itself is not quoted: it may hold a password.
        raise _bad("--journal cannot be read as a DSN")
    file = rest.partition("?")[0]
    if name == "sqlite" and file.startswith("/") and file != "/":
        return Database(path=file[1:])
    if name not in {"postgresql", "postgres"}:
        raise _bad(f"--journal: {scheme} is no database for a journal")
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigurationError(
            "HF3012",
            "a journal in PostgreSQL needs the driver psycopg, which is not installed",
            hint="pip install 'holdfast[postgres]'",
            retry=Retry.NEVER,
        )
    return Database(dsn=f"postgresql://{rest}")


def display(database: Database) -> str:
    """Return it for people: without a password."""
    if database.is_sqlite:
        return database.path
    return _PASSWORD.sub(r"\1***", _ACCOUNT.sub(r"\1:***@", database.dsn))


def places(values: Sized) -> str:
    """Return as many `?` as there are values, for an IN."""
    return ", ".join("?" * len(values))


class Transaction:
    """Statements that belong together; `?` stands for a parameter."""

    def __init__(self, connection: Any, *, is_sqlite: bool) -> None:
        """Use `Engine.transaction`."""
        self._connection = connection
        self.is_sqlite = is_sqlite

    def run(self, sql: str, parameters: Iterable[object] = ()) -> int:
        """Carry out a statement; return how many rows it concerned."""
        return int(self._execute(sql, parameters).rowcount)

    def rows(self, sql: str, parameters: Iterable[object] = ()) -> list[Record]:
        """Return what a query found."""
        found: list[Record] = self._execute(sql, parameters).fetchall()
        return found

    def value(self, sql: str, parameters: Iterable[object] = ()) -> Any:
        """Return the one value that a query found; None for no row."""
        found = self.rows(sql, parameters)
        return found[0][0] if found else None

    def add(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows that have the same columns."""
        columns = list(rows[0])
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places(columns)})"
        values = [[self._given(row[name]) for name in columns] for row in rows]
        self._connection.cursor().executemany(self._spelled(sql), values)

    def _execute(self, sql: str, parameters: Iterable[object]) -> Any:
        values = [self._given(value) for value in parameters]
        return self._connection.execute(self._spelled(sql), values)

    def _spelled(self, sql: str) -> str:
        return sql if self.is_sqlite else sql.replace("?", "%s")

    def _given(self, value: object) -> object:
        if isinstance(value, list | dict):
            return json.dumps(value)
        if isinstance(value, datetime):
            value = value.astimezone(UTC)
            # SQLite knows no zones, and compares texts: all have the same form.
            return f"{value:%Y-%m-%d %H:%M:%S.%f}" if self.is_sqlite else value
        return value


class Engine:
    """Connections to one database, for one thread at a time. `close` it at the end."""

    def __init__(self, database: Database, *, reads_only: bool = False) -> None:
        """Open nothing yet; one that only reads cannot write, whatever it is asked."""
        self.database = database
        self._reads_only = reads_only
        self._kept: Any = None
        self._kept_file: tuple[int, int] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Yield a transaction; it holds if the block ends well, and never was if not.

        Raises:
            DatabaseError: the database does not answer, or refused something.
        """
        is_sqlite = self.database.is_sqlite
        with self._connected() as connection:
            if is_sqlite:
                connection.execute("BEGIN" if self._reads_only else "BEGIN IMMEDIATE")
            try:
                yield Transaction(connection, is_sqlite=is_sqlite)
                connection.commit()
            except BaseException:
                with suppress(Exception):  # what broke the block is what counts
                    connection.rollback()
                raise

    def give_back(self, pages: int) -> None:
        """Let an SQLite file become smaller by the pages that nothing uses; not for PostgreSQL."""
        if self.database.is_sqlite:
            with self._connected() as connection:
                # Not `execute`, which takes one step of it: one page.
                connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            self.close()  # the last one that closes cuts the file

    def close(self) -> None:
        """Hang up."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Yield a connection; failures of either database become a `DatabaseError`."""
        if self.database.is_sqlite:
            try:
                yield self._sqlite()
            except sqlite3.Error as error:
                self.close()
                raise DatabaseError(_first_line(error)) from error
            finally:
                if self._reads_only:
                    self.close()
            return
        import psycopg  # noqa: PLC0415 - an extra

        try:
            yield self._postgres()
        except psycopg.Error as error:
            raise DatabaseError(_first_line(error)) from error
        finally:
            if self._reads_only:
                self.close()

    def _sqlite(self) -> Any:
        """Return the kept connection; a file that was moved or replaced is opened anew.

        Opening costs 2 ms of processor time, and closing the last one writes the WAL back: too
        much for each of the small transactions while a thousand objects are synced.
        """
        if self._kept is not None and _file(self.database.path) != self._kept_file:
            self.close()
        if self._kept is None:
            self._kept = self._open_sqlite()
            self._kept_file = _file(self.database.path)
        return self._kept

    def _open_sqlite(self) -> sqlite3.Connection:
        path = self.database.path
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=ro" if self._reads_only else path,
            uri=self._reads_only,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,  # the caller sees to it that it is one at a time
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        connection.row_factory = _named
        for setting in ("query_only=ON",) if self._reads_only else _WRITING:
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _postgres(self) -> Any:
        """Return the kept connection, or a new one where it does not answer any more."""
        import psycopg  # noqa: PLC0415 - an extra
        from psycopg.rows import namedtuple_row  # noqa: PLC0415 - the same

        if self._kept is not None:
            try:
                self._kept.execute("SELECT 1")
            except psycopg.Error:
                self.close()
        if self._kept is None:
            self._kept = psycopg.connect(
                self.database.dsn,
                connect_timeout=_CONNECT_S,
                application_name="holdfast",
                row_factory=namedtuple_row,
            )
            # Times come in the session's zone, which is the server's by default.
            self._kept.execute("SET TIME ZONE 'UTC'")
            self._kept.commit()
            self._kept.read_only = self._reads_only
        return self._kept


def _file(path: str) -> tuple[int, int] | None:
    """Return which file this is, or None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@cache
def _record(columns: tuple[str, ...]) -> Any:
    return namedtuple("Record", columns, rename=True)


def _named(cursor: sqlite3.Cursor, values: Sequence[object]) -> Record:
    return _record(tuple(column[0] for column in cursor.description))._make(values)


def _moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode()).replace(tzinfo=UTC)


# By the type that a column was declared with; `json` and `datetime` are types of the journal alone.
sqlite3.register_converter("datetime", _moment)
sqlite3.register_converter("json", json.loads)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _has_good_port(text: str) -> bool:
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True


def _bad(message: str) -> ConfigurationError:
    return ConfigurationError(
        "HF3012",
        message,
        hint="give a path, sqlite:////PATH, or postgresql://USER:PASSWORD@HOST/DATABASE",
        retry=Retry.NEVER,
    )
