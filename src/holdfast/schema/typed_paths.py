"""Name every place of a tree by its type: the paths that managedFields would hold for it.

In:  a tree and its `Type`.
Out: path elements of list items, the `FieldSet` of all that the tree says (`field_set_of`), and
     sets brought in line with a type (`with_named_fields`, `in_line_with`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from holdfast.schema.field_path import FieldName, ListKey, SetValue, decode_element
from holdfast.schema.field_set import FieldSet
from holdfast.schema.types import ANY, UNSET, ListKind, Shape, Type

if TYPE_CHECKING:
    from holdfast.domain.manifest import JSON

LEAF: Final = FieldSet({}, owned=True)


class ListItemError(ValueError):
    """An item that has no place of its own in an associative list; the text is the server's."""


def effective_shape(kind: Type, value: JSON) -> Shape:
    """Return what `value` is to be treated as: `ANY` turns out to be something."""
    if kind.shape is not Shape.ANY:
        return kind.shape
    if isinstance(value, dict) or value is None:
        return Shape.MAP
    return Shape.LIST if isinstance(value, list) else Shape.SCALAR


def is_atomic(kind: Type, shape: Shape) -> bool:
    """Return True when a value of this type is owned and replaced as a whole."""
    if shape is Shape.LIST:
        return kind.shape is Shape.ANY or kind.list_kind is ListKind.ATOMIC
    return shape is Shape.SCALAR or kind.atomic


def list_element(kind: Type, item: JSON) -> str:
    """Return the encoded path element of an item of an associative list.

    Raises:
        ListItemError: The item cannot be told from others.
    """
    if kind.list_kind is ListKind.MAP:
        return _keyed_element(kind, item)
    if isinstance(item, dict):
        raise ListItemError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ListItemError("not supported: associative list with lists as elements")
    if item is None:
        raise ListItemError("associative list without keys has an element that's an explicit null")
    return SetValue(item).encoded


def _keyed_element(kind: Type, item: JSON) -> str:
    if item is None:
        raise ListItemError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise ListItemError("associative list with keys may not have non-map elements")
    fields: list[tuple[str, JSON]] = []
    for name in kind.keys:
        value = item[name] if name in item else kind.key_default(name)
        if value is not UNSET:
            fields.append((name, value))
    if not fields:
        names = " ".join(f'"{name}"' for name in kind.keys)
        raise ListItemError(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    fields.sort()
    try:
        return _key_text(tuple((name, value, type(value)) for name, value in fields))
    except TypeError:  # a key field holds a list or an object
        return ListKey(tuple(fields)).encoded


@lru_cache(maxsize=65536)
def _key_text(fields: tuple[tuple[str, JSON, type], ...]) -> str:
    """Return the element of some key fields; the types keep `1`, `1.0` and `true` apart."""
    return ListKey(tuple((name, value) for name, value, _ in fields)).encoded


def list_elements(kind: Type, items: list[JSON]) -> list[tuple[str, JSON]]:
    """Return each item with its encoded path element, in order."""
    return [(list_element(kind, item), item) for item in items]


def field_set_of(tree: JSON, kind: Type) -> FieldSet:
    """Return the paths of everything that a tree says, as an apply of it would own them.

    Items that stand twice in a list are owned as a whole.
    """
    return FieldSet(_children_of(tree, kind))


def _children_of(value: JSON, kind: Type) -> dict[str, FieldSet]:
    """Return the nodes below a value that is neither a scalar nor atomic."""
    shape = effective_shape(kind, value)
    if isinstance(value, list) and shape is Shape.LIST:
        return _list_children(value, kind)
    if not isinstance(value, dict) or shape is Shape.LIST:
        return {}
    declared = kind.fields
    children: dict[str, FieldSet] = {}
    for name, inner in value.items():
        inner_type = kind.find_child(name) or ANY
        is_leaf = _is_leaf(inner, inner_type)
        below = {} if is_leaf else _children_of(inner, inner_type)
        owned = is_leaf or inner is None or inner == {} or name not in declared
        if owned or below:
            children[FieldName(name).encoded] = FieldSet(below, owned=owned) if below else LEAF
    return children


def _list_children(items: list[JSON], kind: Type) -> dict[str, FieldSet]:
    item_type = kind.items or ANY
    children: dict[str, FieldSet] = {}
    for element, item in list_elements(kind, items):
        if element in children or _is_leaf(item, item_type):
            children[element] = LEAF
        else:
            below = _children_of(item, item_type)
            children[element] = FieldSet(below, owned=True) if below else LEAF
    return children


def _is_leaf(value: JSON, kind: Type) -> bool:
    return is_atomic(kind, effective_shape(kind, value))


def child_type(kind: Type, element: str) -> Type | None:
    """Return the type below an encoded path element, None when it leads nowhere."""
    match decode_element(element):
        case FieldName(name):
            return kind.find_child(name)
        case ListKey():
            return kind.items
        case _:
            return None


def with_named_fields(fields: FieldSet, kind: Type | None) -> FieldSet:
    """Return a set in which each declared struct field that leads to a member is one too.

    Removing needs it: `spec.strategy.type` alone would leave an empty `strategy` behind.
    """
    if kind is None:
        return fields
    declared = kind.fields
    children: dict[str, FieldSet] = {}
    for element, node in fields.children.items():
        below = with_named_fields(node, child_type(kind, element)) if node.children else node
        if not below.owned and element.startswith("f:") and element[2:] in declared:
            below = FieldSet(below.children, owned=True)
        children[element] = below
    return FieldSet(children, owned=fields.owned)


def in_line_with(fields: FieldSet, kind: Type | None) -> FieldSet:
    """Return a set in which what the type takes as a whole is owned as a whole.

    A CRD may have made a list or map atomic after the set was written.
    """
    if kind is None or kind.shape is Shape.ANY or not fields.children:
        return fields
    if is_atomic(kind, kind.shape) and kind.shape is not Shape.SCALAR:
        return LEAF
    changed = False
    children: dict[str, FieldSet] = {}
    for element, node in fields.children.items():
        below = in_line_with(node, child_type(kind, element))
        changed = changed or below is not node
        children[element] = below
    return FieldSet(children, owned=fields.owned) if changed else fields
