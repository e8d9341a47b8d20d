"""Hold which fields a manager owns: the `fieldsV1` of managedFields as an immutable value.

In:  the JSON of `fieldsV1`, or paths.
Out: a `FieldSet` with the algebra that server-side apply needs.

A set is a tree of nodes, one for each path element, keyed by the element's encoded text, so
that parsing decodes nothing and all algebra is on dicts. A node that is `owned` is a member
of the set; a node that is not only leads to members. No node is both empty and not owned,
except the root of the empty set. Nodes are shared freely between sets because none changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.schema.field_path import Path, canonical_element, decode_element, sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from holdfast.domain.manifest import JSON


class FieldSet:
    """A set of paths. Compare with `==`, hash, combine with `|`, `-` and `&`."""

    __slots__ = ("_hash", "_ordered", "children", "owned", "plan")

    children: dict[str, FieldSet]
    owned: bool
    plan: object
    """What `projection` compiled for this set; belongs to that module."""

    def __init__(self, children: dict[str, FieldSet], *, owned: bool = False) -> None:
        """Take over `children`: the caller must not change it afterwards."""
        self.children = children
        self.owned = owned
        self.plan = None
        self._hash: int | None = None
        self._ordered: tuple[str, ...] | None = None

    # -- making --------------------------------------------------------------------------

    @classmethod
    def parse(cls, fields_v1: Mapping[str, JSON]) -> FieldSet:
        """Return the set that a `fieldsV1` object describes.

        Raises:
            ValueError: A key is no path element, or a value is no object.
        """
        return cls(_parse_children(fields_v1))

    @classmethod
    def of(cls, *paths: Path) -> FieldSet:
        """Return the set of exactly these paths."""
        return cls.from_encoded(tuple(element.encoded for element in path) for path in paths)

    @classmethod
    def from_encoded(cls, paths: Iterable[tuple[str, ...]]) -> FieldSet:
        """Return the set of paths whose elements are given in their encoded text."""
        root = _Draft()
        for path in paths:
            node = root
            for element in path:
                node = node.children.setdefault(element, _Draft())
            node.owned = True
        root.owned = False
        return root.finished()

    def to_json(self) -> dict[str, JSON]:
        """Return the `fieldsV1` object, keys in the API server's order."""
        return {element: _node_json(self.children[element]) for element in self.ordered}

    # -- asking --------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """True when the set has no path."""
        return not self.children

    @property
    def ordered(self) -> tuple[str, ...]:
        """The encoded elements below this node, in the API server's order."""
        if self._ordered is None:
            self._ordered = tuple(sorted(self.children, key=sort_key))
        return self._ordered

    def has(self, path: Path) -> bool:
        """Return True when exactly this path is a member."""
        node = self.find_at(path)
        return node is not None and node.owned

    def find_at(self, path: Path) -> FieldSet | None:
        """Return the node at a path: its `owned` and what the set holds below it."""
        node = self
        for element in path:
            found = node.children.get(element.encoded)
            if found is None:
                return None
            node = found
        return node

    def paths(self) -> Iterator[Path]:
        """Yield each member path, parents before children."""
        for encoded in self.encoded_paths():
            yield tuple(decode_element(element) for element in encoded)

    def encoded_paths(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """Yield each member path as encoded elements, parents before children."""
        for element in self.ordered:
            node = self.children[element]
            here = (*prefix, element)
            if node.owned:
                yield here
            if node.children:
                yield from node.encoded_paths(here)

    def paths_by_level(self, prefix: Path = ()) -> Iterator[Path]:
        """Yield each member path, all of one level before those below it.

        The API server lists conflicts in this order.
        """
        here = [(element, self.children[element]) for element in self.ordered]
        for element, node in here:
            if node.owned:
                yield (*prefix, decode_element(element))
        for element, node in here:
            if node.children:
                yield from node.paths_by_level((*prefix, decode_element(element)))

    def __len__(self) -> int:
        """Return the number of member paths."""
        return sum(child.owned + len(child) for child in self.children.values())

    def __bool__(self) -> bool:
        """Return True when the set has a path."""
        return bool(self.children)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, FieldSet):
            return NotImplemented
        return self.owned == other.owned and self.children == other.children

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.owned, frozenset(self.children.items())))
        return self._hash

    def __repr__(self) -> str:
        return f"FieldSet.parse({self.to_json()!r})"

    # -- combining -----------------------------------------------------------------------

    def union(self, other: FieldSet) -> FieldSet:
        """Return the paths that are in either set."""
        if self is other or not other.children:
            return self if self.owned or not other.owned else FieldSet(self.children, owned=True)
        merged = dict(self.children)
        for element, theirs in other.children.items():
            ours = merged.get(element)
            merged[element] = theirs if ours is None else ours.union(theirs)
        return FieldSet(merged, owned=self.owned or other.owned)

    def intersection(self, other: FieldSet) -> FieldSet:
        """Return the paths that are in both sets."""
        if self is other:
            return self
        kept: dict[str, FieldSet] = {}
        for element, ours in self.children.items():
            theirs = other.children.get(element)
            if theirs is not None:
                _keep(kept, element, ours.intersection(theirs))
        return FieldSet(kept, owned=self.owned and other.owned)

    def difference(self, other: FieldSet) -> FieldSet:
        """Return the paths of this set that are not in `other`; what lies below them stays."""
        if not other.children:
            return FieldSet(self.children, owned=self.owned and not other.owned)
        kept: dict[str, FieldSet] = {}
        for element, ours in self.children.items():
            theirs = other.children.get(element)
            if theirs is None:
                kept[element] = ours
            else:
                _keep(kept, element, ours.difference(theirs))
        return FieldSet(kept, owned=self.owned and not other.owned)

    def recursive_difference(self, other: FieldSet) -> FieldSet:
        """Return the paths that are neither in `other` nor below a path of `other`."""
        kept: dict[str, FieldSet] = {}
        for element, ours in self.children.items():
            theirs = other.children.get(element)
            if theirs is None:
                kept[element] = ours
            elif not theirs.owned:
                _keep(kept, element, ours.recursive_difference(theirs))
        return FieldSet(kept, owned=self.owned and not other.owned)

    def leaves(self) -> FieldSet:
        """Return the members that have no member below them."""
        kept = {
            element: child.leaves() if child.children else child
            for element, child in self.children.items()
        }
        return FieldSet(kept, owned=self.owned and not kept)

    __or__ = union
    __sub__ = difference
    __and__ = intersection


EMPTY = FieldSet({})
"""The set without a path."""

_LEAF = FieldSet({}, owned=True)


class _Draft:
    """A node while a set is being made from paths."""

    __slots__ = ("children", "owned")

    def __init__(self) -> None:
        self.children: dict[str, _Draft] = {}
        self.owned = False

    def finished(self) -> FieldSet:
        if not self.children:
            return _LEAF if self.owned else EMPTY
        children = {element: draft.finished() for element, draft in self.children.items()}
        return FieldSet(children, owned=self.owned)


def _node_json(node: FieldSet) -> dict[str, JSON]:
    if not node.children:
        return {}
    inner = node.to_json()
    return {".": {}, **inner} if node.owned else inner


def _keep(kept: dict[str, FieldSet], element: str, node: FieldSet) -> None:
    if node.owned or node.children:
        kept[element] = node


def _parse_children(fields_v1: Mapping[str, JSON]) -> dict[str, FieldSet]:
    children: dict[str, FieldSet] = {}
    for element, inner in fields_v1.items():
        if element == ".":
            continue
        if inner == {}:
            node = _LEAF
        elif isinstance(inner, dict):
            below = _parse_children(inner)
            node = FieldSet(below, owned="." in inner) if below else _LEAF
        else:
            raise ValueError(f"managedFields: {element!r} holds {type(inner).__name__}, no object")
        # One spelling for each key; names have only one.
        children[element if element.startswith("f:") else canonical_element(element)] = node
    return children
