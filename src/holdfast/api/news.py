"""Word that something changed which long streams must hear of: a token revoked, rights that go."""

import asyncio


class News:
    """Wakes everybody who waits, at each change."""

    def __init__(self) -> None:
        """Nothing has changed yet."""
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Wake all who wait now."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        """Return at the next change."""
        await self._event.wait()
