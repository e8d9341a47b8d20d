"""Refuse what server-side apply cannot express, in the API server's words.

In:  the tree that is to be applied and its type.
Out: nothing, or the errors of the first offence of each kind: a field that the type does not
     have, two items with one key, a value of the wrong JSON type.
     On a real server these come back as HTTP 500 (docs/internals/argocd/apply.md §A7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.schema.field_path import FieldName, ListIndex, decode_element, server_form
from holdfast.schema.typed_paths import ListItemError, effective_shape, list_element
from holdfast.schema.types import ANY, ListKind, ScalarType, Shape, Type

if TYPE_CHECKING:
    from holdfast.domain.manifest import JSON

_BOOLEAN = "boolean"


def typed_errors(tree: JSON, kind: Type, *, allow_duplicates: bool = False) -> list[str]:
    """Return each reason why the tree is not of its type, as `.spec.x: reason`."""
    errors: list[str] = []
    _check(tree, kind, "", errors, allow_duplicates)
    return errors


def joined(errors: list[str]) -> str:
    """Return several reasons as the API server puts them into one message."""
    if len(errors) == 1:
        return errors[0]
    return "\n".join(["errors:", *(f"  {error}" for error in errors)])


def _check(value: JSON, kind: Type, path: str, errors: list[str], duplicates: bool) -> None:
    if value is None or kind.scalar is ScalarType.RAW:
        return
    shape = effective_shape(kind, value)
    if shape is Shape.LIST:
        if not isinstance(value, list):
            errors.append(_at(path, f"expected list, got {_go(value)}"))
        else:
            _check_list(value, kind, path, errors, duplicates)
    elif shape in (Shape.STRUCT, Shape.MAP):
        if not isinstance(value, dict):
            errors.append(_at(path, f"expected map, got {_go(value)}"))
        else:
            _check_map(value, kind, path, errors, duplicates)
    else:
        _check_scalar(value, kind, path, errors)


def _check_map(
    value: dict[str, JSON], kind: Type, path: str, errors: list[str], duplicates: bool
) -> None:
    for name, inner in value.items():
        below = path + server_form((FieldName(name),))
        inner_type = kind.find_child(name)
        if inner_type is None:
            errors.append(_at(below, "field not declared in schema"))
            return  # the server stops at the first one, too
        _check(inner, inner_type, below, errors, duplicates)


def _check_list(
    items: list[JSON], kind: Type, path: str, errors: list[str], duplicates: bool
) -> None:
    item_type = kind.items or ANY
    seen: set[str] = set()
    for place, item in enumerate(items):
        if kind.shape is Shape.ANY or kind.list_kind is ListKind.ATOMIC:
            below = path + server_form((ListIndex(place),))
        else:
            try:
                element = list_element(kind, item)
            except ListItemError as error:
                errors.append(_at(path, f"element {place}: {error}"))
                return
            shown = server_form((decode_element(element),))
            if element in seen and not duplicates:
                errors.append(_at(path, f"duplicate entries for key {shown}"))
            seen.add(element)
            below = path + shown
        _check(item, item_type, below, errors, duplicates)


def _check_scalar(value: JSON, kind: Type, path: str, errors: list[str]) -> None:
    if kind.shape is Shape.ANY:
        return
    if kind.is_untyped:
        # An int-or-string may be anything to the merge; a quantity any scalar.
        if isinstance(value, dict | list) and kind.scalar is not ScalarType.INT_OR_STRING:
            errors.append(_at(path, f"expected any scalar, got {_go(value)}"))
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind.scalar in (ScalarType.INTEGER, ScalarType.NUMBER):
        if not is_number:
            name = _go_type(value)
            errors.append(_at(path, f"expected numeric (int or float), got {name}"))
    elif kind.scalar is ScalarType.STRING:
        if not isinstance(value, str):
            shown = f"&value.valueUnstructured{{Value:{_go_literal(value)}}}"
            errors.append(_at(path, f"expected string, got {shown}"))
    elif kind.scalar == _BOOLEAN and not isinstance(value, bool):
        errors.append(_at(path, f"expected boolean, got {_go(value)}"))


def _at(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message


def _go(value: JSON) -> str:
    return f"&{{{_go_plain(value)}}}"


def _go_plain(value: JSON) -> str:
    if isinstance(value, dict):
        return f"map[{' '.join(f'{k}:{_go_plain(v)}' for k, v in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(_go_plain(item) for item in value)}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _go_literal(value: JSON) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f'"{k}":{_go_literal(v)}' for k, v in sorted(value.items()))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(_go_literal(item) for item in value)}}}"
    if isinstance(value, str):
        return f'"{value}"'
    return _go_plain(value)


def _go_type(value: JSON) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return "string"
