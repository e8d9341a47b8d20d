"""One watch of the Applications of a namespace, and everybody who wants to hear of one of them."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from holdfast.domain.application import APPLICATION
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, Watching, WatchScope
from holdfast.kit.resting import RestingTrees

_Item = Manifest | Exception | None
_Queue = asyncio.Queue[_Item]


class ApplicationFeed:
    """Shares one watch for each namespace among all who follow an Application."""

    def __init__(self, watching: Watching) -> None:
        """Nothing is watched until somebody follows."""
        self._watching = watching
        self._versions: dict[AppKey, str] = {}
        self._latest: RestingTrees[AppKey] = RestingTrees()
        self._listed: set[str] = set()
        self._followers: dict[AppKey, list[_Queue]] = {}

    async def follow(self, app: AppKey) -> AsyncGenerator[Manifest | None, None]:
        """Yield the Application as it is, each change, and None when it is (or becomes) absent.

        Close it when done (`contextlib.aclosing`): breaking out of a loop alone does not.

        Raises:
            HoldfastError: the Applications cannot be watched.
        """
        with self._subscribed(app) as queue:
            if app.namespace in self._listed:
                tree = self._latest.find(app)
                queue.put_nowait(Manifest(tree) if tree is not None else None)
            self._watching.start(WatchScope(APPLICATION, app.namespace), self)
            while True:
                item = await queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if item is None:
                    return

    @contextmanager
    def _subscribed(self, app: AppKey) -> Iterator[_Queue]:
        queue: _Queue = asyncio.Queue()
        self._followers.setdefault(app, []).append(queue)
        try:
            yield queue
        finally:
            self._followers[app].remove(queue)

    # --- WatchSink -----------------------------------------------------------------------------

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Hand a change to its followers."""
        del scope
        app = AppKey(manifest.namespace, manifest.name)
        if event is EventKind.DELETED:
            self._forget(app)
            self._tell(app, None)
            return
        version = manifest.resource_version
        if self._versions.get(app) != version:
            self._versions[app] = version
            self._latest.keep(app, manifest.tree)
            self._tell(app, manifest)

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Tell the followers of what is not there."""
        del version
        namespace = scope.namespace or ""
        self._listed.add(namespace)
        present = {AppKey(key.namespace, key.name) for key in keys}
        for app in [app for app in self._followers if app.namespace == namespace]:
            if app not in present:
                self._forget(app)
                self._tell(app, None)

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Let everybody who waits know that nothing more will come."""
        for app, queues in self._followers.items():
            if app.namespace == scope.namespace:
                for queue in queues:
                    queue.put_nowait(error)

    def _forget(self, app: AppKey) -> None:
        self._versions.pop(app, None)
        self._latest.forget(app)

    def _tell(self, app: AppKey, item: _Item) -> None:
        for queue in self._followers.get(app, ()):
            queue.put_nowait(item)
