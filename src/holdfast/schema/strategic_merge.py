"""Apply kubectl's kinds of merge patches: strategic merge, and plain JSON merge (RFC 7386).

In:  the stored tree, the patch, and for a strategic merge the type of the kind.
Out: the patched tree.

A strategic merge knows from the type which lists merge by a key (`containers` by `name`) and
which are replaced. A patch may hold directives:
  `$patch: delete | replace`      for the map or the list item that it stands in
  `$retainKeys: [..]`             drop all other fields of this map
  `$setElementOrder/<list>: [..]` the order of the items after the merge
  `$deleteFromPrimitiveList/<list>: [..]`  take scalars out of a list
Custom resources have no such type: the server refuses strategic merges for them (415).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.schema.typed_merge import same_value
from holdfast.schema.types import ANY, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON
    from holdfast.schema.types import ObjectType, Type

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_ITEMS = "$deleteFromPrimitiveList/"
_UNKNOWN = Field(ANY)


class PatchError(ValueError):
    """The patch makes no sense; the text is near to the API server's."""


def merge_patch(tree: JSON, patch: JSON) -> JSON:
    """Return `tree` after a JSON merge patch: null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    made = dict(tree) if isinstance(tree, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merge_patch(made.get(name), value)
    return made


def strategic_merge(
    tree: Mapping[str, JSON],
    patch: Mapping[str, JSON],
    *,
    type: ObjectType,  # noqa: A002  # the word of the schema
) -> dict[str, JSON]:
    """Return `tree` after a strategic merge patch.

    Raises:
        PatchError: A directive is unknown or an item has no merge key.
    """
    return _merge_maps(dict(tree), dict(patch), type)


def _merge_maps(original: dict[str, JSON], patch: dict[str, JSON], kind: Type) -> dict[str, JSON]:
    directive = patch.get(_DIRECTIVE)
    if directive is not None:
        if directive == "replace":
            return {name: value for name, value in patch.items() if name != _DIRECTIVE}
        if directive == "delete":
            return {}
        raise PatchError(f"unknown patch type: {directive} in map: {patch}")
    made = _retained(original, patch)
    ordered = {name.removeprefix(_ORDER) for name in patch if name.startswith(_ORDER)}
    for name in ordered:
        _merge_ordered_list(made, patch, name, kind)
    for name, value in patch.items():
        if name == _RETAIN or name.startswith(_ORDER) or name in ordered:
            continue
        if name.startswith(_DELETE_ITEMS):
            target = name.removeprefix(_DELETE_ITEMS)
            if isinstance(made.get(target), list):
                made[target] = [item for item in made[target] if not _is_in(item, value)]
            continue
        _merge_field(made, name, value, kind.fields.get(name) or _field_of_map(kind, name))
    return made


def _field_of_map(kind: Type, name: str) -> Field:
    child = kind.find_child(name)
    return _UNKNOWN if child is None else Field(child)


def _retained(original: dict[str, JSON], patch: dict[str, JSON]) -> dict[str, JSON]:
    keys = patch.get(_RETAIN)
    if keys is None:
        return dict(original)
    if not isinstance(keys, list):
        raise PatchError("invalid patch format of retainKeys")
    for name, value in patch.items():
        is_directive = name == _RETAIN or name.startswith((_ORDER, _DELETE_ITEMS))
        if value is not None and not is_directive and name not in keys:
            raise PatchError("invalid patch format of retainKeys")
    return {name: value for name, value in original.items() if name in keys}


def _merge_field(made: dict[str, JSON], name: str, value: JSON, field: Field) -> None:
    """Put one field of a patch into `made`."""
    if value is None:
        made.pop(name, None)
        return
    old = made.get(name)
    if isinstance(old, dict) and isinstance(value, dict):
        made[name] = (
            value if "replace" in field.patch_strategies else _merge_maps(old, value, field.type)
        )
    elif isinstance(old, list) and isinstance(value, list):
        made[name] = _merge_lists(old, value, field) if _merges(field) else value
    else:
        found, keep = _without_directives(value)
        if keep:
            made[name] = found
        else:
            made.pop(name, None)


def _merges(field: Field) -> bool:
    return "merge" in field.patch_strategies


def _without_directives(value: JSON) -> tuple[JSON, bool]:
    """Return a new value without nulls in maps, and without what a directive marks."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return None, False
        kept = {}
        for name, inner in value.items():
            found, keep = _without_directives(inner)
            if keep and inner is not None:
                kept[name] = found
        return kept, True
    if isinstance(value, list):
        pairs = [_without_directives(item) for item in value]
        return [item for item, keep in pairs if keep], True
    return value, True


# -- lists ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """How items of a list are told apart: by a field, or for scalars by themselves."""

    name: str

    def of(self, item: JSON) -> JSON:
        if not self.name:
            return item
        if not isinstance(item, dict) or self.name not in item:
            raise PatchError(f"map: {item} does not contain declared merge key: {self.name}")
        return item[self.name]

    def place(self, items: list[JSON], item: JSON) -> int:
        """Return where the item with the same key stands, -1 when it does not."""
        wanted = self.of(item)
        for place, other in enumerate(items):
            if same_value(self.of(other), wanted):
                return place
        return -1


def _merge_lists(original: list[JSON], patch: list[JSON], field: Field) -> list[JSON]:
    if not original and not patch:
        return original
    if any(isinstance(item, dict) for item in (*original, *patch)):
        if not field.merge_key:
            raise PatchError("cannot merge lists without merge key")
        key = _Key(field.merge_key)
        kept, wanted = _after_item_directives(original, patch, key)
        merged = _merge_items(kept, wanted, key, field.type.items or ANY)
        return _in_order(merged, wanted, kept, key)
    merged = []
    for item in (*original, *patch):
        if not _is_in(item, merged):
            merged.append(item)
    return _in_order(merged, patch, original, _Key(""))


def _after_item_directives(
    original: list[JSON], patch: list[JSON], key: _Key
) -> tuple[list[JSON], list[JSON]]:
    """Return what is left of both lists after `$patch` items did their work."""
    plain: list[JSON] = []
    kept = original
    replaced = False
    for item in patch:
        directive = item.get(_DIRECTIVE) if isinstance(item, dict) else None
        if directive is None:
            plain.append(item)
        elif directive == "delete":
            gone = key.of(item)
            kept = [old for old in kept if not same_value(key.of(old), gone)]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise PatchError("merging lists cannot yet be specified in the patch")
        else:
            raise PatchError(f"unknown patch type: {directive} in map: {item}")
    return (plain, []) if replaced else (kept, plain)


def _merge_items(original: list[JSON], patch: list[JSON], key: _Key, kind: Type) -> list[JSON]:
    made = list(original)
    for item in patch:
        place = key.place(made, item)
        if place >= 0:
            made[place] = _merge_maps(made[place], item, kind)
        else:
            made.append(_bare(item))
    return made


def _bare(value: JSON) -> JSON:
    """Return a new list item: nulls and directives go, what a directive marks stays."""
    if isinstance(value, dict):
        return {
            name: _bare(inner)
            for name, inner in value.items()
            if inner is not None and name != _DIRECTIVE
        }
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _merge_ordered_list(
    made: dict[str, JSON], patch: dict[str, JSON], name: str, kind: Type
) -> None:
    """Merge a list for which the patch also gives the order of its items."""
    order = patch[_ORDER + name]
    old, new = made.get(name), patch.get(name)
    if not all(isinstance(part, list) for part in (order, old or [], new or [])):
        raise PatchError(f"{_ORDER}{name}: a list is expected")
    field = kind.fields.get(name) or _UNKNOWN
    key = _Key(field.merge_key)
    if new:
        _check_order(new, order, key, name)
    if old is None and new is None:
        return
    merged: list[JSON] = old or []
    if new is not None and old is None:
        merged = _without_directives(new)[0]
    elif new is not None:
        merged = _merge_lists(merged, new, field) if _merges(field) else new
    made[name] = _in_order(merged, order, old or [], key)


def _check_order(patch: list[JSON], order: list[JSON], key: _Key, name: str) -> None:
    """Refuse a patch list that contradicts the order given beside it."""
    rest = iter(order)
    for item in patch:
        if isinstance(item, dict) and _DIRECTIVE in item:
            continue
        wanted = key.of(item)
        if order and not any(same_value(key.of(other), wanted) for other in rest):
            raise PatchError(
                f"The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n"
                f"{order}\n ({name})"
            )


def _in_order(
    merged: list[JSON], patch_order: list[JSON], server_order: list[JSON], key: _Key
) -> list[JSON]:
    """Return `merged` with the patch's items in the patch's order and the rest where it was.

    An item that only the server has goes before the next of the patch's items exactly if it
    stood before it on the server.
    """
    mine = [item for item in merged if key.place(patch_order, item) >= 0]
    others = [item for item in merged if key.place(patch_order, item) < 0]
    mine.sort(key=lambda item: key.place(patch_order, item))
    others.sort(key=lambda item: key.place(server_order, item))
    made: list[JSON] = []
    while mine and others:
        left = key.place(server_order, others[0])
        right = key.place(server_order, mine[0])
        before = 0 <= left < right
        made.append((others if before else mine).pop(0))
    return made + mine + others


def _is_in(item: JSON, items: list[JSON]) -> bool:
    return any(same_value(item, other) for other in items)
