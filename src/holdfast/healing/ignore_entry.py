"""The entry of `spec.ignoreDifferences` that lets another manager have some fields.

In:  the object's identity, the fields, the live object.
Out: the entry as Argo CD's users write it, and as one line of YAML to be pasted.

A field that lies in no list is a JSON pointer. One inside a list is a jq path that chooses the item
by its keys, for places in lists move. As few keys as tell the item from the others are named: git
may leave out one that has a default (a port's protocol), and the rule is applied to both sides.
Every path is a list that `diffing.ignore` and jq read alike; a test applies each as it is printed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import (
    KEY_DEFAULTS,
    FieldName,
    ListIndex,
    ListKey,
    Path,
    SetValue,
    find_position,
)

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_YAML = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.-][A-Za-z0-9]+)*")
_YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def ignore_entry(key: ResourceKey, paths: Iterable[Path], live: Manifest) -> Tree:
    """Return the entry of `spec.ignoreDifferences` that names exactly these fields."""
    entry: Tree = {"group": key.group, "kind": key.kind, "name": key.name}
    entry = {name: value for name, value in entry.items() if value}
    pointers, programs = [], []
    for path in paths:
        if all(isinstance(element, FieldName) for element in path):
            pointers.append(_pointer(path))
        else:
            programs.append(_jq_path(path, live.tree))
    if pointers:
        entry["jsonPointers"] = list(dict.fromkeys(pointers))
    if programs:
        entry["jqPathExpressions"] = list(dict.fromkeys(programs))
    return entry


def as_line(tree: JSON) -> str:
    """Return a value as one line of YAML."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {as_line(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(as_line(item) for item in tree) + "]"
    return _scalar(tree) if isinstance(tree, str) else json.dumps(tree)


def _scalar(text: str) -> str:
    if not text.isprintable():
        return json.dumps(text)
    if _PLAIN_YAML.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def _pointer(path: Path) -> str:
    names = [element.name for element in path if isinstance(element, FieldName)]
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def _jq_path(path: Path, tree: JSON) -> str:
    """Return the jq path of a field; `tree` says what tells an item from its neighbours."""
    return "".join(_jq_parts(path, tree)).removesuffix(" | ")


def _jq_parts(path: Path, here: JSON) -> Iterator[str]:
    begins = True  # of the program, or behind a pipe: there a bracket needs its dot
    for element in path:
        if isinstance(element, FieldName):
            is_plain = _IDENTIFIER.fullmatch(element.name) is not None
            name = f".{element.name}" if is_plain else f"[{json.dumps(element.name)}]"
            yield f".{name}" if begins and not is_plain else name
            here = here.get(element.name) if isinstance(here, dict) else None
            begins = False
            continue
        items = here if isinstance(here, list) else []
        if isinstance(element, ListIndex):
            yield f".[{element.index}]" if begins else f"[{element.index}]"
            begins = False
        else:
            yield f"{'.' if begins else ''}[] | select({_condition(element, items)}) | "
            begins = True
        place = find_position(items, element)
        here = items[place] if place is not None else None


def _condition(element: ListKey | SetValue, items: Sequence[JSON]) -> str:
    if isinstance(element, SetValue):
        return f". == {_value(element.value)}"
    fields = sorted(element.fields, key=lambda pair: pair[0] in KEY_DEFAULTS)
    chosen: list[tuple[str, JSON]] = []
    for pair in fields:
        chosen.append(pair)
        if sum(_has(item, chosen) for item in items) <= 1:
            break
    return " and ".join(_compared(name, value) for name, value in chosen)


def _has(item: JSON, fields: Iterable[tuple[str, JSON]]) -> bool:
    return isinstance(item, dict) and all(
        item.get(name, KEY_DEFAULTS.get(name)) == value for name, value in fields
    )


def _compared(name: str, value: JSON) -> str:
    field = f".{name}" if _IDENTIFIER.fullmatch(name) else f".[{json.dumps(name)}]"
    if KEY_DEFAULTS.get(name) == value:
        field = f"({field} // {_value(value)})"
    return f"{field} == {_value(value)}"


def _value(value: JSON) -> str:
    return json.dumps(value)
