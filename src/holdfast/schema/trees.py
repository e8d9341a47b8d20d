"""Shape trees as the API server's own types do: nothing empty where nothing can be, no nulls.

In:  a tree and its type.
Out: `empty_object`: what the server takes for "no object yet"; `without_nulls`: the tree without
     nulls where the type has no place for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.schema.types import ANY, UNSET, ScalarType, Shape, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON
    from holdfast.schema.types import Field, ObjectType


def empty_object(kind: ObjectType, like: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the object that a create is compared with.

    For built-in kinds that is the server's empty struct, in which some fields stand already
    (`spec: {}`, `containers: null`): nobody comes to own those as such. For custom resources it
    is an object without fields.

    Args:
        kind: The type of the object.
        like: Gives apiVersion and kind.
    """
    made = {name: like[name] for name in ("apiVersion", "kind") if name in like}
    return _empty_struct(kind) | made if kind.name else made


def _empty_struct(kind: Type) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    for name, field in kind.fields.items():
        if _is_struct_value(field):
            made[name] = _empty_struct(field.type)
        elif field.required:
            made[name] = None if field.default is UNSET or field.pointer else field.default
    return made


def _is_struct_value(field: Field) -> bool:
    """Return True for a struct that is always written, even when it is empty."""
    return field.default == {} and field.type.shape is Shape.STRUCT and not field.pointer


def without_nulls(tree: dict[str, JSON], kind: ObjectType) -> dict[str, JSON]:
    """Return a tree without nulls, save where a custom resource may hold them."""
    found = _clean(tree, kind, builtin=bool(kind.name))
    result: dict[str, JSON] = found
    return result


def _clean(value: JSON, kind: Type, *, builtin: bool) -> JSON:
    if kind is ANY or kind.shape is Shape.ANY or kind.scalar is ScalarType.RAW:
        return value
    builtin = builtin or bool(kind.name)
    if isinstance(value, dict):
        made: dict[str, JSON] = {}
        for name, inner in value.items():
            child = kind.find_child(name) or ANY
            if inner is not None:
                made[name] = _clean(inner, child, builtin=builtin)
            elif child.nullable or child.shape is Shape.ANY:
                made[name] = None
            elif builtin and name not in kind.fields:
                made[name] = _zero(child)
        return made
    if isinstance(value, list):
        item = kind.items or ANY
        return [_clean(inner, item, builtin=builtin) for inner in value]
    return value


def _zero(kind: Type) -> JSON:
    """Return what a null becomes as the value of a map: the empty value of its type."""
    if kind.shape is Shape.LIST:
        return None
    if kind.shape is not Shape.SCALAR:
        return {}
    if kind.scalar in (ScalarType.INTEGER, ScalarType.NUMBER):
        return 0
    if kind.scalar is ScalarType.BOOLEAN:
        return False
    return "0" if kind.scalar is ScalarType.QUANTITY else ""
