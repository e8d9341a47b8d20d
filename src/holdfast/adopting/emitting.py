"""New values as text: block YAML, flow YAML, JSON. Only what is new is ever written by this.

A word is written without quotes only where every YAML reader takes it for the same text; when in
doubt it stands in double quotes.
"""

import json
import re
from dataclasses import dataclass

from holdfast.domain.manifest import JSON
from holdfast.domain.text_nodes import NodeStyle

_WORD = r"[A-Za-z/][\w./@+-]*(?::[\w./@+-]+)*"
_PLAIN = re.compile(rf"{_WORD}(?: {_WORD})*\Z", re.ASCII)
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|Mi|Gi|Ti|M|G|T|s|h|ms|%)\Z")
_NOT_TEXT = re.compile(r"(?:y|n|yes|no|on|off|true|false|null)\Z", re.IGNORECASE)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is laid out.

    Attributes:
        step: Columns by which a mapping inside a mapping is indented.
        list_step: Columns by which a list inside a mapping is indented; 0 is usual.
        is_json: Everything is JSON.
    """

    step: int = 2
    list_step: int = 0
    is_json: bool = False


def emit_scalar(value: JSON, style: NodeStyle = NodeStyle.PLAIN, *, is_json: bool = False) -> str:
    """Return a scalar on one line, with the quotes of the given style where that is possible."""
    if not isinstance(value, str) or is_json:
        return json.dumps(value, ensure_ascii=False)
    if style is NodeStyle.SINGLE and "\n" not in value and not _UNPRINTABLE.search(value):
        return "'" + value.replace("'", "''") + "'"
    if style is not NodeStyle.DOUBLE and is_plain(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def is_plain(text: str) -> bool:
    """Whether a text may stand without quotes, in flow collections too."""
    return bool(_PLAIN.match(text) and not _NOT_TEXT.match(text)) or bool(_AMOUNT.match(text))


def find_literal(text: str, column: int) -> str | None:
    """Return a text as a literal block whose lines begin at a column, or None.

    The first line (`|`, `|-`) has no indentation; there is no line break at the end.
    """
    body = text.removesuffix("\n")
    if not body or body.endswith("\n") or body[0] in " \t\n" or "\r" in text:
        return None
    if _UNPRINTABLE.search(text) or any(line.isspace() for line in body.split("\n")):
        return None
    mark = "|" if text.endswith("\n") else "|-"
    pad = " " * column
    return "\n".join([mark, *(pad + line if line else "" for line in body.split("\n"))])


def emit_flow(value: JSON, layout: Layout) -> str:
    """Return a value on one line, for a flow collection."""
    if isinstance(value, dict):
        pairs = (f"{_key(k, layout)}: {emit_flow(v, layout)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(emit_flow(item, layout) for item in value) + "]"
    return emit_scalar(value, is_json=layout.is_json)


def emit_entry(key: str, value: JSON, column: int, layout: Layout) -> list[str]:
    """Return the lines of a key and its value in a block mapping, indented to a column."""
    head = " " * column + _key(key, layout) + ":"
    if isinstance(value, dict) and value:
        return [head, *emit_block(value, column + layout.step, layout)]
    if isinstance(value, list) and value:
        return [head, *emit_block(value, column + layout.list_step, layout)]
    return [f"{head} {emit_inline(value, column + layout.step, layout)}"]


def emit_item(value: JSON, column: int, layout: Layout) -> list[str]:
    """Return the lines of one item of a block list whose dashes stand at a column."""
    if isinstance(value, dict | list) and value:
        lines = emit_block(value, column + 2, layout)
        return [" " * column + "- " + lines[0][column + 2 :], *lines[1:]]
    return [" " * column + "- " + emit_inline(value, column + 2, layout)]


def emit_block(value: JSON, column: int, layout: Layout) -> list[str]:
    """Return the lines of a collection that is not empty, indented to a column."""
    if isinstance(value, dict):
        return [line for k, v in value.items() for line in emit_entry(k, v, column, layout)]
    return [line for item in value for line in emit_item(item, column, layout)]


def emit_inline(value: JSON, column: int, layout: Layout) -> str:
    """Return what stands after `key: `; a text of several lines as a literal at a column."""
    if isinstance(value, str) and "\n" in value:
        literal = find_literal(value, column)
        if literal is not None:
            return literal
    return emit_flow(value, layout)


def emit_document(value: JSON, header: str = "") -> str:
    """Return a whole YAML file, its comment first."""
    return header + "\n".join(emit_block(value, 0, Layout())) + "\n"


def _key(key: str, layout: Layout) -> str:
    return emit_scalar(key, is_json=layout.is_json)
