"""Live copies of Applications and projects: one watch, everybody who looks shares it.

A list of a thousand Applications is answered from here, without a request (api.md §1.6: reads use
the informer). Followers get every change; one that does not read is ended, never waited for.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from holdfast.api.failures import ApiError, Code
from holdfast.api.ports import ApplicationEvent
from holdfast.domain.application import APPLICATION
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import EventKind, Watching, WatchScope, WatchSink
from holdfast.domain.project import PROJECT

_MOST_WAITING = 2000
_END = None

_Queue = asyncio.Queue[ApplicationEvent | None]


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
        self._apps: dict[AppKey, Manifest] = {}
        self._projects: dict[str, Manifest] = {}
        self._followers: set[_Queue] = set()
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
        return [self._apps[key].tree for key in sorted(self._apps)]

    def find(self, app: AppKey) -> Tree | None:
        """Return one Application."""
        found = self._apps.get(app)
        return found.tree if found is not None else None

    def projects(self) -> Sequence[Tree]:
        """Return all AppProjects, by name."""
        return [self._projects[name].tree for name in sorted(self._projects)]

    async def follow(self) -> AsyncGenerator[ApplicationEvent, None]:
        """Yield every change from now on.

        Raises:
            ApiError: 503, the follower reads too slowly and missed changes.
        """
        queue: _Queue = asyncio.Queue()
        self._followers.add(queue)
        try:
            while (event := await queue.get()) is not _END:
                yield event
            raise ApiError(
                Code.UNAVAILABLE, "this stream was read too slowly and missed changes; begin anew"
            )
        finally:
            self._followers.discard(queue)

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
            self._tell(ApplicationEvent("DELETED", manifest.tree))
            return
        if before is not None and before.resource_version == manifest.resource_version:
            return
        self._apps[key] = manifest
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
                self._tell(ApplicationEvent("DELETED", self._apps.pop(key).tree))
        ready = self._ready.get(scope.gvk)
        if ready is not None:
            ready.set()

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Keep what is known; the watch comes back by itself."""
        for other in self._others:
            other.failed(scope, error)

    def _tell(self, event: ApplicationEvent) -> None:
        for queue in tuple(self._followers):
            if queue.qsize() >= _MOST_WAITING:
                self._followers.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(_END)
            else:
                queue.put_nowait(event)
