"""Tells open pages that something changed: Applications at once, drift as the journal learns of it.

A message names what changed and nothing more; the page then asks for its screen again, where
roles are checked as always. One look at the journal serves all who watch.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from holdfast.api.applications import APPLICATIONS, target_of
from holdfast.api.page.board import Visit
from holdfast.api.ports import Services
from holdfast.domain.errors import HoldfastError
from holdfast.domain.journal import Episode, EpisodeFilter
from holdfast.domain.manifest import Tree

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
_AFTER_TROUBLE_S = 5.0
_LOOK_AGAIN_S = 5.0
_NEWEST = 20
_MOST_WAITING = 100
_MOST_STREAMS = 2000

_Queue = asyncio.Queue[Tree]


class Live:
    """What changes, for everybody who looks."""

    def __init__(self, services: Services) -> None:
        """Watch nothing yet."""
        self._services = services
        self._watchers: set[_Queue] = set()
        self._somebody = asyncio.Event()

    async def run(self) -> None:
        """Tell what happens until cancelled; spawned once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_applications())
            if self._services.journal is not None:
                group.create_task(self._follow_journal())

    async def follow(self, visit: Visit) -> AsyncGenerator[Tree, None]:
        """Yield `{app, what}` for each change that the caller may know of.

        With `look`, also every five seconds: pods come and go without a word in an Application.
        It ends when the caller's token does.
        """
        query = visit.request.query_params
        only, looks = query.get("app", ""), "look" in query
        queue: _Queue = asyncio.Queue(_MOST_WAITING)
        if len(self._watchers) >= _MOST_STREAMS:
            return
        self._watchers.add(queue)
        self._somebody.set()
        try:
            while True:
                message = await _next(queue)
                if not visit.services.sign_in.is_still_good(visit.caller):
                    return
                if message is None:
                    if looks:
                        yield {"app": only, "what": "look"}
                elif self._is_for(visit, message, only):
                    yield {"app": message["app"], "what": message["what"]}
        finally:
            self._watchers.discard(queue)
            if not self._watchers:
                self._somebody.clear()

    def _is_for(self, visit: Visit, message: Tree, only: str) -> bool:
        tree = message["tree"]
        if (only and message["app"] != only) or tree is None:
            return False
        return visit.may(APPLICATIONS, "get", target_of(visit, tree))

    def _tell(self, message: Tree) -> None:
        for queue in self._watchers:
            if not queue.full():  # who is far behind asks for its screen anyway
                queue.put_nowait(message)

    async def _follow_applications(self) -> None:
        async with aclosing(self._services.applications.follow()) as events:
            async for event in events:
                if self._watchers:
                    metadata = event.tree["metadata"]
                    name = f"{metadata.get('namespace')}/{metadata.get('name')}"
                    self._tell({"app": name, "what": event.type.lower(), "tree": event.tree})

    async def _follow_journal(self) -> None:
        journal, clock = self._services.journal, self._services.clock
        assert journal is not None  # noqa: S101 - asked by `run`
        known: dict[str, tuple[object, ...]] | None = None
        while True:
            await self._somebody.wait()
            try:
                newest = await journal.episodes(EpisodeFilter(limit=_NEWEST))
                still = await journal.episodes(EpisodeFilter(open_only=True, limit=_NEWEST))
            except HoldfastError as error:
                log.info("the journal cannot be read: %s", error.message)
                await clock.sleep(_AFTER_TROUBLE_S)
                continue
            seen = {episode.id: episode for episode in (*still, *newest)}
            marks = {name: _mark(episode) for name, episode in seen.items()}
            if known is not None:
                changed = {seen[n].app for n, mark in marks.items() if known.get(n) != mark}
                for app in sorted(changed):
                    tree = self._services.applications.find(app)
                    self._tell({"app": str(app), "what": "drift", "tree": tree})
            known = marks
            await clock.sleep(LOOK_EVERY_S)


async def _next(queue: _Queue) -> Tree | None:
    """Return the next message, None when none came for a while."""
    try:
        async with asyncio.timeout(_LOOK_AGAIN_S):
            return await queue.get()
    except TimeoutError:
        return None


def _mark(episode: Episode) -> tuple[object, ...]:
    return (episode.closing, len(episode.heals), len(episode.decisions), len(episode.changes))
