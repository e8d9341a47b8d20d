"""A queue of keys: one worker for each key at a time, triggers of the same key are merged.

A trigger for a key that waits is merged into the waiting one; a trigger for a key that is being
worked on waits until that work is done. So work on one key never overlaps and never piles up.
"""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class KeyedQueue(Generic[K, T]):
    """Work to do, by key.

    Each key has at most one waiting trigger, one timer, and one worker on it.
    """

    def __init__(self, merge: Callable[[T, T], T] | None = None) -> None:
        """Start empty.

        Args:
            merge: `merge(older, newer)` when a key gets a second trigger before its turn;
                by default the newer one wins.
        """
        self._merge = merge or _newest
        self._waiting: dict[K, tuple[int, T]] = {}
        self._heap: list[tuple[int, int, K]] = []
        self._timers: dict[K, tuple[float, asyncio.Handle, T]] = {}
        self._busy: set[K] = set()
        self._serial = 0
        self._wakeup = asyncio.Event()
        self._closed = False
        self.errors: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many keys wait for a worker now (timers not counted)."""
        return len(self._waiting)

    @property
    def busy(self) -> frozenset[K]:
        """The keys that are being worked on."""
        return frozenset(self._busy)

    def add(self, key: K, trigger: T, *, priority: int = 0) -> None:
        """Ask for work on a key now.

        Args:
            key: What to work on.
            trigger: Why; given to the worker.
            priority: Lower comes first; of two for the same key the more urgent one counts.
        """
        if self._closed:
            return
        if key in self._waiting:
            old_priority, old = self._waiting[key]
            trigger = self._merge(old, trigger)
            priority = min(priority, old_priority)
            self._waiting[key] = (priority, trigger)
            if priority == old_priority:
                return
        else:
            self._waiting[key] = (priority, trigger)
        if key not in self._busy:
            self._push(key, priority)

    def add_after(self, key: K, trigger: T, delay_s: float) -> None:
        """Ask for work on a key in a while. A key has one timer: the earlier moment wins.

        The triggers of two timers are merged. An `add` meanwhile leaves the timer alone.
        """
        if self._closed:
            return
        if delay_s <= 0:
            self.add(key, trigger)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        if key in self._timers:
            before, handle, old = self._timers.pop(key)
            handle.cancel()
            trigger = self._merge(old, trigger)
            due = min(due, before)  # not `handle.when()`: uvloop gives none for a moment so near
        self._timers[key] = (due, loop.call_at(due, self._ring, key), trigger)

    def forget(self, key: K) -> None:
        """Drop the waiting trigger and the timer of a key; work that has begun goes on."""
        self._waiting.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer[1].cancel()

    def close(self) -> None:
        """Drop everything that waits; the workers end after the work they have begun."""
        self._closed = True
        for key in [*self._timers, *self._waiting]:
            self.forget(key)
        self._heap.clear()
        self._wakeup.set()

    async def work(self, handle: Callable[[K, T], Awaitable[None]], *, workers: int = 1) -> None:
        """Run workers until `close()`. A failing `handle` is logged and counted in `errors`.

        Args:
            handle: Does the work for a key; never runs twice at once for the same key.
            workers: How many keys are worked on at once.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self._worker(handle), name=f"queue-worker-{number}")

    async def _worker(self, handle: Callable[[K, T], Awaitable[None]]) -> None:
        while (taken := await self._take()) is not None:
            key, trigger = taken
            try:
                await handle(key, trigger)
            except Exception as error:
                self.errors[type(error).__name__] += 1
                log.exception("HF9001 work on %s failed", key)
            finally:
                self._busy.discard(key)
                if key in self._waiting:
                    self._push(key, self._waiting[key][0])

    async def _take(self) -> tuple[K, T] | None:
        while not self._closed:
            while self._heap:
                priority, _, key = heapq.heappop(self._heap)
                entry = self._waiting.get(key)
                # Stale: forgotten, taken already, or pushed again with another priority.
                if entry is None or entry[0] != priority or key in self._busy:
                    continue
                del self._waiting[key]
                self._busy.add(key)
                if self._heap:
                    self._wakeup.set()
                return key, entry[1]
            self._wakeup.clear()
            await self._wakeup.wait()
        return None

    def _push(self, key: K, priority: int) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (priority, self._serial, key))
        self._wakeup.set()

    def _ring(self, key: K) -> None:
        _, _, trigger = self._timers.pop(key)
        self.add(key, trigger)


def _newest(_older: T, newer: T) -> T:
    return newer
