"""Edits of what is written inside brackets: flow mappings and lists, and all of JSON."""

import json

from holdfast.adopting.emitting import emit_flow, emit_scalar
from holdfast.adopting.places import Place
from holdfast.domain.manifest import JSON
from holdfast.domain.text_nodes import TextEdit

_Added = list[tuple[int, str]]


def rewrite_flow_map(place: Place, gone: list[int], new: dict[str, JSON]) -> list[TextEdit]:
    """Return the edits that take entries out of a flow mapping and put new ones behind the last."""
    spans = [(entry.start, place.end_of(entry)) for entry in place.node.entries]
    kept = [number for number in range(len(spans)) if number not in gone]
    after = kept[-1] if kept else -1
    added = [(after, f"{_key(place, key)}: {_value(place, spans, v)}") for key, v in new.items()]
    return _rewrite(place, spans, gone, added)


def rewrite_flow_list(
    place: Place, gone: list[int], added: list[tuple[int, JSON]]
) -> list[TextEdit]:
    """Return the edits that take items out of a flow list, and put others behind given ones."""
    spans = [(item.start, item.end) for item in place.node.items]
    texts = [(after, _value(place, spans, value)) for after, value in added]
    return _rewrite(place, spans, gone, texts)


def _rewrite(
    place: Place, spans: list[tuple[int, int]], gone: list[int], added: _Added
) -> list[TextEdit]:
    node = place.node
    if len(gone) == len(spans):
        opening, closing = place.text[node.start], place.text[node.end - 1]
        inside = ", ".join(text for _, text in added)
        return [TextEdit(node.start, node.end, opening + inside + closing)]
    edits: list[TextEdit] = []
    for first, last in _runs(gone):
        if last + 1 < len(spans):
            edits.append(TextEdit(spans[first][0], spans[last + 1][0], ""))
        else:
            edits.append(TextEdit(spans[first - 1][1], spans[last][1], ""))
    for after in dict.fromkeys(after for after, _ in added):
        texts = [text for at, text in added if at == after]
        edits.append(_insert(place, spans, after, texts))
    return edits


def _insert(place: Place, spans: list[tuple[int, int]], after: int, texts: list[str]) -> TextEdit:
    beside = spans[max(after, 0)][0]
    between = ", "
    if place.starts_line(beside):
        between = "," + place.newline + place.text[place.line_start(beside) : beside]
    if after < 0:
        return TextEdit(beside, beside, "".join(text + between for text in texts))
    end = spans[after][1]
    return TextEdit(end, end, "".join(between + text for text in texts))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _key(place: Place, key: str) -> str:
    entries = place.node.entries
    is_quoted = bool(entries) and place.text[entries[0].start] == '"'
    return emit_scalar(key, is_json=is_quoted or place.layout.is_json)


def _value(place: Place, spans: list[tuple[int, int]], value: JSON) -> str:
    if not place.layout.is_json or not spans or not place.starts_line(spans[0][0]):
        return emit_flow(value, place.layout)
    column = place.column(spans[0][0])
    outer = place.text[place.line_start(place.node.end - 1) : place.node.end - 1]
    step = column - len(outer) if not outer.strip() else 2
    text = json.dumps(value, ensure_ascii=False, indent=max(step, 1))
    return text.replace("\n", place.newline + " " * column)
