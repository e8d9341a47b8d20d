"""A node in its text: lines, columns, and what the text's own layout is."""

from dataclasses import dataclass

from holdfast.adopting.emitting import Layout
from holdfast.domain.manifest import JSON
from holdfast.domain.text_nodes import NodeKind, TextEntry, TextNode


class CannotEditError(ValueError):
    """A value cannot be edited where it stands; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node, the text it stands in, and the key before it if it is a mapping's value.

    `in_flow`: it stands inside `{…}` or `[…]`, where line breaks mean nothing.
    """

    text: str
    node: TextNode
    layout: Layout
    entry: TextEntry | None = None
    in_flow: bool = False

    def inside(self, node: TextNode, entry: TextEntry | None = None) -> "Place":
        """Return the place of a child."""
        in_flow = self.in_flow or not self.node.is_block
        return Place(self.text, node, self.layout, entry, in_flow)

    def end_of(self, entry: TextEntry) -> int:
        """Return the offset at which an entry ends, its colon at the earliest."""
        return max(entry.node.end, self.colon(entry) + 1)

    def colon(self, entry: TextEntry) -> int:
        """Return the offset of the colon behind a key."""
        return self.text.index(":", entry.end)

    @property
    def newline(self) -> str:
        """The line break of this text."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def line_start(self, offset: int) -> int:
        """Return the offset at which the line of an offset begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Return the offset of the line break that ends the line of an offset."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if end > offset and self.text[end - 1] == "\r" else end

    def column(self, offset: int) -> int:
        """Return the column of an offset, from 0."""
        start = self.line_start(offset)
        return offset - start - (1 if start == 0 and self.text.startswith("\ufeff") else 0)

    def after_line(self, offset: int) -> int:
        """Return the offset at which the next line begins."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def lines(self, lines: list[str]) -> str:
        """Return new lines with this text's line breaks between them."""
        return self.newline.join(line for text in lines for line in text.split("\n"))

    def starts_line(self, offset: int) -> bool:
        """Whether nothing but spaces stands before an offset in its line."""
        return not self.text[self.line_start(offset) : offset].strip(" \ufeff")


def find_layout(text: str, node: TextNode, *, is_json: bool) -> Layout:
    """Return how a document is laid out, from the first nested collections it has."""
    found: dict[str, int] = {}
    _look(Place(text, node, Layout()), found)
    return Layout(found.get("map", 2), found.get("list", 0), is_json)


def same(one: JSON, other: JSON) -> bool:
    """Whether two trees are the same, booleans and numbers told apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _look(place: Place, found: dict[str, int]) -> None:
    waiting = [place.node]
    while waiting and len(found) < 2:
        node = waiting.pop(0)
        for entry in node.entries:
            inner = entry.node
            if node.is_block and inner.is_block and not inner.is_marked:
                step = place.column(inner.start) - place.column(entry.start)
                kind = "map" if inner.kind is NodeKind.MAP else "list"
                if step >= (kind == "map"):
                    found.setdefault(kind, step)
            waiting.append(inner)
        waiting += node.items
