"""Read the values of an object at a field set: what "the echo" is made of.

In:  an object and a `FieldSet` (in practice our own managedFields entry).
Out: a `Projection`: one value for each leaf of the set, `MISSING` where the object has none,
     and the relative order of the declared items of each associative list.

Two projections through one set compare with `==`; `differences` says where they differ.
List items are found by their keys, never by place: something put before ours in the list is
no drift. An order changed among ours is one (docs/internals/argocd/apply.md §A5).

A hot path (a heal is a matter of milliseconds): a set compiles itself once into a plan of
plain tuples; callers keep sets, not just JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from holdfast.schema.field_path import (
    KEY_DEFAULTS,
    FieldName,
    ListIndex,
    ListKey,
    Path,
    SetValue,
    decode_element,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.domain.manifest import JSON
    from holdfast.schema.field_set import FieldSet


class _Marker:
    """A value that no JSON tree holds; equal only to itself."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __copy__(self) -> _Marker:
        return self

    def __deepcopy__(self, memo: object) -> _Marker:
        return self


MISSING: Final = _Marker("MISSING")
"""Stands where the object has nothing at the path."""

REPEATED: Final = _Marker("REPEATED")
"""Stands below a list item that the object holds more than once."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to walk one node; `width` is the number of leaves below it."""

    width: int
    orders: int
    fields: tuple[tuple[str, _Plan | None], ...]
    key_names: tuple[str, ...]
    items: tuple[tuple[tuple[JSON, ...], _Plan | None], ...]
    declared: frozenset[tuple[JSON, ...]]
    values: tuple[tuple[JSON, _Plan | None], ...]
    places: tuple[tuple[int, _Plan | None], ...]


class Projection:
    """The values of one object at one field set."""

    __slots__ = ("field_set", "orders", "values")

    def __init__(
        self, field_set: FieldSet, values: tuple[JSON, ...], orders: tuple[tuple[JSON, ...], ...]
    ) -> None:
        self.field_set = field_set
        self.values = values
        self.orders = orders

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Projection):
            return NotImplemented
        return (
            self.values == other.values
            and self.orders == other.orders
            and (self.field_set is other.field_set or self.field_set == other.field_set)
        )

    __hash__ = None  # type: ignore[assignment]  # holds dicts and lists

    def __repr__(self) -> str:
        return f"Projection({dict(self.rows())!r})"

    @property
    def is_complete(self) -> bool:
        """True when the object has something at every leaf of the set."""
        return MISSING not in self.values

    def rows(self) -> Iterator[tuple[Path, JSON]]:
        """Yield each leaf path with its value, in the order of `values`."""
        return zip(leaf_paths(self.field_set), self.values, strict=True)

    def as_json(self) -> JSON:
        """Return a JSON tree that is equal for equal projections of one set, for hashing.

        A value stands in a list of its own; a missing one is the empty list.
        """
        orders = [[[_cell(part) for part in key] for key in order] for order in self.orders]
        return {"values": [_cell(value) for value in self.values], "orders": orders}


def _cell(value: JSON) -> list[JSON]:
    if value is MISSING:
        return []
    return ["repeated", None] if value is REPEATED else [value]


def project(tree: Mapping[str, JSON], field_set: FieldSet) -> Projection:
    """Return the values of `tree` at the leaves of `field_set`.

    Nothing is copied: the values are the ones inside `tree`.
    """
    plan = _plan_of(field_set)
    values: list[JSON] = []
    orders: list[tuple[JSON, ...]] = []
    if plan is not None:
        _collect(plan, tree, values, orders)
    return Projection(field_set, tuple(values), tuple(orders))


def differences(before: Projection, after: Projection) -> tuple[tuple[Path, JSON, JSON], ...]:
    """Return `(path, before, after)` for each leaf whose value is not the same.

    Values may be `MISSING` or `REPEATED`. When the items of an associative list that both
    sides have stand in another order, the row is the list's path with both orders, each item
    as its key fields.

    Raises:
        ValueError: The projections are through different field sets.
    """
    if before.field_set is not after.field_set and before.field_set != after.field_set:
        raise ValueError("projections through different field sets cannot be compared")
    rows = [
        (path, old, new)
        for path, old, new in zip(
            leaf_paths(before.field_set), before.values, after.values, strict=True
        )
        if old is not new and old != new
    ]
    if before.orders != after.orders:
        rows.extend(_order_differences(before, after))
    return tuple(rows)


def _order_differences(before: Projection, after: Projection) -> Iterator[tuple[Path, JSON, JSON]]:
    lists = _list_paths(before.field_set)
    for (path, names), old, new in zip(lists, before.orders, after.orders, strict=True):
        both = set(old) & set(new)
        old_order, new_order = (
            [_key_fields(names, key) for key in order if key in both] for order in (old, new)
        )
        if old_order != new_order:
            yield path, old_order, new_order


def _key_fields(names: tuple[str, ...], key: tuple[JSON, ...]) -> dict[str, JSON]:
    pairs = zip(names, key, strict=True)
    return {name: value for name, value in pairs if value is not MISSING}


def owned_entry(
    manifest_tree: Mapping[str, JSON],
    manager: str,
    operation: str = "Apply",
    api_version: str | None = None,
    subresource: str = "",
) -> dict[str, JSON] | None:
    """Return the managedFields entry of a manager, None when it has none.

    With `api_version` None the first entry in any version is taken; an entry of another
    version has paths of that version, so give the version of the object where it matters.
    """
    entries = (manifest_tree.get("metadata") or {}).get("managedFields") or ()
    for entry in entries:
        if (
            entry.get("manager") == manager
            and entry.get("operation") == operation
            and entry.get("subresource", "") == subresource
            and (api_version is None or entry.get("apiVersion") == api_version)
        ):
            found: dict[str, JSON] = entry
            return found
    return None


def leaf_paths(field_set: FieldSet) -> tuple[Path, ...]:
    """Return the paths of the leaves of a set, in the order of a projection's values."""
    return tuple(_walk_leaves(field_set, ()))


def _walk_leaves(node: FieldSet, prefix: Path) -> Iterator[Path]:
    for element in node.ordered:
        child = node.children[element]
        here = (*prefix, decode_element(element))
        if child.children:
            yield from _walk_leaves(child, here)
        else:
            yield here


def _list_paths(node: FieldSet, prefix: Path = ()) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the path and key names of each associative list, in the order of `orders`."""
    found: list[tuple[Path, tuple[str, ...]]] = []
    is_list = False
    for text in node.ordered:
        child, element = node.children[text], decode_element(text)
        if isinstance(element, ListKey) and not is_list:
            is_list = True
            plan = _plan_of(node)
            found.append((prefix, plan.key_names if plan else ()))
        if child.children:
            found.extend(_list_paths(child, (*prefix, element)))
    return found


def _plan_of(node: FieldSet) -> _Plan | None:
    """Return the compiled plan of a node, None for a leaf; kept on the node."""
    if not node.children:
        return None
    if isinstance(node.plan, _Plan):
        return node.plan
    fields: list[tuple[str, _Plan | None]] = []
    keyed: list[tuple[ListKey, _Plan | None]] = []
    values: list[tuple[JSON, _Plan | None]] = []
    places: list[tuple[int, _Plan | None]] = []
    for text in node.ordered:
        below = _plan_of(node.children[text])
        match decode_element(text):
            case FieldName(name):
                fields.append((name, below))
            case ListKey() as key:
                keyed.append((key, below))
            case SetValue(value):
                values.append((value, below))
            case ListIndex(index):
                places.append((index, below))
    node.plan = plan = _planned(fields, keyed, values, places)
    return plan


def _planned(
    fields: list[tuple[str, _Plan | None]],
    keyed: list[tuple[ListKey, _Plan | None]],
    values: list[tuple[JSON, _Plan | None]],
    places: list[tuple[int, _Plan | None]],
) -> _Plan:
    names = tuple(sorted({name for key, _ in keyed for name, _ in key.fields}))
    items = [
        (tuple(dict(key.fields).get(name, MISSING) for name in names), below)
        for key, below in keyed
    ]
    below_all = [below for group in (fields, keyed, values, places) for _, below in group]
    return _Plan(
        width=sum(1 if below is None else below.width for below in below_all),
        orders=bool(keyed) + sum(below.orders for below in below_all if below is not None),
        fields=tuple(fields),
        key_names=names,
        items=tuple(items),
        declared=frozenset(key for key, _ in items),
        values=tuple(values),
        places=tuple(places),
    )


def _collect(plan: _Plan, here: JSON, out: list[JSON], orders: list[tuple[JSON, ...]]) -> None:
    """Append the values at the leaves below `here`, and the orders of its lists."""
    if plan.fields:
        struct = here if isinstance(here, dict) else {}
        for name, below in plan.fields:
            value = struct.get(name, MISSING)
            if below is None:
                out.append(value)
            else:
                _descend(below, value, out, orders)
    if plan.items:
        _collect_items(plan, here if isinstance(here, list) else (), out, orders)
    for value, below in plan.values:
        found = value if isinstance(here, list) and value in here else MISSING
        _append(below, found, out, orders)
    for index, below in plan.places:
        is_there = isinstance(here, list) and index < len(here)
        _append(below, here[index] if is_there else MISSING, out, orders)


def _append(
    below: _Plan | None, value: JSON, out: list[JSON], orders: list[tuple[JSON, ...]]
) -> None:
    if below is None:
        out.append(value)
    else:
        _descend(below, value, out, orders)


def _descend(plan: _Plan, value: JSON, out: list[JSON], orders: list[tuple[JSON, ...]]) -> None:
    if value is MISSING or value is REPEATED:
        out.extend([value] * plan.width)
        orders.extend([()] * plan.orders)
    else:
        _collect(plan, value, out, orders)


def _collect_items(
    plan: _Plan, live: Sequence[JSON], out: list[JSON], orders: list[tuple[JSON, ...]]
) -> None:
    by_key = _by_key(plan.key_names, live)
    if len(plan.items) > 1:
        orders.append(tuple([key for key in by_key if key in plan.declared]))
    else:
        orders.append(())
    for key, below in plan.items:
        item = by_key.get(key, MISSING)
        if below is None:
            out.append(item)
        else:
            _descend(below, item, out, orders)


def _by_key(names: tuple[str, ...], live: Sequence[JSON]) -> dict[tuple[JSON, ...], JSON]:
    """Return the items of a list by their keys; an item that is there twice as `REPEATED`."""
    found: dict[tuple[JSON, ...], JSON] = {}
    for item in live:
        if not isinstance(item, dict):
            continue
        if len(names) == 1:
            key: tuple[JSON, ...] = (item.get(names[0], MISSING),)
        else:
            key = tuple([item.get(name, KEY_DEFAULTS.get(name, MISSING)) for name in names])
        try:
            found[key] = REPEATED if key in found else item
        except TypeError:
            continue  # a key field holds a list or an object: no declared item can be meant
    return found
