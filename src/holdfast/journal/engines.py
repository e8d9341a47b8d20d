"""From a DSN to connections.

    sqlite:////var/lib/holdfast/journal.db      or just /var/lib/holdfast/journal.db
    postgresql://user:password@host:5432/holdfast?sslmode=require

SQLite: WAL, so that readers never stop the writer; `auto_vacuum=INCREMENTAL`, which must be set
before the first table, since a full VACUUM holds everybody up for as long as it takes (C4).
"""

import importlib.util
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from holdfast.domain.errors import ConfigurationError, Retry

_BUSY_MS = 5000
_CONNECT_S = 5
_DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg"}


def parse_dsn(text: str) -> URL:
    """Read a DSN, or the path of an SQLite file.

    Raises:
        ConfigurationError: HF3012, it is neither, or its database is not supported here.
    """
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        # The text itself is not quoted: it may hold a password.
        raise _bad("--journal cannot be read as a DSN") from error
    name = url.drivername.partition("+")[0]
    if name == "sqlite" and url.database:
        return url.set(drivername="sqlite")
    driver = _DRIVERS.get(name)
    if driver is None:
        raise _bad(f"--journal: {url.drivername} is no database for a journal")
    if importlib.util.find_spec(driver) is None:
        raise ConfigurationError(
            "HF3012",
            "a journal in PostgreSQL needs the driver psycopg, which is not installed",
            hint="pip install 'holdfast[postgres]'",
            retry=Retry.NEVER,
        )
    return url.set(drivername=f"postgresql+{driver}")


def is_sqlite(url: URL) -> bool:
    """Whether it is a file."""
    return url.drivername == "sqlite"


def display(url: URL) -> str:
    """Return it for people: without a password."""
    return str(url.database) if is_sqlite(url) else url.render_as_string(hide_password=True)


def writing_engine(url: URL) -> Engine:
    """Return an engine for the one thread that writes. Nothing is opened yet."""
    if not is_sqlite(url):
        return create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_S, "application_name": "holdfast"},
        )
    # No pool: a file that was moved or replaced is noticed at the next batch.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def reading_engine(url: URL) -> Engine:
    """Return an engine that cannot write."""
    if not is_sqlite(url):
        engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={"connect_timeout": _CONNECT_S, "application_name": "holdfast"},
        )
        return engine.execution_options(postgresql_readonly=True)
    engine = create_engine(
        URL.create("sqlite", database=f"file:{url.database}", query={"mode": "ro", "uri": "true"}),
        poolclass=NullPool,
        connect_args={"timeout": _BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _read_only)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA journal_size_limit=8388608")
    cursor.close()


def _read_only(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _bad(message: str) -> ConfigurationError:
    return ConfigurationError(
        "HF3012",
        message,
        hint="give a path, sqlite:////PATH, or postgresql://USER:PASSWORD@HOST/DATABASE",
        retry=Retry.NEVER,
    )
