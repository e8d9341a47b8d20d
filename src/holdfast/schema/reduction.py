"""Reduce a manifest to what server-side apply can express of it (apply.md A7).

In:  a tree and its type.
Out: a tree in which no associative list holds one key twice (the last item stays, as with Argo
     CD's client-side apply) and, on request, no field that the type does not have; and what was
     left out, as paths in the API server's words.

What has the wrong JSON type stays: nobody can say what was meant, and the server names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from holdfast.schema.field_path import (
    FieldName,
    ListIndex,
    decode_element,
    server_form,
)
from holdfast.schema.typed_paths import ListItemError, effective_shape, list_element
from holdfast.schema.types import ANY, ListKind, ScalarType, Shape, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON, Tree
    from holdfast.schema.field_path import Path, PathElement


class Reason(StrEnum):
    """Why something was left out."""

    REPEATED = "repeated"
    """A later item of the same list has the same key."""
    UNKNOWN = "unknown"
    """The type has no such field."""


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """One thing that a reduced tree lacks; `path` as `spec.containers[name="web"].image`."""

    path: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Reduced:
    """A tree and what it lacks, in the order of the object; nothing lacks: the very same tree."""

    tree: Tree
    left_out: tuple[LeftOut, ...]


def reduce_to(tree: Tree, kind: Type, *, drops_unknown: bool) -> Reduced:
    """Return the tree as far as its type knows it.

    Args:
        tree: The manifest; not changed.
        kind: The type of the object.
        drops_unknown: Leave out fields that the type does not have; else they stay, and the
            server refuses them by name.
    """
    walk = _Walk(drops_unknown)
    made = walk.of_map(tree, kind, ())
    return Reduced(made, tuple(walk.left_out)) if walk.left_out else Reduced(tree, ())


def may_repeat(value: JSON) -> bool:
    """Whether some list could hold one key twice, whatever its type turns out to be.

    True too often rather than too seldom: two equal items, or two objects that share a scalar
    field (as two ports share their protocol).
    """
    if isinstance(value, dict):
        return any(may_repeat(inner) for inner in value.values())
    if not isinstance(value, list):
        return False
    seen: set[tuple[str, str]] = set()
    for item in value:
        marks = _marks(item)
        if not seen.isdisjoint(marks):
            return True
        seen.update(marks)
    return any(may_repeat(item) for item in value)


def _marks(item: JSON) -> set[tuple[str, str]]:
    if not isinstance(item, dict):
        return {("", repr(item))}
    if not item:
        return {("", "{}")}
    # An item may leave a key out; its default then counts, and is the same for all that do.
    return {(name, repr(v)) for name, v in item.items() if not isinstance(v, dict | list)}


class _Walk:
    """Makes the reduced copy and keeps what it leaves out."""

    def __init__(self, drops_unknown: bool) -> None:
        self._drops_unknown = drops_unknown
        self.left_out: list[LeftOut] = []

    def _of(self, value: JSON, kind: Type, path: Path) -> JSON:
        if kind.scalar is ScalarType.RAW:
            return value
        shape = effective_shape(kind, value)
        if isinstance(value, dict) and shape in (Shape.MAP, Shape.STRUCT):
            return self.of_map(value, kind, path)
        if isinstance(value, list) and shape is Shape.LIST:
            return self._of_list(value, kind, path)
        return value

    def of_map(self, value: Mapping[str, JSON], kind: Type, path: Path) -> Tree:
        made: Tree = {}
        for name, inner in value.items():
            here = (*path, FieldName(name))
            inner_type = kind.find_child(name)
            if inner_type is not None:
                made[name] = self._of(inner, inner_type, here)
            elif self._drops_unknown:
                self._leave_out(here, Reason.UNKNOWN)
            else:
                made[name] = inner
        return made

    def _of_list(self, items: list[JSON], kind: Type, path: Path) -> list[JSON]:
        item_type = kind.items or ANY
        if kind.shape is Shape.ANY or kind.list_kind is ListKind.ATOMIC:
            return [
                self._of(item, item_type, (*path, ListIndex(place)))
                for place, item in enumerate(items)
            ]
        places = [_place(kind, item, index) for index, item in enumerate(items)]
        last = {place: index for index, place in enumerate(places)}
        made: list[JSON] = []
        for index, (place, item) in enumerate(zip(places, items, strict=True)):
            if last[place] == index:
                made.append(self._of(item, item_type, (*path, place)))
            else:
                self._leave_out((*path, place), Reason.REPEATED)
        return made

    def _leave_out(self, path: Path, reason: Reason) -> None:
        self.left_out.append(LeftOut(server_form(path).removeprefix("."), reason))


def _place(kind: Type, item: JSON, index: int) -> PathElement:
    try:
        return decode_element(list_element(kind, item))
    except ListItemError:
        return ListIndex(index)  # it has no key; the server says so
