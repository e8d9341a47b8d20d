"""Hold a body against the type of its kind, as the server's decoder does.

Two kinds of trouble: fields that the type does not have (ignored, warned of or refused, as
`fieldValidation` says), and values of another JSON type (always refused).
"""

from dataclasses import dataclass, field

from holdfast.domain.manifest import JSON
from holdfast.schema.types import ANY, ScalarType, Shape, Type

_GO_TYPES = {
    ScalarType.STRING: "string",
    ScalarType.INTEGER: "int32",
    ScalarType.NUMBER: "float64",
    ScalarType.BOOLEAN: "bool",
}
_SPECIAL = frozenset({ScalarType.QUANTITY, ScalarType.INT_OR_STRING, ScalarType.RAW})


@dataclass(slots=True)
class Findings:
    """What is wrong with a body.

    Attributes:
        unknown: Paths of fields that the type does not have.
        mismatch: The decoder's words for the first value of a wrong type, `""` for none.
    """

    unknown: list[str] = field(default_factory=list)
    mismatch: str = ""


def inspect(tree: JSON, kind: Type) -> Findings:
    """Compare a tree with its type."""
    findings = Findings()
    _walk(tree, kind, "", kind, findings)
    return findings


def _walk(value: JSON, kind: Type, path: str, parent: Type, findings: Findings) -> None:
    if value is None or kind is ANY or kind.shape is Shape.ANY or kind.scalar in _SPECIAL:
        return
    if kind.shape is Shape.STRUCT:
        _walk_struct(value, kind, path, parent, findings)
    elif kind.shape is Shape.MAP:
        if not isinstance(value, dict):
            _mismatch(value, _go_map(kind), path, parent, findings)
            return
        if kind.values is not None:
            for name, inner in value.items():
                _walk(inner, kind.values, f"{path}.{name}" if path else name, parent, findings)
    elif kind.shape is Shape.LIST:
        if not isinstance(value, list):
            _mismatch(value, f"[]{_go_name(kind.items)}", path, parent, findings)
            return
        for index, inner in enumerate(value):
            _walk(inner, kind.items or ANY, f"{path}[{index}]", parent, findings)
    elif not _fits(value, kind):
        _mismatch(value, _go_scalar(kind), path, parent, findings)


def _walk_struct(value: JSON, kind: Type, path: str, parent: Type, findings: Findings) -> None:
    if not isinstance(value, dict):
        _mismatch(value, _go_name(kind), path, parent, findings)
        return
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        child = kind.find_child(name)
        if child is None:
            findings.unknown.append(where)
        else:
            _walk(inner, child, where, kind, findings)


def _fits(value: JSON, kind: Type) -> bool:
    match kind.scalar:
        case ScalarType.STRING:
            return isinstance(value, str)
        case ScalarType.BOOLEAN:
            return isinstance(value, bool)
        case ScalarType.INTEGER:
            if isinstance(value, bool):
                return False
            return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        case ScalarType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True


def _mismatch(value: JSON, wanted: str, path: str, parent: Type, findings: Findings) -> None:
    if findings.mismatch:
        return
    found = _json_name(value)
    # Go names the struct that holds the field, then the path with list positions left out.
    holder = parent.name.rpartition(".")[2]
    plain = "".join(_without_positions(path))
    findings.mismatch = (
        f"json: cannot unmarshal {found} into Go struct field {holder}.{plain} of type {wanted}"
    )


def _without_positions(path: str) -> list[str]:
    kept, inside = [], False
    for char in path:
        if char in "[]":
            inside = char == "["
        elif not inside:
            kept.append(char)
    return kept


def _json_name(value: JSON) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _go_scalar(kind: Type) -> str:
    if kind.format in {"int64", "int32"}:
        return kind.format
    if kind.format == "byte":
        return "[]uint8"
    return _GO_TYPES.get(kind.scalar or ScalarType.STRING, "string")


def _go_name(kind: Type | None) -> str:
    if kind is None:
        return "interface {}"
    if kind.name:
        parts = kind.name.split(".")
        return f"{parts[-2]}.{parts[-1]}"
    if kind.shape is Shape.MAP:
        return _go_map(kind)
    return _go_scalar(kind)


def _go_map(kind: Type) -> str:
    return f"map[string]{_go_name(kind.values)}"
