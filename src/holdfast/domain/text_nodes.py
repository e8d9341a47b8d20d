"""Where the values of a YAML or JSON text stand: what an edit in place needs to know.

The positions come from the loader's marks, through an adapter; the room that decides about edits
knows no YAML library. All offsets count characters from the beginning of the text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.manifest import JSON, Tree


class NodeKind(StrEnum):
    """What stands there."""

    MAP = "map"
    LIST = "list"
    SCALAR = "scalar"
    ALIAS = "alias"


class NodeStyle(StrEnum):
    """How it is written."""

    BLOCK = "block"
    FLOW = "flow"
    PLAIN = "plain"
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


@dataclass(frozen=True, slots=True)
class TextNode:
    """A value and its place.

    Attributes:
        kind: Mapping, list, scalar, or an alias to one of them.
        style: How it is written.
        start: Offset of its first character (its anchor or tag, if it has one).
        end: Offset after its last character; the end of the last child for block collections,
            without the line break at the end of a block scalar.
        value: The value of a scalar, and of whatever an alias or merge key brings along.
        entries: Of a mapping, in order.
        items: Of a list, in order.
        is_marked: Whether an anchor or a tag stands before it.
        is_merged: Whether a `<<` brings keys into this mapping; then `value` is the whole of it.
    """

    kind: NodeKind
    style: NodeStyle
    start: int
    end: int
    value: JSON = None
    entries: tuple["TextEntry", ...] = ()
    items: tuple["TextNode", ...] = ()
    is_marked: bool = False
    is_merged: bool = False

    @property
    def is_block(self) -> bool:
        """Whether it is a collection that is written over lines, by indentation."""
        return self.style is NodeStyle.BLOCK

    def find(self, key: str) -> "TextNode | None":
        """Return the value of a key of a mapping, or None."""
        return next((entry.node for entry in self.entries if entry.key == key), None)

    def to_value(self) -> JSON:
        """Return the plain tree."""
        if self.kind is NodeKind.LIST:
            return [item.to_value() for item in self.items]
        if self.kind is NodeKind.MAP and not self.is_merged:
            return {entry.key: entry.node.to_value() for entry in self.entries}
        return self.value


@dataclass(frozen=True, slots=True)
class TextEntry:
    """A key of a mapping, where it stands, and its value."""

    key: str
    start: int
    end: int
    node: TextNode


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Put `text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return the text with edits made; none of them may overlap another.

    Raises:
        ValueError: Two overlap.
    """
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError("two edits overlap")
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def node_from_json(tree: Tree) -> TextNode:
    """Return a node from the JSON form in which a worker process sends it."""
    return TextNode(
        kind=NodeKind(tree["kind"]),
        style=NodeStyle(tree["style"]),
        start=tree["start"],
        end=tree["end"],
        value=tree.get("value"),
        entries=tuple(
            TextEntry(key, start, end, node_from_json(node))
            for key, start, end, node in tree.get("entries") or ()
        ),
        items=tuple(node_from_json(item) for item in tree.get("items") or ()),
        is_marked=tree.get("marked", False),
        is_merged=tree.get("merged", False),
    )
