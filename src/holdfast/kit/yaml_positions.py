"""Where each value of a YAML or JSON text stands, as plain data.

The same events as `yaml_tree` reads, with libyaml's marks kept: a node is a dict of `kind` (map,
list, scalar, alias), `style`, `start` and `end` in characters, `value` (scalars, aliases, mappings
with a merge key), `entries` (lists of key, start, end, node) and `items`.
"""

from collections.abc import Iterator
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from holdfast.kit.yaml_scalars import ScalarError, key_text, plain_value, tagged_value
from holdfast.kit.yaml_tree import YamlError, YamlLimits

Node = dict[str, Any]
_STYLES = {None: "plain", "": "plain", "'": "'", '"': '"', "|": "|", ">": ">"}


def locate_all(text: str, limits: YamlLimits | None = None) -> Iterator[Node | None]:
    """Yield the node of each document; None for an empty document.

    Whoever edits must read the text with `yamlio` too: this does not refuse repeated keys.

    Raises:
        YamlError: The text does not parse, or exceeds a limit.
    """
    try:
        yield from _Locator(text, limits or YamlLimits()).documents()
    except (YAMLError, ScalarError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise YamlError(getattr(error, "problem", None) or str(error), line) from None


class _Locator:
    """Reads one text."""

    def __init__(self, text: str, limits: YamlLimits) -> None:
        # libyaml does not count a byte order mark.
        self._shift = 1 if text.startswith("\ufeff") else 0
        self._text = text
        self._limits = limits
        self._anchors: dict[str, Any] = {}
        self._parser = CParser(text[self._shift :])

    def documents(self) -> Iterator[Node | None]:
        root: list[Node] = []
        stack: list[Node] = []
        while (event := self._parser.get_event()) is not None:
            if isinstance(event, DocumentStartEvent):
                self._anchors, root, stack = {}, [], []
            elif isinstance(event, DocumentEndEvent):
                found = root[0] if root else None
                yield None if found is None or _is_nothing(found) else found
            elif isinstance(event, CollectionEndEvent):
                self._close(stack.pop(), event)
            else:
                node = self._open(event)
                if node is None:
                    continue
                _place(node, stack[-1] if stack else None, root)
                if isinstance(event, MappingStartEvent | SequenceStartEvent):
                    if len(stack) >= self._limits.depth:
                        raise YamlError(f"nested deeper than {self._limits.depth} levels", 1)
                    stack.append(node)

    def _open(self, event: Any) -> Node | None:
        if not isinstance(event, AliasEvent | ScalarEvent | MappingStartEvent | SequenceStartEvent):
            return None
        start: Any = event.start_mark
        end: Any = event.end_mark
        node: Node = {"start": start.index + self._shift, "end": end.index + self._shift}
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise YamlError("an alias refers to no anchor", start.line + 1)
            value = to_value(self._anchors[event.anchor])
            return node | {"kind": "alias", "style": "plain", "value": value}
        if event.anchor or event.tag:
            node["marked"] = True
        if isinstance(event, ScalarEvent):
            node |= {"kind": "scalar", "style": _STYLES[event.style], "value": _value(event)}
            node["plain"] = event.implicit[0]
            self._trim(node)
        else:
            node["style"] = "flow" if event.flow_style else "block"
            is_map = isinstance(event, MappingStartEvent)
            node |= {"kind": "map", "entries": []} if is_map else {"kind": "list", "items": []}
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _trim(self, node: Node) -> None:
        """Let a block scalar end with its last line that is not blank."""
        if node["style"] in {"|", ">"}:
            inside = self._text[node["start"] : node["end"]]
            node["end"] = node["start"] + len(inside.rstrip(" \t\r\n"))

    def _close(self, node: Node, event: Any) -> None:
        if node["style"] == "flow":
            node["end"] = event.end_mark.index + self._shift
            return
        node["end"] = node.pop("last")["end"]


def _place(node: Node, parent: Node | None, root: list[Node]) -> None:
    if parent is None:
        root.append(node)
        return
    if parent["style"] == "block":
        parent["last"] = node
    if parent["kind"] == "list":
        parent["items"].append(node)
    elif "key" not in parent:
        if node["kind"] != "scalar":
            raise YamlError("a key is a mapping, a list or an alias", 1)
        parent["key"] = node
    else:
        key = parent.pop("key")
        if key["value"] == "<<" and key["plain"]:
            parent["merged"] = True
            parent.setdefault("merges", []).append(node)
        else:
            name = key_text(key["value"])
            parent["entries"].append([name, key["start"], key["end"], node])
        if parent.get("merged"):
            parent["value"] = None  # filled in by `to_json`, when all is read


def to_value(node: Node) -> Any:
    """Return the plain tree of a node."""
    if node["kind"] == "list":
        return [to_value(item) for item in node["items"]]
    if node["kind"] != "map":
        return node["value"]
    tree = {key: to_value(value) for key, _, _, value in node["entries"]}
    for merge in node.get("merges", ()):
        found = to_value(merge)
        for more in found if isinstance(found, list) else [found]:
            if not isinstance(more, dict):
                raise YamlError("a merge key `<<` takes mappings only", 1)
            tree = more | tree
    return tree


def to_json(node: Node) -> Node:
    """Return a node without what only the reading needed, values of merged mappings filled in."""
    kept = {key: value for key, value in node.items() if key not in {"merges", "plain", "entries"}}
    if node["kind"] == "map":
        kept["entries"] = [[k, start, end, to_json(v)] for k, start, end, v in node["entries"]]
        if node.get("merged"):
            kept["value"] = to_value(node)
    elif node["kind"] == "list":
        kept["items"] = [to_json(item) for item in node["items"]]
    return kept


def _value(event: Any) -> Any:
    if event.implicit[0]:
        return plain_value(event.value)
    return event.value if event.tag is None else tagged_value(event.value, event.tag)


def _is_nothing(node: Node) -> bool:
    return bool(node["kind"] == "scalar" and node["value"] is None)
