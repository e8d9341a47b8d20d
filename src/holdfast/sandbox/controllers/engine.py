"""Run reconcilers: a change names the objects to look at, and nothing runs while nothing changes.

Every reconciler is a plain function of the store's present state; it works in memory and takes
well under a millisecond. The queue holds each (reconciler, key) once. A slice of the queue runs in
each turn of the event loop, so that requests are answered in between.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.statuses import StatusError
from holdfast.sandbox.store.objects import Change, Key

log = logging.getLogger(__name__)

# Seconds of reconciling in one turn of the loop; then requests have their turn.
SLICE_S = 0.0005
# Seconds until a reconciler that met a refusal (quota, terminating namespace) looks again.
RETRY_S = 1.0

Wakes = Callable[[Change], Iterable[Key]]


class Reconciler(Protocol):
    """Brings one kind of object nearer to what is wanted.

    Attributes:
        name: For logs.
        wakes: For each resource (None: any): which keys a change of it concerns.
    """

    name: str
    wakes: dict[ResourceId | None, Wakes]

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Look at one object; return seconds after which to look again, None for never."""
        ...


@dataclass(slots=True)
class Engine:
    """Feeds reconcilers.

    Attributes:
        access: How they read and write.
        reconcilers: Who they are.
    """

    access: Access
    reconcilers: list[Reconciler]
    _queue: OrderedDict[tuple[int, Key], None] = field(default_factory=OrderedDict)
    _timers: dict[tuple[int, Key], asyncio.TimerHandle] = field(default_factory=dict)
    _by_resource: dict[ResourceId | None, list[tuple[int, Wakes]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _scheduled: bool = False
    _stopped: bool = False

    def start(self) -> None:
        """Begin to listen, and look at everything that is there."""
        for index, reconciler in enumerate(self.reconcilers):
            for resource, wakes in reconciler.wakes.items():
                self._by_resource[resource].append((index, wakes))
        store = self.access.plane.store
        store.listen(self._changed)
        for resource in store.resources():
            for stored in store.all_of(resource):
                metadata = stored.tree["metadata"]
                key = (metadata.get("namespace") or "", metadata["name"])
                self._changed(Change("ADDED", resource, key, stored, None))

    def stop(self) -> None:
        """End; what is queued is left."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._queue.clear()

    def _changed(self, change: Change) -> None:
        for resource in (change.resource, None):
            for index, wakes in self._by_resource.get(resource, ()):
                for key in wakes(change):
                    self._queue[index, key] = None
        self._schedule()

    def _schedule(self) -> None:
        if self._queue and not self._scheduled and not self._stopped:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        clock = self.access.plane.clock
        end = clock.monotonic() + SLICE_S
        while self._queue and not self._stopped:
            (index, key), _ = self._queue.popitem(last=False)
            self._reconcile(index, key)
            if clock.monotonic() > end:
                break
        self._schedule()

    def _reconcile(self, index: int, key: Key) -> None:
        timer = self._timers.pop((index, key), None)
        if timer is not None:
            timer.cancel()
        reconciler = self.reconcilers[index]
        try:
            again = reconciler.reconcile(self.access, key)
        except StatusError as error:
            log.debug("%s of %s was refused: %s", reconciler.name, key, error.message)
            again = RETRY_S
        except Exception:
            log.exception("HF9001 the stand-in %s failed at %s", reconciler.name, key)
            again = None
        if again is not None and not self._stopped:
            loop = asyncio.get_running_loop()
            self._timers[index, key] = loop.call_later(again, self._wake, index, key)

    def _wake(self, index: int, key: Key) -> None:
        self._timers.pop((index, key), None)
        self._queue[index, key] = None
        self._schedule()


def own_key(change: Change) -> Iterable[Key]:
    """The changed object itself."""
    return (change.key,)


def owner_keys(kind: str) -> Wakes:
    """Return what wakes the owners of a kind, before and after the change."""

    def wakes(change: Change) -> set[Key]:
        trees = [change.now.tree, change.before.tree if change.before else None]
        return {
            (change.key[0], name) for tree in trees if tree for name in _controllers(tree, kind)
        }

    return wakes


def _controllers(tree: Tree, kind: str) -> list[str]:
    return [
        str(row["name"])
        for row in tree["metadata"].get("ownerReferences") or []
        if row.get("controller") and row.get("kind") == kind
    ]
