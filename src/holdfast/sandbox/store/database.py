"""SQLite below the store: one writer thread, many writes in one transaction.

The loop's thread only queues. The writer takes whatever has gathered, commits it, and tells the
loop, so that an answer leaves after its write is in the log: a `kill -9` loses nothing that a
client was told. `synchronous=OFF` is enough for that (the kernel keeps the pages); a power cut may
cost the last seconds, which a cluster for trying can bear.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import FIRST_VERSION, Key, Stored

# After a restart the history is gone. Versions jump, so that a client of the former life is told
# 410 and lists again instead of waiting for events that it will never get.
RESTART_JUMP = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  grp TEXT NOT NULL, plural TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  tree BLOB NOT NULL, PRIMARY KEY (grp, plural, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM objects WHERE grp = ? AND plural = ? AND namespace = ? AND name = ?"
_VERSION = "INSERT OR REPLACE INTO facts VALUES ('version', ?)"

_Write = tuple[int, ResourceId, Key, Stored | None, int]


class Database:
    """The journal of a store, in one file.

    Errors of the writer thread (a full disk) are raised by `settled` for every later write.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; `start` begins to write."""
        self._path = path
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._recorded = 0
        self._committed = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._failure: BaseException | None = None
        # It holds Secrets: nobody else may read it, nor the log beside it, which takes its mode.
        path.touch(mode=0o600)
        path.chmod(0o600)
        with contextlib.closing(self._connect()) as connection:
            connection.executescript(_SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def last_version(self) -> int:
        """Return the version to start from: the last one written, plus a jump."""
        with contextlib.closing(self._connect()) as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = 'version'").fetchone()
        return int(row[0]) + RESTART_JUMP if row else FIRST_VERSION

    def objects(self) -> Iterator[tuple[ResourceId, Key, Tree, bytes]]:
        """Yield every kept object with its JSON text."""
        with contextlib.closing(self._connect()) as connection:
            rows = connection.execute("SELECT grp, plural, namespace, name, tree FROM objects")
            for group, plural, namespace, name, raw in rows:
                yield ResourceId(group, plural), (namespace, name), orjson.loads(raw), raw

    def start(self) -> None:
        """Begin to write; called on the loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="sandbox-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Write what is left and close."""
        thread = self._thread
        if thread is None:
            return
        self._queue.put(None)
        await asyncio.to_thread(thread.join)
        self._thread = None

    def record(self, resource: ResourceId, key: Key, stored: Stored, *, deleted: bool) -> None:
        """Queue one write."""
        self._recorded += 1
        kept = None if deleted else stored
        self._queue.put((self._recorded, resource, key, kept, stored.version))

    async def settled(self) -> None:
        """Wait for everything recorded so far."""
        if self._failure is not None:
            raise OSError(f"the sandbox cannot write to {self._path}") from self._failure
        if self._committed >= self._recorded or self._loop is None:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((self._recorded, future))
        await future

    def _write(self) -> None:
        connection = self._connect()
        try:
            while self._write_batch(connection):
                pass
        except sqlite3.Error as error:
            self._tell(self._recorded, error)
        finally:
            connection.close()

    def _write_batch(self, connection: sqlite3.Connection) -> bool:
        """Write what has gathered; return False when told to end."""
        write = self._queue.get()
        goes_on, last = True, 0
        connection.execute("BEGIN")
        version = 0
        while True:
            if write is None:
                goes_on = False
                break
            last, resource, key, stored, version = write
            if stored is None:
                connection.execute(_DROP, (*resource, *key))
            else:
                connection.execute(_PUT, (*resource, *key, stored.raw))
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                break
        if version:
            connection.execute(_VERSION, (str(version),))
        connection.execute("COMMIT")
        if last:
            self._tell(last, None)
        return goes_on

    def _tell(self, sequence: int, failure: BaseException | None) -> None:
        if self._loop is not None:
            # At shutdown the loop may be gone; then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, sequence, failure)

    def _settle(self, sequence: int, failure: BaseException | None) -> None:
        self._committed = max(self._committed, sequence)
        self._failure = failure or self._failure
        still: list[tuple[int, asyncio.Future[None]]] = []
        for wanted, future in self._waiting:
            if future.done():
                continue
            if failure is not None:
                future.set_exception(OSError(f"the sandbox cannot write to {self._path}"))
            elif wanted <= self._committed:
                future.set_result(None)
            else:
                still.append((wanted, future))
        self._waiting = still
