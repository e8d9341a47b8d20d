"""What git says of commits, kept: a commit never changes."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.api.page.app_view import AppView, moment, text
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import Queries, RevisionMetadata

_KEPT = 2000
_LONGEST_WAIT_S = 0.6


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit."""

    author: str
    message: str
    at: datetime | None
    tags: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """First line of the message."""
        return self.message.partition("\n")[0]

    @property
    def name(self) -> str:
        """The author without the address."""
        return self.author.partition("<")[0].strip() or self.author


@dataclass(slots=True)
class Commits:
    """Asks for commits, and waits for none of them long: a screen must not hang on a repository."""

    queries: Queries
    _kept: OrderedDict[tuple[AppKey, str, int], Commit] = field(default_factory=OrderedDict)

    async def find(self, app: AppView, revision: str, source_index: int = 0) -> Commit | None:
        """Return a commit; None when it cannot be read, or not soon."""
        if not revision or (app.sources and app.source.is_chart):
            return None
        key = (app.key, revision, source_index)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        # Given up here, git goes on in its thread: the next look finds what it fetched.
        try:
            async with asyncio.timeout(_LONGEST_WAIT_S):
                return await self._ask(key)
        except (TimeoutError, HoldfastError):
            return None

    async def find_all(self, app: AppView, revisions: set[str]) -> dict[str, Commit]:
        """Return the commits that can be read soon, by revision."""
        wanted = sorted(revisions - {""})
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.find(app, revision)) for revision in wanted]
        found = [task.result() for task in tasks]
        return {name: one for name, one in zip(wanted, found, strict=True) if one is not None}

    async def _ask(self, key: tuple[AppKey, str, int]) -> Commit:
        tree = await self.queries.answer(RevisionMetadata(*key), "")
        commit = Commit(
            text(tree, "author"),
            text(tree, "message"),
            moment(tree.get("date")),
            tuple(str(tag) for tag in tree.get("tags") or ()),
        )
        self._kept[key] = commit
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return commit
