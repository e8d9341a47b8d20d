"""A text that says something else at some places, and is the same everywhere else.

In:  a text, the node of one of its documents, and the value it should have.
Out: edits. Where node and value agree there is none.

Mappings are matched by key, lists by the fields that identify their items (or by what is equal).
  changed scalar     replaced, with its quotes; the comment behind it stays
  new key            behind the last one, in the same column
  removed key, item  goes with its line; comment lines above it stay
  another type       the value alone is written anew
"""

from holdfast.adopting.blocks import (
    insert_entries,
    insert_item,
    remove_entries,
    remove_item,
    replace_value,
)
from holdfast.adopting.flows import rewrite_flow_list, rewrite_flow_map
from holdfast.adopting.matching import match_items
from holdfast.adopting.places import CannotEditError, Place, find_layout, same
from holdfast.domain.manifest import JSON
from holdfast.domain.text_nodes import NodeKind, TextEdit, TextNode

__all__ = ["CannotEditError", "rewrite"]


def rewrite(text: str, node: TextNode, wanted: JSON, *, is_json: bool = False) -> list[TextEdit]:
    """Return the edits after which the node's place holds the wanted value.

    Raises:
        CannotEditError: The value is shared by an anchor, or written in a way that is not edited.
    """
    layout = find_layout(text, node, is_json=is_json)
    place = Place(text, node, layout)
    return _end_with_line_break(place, _rewrite(place, wanted))


def _end_with_line_break(place: Place, edits: list[TextEdit]) -> list[TextEdit]:
    """End the text with a line break where new lines end it: a block of text needs one."""
    end = len(place.text)
    ends_it = any(edit.end == end for edit in edits)
    if place.text.endswith("\n") or not ends_it or not any("\n" in edit.text for edit in edits):
        return edits
    return [*edits, TextEdit(end, end, place.newline)]


def _rewrite(place: Place, wanted: JSON) -> list[TextEdit]:
    node = place.node
    if same(node.to_value(), wanted):
        return []
    if node.kind is NodeKind.ALIAS:
        raise CannotEditError("its value comes from a YAML anchor that other places share")
    if node.kind is NodeKind.MAP and isinstance(wanted, dict) and wanted and node.entries:
        return _rewrite_map(place, wanted)
    if node.kind is NodeKind.LIST and isinstance(wanted, list) and wanted and node.items:
        return _rewrite_list(place, wanted)
    return replace_value(place, wanted)


def _rewrite_map(place: Place, wanted: dict[str, JSON]) -> list[TextEdit]:
    node = place.node
    own = {entry.key for entry in node.entries}
    before = node.to_value()
    if any(key not in own and not same(before[key], wanted.get(key, _NONE)) for key in before):
        raise CannotEditError("its value comes from a YAML merge key (`<<`)")
    edits: list[TextEdit] = []
    gone: list[int] = []
    for number, entry in enumerate(node.entries):
        if entry.key in wanted:
            edits += _rewrite(place.inside(entry.node, entry), wanted[entry.key])
        else:
            gone.append(number)
    new = {key: value for key, value in wanted.items() if key not in before}
    if not node.is_block:
        return edits + rewrite_flow_map(place, gone, new)
    if len(gone) == len(node.entries):
        return replace_value(place, wanted)
    return edits + remove_entries(place, gone) + insert_entries(place, gone, new)


def _rewrite_list(place: Place, wanted: list[JSON]) -> list[TextEdit]:
    node = place.node
    before = node.to_value()
    pairs = match_items(before, wanted)
    kept = {old: new for old, new in pairs if old is not None and new is not None}
    edits: list[TextEdit] = []
    for old, new in kept.items():
        edits += _rewrite(place.inside(node.items[old]), wanted[new])
    gone = [number for number in range(len(before)) if number not in kept]
    places = set(kept.values())
    behind = {new: old for old, new in kept.items()}
    added: list[tuple[int, JSON]] = []
    last = -1
    for number, value in enumerate(wanted):
        if number in places:
            last = behind[number]
        else:
            added.append((last, value))
    if not node.is_block:
        return edits + rewrite_flow_list(place, gone, added)
    if not kept:
        return replace_value(place, wanted)
    for number in gone:
        edits.append(remove_item(place, number))
    for after in dict.fromkeys(after for after, _ in added):
        edits.append(insert_item(place, after, [value for at, value in added if at == after]))
    return edits


_NONE = object()
