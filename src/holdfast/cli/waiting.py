"""Time limits of commands that wait."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from holdfast.domain.errors import ClusterError

T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float, message: str) -> T:
    """Wait for work, at most so many seconds; 0 is for ever.

    Raises:
        ClusterError: HF2010 with the given message when the time is over.
    """
    try:
        async with asyncio.timeout(seconds or None):
            return await work
    except TimeoutError as error:
        raise ClusterError(
            "HF2010",
            message,
            hint="is the controller running? `holdfast status` tells; without one, nothing answers",
        ) from error
