"""Laws of edits in place, held for generated texts and generated changes.

the edited text, read again, is the wanted value
every line that no edit touched is there still, byte for byte, in its order: comments too
a text that says what is wanted already is not touched
"""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.adopting.rewrite import CannotEditError, rewrite
from holdfast.domain.text_nodes import TextNode, apply_edits, node_from_json
from holdfast.kit import yamlio
from holdfast.kit.yaml_positions import locate_all, to_json

KEYS = st.sampled_from(
    ["app", "env", "image", "name", "replicas", "tier", "on", "1", "a.b/c", "x y"]
)
SCALARS = st.one_of(
    st.integers(-5, 2000),
    st.booleans(),
    st.none(),
    st.sampled_from(
        ["web", "nginx:1.27", "yes", "1.0", "", "two words", "500m", "a: b", "# no", "it's", "é✓",
         "line\ntwo\n", "no newline\nat end", " lead", "trail ", "-", "~", "2024-01-01", "1:30",
         'quo"te', "tab\there", "x\n\ny\n", "back\\slash", "{a}", "*x", "\u2028"]
    ),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(
            st.tuples(st.sampled_from("abcd"), inner), max_size=4, unique_by=lambda pair: pair[0]
        ).map(lambda pairs: [{"name": name, "value": value} for name, value in pairs]),
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, TREES, min_size=1, max_size=5)


@st.composite
def changed(draw: st.DrawFn, tree: Any) -> Any:
    """A tree that differs here and there."""
    if draw(st.integers(0, 5)) == 0:
        return draw(TREES)
    if isinstance(tree, dict):
        made = {k: draw(changed(v)) for k, v in tree.items() if draw(st.integers(0, 6))}
        for key, value in draw(st.dictionaries(KEYS, TREES, max_size=2)).items():
            made.setdefault(key, value)
        return made
    if isinstance(tree, list):
        made_list = [draw(changed(item)) for item in tree if draw(st.integers(0, 5))]
        if draw(st.integers(0, 3)) == 0:
            made_list.insert(draw(st.integers(0, len(made_list))), draw(TREES))
        return made_list
    return tree if draw(st.booleans()) else draw(SCALARS)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Any]:
    """A text with comments, blank lines and styles of all kinds, and its value."""
    tree = draw(DOCUMENTS)
    style = draw(st.sampled_from(["block", "indented", "mixed", "json", "pretty"]))
    if style == "json":
        return json.dumps(tree, ensure_ascii=True), tree
    if style == "pretty":
        return json.dumps(tree, indent=draw(st.sampled_from([1, 2, 4]))) + "\n", tree
    lines = _lines(draw, tree, 0, style)
    text = "# head\n" + "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n# end\n"]))
    if draw(st.integers(0, 4)) == 0:
        text = text.replace("\n", "\r\n")
    return text, tree


def _lines(draw: st.DrawFn, value: Any, column: int, style: str) -> list[str]:
    pad = " " * column
    lines: list[str] = []
    for item in value.items() if isinstance(value, dict) else value:
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(st.sampled_from(["", pad + "# a comment", "# at the margin"])))
        key, inner = item if isinstance(value, dict) else ("", item)
        head = pad + (_word(draw, key) + ":" if isinstance(value, dict) else "-")
        is_flow = style == "mixed" and draw(st.integers(0, 2)) == 0
        if isinstance(inner, dict | list) and inner and not is_flow:
            step = 2 if isinstance(inner, dict) or style == "indented" or not key else 0
            below = _lines(draw, inner, column + step, style)
            if not isinstance(value, dict) and isinstance(inner, dict) and _is_code(below[0]):
                lines += [head + " " + below[0][column + 2 :], *below[1:]]
                continue
            comment = draw(st.sampled_from(["", "  # why"]))
            lines += [head + comment, *below]
            continue
        if isinstance(inner, str) and draw(st.booleans()) and _fits_literal(inner):
            mark = "|" if inner.endswith("\n") else "|-"
            body = inner.removesuffix("\n").split("\n")
            lines += [f"{head} {mark}", *(pad + "    " + row if row else "" for row in body)]
            continue
        comment = draw(st.sampled_from(["", "", "  # because"]))
        lines.append(f"{head} {_word(draw, inner)}{comment}")
    return lines


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _fits_literal(text: str) -> bool:
    return "\n" in text and text[0] not in " \n"


def _word(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, str) and "\n" not in value and draw(st.booleans()):
        single = "'" + value.replace("'", "''") + "'"
        plain_ok = value in {"web", "nginx:1.27", "two words", "500m", "image", "name", "app"}
        return value if plain_ok else single if value.isprintable() else json.dumps(value)
    return json.dumps(value)


def locate(text: str) -> list[TextNode | None]:
    nodes = locate_all(text)
    return [node_from_json(to_json(node)) if node is not None else None for node in nodes]


@given(data=st.data(), source=written())
def test_an_edited_text_says_what_is_wanted_and_keeps_every_other_line(
    data: st.DataObject, source: tuple[str, Any]
) -> None:
    text, tree = source
    assume(yamlio.load_one(text) == tree)
    (node,) = locate(text)
    assert node is not None
    assert node.to_value() == tree
    wanted = data.draw(changed(tree))
    if not isinstance(wanted, dict) or not wanted:
        return
    is_json = text.startswith("{")
    try:
        edits = rewrite(text, node, wanted, is_json=is_json)
    except CannotEditError:
        return
    edited = apply_edits(text, edits)
    assert yamlio.load_one(edited) == wanted, edited
    if is_json:
        assert json.loads(edited) == wanted
    assert _kept(text, edited, edits)


def _kept(text: str, edited: str, edits: list[Any]) -> bool:
    """Whether the lines that no edit touches are in the edited text, in order."""
    touched = [(edit.start, max(edit.end, edit.start)) for edit in edits]
    untouched, offset = [], 0
    for line in text.splitlines(keepends=True):
        end = offset + len(line)
        if not any(start < end and stop > offset for start, stop in touched) and not any(
            offset < start < end for start, _ in touched
        ):
            untouched.append(line.rstrip("\r\n"))
        offset = end
    rest = iter([line.rstrip("\r\n") for line in edited.splitlines(keepends=True)])
    return all(any(line == other for other in rest) for line in untouched)


@given(source=written())
def test_a_text_that_says_it_already_is_left_alone(source: tuple[str, Any]) -> None:
    text, tree = source
    assume(yamlio.load_one(text) == tree)
    (node,) = locate(text)
    assert node is not None
    assert rewrite(text, node, tree) == []
    assert SequenceMatcher(None, text, apply_edits(text, [])).ratio() == 1.0
