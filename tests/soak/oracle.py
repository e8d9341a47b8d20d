"""What really happened to each object, from the API server's own history.

A *drift* is a run of versions in which something declared is not live: it begins with the first
version that differs (or with the object's absence) and ends with the first one that does not. An
action that comes while the object still differs, so before the heal of the one before it was
accepted, belongs to the same run. The journal must hold exactly one episode for each run. When the
adversary waits for the end of each drift, as it mostly does, that is one for each action.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.soak.declared import holds

if TYPE_CHECKING:
    from tests.support.person import Person, Ref, WatchEvent

Tree = dict[str, Any]


@dataclass
class Past:
    """The history of one object.

    Attributes:
        drifts: How many drifts began.
        is_equal: Whether it is what git declares, as far as is known.
        lines: What happened, for people.
    """

    tree: Tree
    drifts: int = 0
    is_equal: bool = True
    version: int = 0
    lines: list[str] = field(default_factory=list)

    def take(self, event: WatchEvent) -> None:
        """Adds the next version."""
        metadata = event.object["metadata"]
        equal = event.type != "DELETED" and holds(self.tree, event.object)
        self.drifts += self.is_equal and not equal
        self.is_equal = equal
        self.version = int(metadata["resourceVersion"])
        managers = metadata.get("managedFields", [])
        last: Tree = max(managers, key=lambda entry: str(entry.get("time")), default={})
        state = "equal" if equal else "differs"
        dying = " terminating" if metadata.get("deletionTimestamp") else ""
        self.lines.append(
            f"{self.version} {event.type} {state}{dying} last manager {last.get('manager')}"
        )


class Oracle:
    """Watches every object of the soak by itself."""

    def __init__(self, person: Person) -> None:
        """Watches nothing yet."""
        self._person = person
        self.pasts: dict[Ref, Past] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, objects: dict[Ref, Tree]) -> None:
        """Takes objects as they are now, and follows them."""
        self.pasts = {ref: Past(tree) for ref, tree in objects.items()}
        collections: dict[str, Ref] = {ref.collection: ref for ref in objects}
        for collection, ref in collections.items():
            listed = (await self._person.send("GET", collection)).tree
            kind = {"apiVersion": ref.api_version, "kind": ref.kind}  # a list does not repeat it
            there = {item["metadata"]["name"]: {**item, **kind} for item in listed["items"]}
            for each, past in self.pasts.items():
                if each.collection == collection:
                    assert holds(past.tree, there.get(each.name)), f"{each} is not in sync yet"
            version = listed["metadata"]["resourceVersion"]
            self._tasks.append(asyncio.create_task(self._follow(ref, version)))

    async def _follow(self, ref: Ref, version: str) -> None:
        async with self._person.watch(ref, version, every=True) as events:
            async for event in events:
                past = self.pasts.get(ref._replace(name=event.object["metadata"]["name"]))
                if past is not None:
                    past.take(event)
        raise AssertionError(f"the watch of {ref.collection} ended")

    def check(self) -> None:
        """Fails when a watch has ended."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        """Stops watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
