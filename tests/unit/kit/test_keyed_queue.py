"""One worker for each key, merged triggers, timers."""

import asyncio

import pytest
import uvloop

from holdfast.kit.keyed_queue import KeyedQueue


class Recorder:
    """A worker that remembers what it was given, and can be held."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.overlap = 0
        self.active: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str, trigger: str) -> None:
        if key in self.active:
            self.overlap += 1
        self.active.add(key)
        self.seen.append((key, trigger))
        await self.gate.wait()
        self.active.discard(key)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_newest_trigger_of_a_waiting_key_wins() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    queue.add("a", "old")
    queue.add("a", "new")
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        await settle()
        queue.close()
    assert worker.seen == [("a", "new")]


async def test_triggers_are_merged_when_a_merge_is_given() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue(lambda old, new: old + new)
    worker = Recorder()
    queue.add("a", "1")
    queue.add("a", "2")
    queue.add("a", "3", priority=-1)
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        await settle()
        queue.close()
    assert worker.seen == [("a", "123")]


async def test_a_key_is_never_worked_on_twice_at_once() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    worker.gate.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker, workers=4))
        queue.add("a", "1")
        queue.add("b", "1")
        await settle()
        queue.add("a", "2")
        await settle()
        assert worker.seen == [("a", "1"), ("b", "1")]
        assert queue.busy == {"a", "b"}
        worker.gate.set()
        await settle()
        queue.close()
    assert worker.seen[-1] == ("a", "2")
    assert worker.overlap == 0


async def test_an_urgent_key_overtakes_the_others() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    queue.add("a", "1", priority=5)
    queue.add("b", "1", priority=0)
    queue.add("c", "1", priority=5)
    queue.add("c", "2", priority=-1)
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        await settle()
        queue.close()
    assert [key for key, _ in worker.seen] == ["c", "b", "a"]
    assert len(queue) == 0


async def test_the_earlier_of_two_timers_of_a_key_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    queue.add_after("a", "late", 60)
    queue.add_after("a", "early", 10)
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        await settle()
        assert worker.seen == []
        now += 11
        await settle()
        now += 100
        await settle()
        queue.close()
    assert worker.seen == [("a", "early")]


async def test_timers_ring_in_the_order_of_their_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    for key, delay_s in (("c", 30), ("a", 10), ("forgotten", 5), ("b", 20), ("late", 90)):
        queue.add_after(key, "", delay_s)
    queue.forget("forgotten")
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        for passed_s, seen in ((6, ""), (5, "a"), (20, "abc"), (50, "abc"), (10, "abclate")):
            now += passed_s
            await settle()
            assert "".join(key for key, _ in worker.seen) == seen
        queue.close()


async def test_timers_that_are_put_earlier_again_and_again_take_no_room() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    for delay_s in range(10_000, 1, -1):
        queue.add_after("a", "", delay_s)
        queue.add_after(f"b-{delay_s}", "", 60)
        queue.forget(f"b-{delay_s}")
    assert len(queue._due) < 100
    queue.close()


async def test_a_forgotten_key_is_not_worked_on() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    worker = Recorder()
    queue.add("a", "1")
    queue.add_after("a", "2", 60)
    queue.forget("a")
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(worker))
        await settle()
        queue.close()
    assert worker.seen == []


async def test_a_failing_worker_is_counted_and_the_queue_goes_on() -> None:
    queue: KeyedQueue[str, str] = KeyedQueue()
    seen: list[str] = []

    async def handle(key: str, _: str) -> None:
        seen.append(key)
        if key == "bad":
            raise LookupError(key)

    queue.add("bad", "")
    queue.add("good", "")
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.work(handle))
        await settle()
        queue.close()
    assert seen == ["bad", "good"]
    assert queue.errors == {"LookupError": 1}


def test_a_second_timer_meets_one_of_uvloop_that_is_nearly_due() -> None:
    """uvloop makes no timer of less than half a millisecond, and what it makes has no `when`."""
    seen: list[tuple[str, str]] = []

    async def run() -> None:
        queue: KeyedQueue[str, str] = KeyedQueue()

        async def work(key: str, trigger: str) -> None:
            seen.append((key, trigger))
            queue.close()

        queue.add_after("a", "first", 0.0001)
        queue.add_after("a", "second", 0.0001)
        await queue.work(work)

    uvloop.run(run())
    assert seen == [("a", "second")]
