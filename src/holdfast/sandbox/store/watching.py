"""`Watcher`: one client's view of the changes of one resource.

A selector turns changes into other events than those of the store: an object that begins to match
is `ADDED`, one that stops matching is `DELETED`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Change, Store, Stored

# A client that reads so slowly that this many events wait for it is cut off, as in the real
# server; it will list again.
QUEUE_LIMIT = 20_000


class WatchEvent(NamedTuple):
    """What the client will see."""

    type: str
    stored: Stored


class Scope(NamedTuple):
    """What a client asked to see.

    Attributes:
        resource: The resource.
        namespace: One namespace, `""` for all.
        match: Selectors as one predicate, None for everything.
    """

    resource: ResourceId
    namespace: str = ""
    match: Callable[[Tree], bool] | None = None


class Watcher:
    """Collects events for one client until it is closed."""

    def __init__(self, store: Store, scope: Scope) -> None:
        """Begin to listen; the caller closes."""
        self._store = store
        self.scope = scope
        self._events: deque[WatchEvent] = deque()
        self._wake: asyncio.Future[None] | None = None
        self.closed = False
        store.listen(self._changed, scope.resource)

    def replay(self, changes: list[Change]) -> None:
        """Feed changes of the past, in their order."""
        for change in changes:
            self._changed(change)

    def push(self, event: WatchEvent) -> None:
        """Queue an event and wake the reader."""
        if self.closed:
            return
        self._events.append(event)
        if len(self._events) > QUEUE_LIMIT:
            self.close()
        self._rouse()

    def close(self) -> None:
        """Stop listening; the reader gets what is queued, then the end."""
        if not self.closed:
            self.closed = True
            self._store.unlisten(self._changed, self.scope.resource)
            self._rouse()

    async def next_batch(self) -> list[WatchEvent]:
        """Return the queued events, waiting for the first; empty means the end."""
        while not self._events and not self.closed:
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        batch = list(self._events)
        self._events.clear()
        return batch

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _changed(self, change: Change) -> None:
        namespace = self.scope.namespace
        if namespace and change.key[0] != namespace:
            return
        match = self.scope.match
        if match is None:
            self.push(WatchEvent(change.type, change.now))
            return
        before = change.before is not None and match(change.before.tree)
        now = change.type != "DELETED" and match(change.now.tree)
        if now:
            self.push(WatchEvent("MODIFIED" if before else "ADDED", change.now))
        elif before:
            self.push(WatchEvent("DELETED", self._last_matching(change)))

    @staticmethod
    def _last_matching(change: Change) -> Stored:
        """What a client sees go: the state that still matched, with the version of the change."""
        if change.type == "DELETED" or change.before is None:
            return change.now
        tree = change.before.tree
        version = {"resourceVersion": str(change.now.version)}
        return Stored({**tree, "metadata": {**tree["metadata"], **version}}, change.now.version)
