"""`JournalWriter`: a `Listener` that never waits; one thread writes what it was told.

    event loop ── take ──▶ bounded queue ──▶ thread, own connection ──▶ SQLite or PostgreSQL

Rule C4: nothing here can slow or stop a heal. The queue is the C one, whose `put` takes no lock;
the thread gathers for a moment, so that it does not compete with the heals that are going on.
What cannot be queued or written is dropped and counted, and a person is told once, and once more
when it works again.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from holdfast.domain.audit import DriftAttributed
from holdfast.domain.errors import HoldfastError
from holdfast.domain.events import Closing, Happening
from holdfast.journal.engines import Database, DatabaseError, Engine, Transaction, display
from holdfast.journal.migrations import migrate
from holdfast.journal.retention import Retention, forget
from holdfast.journal.rows import Row, culprit_row, row_of
from holdfast.journal.tables import CLOSINGS, DRIFTS
from holdfast.kit.clock import SystemClock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """How it writes.

    Attributes:
        queue_rows: How many happenings may wait; a storm of a thousand objects makes 4,000.
        gather_s: A batch is written when nothing new came for so many seconds: a storm of heals
            is over first, since both share one interpreter lock.
        longest_gather_s: Seconds after which it is written anyway.
        batch_rows: Rows of one transaction.
        retention_every_s: Seconds between two looks for what is old.
        retry_s: Seconds after which a broken database is tried again.
    """

    queue_rows: int = 20_000
    gather_s: float = 0.1
    longest_gather_s: float = 1.0
    batch_rows: int = 500
    retention: Retention = field(default_factory=Retention)
    retention_every_s: float = 600.0
    retry_s: float = 5.0


@dataclass(frozen=True, slots=True)
class _Resumed:
    """The controller begins: what it had open before is over."""

    at: datetime


@dataclass(frozen=True, slots=True)
class _Flush:
    """Somebody waits until everything before this is written."""

    done: threading.Event


_Item: TypeAlias = Happening | DriftAttributed | _Resumed | _Flush


class JournalWriter:
    """Writes the journal.

    Attributes:
        database, source: As given.
        written, dropped: Rows so far.
    """

    def __init__(
        self,
        database: Database,
        source: str,
        now: Callable[[], datetime],
        settings: WriterSettings | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            database: From `engines.parse_dsn`.
            source: Server and control namespace: whose episodes these are.
            now: The wall clock; called by the thread.
            settings: How it writes.
            monotonic: Seconds on a clock that never steps; the machine's by default.
        """
        self.database = database
        self.source = source
        self._now = now
        self._monotonic = monotonic or SystemClock().monotonic
        self._retains_at_s = 0.0  # the thread's own
        self._settings = settings or WriterSettings()
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._engine: Engine | None = None
        self._is_losing = False
        self._lost = 0
        self.written = 0
        self.dropped = 0

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""
        return display(self.database)

    def note(self) -> str:
        """Return how it does, for `holdfast status`."""
        if self._is_losing:
            return f"loses rows since it cannot be written: {self.dropped} lost so far"
        return f"ok, {self.dropped} rows were lost" if self.dropped else "ok"

    # --- the event loop's side ----------------------------------------------------------------

    def take(self, happening: Happening) -> None:
        """Take note; returns at once, and never fails."""
        if self._queue.qsize() >= self._settings.queue_rows:
            self._lose(1, "more happens than can be written")
            return
        self._queue.put(happening)

    def attribute(self, attributed: DriftAttributed) -> None:
        """Take note of who made a drift; returns at once, and never fails."""
        if self._queue.qsize() >= self._settings.queue_rows:
            self._lose(1, "more happens than can be written")
            return
        self._queue.put(attributed)

    def resume(self) -> None:
        """Say that a controller begins: episodes that it had left open are over."""
        self._queue.put(_Resumed(self._now()))

    def start(self) -> None:
        """Start the thread; a database that does not answer yet is no failure."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything so far was written or dropped; False when the time is over.

        It blocks: call it from a thread.
        """
        done = threading.Event()
        self._queue.put(_Flush(done))
        self._hurry.set()
        return done.wait(timeout_s)

    def stop(self, timeout_s: float = 2.0) -> None:
        """Write what is left and end the thread; blocks for `timeout_s` at most."""
        if self._thread is None:
            return
        self.flush(timeout_s)
        self._stopping.set()
        self._queue.put(_Flush(threading.Event()))
        self._thread.join(timeout_s)
        self._thread = None

    # --- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        self._guarded(self._open, 0)
        self._retains_at_s = self._monotonic()
        while not self._stopping.is_set():
            left_s = self._retains_at_s - self._monotonic()
            if left_s <= 0.0:
                # Before the next row, however busy it is: else a busy journal would grow for ever.
                self._retains_at_s = self._monotonic() + self._settings.retention_every_s
                self._guarded(self._retain, 0)
                continue
            try:
                first = self._queue.get(timeout=left_s)
            except queue.Empty:
                continue
            self._write_all(self._gather(first))
        if self._engine is not None:
            self._engine.close()

    def _gather(self, first: _Item) -> list[_Item]:
        items = [first]
        if not isinstance(first, _Flush):
            self._wait_for_quiet()
        while len(items) < self._settings.batch_rows:
            try:
                items.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return items

    def _wait_for_quiet(self) -> None:
        settings = self._settings
        waited_s, before = 0.0, -1
        while waited_s < settings.longest_gather_s and self._queue.qsize() != before:
            before = self._queue.qsize()
            if self._hurry.wait(settings.gather_s):
                break
            waited_s += max(settings.gather_s, 0.01)

    def _write_all(self, items: Sequence[_Item]) -> None:
        waiting = [item for item in items if isinstance(item, _Flush)]
        work = [item for item in items if not isinstance(item, _Flush)]
        if work:
            self._guarded(lambda: self._write(work), len(work))
        if waiting:
            self._hurry.clear()
        for item in waiting:
            item.done.set()

    def _guarded(self, act: Callable[[], None], rows: int) -> None:
        """Do something with the database; what fails costs rows and nothing else."""
        for attempt in (1, 2):
            try:
                act()
            except (DatabaseError, HoldfastError, OSError) as error:
                self._forget_connection()
                last = attempt == 2 or self._is_losing or self._stopping.is_set()
                if last:
                    self._lose(rows, str(error))
                    return
                # A restarted database, a moment of lock: worth one more try.
                self._stopping.wait(min(1.0, self._settings.retry_s))
            except Exception:
                # The border of the thread: a mistake of ours must not end the journal for good.
                log.exception("HF9001 the journal failed")
                self._lose(rows, "a mistake of Holdfast (HF9001)")
                return
            else:
                if rows:
                    self._recovered()
                return

    def _open(self) -> None:
        if self._engine is not None:
            return
        if self.database.is_sqlite:
            Path(self.database.path).parent.mkdir(parents=True, exist_ok=True)
        self._engine = Engine(self.database)
        with self._engine.transaction() as transaction:
            migrate(transaction, self._now())

    def _write(self, work: Sequence[Happening | DriftAttributed | _Resumed]) -> None:
        self._open()
        assert self._engine is not None  # noqa: S101 - just opened
        rows: list[Row] = []
        with self._engine.transaction() as transaction:
            for item in work:
                if isinstance(item, _Resumed):
                    _insert(transaction, rows)
                    rows = []
                    self._interrupt(transaction, item.at)
                elif isinstance(item, DriftAttributed):
                    rows.append(culprit_row(item))
                else:
                    rows.append(row_of(item, self.source))
            _insert(transaction, rows)
        self.written += sum(not isinstance(item, _Resumed) for item in work)

    def _interrupt(self, transaction: Transaction, at: datetime) -> None:
        """End what this Holdfast left open when it stopped: a new life opens its own episodes."""
        closed = f"SELECT 1 FROM {CLOSINGS} c WHERE c.episode = d.id"
        transaction.run(
            f"INSERT INTO {CLOSINGS} (episode, how, at) SELECT d.id, ?, ? FROM {DRIFTS} d"
            f" WHERE d.source = ? AND NOT EXISTS ({closed})",
            [Closing.INTERRUPTED.value, at, self.source],
        )

    def _retain(self) -> None:
        self._open()
        assert self._engine is not None  # noqa: S101 - just opened
        gone = 0
        for rows in forget(self._engine, self._settings.retention, self._now()):
            gone += rows
            if self._stopping.is_set() or (rows and not self._queue.empty()):
                # What happens now goes first; the rest goes soon.
                self._retains_at_s = self._monotonic() + self._settings.retry_s
                break
        if gone:
            log.info("journal retention rows=%d", gone)

    def _forget_connection(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _lose(self, rows: int, why: str) -> None:
        self.dropped += rows
        self._lost += rows
        if not self._is_losing:
            self._is_losing = True
            log.warning(
                "HF3012 the journal at %s does not take rows: %s. Healing goes on; rows are "
                "dropped and counted until it works again",
                self.place,
                why,
            )

    def _recovered(self) -> None:
        if self._is_losing:
            log.warning("the journal takes rows again; %d were lost", self._lost)
        self._is_losing, self._lost = False, 0


def _insert(transaction: Transaction, rows: Sequence[Row]) -> None:
    by_table: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append(row.values)
    for table, values in by_table.items():
        transaction.add(table, values)
