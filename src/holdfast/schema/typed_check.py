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
    from holdfast.schema.field_path import PathElement


def typed_errors(tree: JSON, kind: Type, *, allow_duplicates: bool = False) -> list[str]:
    """Return each reason why the tree is not of its type, as `.spec.x: reason`."""
    errors = _check(tree, kind, allow_duplicates)
    return [f"{error.path}: {error.reason}" if error.path else error.reason for error in errors]


def joined(errors: list[str]) -> str:
    """Return several reasons as the API server puts them into one message."""
    if len(errors) == 1:
        return errors[0]
    return "\n".join(["errors:", *(f"  {error}" for error in errors)])


class _Error:
    """A reason and the path to it, which grows while the walk comes back."""

    __slots__ = ("path", "reason")

    def __init__(self, reason: str) -> None:
        self.path = ""
        self.reason = reason


def _below(element: PathElement, errors: list[_Error]) -> list[_Error]:
    if errors:
        prefix = server_form((element,))
        for error in errors:
            error.path = prefix + error.path
    return errors


def _check(value: JSON, kind: Type, duplicates: bool) -> list[_Error]:
    if value is None or kind.scalar is ScalarType.RAW:
        return []
    shape = effective_shape(kind, value)
    if shape is Shape.LIST:
        if not isinstance(value, list):
            return [_Error(f"expected list, got {_go(value)}")]
        return _check_list(value, kind, duplicates)
    if shape is Shape.SCALAR:
        reason = _scalar_reason(value, kind)
        return [_Error(reason)] if reason else []
    if not isinstance(value, dict):
        return [_Error(f"expected map, got {_go(value)}")]
    return _check_map(value, kind, duplicates)


def _check_map(value: dict[str, JSON], kind: Type, duplicates: bool) -> list[_Error]:
    errors: list[_Error] = []
    for name, inner in value.items():
        inner_type = kind.find_child(name)
        if inner_type is None:
            errors += _below(FieldName(name), [_Error("field not declared in schema")])
            return errors  # the server stops at the first one, too
        errors += _below(FieldName(name), _check(inner, inner_type, duplicates))
    return errors


def _check_list(items: list[JSON], kind: Type, duplicates: bool) -> list[_Error]:
    item_type = kind.items or ANY
    errors: list[_Error] = []
    if kind.shape is Shape.ANY or kind.list_kind is ListKind.ATOMIC:
        for place, item in enumerate(items):
            errors += _below(ListIndex(place), _check(item, item_type, duplicates))
        return errors
    seen: set[str] = set()
    for place, item in enumerate(items):
        try:
            element = list_element(kind, item)
        except ListItemError as error:
            return [*errors, _Error(f"element {place}: {error}")]
        if element in seen and not duplicates:
            shown = server_form((decode_element(element),))
            errors.append(_Error(f"duplicate entries for key {shown}"))
        seen.add(element)
        errors += _below(decode_element(element), _check(item, item_type, duplicates))
    return errors


def _scalar_reason(value: JSON, kind: Type) -> str:
    """Return why a value is not this scalar; empty when it is."""
    if kind.shape is Shape.ANY:
        return ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    reason = ""
    if kind.is_untyped:
        # An int-or-string may be anything to the merge; a quantity any scalar.
        if isinstance(value, dict | list) and kind.scalar is not ScalarType.INT_OR_STRING:
            reason = f"expected any scalar, got {_go(value)}"
    elif kind.scalar in (ScalarType.INTEGER, ScalarType.NUMBER):
        if not is_number:
            reason = f"expected numeric (int or float), got {_go_type(value)}"
    elif kind.scalar is ScalarType.STRING:
        if not isinstance(value, str):
            shown = f"&value.valueUnstructured{{Value:{_go_literal(value)}}}"
            reason = f"expected string, got {shown}"
    elif not isinstance(value, bool):
        reason = f"expected boolean, got {_go(value)}"
    return reason


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
