"""Free memory goes back to the system after work, and only then."""

import asyncio
import time

import pytest

from holdfast.kit import garbage


class _Clock:
    def __init__(self, looks: list[float]) -> None:
        self.looks = looks

    async def sleep(self, seconds: float) -> None:
        del seconds
        if not self.looks:
            raise asyncio.CancelledError
        self.used = self.looks.pop(0)


async def _trims(monkeypatch: pytest.MonkeyPatch, looks: list[float]) -> list[float]:
    """Return how much CPU time had been used at each trim, of so much at each look."""
    clock, trims = _Clock(looks), list[float]()
    monkeypatch.setattr(time, "process_time", lambda: clock.used)
    monkeypatch.setattr(garbage, "_find_trim", lambda: lambda _pad: trims.append(clock.used))
    with pytest.raises(asyncio.CancelledError):
        await garbage.return_memory(clock, 2.0)
    return trims


async def test_memory_goes_back_when_a_burst_of_work_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await _trims(monkeypatch, [2.0, 4.0, 4.1, 4.1, 6.0, 6.1]) == [4.1, 6.1]


async def test_nothing_is_done_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _trims(monkeypatch, [0.0, 0.1, 0.2, 0.3]) == []


def test_the_c_library_is_asked_where_it_can_do_it() -> None:
    trim = garbage._find_trim()
    assert trim is None or trim(0) in (0, 1)
