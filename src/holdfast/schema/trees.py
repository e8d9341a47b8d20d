"""Shape trees as the API server's own types do: nothing empty where nothing can be, no nulls.

In:  a tree and its type.
Out: `empty_object`: what the server takes for "no object yet"; `as_stored`: a built-in object as
     it comes back from the server's types; `without_nulls`: the tree without nulls where the
     type has no place for them.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from holdfast.schema.quantities import canonical_quantity
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
        elif field.required or field.always:
            made[name] = _unset_value(field)
    return made


def _is_struct_value(field: Field) -> bool:
    """Return True for a struct that is always written, even when it is empty."""
    return field.default == {} and field.type.shape is Shape.STRUCT and not field.pointer


def as_stored(tree: Mapping[str, JSON], kind: ObjectType) -> dict[str, JSON]:
    """Return a built-in object as it comes back from the server's own types.

    Fields that the kind does not have are gone, and so is what is empty and not kept apart from
    "not set" (`minReadySeconds: 0`, `labels: {}`); what is always written stands there
    (`strategy: {}`, `rules: null`). Quantities and base64 are canonical. Nothing of the argument
    is changed or shared, except free-form parts.
    """
    return _stored_struct(tree, kind)


def _stored_struct(value: Mapping[str, JSON], kind: Type) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    declared = kind.fields
    for name, inner in value.items():
        field = declared.get(name)
        if field is None or inner is None:
            continue
        found = _stored(inner, field.type)
        if _is_kept(found, field):
            # The stored form knows no empty list, only none.
            made[name] = None if found == [] else found
    for name, field in declared.items():
        if name in made:
            continue
        if _is_struct_value(field):
            made[name] = _stored_struct({}, field.type)
        elif field.required or field.always:
            made[name] = _unset_value(field)
        elif field.default is not UNSET and field.default not in _ZEROS:
            made[name] = field.default
    return made


_ZEROS: tuple[JSON, ...] = ("", 0, {}, [])


def _is_kept(value: JSON, field: Field) -> bool:
    if field.pointer or field.required or field.always or field.type.shape is Shape.STRUCT:
        return True
    return field.type.shape is Shape.ANY or value not in _ZEROS


def _unset_value(field: Field) -> JSON:
    """Return what stands in a field that is written although nobody set it."""
    if field.pointer or field.type.shape is not Shape.SCALAR or field.type.format == "date-time":
        return None
    return field.default if field.default is not UNSET else _zero(field.type)


def _stored(value: JSON, kind: Type) -> JSON:
    if isinstance(value, dict):
        if kind.shape is Shape.STRUCT:
            return _stored_struct(value, kind)
        if kind.shape is Shape.MAP and kind.values is not None and kind.values is not ANY:
            inner = kind.values
            return {
                name: _zero(inner) if item is None else _stored(item, inner)
                for name, item in value.items()
            }
        return value
    if isinstance(value, list):
        if kind.shape is not Shape.LIST or kind.items is None:
            return value
        items = kind.items
        return [_zero(items) if item is None else _stored(item, items) for item in value]
    return _stored_scalar(value, kind)


def _stored_scalar(value: JSON, kind: Type) -> JSON:
    if kind.scalar is ScalarType.QUANTITY and not isinstance(value, bool):
        try:
            return canonical_quantity(value)
        except ValueError:
            return value  # refused elsewhere, with its path
    if kind.format == "byte" and isinstance(value, str):
        try:
            plain = base64.b64decode(re.sub("[\r\n]", "", value), validate=True)
        except ValueError:
            return value
        return base64.b64encode(plain).decode()
    if isinstance(value, float) and kind.scalar is ScalarType.INTEGER and value.is_integer():
        return int(value)
    return value


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
    """Return the empty value of a type, which a null becomes as the value of a map."""
    if kind.shape is Shape.LIST:
        return None
    if kind.shape is Shape.STRUCT:
        return _stored_struct({}, kind)
    if kind.shape is not Shape.SCALAR:
        return {}
    if kind.scalar in (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.INT_OR_STRING):
        return 0
    if kind.scalar is ScalarType.BOOLEAN:
        return False
    return "0" if kind.scalar is ScalarType.QUANTITY else ""


def has_lost_empties(tree: Mapping[str, JSON], kind: ObjectType) -> bool:
    """Return True when a tree holds empty lists or maps that `as_stored` drops.

    Some kinds (NetworkPolicy, webhook configurations) take "empty" and "none" for a change of the
    spec, so that each identical write of such an object moves its generation
    (docs/internals/argocd/apply.md §A5).
    """
    return _has_lost(tree, as_stored(tree, kind))


def _has_lost(given: JSON, stored: JSON) -> bool:
    if isinstance(given, dict):
        kept = stored if isinstance(stored, dict) else {}
        return any(
            (value in ({}, []) and kept.get(name) is None) or _has_lost(value, kept.get(name))
            for name, value in given.items()
        )
    if isinstance(given, list) and isinstance(stored, list) and len(given) == len(stored):
        return any(_has_lost(*pair) for pair in zip(given, stored, strict=True))
    return False
