"""The supervisor restarts, counts, logs and stops."""

import asyncio
import inspect
import logging

import pytest

from holdfast.kit.tasks import Supervisor


class InstantClock:
    """A clock whose sleeps end at once and are remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_failing_task_is_started_again_after_growing_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = InstantClock()
    attempts = 0

    async def flaky() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise ConnectionError(f"attempt {attempts}")

    with caplog.at_level(logging.ERROR):
        async with Supervisor(clock) as supervisor:
            supervisor.spawn("watch", flaky)
            await settle()
            assert not supervisor.is_running("watch")
            assert supervisor.errors == {"watch": 3}
    assert attempts == 4
    assert clock.slept == [0.5, 1.0, 2.0]
    assert supervisor.last_errors["watch"] == "ConnectionError: attempt 3"
    assert "Traceback" in caplog.text
    assert "HF9001" in caplog.text


async def test_a_one_time_task_is_not_started_again() -> None:
    async def failing() -> None:
        raise KeyError("x")

    async with Supervisor(InstantClock()) as supervisor:
        supervisor.once("notice", failing())
        supervisor.once("notice", failing())
        await settle()
    assert supervisor.errors == {"notice": 2}


async def test_stop_ends_every_task_and_waits_for_it() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("forever")

    supervisor = Supervisor(InstantClock())
    supervisor.spawn("a", forever)
    supervisor.once("b", forever())
    await settle()
    await supervisor.stop()
    await supervisor.stop()
    assert ended == ["forever", "forever"]


async def test_a_task_that_never_began_is_closed_and_not_lost() -> None:
    """Stopped in the same turn, or refused because all stops: no "never awaited"."""

    async def forever() -> None:
        await asyncio.Event().wait()

    supervisor = Supervisor(InstantClock())
    early, late = forever(), forever()
    supervisor.once("a", early)
    await supervisor.stop()
    with pytest.raises(RuntimeError, match="stopping"):
        supervisor.once("b", late)
    states = [inspect.getcoroutinestate(one) for one in (early, late)]
    assert states == [inspect.CORO_CLOSED, inspect.CORO_CLOSED]


async def test_two_living_tasks_cannot_have_one_name() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    async with Supervisor(InstantClock()) as supervisor:
        supervisor.spawn("a", forever)
        with pytest.raises(ValueError, match="a task named 'a' is running"):
            supervisor.spawn("a", forever)


async def test_a_change_that_is_told_as_a_task_ends_is_never_lost() -> None:
    """The task has looked at the flag for the last time; its callbacks have not run yet."""
    loop, looks = asyncio.get_running_loop(), list[int]()
    is_stale = True

    async with Supervisor(InstantClock()) as supervisor:

        async def look() -> None:
            nonlocal is_stale
            while is_stale:
                is_stale = False
                looks.append(len(looks))
            if len(looks) == 1:
                loop.call_soon(change)

        def change() -> None:
            nonlocal is_stale
            is_stale = True
            if not supervisor.is_running("look"):
                supervisor.once("look", look())

        supervisor.once("look", look())
        await settle()
        assert not supervisor.is_running("look")
    assert looks == [0, 1]
