"""Say what is wrong with an object of a built-in kind before it is even looked at.

In:  what a client sent, and the type of the kind.
Out: `find_decode_error`: why the server could not read it into its own types (HTTP 400);
     `unknown_fields`: the fields that the kind does not have, which `fieldValidation=Strict`
     refuses and `Warn` warns about.

Both in the API server's words; `refusal` puts them into its whole sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.schema.quantities import WRONG_FORM, parse_quantity
from holdfast.schema.types import ScalarType, Shape, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BITS = {"int32": 31, "int64": 63}


def refusal(api_version: str, kind: str, reason: str) -> str:
    """Return the server's sentence for an object that it cannot read."""
    version = api_version.rpartition("/")[2]
    return f'{kind} in version "{version}" cannot be handled as a {kind}: {reason}'


def strict_reason(paths: list[str]) -> str:
    """Return the reason that `fieldValidation=Strict` gives for unknown fields."""
    return "strict decoding error: " + ", ".join(unknown_field(path) for path in paths)


def unknown_field(path: str) -> str:
    """Return the words for one unknown field, which are also the warning."""
    return f'unknown field "{path}"'


def unknown_fields(tree: Mapping[str, JSON], kind: Type) -> list[str]:
    """Return the paths of fields that the type does not have, in the order of the object."""
    found: list[str] = []
    _collect_unknown(tree, kind, "", found)
    return found


def _collect_unknown(value: JSON, kind: Type, path: str, found: list[str]) -> None:
    if kind.shape is Shape.ANY or kind.scalar is ScalarType.RAW:
        return
    if isinstance(value, list):
        if kind.items is not None:
            for place, item in enumerate(value):
                _collect_unknown(item, kind.items, f"{path}[{place}]", found)
        return
    if not isinstance(value, dict) or kind.shape is Shape.SCALAR:
        return
    for name, inner in value.items():
        below = f"{path}.{name}" if path else name
        child = kind.find_child(name)
        if child is None:
            found.append(below)
        else:
            _collect_unknown(inner, child, below, found)


def find_decode_error(tree: Mapping[str, JSON], kind: Type) -> str | None:
    """Return why the server cannot read an object into its types, None when it can."""
    return _decode_error(tree, kind, _short(kind), "")


def _short(kind: Type) -> str:
    return kind.name.rpartition(".")[2]


def _decode_error(value: JSON, kind: Type, owner: str, path: str) -> str | None:
    """Check one value; `owner` is the struct that holds the field at `path`."""
    if value is None or kind.shape is Shape.ANY or kind.scalar is ScalarType.RAW:
        return None
    if kind.shape is Shape.SCALAR:
        return _scalar_error(value, kind, owner, path)
    if not isinstance(value, list if kind.shape is Shape.LIST else dict):
        return _mismatch(value, kind, owner, path)
    if isinstance(value, list):
        return _list_error(value, kind.items, owner, path)
    return _map_error(value, kind, owner, path)


def _list_error(value: list[JSON], items: Type | None, owner: str, path: str) -> str | None:
    for item in value:
        reason = _decode_error(item, items, owner, path) if items is not None else None
        if reason is not None:
            return reason
    return None


def _map_error(value: dict[str, JSON], kind: Type, owner: str, path: str) -> str | None:
    is_struct = kind.shape is Shape.STRUCT
    for name, inner in value.items():
        child = kind.find_child(name)
        if child is None:
            continue
        below = f"{path}.{name}" if is_struct and path else name if is_struct else path
        holder = _short(kind) if is_struct else owner
        reason = _decode_error(inner, child, holder, below)
        if reason is not None:
            return reason
    return None


def _mismatch(value: JSON, kind: Type, owner: str, path: str, shown: str = "") -> str:
    what = shown or _json_kind(value)
    field = f"Go struct field {owner}.{path}" if path else "Go value"
    return f"json: cannot unmarshal {what} into {field} of type {_go_name(kind)}"


def _json_kind(value: JSON) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _go_name(kind: Type) -> str:
    """Return the name of a type in the server's own language."""
    if kind.shape is Shape.LIST:
        return f"[]{_go_name(kind.items) if kind.items is not None else 'interface {}'}"
    if kind.shape is Shape.MAP:
        return f"map[string]{_go_name(kind.values) if kind.values is not None else ''}"
    if kind.shape is Shape.STRUCT:
        return ".".join(kind.name.split(".")[-2:])
    names = {
        ScalarType.INTEGER: kind.format or "int32",
        ScalarType.INT_OR_STRING: "int32",
        ScalarType.NUMBER: "float64",
        ScalarType.BOOLEAN: "bool",
        ScalarType.STRING: "[]uint8" if kind.format == "byte" else "string",
    }
    return names.get(kind.scalar or ScalarType.STRING, "string")


def _scalar_error(value: JSON, kind: Type, owner: str, path: str) -> str | None:
    if kind.scalar is ScalarType.QUANTITY:
        return _quantity_error(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and kind.scalar in (ScalarType.INTEGER, ScalarType.INT_OR_STRING):
        return _integer_error(value, kind, owner, path)
    if isinstance(value, str) and kind.scalar is ScalarType.STRING:
        return _text_error(value, kind)
    fits = {
        ScalarType.BOOLEAN: isinstance(value, bool),
        ScalarType.NUMBER: is_number,
        ScalarType.INT_OR_STRING: isinstance(value, str),
    }
    is_fitting = kind.scalar is not None and fits.get(kind.scalar, False)
    return None if is_fitting else _mismatch(value, kind, owner, path)


def _integer_error(value: float, kind: Type, owner: str, path: str) -> str | None:
    limit = 1 << _BITS.get(kind.format, 31 if kind.scalar is ScalarType.INT_OR_STRING else 63)
    if value == int(value) and -limit <= value < limit:
        return None
    return _mismatch(value, kind, owner, path, f"number {value}")


def _quantity_error(value: JSON) -> str | None:
    if isinstance(value, bool | dict | list):
        return WRONG_FORM
    try:
        parse_quantity(value)
    except ValueError as error:
        return str(error)
    return None


def _text_error(value: str, kind: Type) -> str | None:
    if kind.format == "date-time" and not _TIME.fullmatch(value):
        form = "2006-01-02T15:04:05Z07:00"
        return f'parsing time "{value}" as "{form}": cannot parse "{value}" as "2006"'
    if kind.format == "byte":
        plain = re.sub("[\r\n]", "", value)
        if len(plain) % 4 or not _BASE64.fullmatch(plain):
            found = re.match(r"[A-Za-z0-9+/]*", plain)
            return f"illegal base64 data at input byte {found.end() if found else 0}"
    return None
