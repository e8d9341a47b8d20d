"""Ways to find objects without looking at all of them; kept true by `Registry` alone.

At 10,000 objects a look at each of them costs a millisecond, and it would be paid for every
Application that comes, every namespace that is created and every object that goes. The end of a
list is rare: it looks at all (`Registry.of_kind`), since an index by kind costs 40 bytes each.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import CRD

_CRD = CRD.group_kind


class Indexed(Protocol):
    """What an entry tells of itself."""

    waits_for: ResourceKey | None

    @property
    def key(self) -> ResourceKey:
        """The object."""


Entry = TypeVar("Entry", bound=Indexed)
Where = TypeVar("Where")


class ObjectIndex(Generic[Entry]):
    """Objects by the Application they name and miss, and by what they wait for: few, as a rule."""

    def __init__(self) -> None:
        """Start empty."""
        # Roots whose tracking id names an Application that is not known (yet).
        self._unowned: dict[str, dict[ResourceKey, Entry]] = {}
        self._waiting: dict[ResourceKey, dict[ResourceKey, Entry]] = {}

    def disown(self, state: Entry, instance: str) -> None:
        """A live root names an Application that is not known."""
        self._unowned.setdefault(instance, {})[state.key] = state

    def own(self, state: Entry, instance: str) -> None:
        """What `disown` said holds no longer."""
        _take_out(self._unowned, instance, state.key)

    def take_unowned(self, instance: str) -> list[Entry]:
        """Return the objects that wait for an Application that is known from now on."""
        return list(self._unowned.pop(instance, {}).values())

    def set_waiting(self, state: Entry, prerequisite: ResourceKey | None) -> None:
        """An object waits for a namespace or a CRD, or (None) for nothing any more."""
        if state.waits_for is not None:
            _take_out(self._waiting, state.waits_for, state.key)
        state.waits_for = prerequisite
        if prerequisite is not None:
            self._waiting.setdefault(prerequisite, {})[state.key] = state

    def waiting(self) -> list[Entry]:
        """Return all objects that wait for something."""
        return [state for waiting in self._waiting.values() for state in waiting.values()]

    def waiting_for(self, prerequisite: ResourceKey) -> list[Entry]:
        """Return the objects that wait for a namespace (or, for a CRD, for any CRD)."""
        return [
            state
            for needed in self._needed(prerequisite)
            for state in self._waiting.get(needed, {}).values()
        ]

    def _needed(self, prerequisite: ResourceKey) -> Iterator[ResourceKey]:
        if prerequisite.group_kind != _CRD:
            return iter((prerequisite,))
        return (key for key in list(self._waiting) if key.group_kind == _CRD)


def _take_out(index: dict[Where, dict[ResourceKey, Entry]], where: Where, key: ResourceKey) -> None:
    found = index.get(where)
    if found is not None:
        found.pop(key, None)
        if not found:
            del index[where]
