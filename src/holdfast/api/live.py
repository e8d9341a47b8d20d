"""Live copies of Applications and projects: one watch, everybody who looks shares it.

A list of a thousand Applications is answered from here, without a request (api.md §1.6: reads use
the informer). Followers get every change; one that does not read is ended, never waited for.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple, Self

from holdfast.api.failures import ApiError, Code
from holdfast.api.ports import ApplicationEvent
from holdfast.domain.application import APPLICATION
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import EventKind, Watching, WatchScope, WatchSink
from holdfast.domain.project import PROJECT
from holdfast.kit.resting import RestingTrees
from holdfast.kit.turns import Turns

_MOST_WAITING = 2000


class Follower:
    """Somebody who wants to hear of every change; at most 2,000 of them wait to be read."""

    def __init__(self, others: "set[Follower]") -> None:
        """Leave `others` when it is closed."""
        self._others = others
        self._waiting: deque[ApplicationEvent] = deque()
        self._news = asyncio.Event()
        self._was_too_slow = False

    def put(self, event: ApplicationEvent) -> None:
        """Tell of a change; who is too far behind is told nothing more."""
        if len(self._waiting) >= _MOST_WAITING:
            self._was_too_slow = True
            self._waiting.clear()
            self._others.discard(self)
        else:
            self._waiting.append(event)
        self._news.set()

    async def next(self, timeout_s: float | None = None) -> ApplicationEvent | None:
        """Return the next change; None when none came in that time.

        Raises:
            ApiError: 503, it was read too slowly and missed changes.
        """
        if not self._waiting and not self._was_too_slow:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                return None
        if self._was_too_slow:
            raise ApiError(
                Code.UNAVAILABLE, "this stream was read too slowly and missed changes; begin anew"
            )
        return self._waiting.popleft()

    def __aiter__(self) -> Self:
        """Read it in a loop."""
        return self

    async def __anext__(self) -> ApplicationEvent:
        """Return the next change; it has no end."""
        event = await self.next()
        if event is None:  # pragma: no cover - there is no time limit
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Hear of nothing more."""
        self._others.discard(self)


class _Seen(NamedTuple):
    """Which form of an Application is kept."""

    uid: str
    version: str


class LiveApplications:
    """The port `Applications`, as a `WatchSink`."""

    def __init__(self, watching: Watching, namespace: str, *others: WatchSink) -> None:
        """Know nothing before `start`.

        Args:
            watching: The port.
            namespace: The control namespace.
            others: Who else is told of everything: a scope has one watch and one sink.
        """
        self._watching = watching
        self._namespace = namespace
        self._others = others
        self._apps: dict[AppKey, _Seen] = {}
        self._trees: RestingTrees[AppKey] = RestingTrees()
        self._projects: dict[str, Manifest] = {}
        self._followers: set[Follower] = set()
        self._version = 0
        self._ready = {APPLICATION: asyncio.Event(), PROJECT: asyncio.Event()}

    def start(self) -> None:
        """Begin watching."""
        for gvk in self._ready:
            self._watching.start(WatchScope(gvk, self._namespace), self)

    async def wait_ready(self) -> None:
        """Wait until both first lists are complete."""
        for ready in self._ready.values():
            await ready.wait()

    @property
    def resource_version(self) -> str:
        """The newest version seen; a watch goes on from here."""
        return str(self._version)

    def all(self) -> Sequence[Tree]:
        """Return all Applications, by namespace and name."""
        found = (self._trees.find(key) for key in sorted(self._apps))
        return [tree for tree in found if tree is not None]

    async def each(self) -> AsyncGenerator[Tree, None]:
        """Yield all Applications, by namespace and name, in turns of the loop.

        Decoding a thousand takes 50 ms. What changes meanwhile comes as it is then, and to
        followers as well.
        """
        turns = Turns()
        for key in sorted(self._apps):
            tree = self._trees.find(key)
            if tree is not None:
                yield tree
            await turns.give()

    def versions(self) -> Sequence[tuple[AppKey, str]]:
        """Return key and version of all Applications, by namespace and name."""
        return [(key, self._apps[key].version) for key in sorted(self._apps)]

    def find(self, app: AppKey) -> Tree | None:
        """Return one Application."""
        return self._trees.find(app)

    def projects(self) -> Sequence[Tree]:
        """Return all AppProjects, by name."""
        return [self._projects[name].tree for name in sorted(self._projects)]

    def follow(self) -> "Follower":
        """Return a follower that is told every change from this moment on.

        It counts from the call, not from its first `next`: who reads the copies right after it
        misses nothing. Close it when done.
        """
        follower = Follower(self._followers)
        self._followers.add(follower)
        return follower

    # --- WatchSink ----------------------------------------------------------------------------

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Keep one object, and tell the followers."""
        for other in self._others:
            other.observe(scope, event, manifest)
        self._version = max(self._version, manifest.version_number)
        if scope.gvk == PROJECT:
            if event is EventKind.DELETED:
                self._projects.pop(manifest.name, None)
            else:
                self._projects[manifest.name] = manifest
            return
        key = AppKey(manifest.namespace, manifest.name)
        before = self._apps.get(key)
        if event is EventKind.DELETED:
            self._apps.pop(key, None)
            self._trees.forget(key)
            self._tell(ApplicationEvent("DELETED", manifest.tree))
            return
        if before is not None and before.version == manifest.resource_version:
            return
        self._apps[key] = _Seen(manifest.uid, manifest.resource_version)
        self._trees.keep(key, manifest.tree)
        kind = "MODIFIED" if before is not None and before.uid == manifest.uid else "ADDED"
        self._tell(ApplicationEvent(kind, manifest.tree))

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Drop what a list lacks."""
        for other in self._others:
            other.listed(scope, keys, version)
        self._version = max(self._version, version)
        if scope.gvk == PROJECT:
            names = {key.name for key in keys}
            self._projects = {n: item for n, item in self._projects.items() if n in names}
        else:
            present = {AppKey(key.namespace, key.name) for key in keys}
            for key in [key for key in self._apps if key not in present]:
                tree = self._trees.find(key)
                del self._apps[key]
                self._trees.forget(key)
                if tree is not None:
                    self._tell(ApplicationEvent("DELETED", tree))
        ready = self._ready.get(scope.gvk)
        if ready is not None:
            ready.set()

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Keep what is known; the watch comes back by itself."""
        for other in self._others:
            other.failed(scope, error)

    def _tell(self, event: ApplicationEvent) -> None:
        for follower in tuple(self._followers):
            follower.put(event)
