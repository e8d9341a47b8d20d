"""The newest episodes for those who follow them: the journal is read once for all of them."""

from holdfast.api.shared_looks import SharedLook
from holdfast.domain.journal import Episode, EpisodeFilter, JournalReader

_NEWEST = 200


class SharedEpisodes(SharedLook[dict[str, Episode]]):
    """What the journal said last."""

    async def get(self, journal: JournalReader) -> dict[str, Episode]:
        """Return the newest and all open episodes, at most a second old.

        Raises:
            HoldfastError: the journal cannot be read.
        """

        async def look() -> dict[str, Episode]:
            newest = await journal.episodes(EpisodeFilter(limit=_NEWEST))
            still = await journal.episodes(EpisodeFilter(open_only=True, limit=_NEWEST))
            return {episode.id: episode for episode in (*still, *newest)}

        return await self.at_most_a_second_old(look)
