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

_STALE = 64  # entries of timers that were put earlier or forgotten, before they are thrown out

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
        # One alarm of the event loop for all timers: each of its own would take 0.7 KB.
        self._timers: dict[K, tuple[float, T]] = {}
        self._due: list[tuple[float, int, K]] = []
        self._alarm: tuple[float, asyncio.Handle] | None = None
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
        due = asyncio.get_running_loop().time() + delay_s
        before = self._timers.get(key)
        if before is not None:
            due, trigger = min(due, before[0]), self._merge(before[1], trigger)
        self._timers[key] = (due, trigger)
        if before is None or due < before[0]:
            self._serial += 1
            heapq.heappush(self._due, (due, self._serial, key))
            if len(self._due) > 2 * len(self._timers) + _STALE:
                self._due = [entry for entry in self._due if self._is_due(entry)]
                heapq.heapify(self._due)
            self._set_alarm()

    def forget(self, key: K) -> None:
        """Drop the waiting trigger and the timer of a key; work that has begun goes on."""
        self._waiting.pop(key, None)
        if self._timers.pop(key, None) is not None:
            self._set_alarm()

    def close(self) -> None:
        """Drop everything that waits; the workers end after the work they have begun."""
        self._closed = True
        self._timers.clear()
        self._waiting.clear()
        self._heap.clear()
        self._due.clear()
        if self._alarm is not None:
            self._alarm[1].cancel()
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

    def _set_alarm(self) -> None:
        """Ring when the earliest timer is due."""
        while self._due and not self._is_due(self._due[0]):
            heapq.heappop(self._due)
        first = self._due[0][0] if self._due else None
        if self._alarm is not None:
            if self._alarm[0] == first:
                return
            self._alarm[1].cancel()
            self._alarm = None
        if first is not None:
            loop = asyncio.get_running_loop()
            self._alarm = (first, loop.call_at(first, self._ring, first))

    def _ring(self, until: float) -> None:
        self._alarm = None
        while self._due and self._due[0][0] <= until:
            entry = heapq.heappop(self._due)
            if self._is_due(entry):
                _, trigger = self._timers.pop(entry[2])
                self.add(entry[2], trigger)
        self._set_alarm()

    def _is_due(self, entry: tuple[float, int, K]) -> bool:
        """Whether an entry is a timer's moment still: not forgotten, and not put earlier."""
        timer = self._timers.get(entry[2])
        return timer is not None and timer[0] == entry[0]


def _newest(_older: T, newer: T) -> T:
    return newer
