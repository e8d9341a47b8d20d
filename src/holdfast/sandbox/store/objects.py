"""The objects of the cluster: in memory, ordered, versioned, with a bounded history.

One number, the resource version, grows with every write of any object, as in etcd. All methods
are synchronous and run on the event loop's thread, so each is atomic. Trees handed in belong to
the store from then on: nobody changes them in place, every change is a new tree.

A `Journal` (see `database.py`) makes writes durable; without one nothing is kept.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import ResourceId

# Events kept for each resource, so that a watch can go on where it was cut. A real API server
# keeps five minutes; a client that comes later gets 410 and lists again.
HISTORY_LENGTH = 4096

# A cluster is never at version 1: what came before is forgotten, as in a real one.
FIRST_VERSION = 1000

Key = tuple[str, str]


class Stored:
    """One version of an object.

    Attributes:
        tree: The object. Never changed in place.
        version: Its resource version as a number.
    """

    __slots__ = ("_raw", "tree", "version")

    def __init__(self, tree: Tree, version: int, raw: bytes | None = None) -> None:
        """Keep the tree; the JSON text is made when it is first needed."""
        self.tree = tree
        self.version = version
        self._raw = raw

    @property
    def raw(self) -> bytes:
        """The object as JSON."""
        if self._raw is None:
            self._raw = orjson.dumps(self.tree)
        return self._raw


@dataclass(frozen=True, slots=True)
class Change:
    """One event of the history.

    Attributes:
        type: `ADDED`, `MODIFIED` or `DELETED`.
        resource: What changed.
        key: Namespace and name.
        now: The new version; for `DELETED` the last one, with the version of the deletion.
        before: The version before, None for `ADDED`.
    """

    type: str
    resource: ResourceId
    key: Key
    now: Stored
    before: Stored | None


Listener = Callable[[Change], None]


class Journal(Protocol):
    """What makes writes durable."""

    def record(self, resource: ResourceId, key: Key, stored: Stored, *, deleted: bool) -> None:
        """Take one write; must not block."""

    async def settled(self) -> None:
        """Return when everything recorded so far would survive the end of the process."""


class Shelf:
    """The objects of one resource, in the order of their keys, and their recent history."""

    __slots__ = ("history", "keys", "objects", "oldest")

    def __init__(self, oldest: int) -> None:
        """Start empty; nothing at or before `oldest` can be replayed."""
        self.objects: dict[Key, Stored] = {}
        self.keys: list[Key] = []
        self.history: deque[Change] = deque()
        self.oldest = oldest

    def add(self, key: Key, stored: Stored) -> None:
        """Put an object, new or not."""
        if key not in self.objects:
            insort(self.keys, key)
        self.objects[key] = stored

    def drop(self, key: Key) -> None:
        """Take an object away."""
        del self.objects[key]
        del self.keys[bisect_left(self.keys, key)]

    def remember(self, change: Change) -> None:
        """Append to the history and forget what is too old."""
        self.history.append(change)
        while len(self.history) > HISTORY_LENGTH:
            self.oldest = self.history.popleft().now.version

    def in_namespace(self, namespace: str) -> Iterator[Stored]:
        """Yield objects in the order of namespace and name; `""` means every namespace."""
        if not namespace:
            for key in self.keys:
                yield self.objects[key]
            return
        for index in range(bisect_left(self.keys, (namespace, "")), len(self.keys)):
            key = self.keys[index]
            if key[0] != namespace:
                return
            yield self.objects[key]


class Store:
    """All objects, and who listens to their changes."""

    def __init__(self, journal: Journal | None = None, version: int = FIRST_VERSION) -> None:
        """Start empty at a resource version; `load` fills it before the first request."""
        self._journal = journal
        self._version = version
        self._floor = version
        self._shelves: dict[ResourceId, Shelf] = {}
        self._listeners: dict[ResourceId | None, list[Listener]] = {None: []}

    @property
    def version(self) -> int:
        """The resource version of the newest write."""
        return self._version

    def load(self, resource: ResourceId, key: Key, tree: Tree, raw: bytes) -> None:
        """Put an object that was kept from an earlier life, without an event."""
        version = int(tree["metadata"]["resourceVersion"])
        self._shelf(resource).add(key, Stored(tree, version, raw))

    def listen(self, listener: Listener, resource: ResourceId | None = None) -> None:
        """Call `listener` at every change (of one resource), at once and on the loop's thread."""
        self._listeners.setdefault(resource, []).append(listener)

    def unlisten(self, listener: Listener, resource: ResourceId | None = None) -> None:
        """Stop calling `listener`."""
        self._listeners[resource].remove(listener)

    def find(self, resource: ResourceId, namespace: str, name: str) -> Stored | None:
        """Return the newest version of an object, or None."""
        shelf = self._shelves.get(resource)
        return shelf.objects.get((namespace, name)) if shelf else None

    def all_of(self, resource: ResourceId, namespace: str = "") -> list[Stored]:
        """Return the objects of a resource in the order of their keys."""
        shelf = self._shelves.get(resource)
        return list(shelf.in_namespace(namespace)) if shelf else []

    def count(self, resource: ResourceId) -> int:
        """Return how many objects of a resource there are."""
        shelf = self._shelves.get(resource)
        return len(shelf.objects) if shelf else 0

    def resources(self) -> list[ResourceId]:
        """Return every resource that has objects."""
        return [resource for resource, shelf in self._shelves.items() if shelf.objects]

    def put(self, resource: ResourceId, key: Key, tree: Tree) -> Stored:
        """Write an object: give it the next version, keep it, tell the listeners."""
        shelf = self._shelf(resource)
        before = shelf.objects.get(key)
        self._version += 1
        tree["metadata"]["resourceVersion"] = str(self._version)
        stored = Stored(tree, self._version)
        shelf.add(key, stored)
        kind = "ADDED" if before is None else "MODIFIED"
        self._announce(shelf, Change(kind, resource, key, stored, before), deleted=False)
        return stored

    def remove(self, resource: ResourceId, key: Key) -> Stored:
        """Delete an object for good.

        Returns:
            Its last state, carrying the version of the deletion.

        Raises:
            KeyError: There is no such object.
        """
        shelf = self._shelf(resource)
        before = shelf.objects[key]
        self._version += 1
        metadata = {**before.tree["metadata"], "resourceVersion": str(self._version)}
        stored = Stored({**before.tree, "metadata": metadata}, self._version)
        shelf.drop(key)
        self._announce(shelf, Change("DELETED", resource, key, stored, before), deleted=True)
        return stored

    def since(self, resource: ResourceId, version: int) -> list[Change] | None:
        """Return the changes of a resource after a version; None when they are forgotten."""
        shelf = self._shelf(resource)
        if version < shelf.oldest:
            return None
        return [change for change in shelf.history if change.now.version > version]

    def oldest(self, resource: ResourceId) -> int:
        """The oldest version from which a watch of this resource can go on."""
        return self._shelf(resource).oldest

    async def settled(self) -> None:
        """Return when every write so far would survive the end of the process."""
        if self._journal is not None:
            await self._journal.settled()

    def _shelf(self, resource: ResourceId) -> Shelf:
        shelf = self._shelves.get(resource)
        if shelf is None:
            shelf = self._shelves[resource] = Shelf(self._floor)
        return shelf

    def _announce(self, shelf: Shelf, change: Change, *, deleted: bool) -> None:
        shelf.remember(change)
        if self._journal is not None:
            self._journal.record(change.resource, change.key, change.now, deleted=deleted)
        for listener in (*self._listeners.get(change.resource, ()), *self._listeners[None]):
            listener(change)
