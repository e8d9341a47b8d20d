"""Edits in place: one case for each way in which people write YAML."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.adopting.emitting import emit_document, emit_scalar
from holdfast.adopting.find_object import find_object
from holdfast.adopting.rewrite import CannotEditError, rewrite
from holdfast.adopting.unified_diff import unified_diff
from holdfast.domain.manifest import Manifest
from holdfast.domain.text_nodes import NodeStyle, TextEdit, TextNode, apply_edits, node_from_json
from holdfast.kit.yaml_positions import locate_all, to_json


def locate(text: str) -> list[TextNode | None]:
    return [node_from_json(to_json(node)) if node else None for node in locate_all(text)]


def edited(text: str, wanted: Any, *, is_json: bool = False) -> str:
    (node,) = locate(text)
    assert node is not None
    return apply_edits(text, rewrite(text, node, wanted, is_json=is_json))


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        pytest.param("a: 1  # why\n", {"a": 2}, "a: 2  # why\n", id="a comment stays"),
        pytest.param("a: 'x'\n", {"a": "y"}, "a: 'y'\n", id="quotes stay"),
        pytest.param('a: "1"\n', {"a": 2}, "a: 2\n", id="quotes go from a number"),
        pytest.param("a: x\n", {"a": "2"}, 'a: "2"\n', id="a text like a number is quoted"),
        pytest.param("a: x\n", {"a": "no"}, 'a: "no"\n', id="a text like a boolean is quoted"),
        pytest.param("a: 500m\n", {"a": "1500m"}, "a: 1500m\n", id="an amount needs no quotes"),
        pytest.param("a:\n", {"a": 1}, "a: 1\n", id="an empty value"),
        pytest.param(
            "a: {b: 1} # c\n", {"a": {"b": 2, "d": "x"}}, "a: {b: 2, d: x} # c\n", id="flow map"
        ),
        pytest.param("a: [x, y, z]\n", {"a": ["x", "z", "w"]}, "a: [x, z, w]\n", id="flow list"),
        pytest.param(
            "a:\n  b: 1\n# end\n", {"a": {"b": 1, "c": 2}}, "a:\n  b: 1\n  c: 2\n# end\n",
            id="a new key stands behind the last",
        ),
        pytest.param(
            "# of a\na: 1\n# of b\nb: 2\n", {"b": 2}, "# of a\n# of b\nb: 2\n",
            id="a removed field goes with its line alone",
        ),
        pytest.param(
            "- name: a\n  v: 1\n- name: b\n  v: 2\n", [{"name": "b", "v": 3}],
            "- name: b\n  v: 3\n", id="items are found by name",
        ),
        pytest.param(
            "- name: a\n  v: 1\n", [{"v": 1}], "- v: 1\n", id="the first key of an item"
        ),
        pytest.param(
            "a: |\n  one\n  two\nb: 1\n", {"a": "one\n2\n", "b": 1}, "a: |\n  one\n  2\nb: 1\n",
            id="a block of text",
        ),
        pytest.param(
            "a:\n- b: 1\n", {"a": [{"b": 1}, {"b": 2, "c": ["x"]}]},
            "a:\n- b: 1\n- b: 2\n  c:\n  - x\n", id="new lists are indented as the others are",
        ),
        pytest.param("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2, "c": 3}, "a: 1\r\nb: 2\r\nc: 3\r\n",
                     id="line breaks of Windows"),
        pytest.param("a: 1", {"a": 1, "b": 2}, "a: 1\nb: 2\n", id="no line break at the end"),
    ],
)  # fmt: skip
def test_a_text_is_edited_in_place(before: str, wanted: Any, after: str) -> None:
    assert edited(before, wanted) == after


def test_json_stays_json_and_keeps_its_layout() -> None:
    before = '{\n    "a": {\n        "b": "x"\n    },\n    "c": [1, 2]\n}\n'
    after = '{\n    "a": {\n        "b": "yes",\n        "d": true\n    },\n    "c": [2]\n}\n'
    assert edited(before, {"a": {"b": "yes", "d": True}, "c": [2]}, is_json=True) == after


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 2}, "anchor"),
        ("a: &x 1\nb: *x\n", {"a": 2, "b": 1}, "anchor"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", {"a": {"b": 1}, "c": {"b": 2, "d": 1}}, "merge"),
        ("a: 1\n", ["x"], "whole document"),
    ],
    ids=["an alias", "an anchor", "a merge key", "another document"],
)
def test_what_is_shared_is_refused(text: str, wanted: Any, says: str) -> None:
    with pytest.raises(CannotEditError, match=says):
        edited(text, wanted)


def test_an_object_is_found_among_documents_and_in_a_list() -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    items = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
        "  metadata: {name: b}\n"
    )
    text = f"{one}---\n# nothing\n---\n{items}"
    for name in "ab":
        tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        node = find_object(locate(text), Manifest(tree))
        assert node is not None
        assert node.to_value() == tree
        again = find_object(locate(f"{text}---\n{one}"), Manifest(tree))
        assert (again is None) is (name == "a")


def test_edits_that_overlap_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [TextEdit(0, 2, "x"), TextEdit(1, 3, "y")])


def test_new_values_are_written_so_that_every_reader_agrees() -> None:
    assert emit_scalar("on") == '"on"'
    assert emit_scalar("it's", NodeStyle.SINGLE) == "'it''s'"
    assert emit_scalar("\u2028") == '"\\u2028"'
    assert emit_document({"a": {"b": []}, "t": "x\ny\n"}, "# c\n") == (
        "# c\na:\n  b: []\nt: |\n  x\n  y\n"
    )


def test_a_diff_reads_as_git_writes_it() -> None:
    assert unified_diff("a.yaml", None, "a: 1\n") == (
        "diff --git a/a.yaml b/a.yaml\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/a.yaml\n@@ -0,0 +1 @@\n+a: 1\n"
    )
    assert unified_diff("a.yaml", "a: 1\n", "a: 1\n") == ""
