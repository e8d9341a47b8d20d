"""Events on Applications are written when there is nothing better to send."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

from holdfast.cluster.events import LONGEST_S, EventRecorder
from holdfast.domain.errors import ClusterError
from holdfast.domain.events import AppEvent, Reason
from holdfast.domain.identity import AppKey, Uid
from tests.support.fakes import FakeClock

if TYPE_CHECKING:
    from holdfast.domain.ports import SystemWriter

EVENT = AppEvent(AppKey("argocd", "web"), Uid("1"), Reason.RESOURCE_UPDATED, "said")


class Written:
    """Takes note of when something was written."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.at: list[float] = []

    async def create(self, *_: Any) -> None:
        self.at.append(self.clock.monotonic())
        if len(self.at) == 1:
            raise ClusterError("HF2001", "no answer")  # one that fails holds none up


async def _write(clock: FakeClock, busy_until_s: float) -> tuple[list[float], EventRecorder]:
    written = Written(clock)
    recorder = EventRecorder(
        cast("SystemWriter", written), clock, is_busy=lambda: clock.monotonic() < busy_until_s
    )
    recorder.record(EVENT)
    recorder.record(EVENT)
    running = asyncio.ensure_future(recorder.run())
    assert await recorder.flush(5)
    running.cancel()
    return written.at, recorder


async def test_events_are_written_at_once_when_nothing_else_goes_on() -> None:
    at, recorder = await _write(FakeClock(), busy_until_s=0.0)
    assert at == [0.0, 0.0]
    assert recorder.dropped == 1


async def test_events_wait_until_a_burst_of_work_is_over() -> None:
    at, _ = await _write(FakeClock(), busy_until_s=3.0)
    assert at == [3.0, 3.0]


async def test_events_wait_no_longer_than_half_a_minute() -> None:
    at, _ = await _write(FakeClock(), busy_until_s=1000.0)
    assert at == [LONGEST_S, LONGEST_S]
