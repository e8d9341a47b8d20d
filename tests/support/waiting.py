"""The only places of the tests that let real time pass (`make check` sees to it).

Wait for an event where there is one: a watch, a line of a log, virtual time. What has none is
looked at again and again by `until` and `eventually`. `quiet_for` is for the rare test whose
subject is time itself; it says why. That *nothing* happens is not shown by waiting: see
`tests.support.at_rest`.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TIME_LIMIT_S = 20.0
FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.01, 0.1, 1.25
"""Between two looks: what comes soon is seen at once, and a long wait costs few requests."""

Found = TypeVar("Found")


async def until(what: Callable[[], object], *, seconds: float = TIME_LIMIT_S) -> None:
    """Waits until something holds, without holding the loop."""

    async def look() -> object:
        return what()

    await eventually(look, seconds=seconds)


async def eventually(
    look: Callable[[], Awaitable[Found]],
    *,
    seconds: float = TIME_LIMIT_S,
    explain: Callable[[], Awaitable[object]] | None = None,
) -> Found:
    """Waits until `look()` returns something true, and returns it.

    Args:
        look: What must be asked for.
        seconds: How long at most.
        explain: What to print when it never came true.
    """
    try:
        async with asyncio.timeout(seconds):
            pause_s = FIRST_PAUSE_S
            while not (found := await look()):
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
            return found
    except TimeoutError:
        said = "" if explain is None else json.dumps(await explain(), indent=1, default=str)
        raise AssertionError(f"not within {seconds:g} s: {said}") from None


def eventually_now(look: Callable[[], object], *, seconds: float = TIME_LIMIT_S) -> None:
    """The same for a test without an event loop."""
    deadline, pause_s = time.monotonic() + seconds, FIRST_PAUSE_S
    while not look():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(pause_s)
        pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)


async def quiet_for(seconds: float, *, why: str) -> None:
    """Lets real time pass.

    Args:
        seconds: How long.
        why: What is measured, or what only time can bring about.
    """
    assert why
    await asyncio.sleep(seconds)
