"""The wall clock steps: forward after a laptop's sleep, back when somebody set it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from holdfast.controller.clock_steps import ClockSteps
from holdfast.kit.tasks import Supervisor
from tests.support.virtual_time import LoopClock

if TYPE_CHECKING:
    import pytest


class SteppingClock(LoopClock):
    """A wall clock that can be set; time itself goes on."""

    def __init__(self) -> None:
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.set_by


async def steps_after(*moves_s: float) -> list[float]:
    """What is told when the clock is moved by each of these, ten seconds apart."""
    clock, told = SteppingClock(), list[float]()
    async with Supervisor(clock) as supervisor:
        steps = ClockSteps(clock, lambda step: told.append(round(step.total_seconds(), 3)))
        supervisor.spawn("steps", steps.run)
        for move_s in moves_s:
            await clock.sleep(10.0)
            clock.set_by += timedelta(seconds=move_s)
        await clock.sleep(10.0)
    return told


async def test_a_step_in_either_direction_is_told_once() -> None:
    assert await steps_after(3600.0) == [3600.0]
    assert await steps_after(-3600.0, 7200.0) == [-3600.0, 7200.0]


async def test_a_clock_that_is_slewed_is_no_step() -> None:
    assert await steps_after(0.4, -0.5, 0.5, 0.3) == []


async def test_a_step_is_said(caplog: pytest.LogCaptureFixture) -> None:
    await steps_after(-90.0)
    assert "the wall clock stepped seconds=-90.0" in caplog.text
