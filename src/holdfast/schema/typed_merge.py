"""Put one typed tree on another, compare two, and take paths out of one.

In:  trees of one `Type`; `ABSENT` stands for "not there", which is not null.
Out: `merge`: what server-side apply makes of live and applied before anything is removed;
     `compare`: the paths that were added, changed and removed; `remove_paths`: a tree without
     the paths of a set.

Maps and structs merge by name, associative lists by key, everything atomic as a whole, with the
second tree winning. No function changes its arguments; results may share parts with them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import is_
from typing import TYPE_CHECKING, Final

from holdfast.schema.field_path import FieldName
from holdfast.schema.field_set import EMPTY, FieldSet
from holdfast.schema.typed_paths import (
    effective_shape,
    is_atomic,
    list_element,
    list_elements,
)
from holdfast.schema.types import ANY, Shape, Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()
"""Nothing stands here; null would be something."""


def same_value(one: JSON, other: JSON) -> bool:
    """Return True when two JSON values are equal; `true` is no `1`, but `1.0` is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


# -- merging -------------------------------------------------------------------------------


def merge(live: JSON, applied: JSON, kind: Type) -> JSON:
    """Return `applied` put on `live`: `live` itself where `applied` says nothing new."""
    if applied is ABSENT:
        return live
    shape = effective_shape(kind, applied)
    if shape is Shape.SCALAR or is_atomic(kind, shape):
        return live if same_value(live, applied) else applied
    if shape is Shape.LIST:
        ours = live if isinstance(live, list) else []
        theirs = applied if isinstance(applied, list) else []
        if not ours and not theirs:
            return live if same_value(live, applied) else applied
        return _merge_lists(ours, theirs, kind) if theirs else live
    mine = live if isinstance(live, dict) else {}
    added = applied if isinstance(applied, dict) else {}
    if not mine and not added:
        return live if same_value(live, applied) else applied
    return _merge_maps(mine, added, kind) if added else live


def _merge_maps(live: dict[str, JSON], applied: dict[str, JSON], kind: Type) -> dict[str, JSON]:
    """Return both maps as one; `live` itself when the other says nothing new."""
    made = dict(live)
    changed = False
    for name, value in applied.items():
        child = kind.find_child(name) or ANY
        old = live.get(name, ABSENT)
        merged = merge(old, value, child)
        if merged is not old:
            changed = True
            made[name] = merged
    return made if changed else live


def _merge_lists(live: list[JSON], applied: list[JSON], kind: Type) -> list[JSON]:
    """Return both lists as one, in an order that keeps that of each as far as it can be kept.

    Items that only live has stay where they are relative to their neighbours; items that both
    have come in the order of `applied`.
    """
    item_type = kind.items or ANY
    ours = list_elements(kind, live)
    theirs = list_elements(kind, applied)
    made = [merge(mine, other, item_type) for mine, other in _ListMerge(ours, theirs).pairs()]
    is_same = len(made) == len(live) and all(map(is_, made, live))
    return live if is_same else made


class _ListMerge:
    """Walks two keyed lists at once and says which items belong together, in order."""

    def __init__(self, ours: list[tuple[str, JSON]], theirs: list[tuple[str, JSON]]) -> None:
        self.ours = ours
        self.theirs = theirs
        self.our_items: dict[str, JSON] = {}
        for element, item in ours:
            # What live holds twice is not merged with, the applied item replaces all of it.
            self.our_items[element] = None if element in self.our_items else item
        self.their_elements = {element for element, _ in theirs}
        self.shared = deque(element for element, _ in theirs if element in self.our_items)
        self.done: set[str] = set()

    def pairs(self) -> Iterator[tuple[JSON, JSON]]:
        """Yield (live item, applied item), one of them possibly `ABSENT`."""
        left = right = 0
        while left < len(self.ours) or right < len(self.theirs):
            both = left < len(self.ours) and right < len(self.theirs)
            if both and self._comes_later(self.ours[left][0], self.theirs[right][0]):
                left += 1
                continue
            if left < len(self.ours):
                element, item = self.ours[left]
                if element not in self.their_elements:
                    yield item, ABSENT
                    left += 1
                    continue
                if element in self.done or (both and element == self.theirs[right][0]):
                    left += 1
            if right < len(self.theirs):
                yield self._take(right)
                right += 1

    def _comes_later(self, ours: str, theirs: str) -> bool:
        """Return True for a live item that `applied` also has, but not next."""
        if ours == theirs or ours not in self.their_elements:
            return False
        return bool(self.shared) and self.shared[0] != ours

    def _take(self, right: int) -> tuple[JSON, JSON]:
        element, item = self.theirs[right]
        self.done.add(element)
        if self.shared and self.shared[0] == element:
            self.shared.popleft()
        return self.our_items.get(element, ABSENT), item


# -- comparing -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """What happened between two trees; no path is in two of the sets."""

    added: FieldSet
    changed: FieldSet
    removed: FieldSet

    def without(self, ignored: FieldSet) -> Comparison:
        """Return the comparison without some paths and all below them."""
        if ignored.is_empty:
            return self
        return Comparison(
            self.added.recursive_difference(ignored),
            self.changed.recursive_difference(ignored),
            self.removed.recursive_difference(ignored),
        )


def compare(before: JSON, after: JSON, kind: Type) -> Comparison:
    """Return the paths that were added, changed and removed from `before` to `after`."""
    walk = _Walk()
    walk.visit(before, after, kind, ())
    return Comparison(
        FieldSet.from_encoded(walk.added),
        FieldSet.from_encoded(walk.changed),
        FieldSet.from_encoded(walk.removed),
    )


class _Walk:
    """Collects the paths of a comparison."""

    def __init__(self) -> None:
        self.added: list[tuple[str, ...]] = []
        self.changed: list[tuple[str, ...]] = []
        self.removed: list[tuple[str, ...]] = []

    def visit(self, before: JSON, after: JSON, kind: Type, path: tuple[str, ...]) -> None:
        if before is after:
            return
        if kind.shape is Shape.ANY and self._changed_shape(before, after, kind, path):
            return
        shape = effective_shape(kind, before if after is ABSENT else after)
        if self._is_leaf(before, after, kind, shape):
            self._leaf(before, after, path)
            return
        if shape is Shape.LIST:
            self._lists(before, after, kind, path)
        else:
            self._maps(before, after, kind, path)
        if before is ABSENT:
            self.added.append(path)
        elif after is ABSENT:
            self.removed.append(path)

    def _changed_shape(self, before: JSON, after: JSON, kind: Type, path: tuple[str, ...]) -> bool:
        """Handle a free-form value that became another kind of value: both sides are told."""
        if before is ABSENT or after is ABSENT:
            return False
        old, new = effective_shape(kind, before), effective_shape(kind, after)
        if old is new:
            return False
        for shape in (old, new):
            if shape is not Shape.MAP or not (before or after):
                self._leaf(before, after, path)
            else:
                self._maps(before, after, kind, path)
        return True

    @staticmethod
    def _is_leaf(before: JSON, after: JSON, kind: Type, shape: Shape) -> bool:
        if shape is Shape.SCALAR or is_atomic(kind, shape):
            return True
        # Two empty ones are told apart as values: null, [] and {} are not the same.
        wanted = list if shape is Shape.LIST else dict
        return not any(isinstance(side, wanted) and side for side in (before, after))

    def _leaf(self, before: JSON, after: JSON, path: tuple[str, ...]) -> None:
        if before is ABSENT:
            self.added.append(path)
        elif after is ABSENT:
            self.removed.append(path)
        elif not same_value(before, after):
            self.changed.append(path)

    def _maps(self, before: JSON, after: JSON, kind: Type, path: tuple[str, ...]) -> None:
        old = before if isinstance(before, dict) else {}
        new = after if isinstance(after, dict) else {}
        for name in old.keys() | new.keys():
            child = kind.find_child(name) or ANY
            here = (*path, FieldName(name).encoded)
            self.visit(old.get(name, ABSENT), new.get(name, ABSENT), child, here)

    def _lists(self, before: JSON, after: JSON, kind: Type, path: tuple[str, ...]) -> None:
        old = _grouped(before if isinstance(before, list) else [], kind)
        new = _grouped(after if isinstance(after, list) else [], kind)
        for element in old.keys() | new.keys():
            here = (*path, element)
            self._items(old.get(element, []), new.get(element, []), kind, here)

    def _items(self, old: list[JSON], new: list[JSON], kind: Type, path: tuple[str, ...]) -> None:
        """Compare the items of one key; what stands there twice is compared as a whole."""
        item_type = kind.items or ANY
        if len(old) <= 1 and len(new) <= 1:
            self.visit(old[0] if old else ABSENT, new[0] if new else ABSENT, item_type, path)
        elif len(old) > 1 and len(new) > 1:
            if old != new:
                self.changed.append(path)
        elif len(old) > 1:
            if new:
                self.visit(ABSENT, new[0], item_type, path)
            self.removed.append(path)
        else:
            if old:
                self.visit(old[0], ABSENT, item_type, path)
            self.added.append(path)


def _grouped(items: list[JSON], kind: Type) -> dict[str, list[JSON]]:
    found: dict[str, list[JSON]] = {}
    for item in items:
        found.setdefault(list_element(kind, item), []).append(item)
    return found


# -- removing ------------------------------------------------------------------------------


def remove_paths(tree: JSON, gone: FieldSet, kind: Type) -> JSON:
    """Return a tree without the paths of a set and what lies below them.

    What becomes empty by it becomes null; something atomic goes as a whole.
    """
    if gone is EMPTY or not gone.children:
        return tree
    shape = effective_shape(kind, tree)
    if shape is Shape.SCALAR:
        return tree
    if shape is Shape.LIST:
        if not isinstance(tree, list) or not tree or is_atomic(kind, shape):
            return None
        return _without_items(tree, gone, kind) or None
    if not isinstance(tree, dict) or not tree or kind.atomic:
        return None
    return _without_fields(tree, gone, kind) or None


def _without_items(items: list[JSON], gone: FieldSet, kind: Type) -> list[JSON]:
    item_type = kind.items or ANY
    kept: list[JSON] = []
    for element, item in list_elements(kind, items):
        node = gone.children.get(element)
        if node is None:
            kept.append(item)
        elif not node.owned:
            kept.append(remove_paths(item, node, item_type))
    return kept


def _without_fields(tree: dict[str, JSON], gone: FieldSet, kind: Type) -> dict[str, JSON]:
    kept: dict[str, JSON] = {}
    for name, value in tree.items():
        node = gone.children.get(FieldName(name).encoded)
        if node is None:
            kept[name] = value
        elif not node.owned:
            kept[name] = remove_paths(value, node, kind.find_child(name) or ANY)
    return kept
