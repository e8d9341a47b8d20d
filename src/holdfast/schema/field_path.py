"""Name a place inside an object the way managedFields does.

In:  path elements (`FieldName`, `ListKey`, `SetValue`, `ListIndex`) or their encoded
     text (`f:spec`, `k:{"name":"web"}`, `v:"x"`, `i:0`).
Out: the other form, a text for people, the API server's text, or a JSON pointer.

The encoded text is the key that `FieldSet` uses, so two elements are equal exactly when
their texts are; keys are sorted and numbers written without `.0` for that reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from holdfast.domain.manifest import JSON

_PLAIN_NAME = re.compile(r"^[A-Za-z_$][A-Za-z0-9_$-]*$")
# The API server's encoder escapes these inside strings although JSON does not ask for it.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_NEEDS_ESCAPE = re.compile("[<>&\u2028\u2029]")

KEY_DEFAULTS: dict[str, JSON] = {"protocol": "TCP"}
"""What the server takes for a list key that an item leaves out, in built-in kinds."""


def encode_value(value: JSON) -> str:
    """Return `value` as compact JSON, byte for byte as the API server writes it in a field set."""
    text = json.dumps(_whole(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return _NEEDS_ESCAPE.sub(lambda found: _ESCAPED[found.group()], text)


def _whole(value: JSON) -> JSON:
    """Return floats that are whole numbers as integers, at any depth."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field of a struct or a key of a map."""

    name: str

    @property
    def encoded(self) -> str:
        """The managedFields text, such as `f:spec`."""
        return f"f:{self.name}"


@dataclass(frozen=True, slots=True)
class ListKey:
    """An item of an associative list, by the fields that identify it, sorted by name."""

    fields: tuple[tuple[str, JSON], ...]

    @property
    def encoded(self) -> str:
        """The managedFields text, such as `k:{"name":"web"}`."""
        return f"k:{encode_value(dict(self.fields))}"


@dataclass(frozen=True, slots=True)
class SetValue:
    """An item of a set list, by its value."""

    value: JSON

    @property
    def encoded(self) -> str:
        """The managedFields text, such as `v:"x"`."""
        return f"v:{encode_value(self.value)}"


@dataclass(frozen=True, slots=True)
class ListIndex:
    """An item of a list, by its place."""

    index: int

    @property
    def encoded(self) -> str:
        """The managedFields text, such as `i:0`."""
        return f"i:{self.index}"


PathElement: TypeAlias = FieldName | ListKey | SetValue | ListIndex
Path: TypeAlias = tuple[PathElement, ...]


@lru_cache(maxsize=65536)
def decode_element(text: str) -> PathElement:
    """Return the element that a managedFields key such as `f:spec` names.

    Raises:
        ValueError: The text is none of the four forms.
    """
    kind, rest = text[:2], text[2:]
    if kind == "f:":
        return FieldName(rest)
    if kind == "i:":
        return ListIndex(int(rest))
    if kind == "v:":
        return SetValue(json.loads(rest))
    if kind == "k:":
        fields = json.loads(rest)
        if isinstance(fields, dict):
            return ListKey(tuple(sorted(fields.items())))
    raise ValueError(f"{text!r} is no path element of managedFields (f:, k:, v: or i:)")


@lru_cache(maxsize=65536)
def canonical_element(text: str) -> str:
    """Return the one spelling of an encoded element.

    Raises:
        ValueError: The text is none of the four forms.
    """
    return decode_element(text).encoded


def sort_key(text: str) -> tuple[int, str, tuple[Any, ...]]:
    """Return what orders encoded elements as the API server does: names, keys, values, places."""
    kind = text[:2]
    if kind == "f:":
        return 0, text[2:], ()
    match decode_element(text):
        case FieldName(name):
            return 0, name, ()
        case ListKey(fields):
            return 1, "", tuple((name, _rank(value)) for name, value in fields)
        case SetValue(value):
            return 2, "", _rank(value)
        case ListIndex(index):
            return 3, "", (index,)


def _rank(value: JSON) -> tuple[Any, ...]:
    """Return a sortable stand-in for a scalar: numbers, then texts, booleans and the rest."""
    if isinstance(value, bool):
        return 2, str(value)
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, str):
        return 1, value
    return 3, encode_value(value)


def field_path(*names: str) -> Path:
    """Return the path through struct fields and map keys only."""
    return tuple(FieldName(name) for name in names)


def human_form(path: Path) -> str:
    """Return a path for people: `spec.containers[name="web"].image`.

    Names that are no plain words stand in brackets, so that dots inside a label are not
    taken for steps: `metadata.labels["app.kubernetes.io/name"]`.
    """
    parts: list[str] = []
    for element in path:
        if isinstance(element, FieldName):
            if _PLAIN_NAME.match(element.name):
                parts.append(f".{element.name}" if parts else element.name)
            else:
                parts.append(f"[{json.dumps(element.name)}]")
        else:
            parts.append(_bracket(element))
    return "".join(parts)


_HUMAN_NAME = re.compile(r"\.?([A-Za-z_$][A-Za-z0-9_$-]*)")
_HUMAN_KEY = re.compile(r"([^=\[\],\"]+)=")
_HUMAN_INDEX = re.compile(r"(\d+)\]")
_VALUE = json.JSONDecoder()


def parse_human_form(text: str) -> Path | None:
    """Return the path that `human_form` wrote, None when it is no such text."""
    elements: list[PathElement] = []
    place = 0
    try:
        while place < len(text):
            name = _HUMAN_NAME.match(text, place)
            if name is not None:
                elements.append(FieldName(name[1]))
                place = name.end()
            elif text[place] == "[":
                element, place = _parse_bracket(text, place + 1)
                elements.append(element)
            else:
                return None
    except (ValueError, IndexError):
        return None
    return tuple(elements)


def _parse_bracket(text: str, place: int) -> tuple[PathElement, int]:
    """Return the element in brackets and the place behind it.

    Raises:
        ValueError, IndexError: It is none.
    """
    index = _HUMAN_INDEX.match(text, place)
    if index is not None:
        return ListIndex(int(index[1])), index.end()
    if text[place] == '"':
        value, end = _VALUE.raw_decode(text, place)
        return FieldName(value), _closed(text, end)
    if text[place] == "=":
        value, end = _VALUE.raw_decode(text, place + 1)
        return SetValue(value), _closed(text, end)
    fields: list[tuple[str, JSON]] = []
    while True:
        key = _HUMAN_KEY.match(text, place)
        if key is None:
            raise ValueError(text)
        value, place = _VALUE.raw_decode(text, key.end())
        fields.append((key[1], value))
        if text[place] == "]":
            return ListKey(tuple(fields)), place + 1
        place += 1


def _closed(text: str, place: int) -> int:
    if text[place] != "]":
        raise ValueError(text)
    return place + 1


def server_form(path: Path) -> str:
    """Return a path in the words of the API server: `.spec.containers[name="web"].image`."""
    return "".join(
        f".{element.name}" if isinstance(element, FieldName) else _bracket(element)
        for element in path
    )


def _bracket(element: ListKey | SetValue | ListIndex) -> str:
    if isinstance(element, ListKey):
        inner = ",".join(f"{name}={_shown(value)}" for name, value in element.fields)
        return f"[{inner}]"
    if isinstance(element, SetValue):
        return f"[={_shown(element.value)}]"
    return f"[{element.index}]"


def _shown(value: JSON) -> str:
    return json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"))


def find_position(items: list[JSON], element: PathElement) -> int | None:
    """Return the place in `items` that a list element names, None when there is none."""
    if isinstance(element, ListIndex):
        return element.index if 0 <= element.index < len(items) else None
    if isinstance(element, SetValue):
        return items.index(element.value) if element.value in items else None
    if isinstance(element, ListKey):
        for place, item in enumerate(items):
            if isinstance(item, dict) and all(
                item.get(name, KEY_DEFAULTS.get(name)) == value for name, value in element.fields
            ):
                return place
    return None


def find_pointer(path: Path, tree: JSON) -> str | None:
    """Return the JSON pointer of a path in `tree`, None when the path is not in it."""
    parts: list[str] = []
    here = tree
    for element in path:
        if isinstance(element, FieldName):
            if not isinstance(here, dict) or element.name not in here:
                return None
            parts.append(element.name.replace("~", "~0").replace("/", "~1"))
            here = here[element.name]
            continue
        place = find_position(here, element) if isinstance(here, list) else None
        if place is None:
            return None
        parts.append(str(place))
        here = here[place]
    return "".join(f"/{part}" for part in parts)
