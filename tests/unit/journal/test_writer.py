"""The journal never costs a heal anything: full, slow or broken, it drops, counts and says so."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.errors import ConfigurationError
from holdfast.journal.engines import DatabaseError, display, parse_dsn
from holdfast.journal.writer import JournalWriter, WriterSettings
from tests.support import happenings as h

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = parse_dsn("/nowhere/journal.db")


class Database:
    """Stands in for the database: it can be slow, or broken."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.is_broken = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def write(self, work: Any) -> None:
        self.may_go_on.wait(5)
        if self.is_broken:
            raise DatabaseError("disk full")
        self.rows.extend(work)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def writer(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[JournalWriter]:
    settings = WriterSettings(queue_rows=5, gather_s=0.0, retry_s=0.0)
    made = JournalWriter(PLACE, "test", lambda: h.NOON, settings)
    monkeypatch.setattr(made, "_open", lambda: None)
    monkeypatch.setattr(made, "_retain", lambda: None)
    monkeypatch.setattr(made, "_write", database.write)
    made.start()
    yield made
    database.may_go_on.set()
    made.stop(5)


async def test_taking_note_never_waits_and_never_blocks_the_loop(
    writer: JournalWriter, database: Database
) -> None:
    """blockbuster fails this test when `take` does anything that could wait."""
    database.may_go_on.clear()
    began = time.perf_counter()
    for _ in range(1000):
        writer.take(h.synced())
    assert time.perf_counter() - began < 0.5
    assert writer.dropped >= 1000 - 5 - 1 - WriterSettings().batch_rows


def test_a_full_queue_drops_counts_and_says_it_once(
    writer: JournalWriter, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.may_go_on.clear()
    for _ in range(20):
        writer.take(h.synced())
    database.may_go_on.set()
    assert writer.flush(5)
    assert writer.dropped + len(database.rows) == 20
    assert writer.dropped > 0
    said = [record.message for record in caplog.records if "HF3012" in record.message]
    assert len(said) == 1
    assert "more happens than can be written" in said[0]


def test_a_broken_database_costs_rows_and_nothing_else(
    writer: JournalWriter, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.is_broken = True
    for _ in range(3):
        writer.take(h.synced())
        assert writer.flush(5)
    assert writer.dropped == 3
    database.is_broken = False
    writer.take(h.synced())
    assert writer.flush(5)
    assert (writer.dropped, len(database.rows)) == (3, 1)
    text = "\n".join(record.message for record in caplog.records)
    assert text.count("does not take rows: disk full") == 1
    assert "takes rows again; 3 were lost" in text


def test_a_busy_journal_forgets_what_is_old_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_s, looks = [0.0], list[float]()
    made = JournalWriter(
        PLACE, "test", lambda: h.NOON, WriterSettings(gather_s=0.0), lambda: clock_s[0]
    )
    monkeypatch.setattr(made, "_open", lambda: None)
    monkeypatch.setattr(made, "_retain", lambda: looks.append(clock_s[0]))
    monkeypatch.setattr(made, "_write", database.write)
    made.start()
    for moment_s in (300.0, 601.0, 900.0, 1300.0):  # a row in each ten minutes
        assert made.flush(5)  # what is behind this comes after the look that was due before
        clock_s[0] = moment_s
        made.take(h.synced())
        assert made.flush(5)
    assert made.flush(5)
    made.stop(5)
    assert looks == [0.0, 601.0, 1300.0]


def test_a_mistake_of_ours_does_not_end_the_thread(
    writer: JournalWriter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_work: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(writer, "_write", fail)
    writer.take(h.synced())
    assert writer.flush(5)
    monkeypatch.setattr(writer, "_write", database.write)
    writer.take(h.synced())
    assert writer.flush(5)
    assert (writer.dropped, len(database.rows)) == (1, 1)


def test_an_end_writes_what_is_left(writer: JournalWriter, database: Database) -> None:
    writer.take(h.synced())
    writer.stop(5)
    assert len(database.rows) == 1


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("/var/lib/holdfast/journal.db", "/var/lib/holdfast/journal.db"),
        ("sqlite:////var/lib/holdfast/journal.db", "/var/lib/holdfast/journal.db"),
        (
            "postgresql://ann:secret@db:5432/holdfast?sslmode=require",
            "postgresql://ann:***@db:5432/holdfast?sslmode=require",
        ),
        ("postgres://ann:secret@db/holdfast", "postgresql://ann:***@db/holdfast"),
        ("postgresql+psycopg://ann:s:e@cret@db/holdfast", "postgresql://ann:***@db/holdfast"),
        ("postgresql://db:5432/x?password=secret&a=b", "postgresql://db:5432/x?password=***&a=b"),
        ("postgresql://ann@db:5432/x", "postgresql://ann@db:5432/x"),
    ],
)
def test_a_dsn_is_shown_without_its_password(dsn: str, shown: str) -> None:
    assert display(parse_dsn(dsn)) == shown


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://ann:secret@db/x",
        "://secret",
        "sqlite://",
        "ann:secret@db://x",
        "postgresql://d:secret/x",
    ],
)
def test_another_database_is_refused_without_quoting_what_was_given(dsn: str) -> None:
    with pytest.raises(ConfigurationError) as failure:
        parse_dsn(dsn)
    assert failure.value.code == "HF3012"
    assert "secret" not in failure.value.describe()
