"""Edits of what is written over lines: block mappings, block lists, scalars among them.

New lines go in where a line begins and removed ones go whole, so that edits of a value and of
what stands inside it never overlap.
"""

from holdfast.adopting.emitting import (
    emit_block,
    emit_entry,
    emit_flow,
    emit_item,
    emit_scalar,
    find_literal,
)
from holdfast.adopting.places import CannotEditError, Place
from holdfast.domain.manifest import JSON
from holdfast.domain.text_nodes import NodeKind, NodeStyle, TextEdit, TextNode

_OVER_LINES = frozenset({NodeStyle.LITERAL, NodeStyle.FOLDED})


def replace_value(place: Place, wanted: JSON) -> list[TextEdit]:
    """Return the edits that write a whole value anew.

    Raises:
        CannotEditError: It is anchored or tagged, or a whole document.
    """
    node = place.node
    if node.is_marked:
        raise CannotEditError("an anchor or a tag stands before its value")
    if place.in_flow or place.layout.is_json:
        return [_inline(place, _flow_text(place, wanted))]
    if isinstance(wanted, dict | list) and wanted:
        return _with_block(place, wanted)
    if isinstance(wanted, str) and ("\n" in wanted or node.style is NodeStyle.LITERAL):
        return _with_text(place, wanted)
    text = "{}" if wanted == {} else "[]" if wanted == [] else _scalar_text(node, wanted)
    if not node.is_block or place.entry is None:
        return [_inline(place, text)]
    return _in_place_of_lines(place, text)


def _scalar_text(node: TextNode, wanted: JSON) -> str:
    return emit_scalar(wanted, node.style)


def _flow_text(place: Place, wanted: JSON) -> str:
    if isinstance(wanted, dict | list):
        return emit_flow(wanted, place.layout)
    return emit_scalar(wanted, place.node.style, is_json=place.layout.is_json)


def _inline(place: Place, text: str) -> TextEdit:
    node = place.node
    space = " " if node.start == node.end and place.text[node.start - 1 : node.start] != " " else ""
    return TextEdit(node.start, node.end, space + text)


def _in_place_of_lines(place: Place, text: str) -> list[TextEdit]:
    """Put a word behind the colon, and its lines if it has some in place of those below it."""
    assert place.entry is not None  # noqa: S101 - the caller looked
    colon = place.colon(place.entry)
    head, line_break, body = text.partition(place.newline)
    return [
        TextEdit(colon + 1, colon + 1, f" {head}"),
        TextEdit(place.line_end(colon), place.line_end(place.node.end), line_break + body),
    ]


def _with_text(place: Place, wanted: str) -> list[TextEdit]:
    node = place.node
    column = _body_column(place)
    literal = find_literal(wanted, column) if "\n" in wanted else None
    if literal is None:
        style = node.style if node.style not in _OVER_LINES else NodeStyle.PLAIN
        return _replace_lines(place, emit_scalar(wanted, style))
    head, _, body = literal.partition("\n")
    body = place.lines([body])
    if node.style in _OVER_LINES:
        # A comment behind the old `|` stays.
        _, mark, comment = place.text[node.start : place.line_end(node.start)].partition(" #")
        return [TextEdit(node.start, node.end, head + mark + comment + place.newline + body)]
    if node.is_block:
        return _replace_lines(place, head + place.newline + body)
    end = place.line_end(node.end)
    head_edit = _inline(place, head)
    return [head_edit, TextEdit(end, end, place.newline + body)]


def _replace_lines(place: Place, text: str) -> list[TextEdit]:
    if place.node.is_block and place.entry is not None:
        return _in_place_of_lines(place, text)
    return [_inline(place, text)]


def _body_column(place: Place) -> int:
    """Return the column of the lines of a text block."""
    node = place.node
    if node.style in _OVER_LINES:
        for line in place.text[node.start : node.end].split("\n")[1:]:
            if line.strip():
                return len(line) - len(line.lstrip(" "))
    if place.entry is not None:
        return place.column(place.entry.start) + place.layout.step
    return place.column(node.start)


def _with_block(place: Place, wanted: JSON) -> list[TextEdit]:
    node, entry = place.node, place.entry
    if entry is None:
        column = place.column(node.start)
        if column < 2:
            raise CannotEditError("it is the whole document")
        end = place.line_end(node.end)
        lines = emit_block(wanted, column, place.layout)
        text = place.lines(lines)[column:]
        comment = place.text[node.end : end].strip()
        if comment and not node.is_block:
            text = comment + place.newline + " " * column + text
        return [TextEdit(node.start, end, text)]
    step = place.layout.list_step if isinstance(wanted, list) else place.layout.step
    lines = emit_block(wanted, place.column(entry.start) + step, place.layout)
    text = place.newline + place.lines(lines)
    colon = place.colon(entry)
    if node.is_block:
        return [TextEdit(place.line_end(colon), place.line_end(node.end), text)]
    end = place.line_end(max(node.end, colon + 1))
    comment = place.text[max(node.end, colon + 1) : end]
    if "\n" in place.text[colon:end] and comment.strip():
        raise CannotEditError("a comment follows a value of several lines")
    return [TextEdit(colon + 1, end, (" " + comment.strip() if comment.strip() else "") + text)]


def remove_entries(place: Place, gone: list[int]) -> list[TextEdit]:
    """Return the edits that take entries out of a block mapping; one at least stays."""
    entries = place.node.entries
    edits: list[TextEdit] = []
    rest = list(gone)
    if gone and gone[0] == 0 and not place.starts_line(entries[0].start):
        # Behind a dash: what follows moves up.
        last = 0
        while last + 1 in gone:
            last += 1
        rest = [number for number in gone if number > last]
        end, behind = place.end_of(entries[last]), entries[last + 1].start
        has_comment = "#" in place.text[end:behind]
        edits.append(TextEdit(entries[0].start, end if has_comment else behind, ""))
    for number in rest:
        start = place.line_start(entries[number].start)
        edits.append(TextEdit(start, place.after_line(place.end_of(entries[number])), ""))
    return edits


def insert_entries(place: Place, gone: list[int], new: dict[str, JSON]) -> list[TextEdit]:
    """Return the edit that puts entries behind the last one of a block mapping that stays."""
    if not new:
        return []
    entries = place.node.entries
    last = next(n for n in reversed(range(len(entries))) if n not in gone)
    column = place.column(entries[0].start)
    lines = [x for key, value in new.items() for x in emit_entry(key, value, column, place.layout)]
    return [_insert_lines(place, place.after_line(place.end_of(entries[last])), lines)]


def insert_item(place: Place, after: int, values: list[JSON]) -> TextEdit:
    """Return the edit that puts items behind an item of a block list; -1: before the first.

    Raises:
        CannotEditError: The list begins behind the dash of another.
    """
    node = place.node
    column = place.column(node.start)
    lines = [line for value in values for line in emit_item(value, column, place.layout)]
    if after >= 0:
        end = max(node.items[after].end, _dash(place, after) + 1)
        return _insert_lines(place, place.after_line(end), lines)
    _check_own_line(place, node.start)
    return _insert_lines(place, place.line_start(node.start), lines)


def remove_item(place: Place, number: int) -> TextEdit:
    """Return the edit that takes an item out of a block list.

    Raises:
        CannotEditError: It begins behind the dash of another list.
    """
    dash = _dash(place, number)
    _check_own_line(place, dash)
    end = max(place.node.items[number].end, dash + 1)
    return TextEdit(place.line_start(dash), place.after_line(end), "")


def _insert_lines(place: Place, at: int, lines: list[str]) -> TextEdit:
    text = place.lines(lines)
    if at == len(place.text) and not place.text.endswith("\n"):
        return TextEdit(at, at, place.newline + text)
    return TextEdit(at, at, text + place.newline)


def _dash(place: Place, number: int) -> int:
    """Return the offset of the dash before an item."""
    node, text = place.node, place.text
    if number == 0:
        return node.start
    column = place.column(node.start)
    at = place.after_line(max(node.items[number - 1].end, _dash(place, number - 1) + 1))
    while at < node.end:
        if text[at : place.line_end(at)].lstrip(" ").startswith("-"):
            return at + column
        at = place.after_line(at)
    raise CannotEditError("a list is written in an unusual way")


def _check_own_line(place: Place, offset: int) -> None:
    if place.node.kind is NodeKind.LIST and not place.starts_line(offset):
        raise CannotEditError("a list stands in a list")
