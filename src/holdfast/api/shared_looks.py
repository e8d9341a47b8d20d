"""Something that is looked at once a second for all who follow it, and only while somebody does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

LOOK_EVERY_S = 1.0

T = TypeVar("T")


class SharedLook(Generic[T]):
    """What was seen last."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._lock = asyncio.Lock()
        self._seen: tuple[float, T] | None = None

    async def wait(self) -> None:
        """Return when it is time to look again."""
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await asyncio.Event().wait()
        except TimeoutError:
            return

    async def at_most_a_second_old(self, look: Callable[[], Awaitable[T]]) -> T:
        """Return what was seen a moment ago, or look.

        Raises:
            HoldfastError: as `look`.
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._seen is None or loop.time() - self._seen[0] >= LOOK_EVERY_S:
                self._seen = loop.time(), await look()
            return self._seen[1]
