"""The newest episodes for those who follow them: the journal is read once for all of them."""

import asyncio

from holdfast.domain.journal import Episode, EpisodeFilter, JournalReader

LOOK_EVERY_S = 1.0
_NEWEST = 200


class SharedEpisodes:
    """What the journal said last."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._found: dict[str, Episode] = {}

    async def wait(self) -> None:
        """Return when it is time to look again."""
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await asyncio.Event().wait()
        except TimeoutError:
            return

    async def get(self, journal: JournalReader) -> dict[str, Episode]:
        """Return the newest and all open episodes, at most a second old.

        Raises:
            HoldfastError: the journal cannot be read.
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._read_at >= LOOK_EVERY_S:
                newest = await journal.episodes(EpisodeFilter(limit=_NEWEST))
                still = await journal.episodes(EpisodeFilter(open_only=True, limit=_NEWEST))
                self._found = {episode.id: episode for episode in (*still, *newest)}
                self._read_at = loop.time()
            return self._found
