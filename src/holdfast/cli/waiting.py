"""Time limits of commands that wait, and streams that end with the command."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from holdfast.domain.errors import ClusterError

T = TypeVar("T")


@asynccontextmanager
async def closing(values: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close a stream in the end, however the loop over it is left."""
    try:
        yield values
    finally:
        close = getattr(values, "aclose", None)
        if close is not None:
            await close()


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
