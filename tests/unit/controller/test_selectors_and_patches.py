"""Label selectors and merge patches of the controller."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.controller.status_writer import difference
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Manifest
from holdfast.domain.selectors import parse_selector
from tests.support.fake_cluster import merge_patched

values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", "y"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=10,
)
trees = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


@given(trees, trees)
def test_the_patch_turns_the_old_status_into_the_new(old: Any, new: Any) -> None:
    assert merge_patched(old, difference(old, new)) == new


@given(trees)
def test_equal_statuses_need_no_patch(tree: Any) -> None:
    assert difference(tree, tree) == {}


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ("", {}, True),
        ("env=prod", {"env": "prod"}, True),
        ("env==prod", {"env": "dev"}, False),
        ("env!=prod", {}, True),
        ("env!=prod", {"env": "prod"}, False),
        ("env", {"env": ""}, True),
        ("!env", {"env": ""}, False),
        ("env in (a, b)", {"env": "b"}, True),
        ("env in (a,b)", {}, False),
        ("env notin (a,b)", {}, True),
        ("env notin (a,b)", {"env": "a"}, False),
        ("a=1,b in (x,y),!c", {"a": "1", "b": "y"}, True),
        ("a=1,b in (x,y),!c", {"a": "1", "b": "y", "c": ""}, False),
        ("example.com/team=web", {"example.com/team": "web"}, True),
    ],
)
def test_a_selector_matches_as_kubectl_does(
    selector: str, labels: dict[str, str], matches: bool
) -> None:
    manifest = Manifest({"metadata": {"name": "x", "labels": labels}})
    assert parse_selector(selector)(manifest) is matches


@pytest.mark.parametrize("selector", ["a=b=c d", "a in b", "a b", "=x", "a in (x"])
def test_a_selector_that_cannot_be_read_is_refused(selector: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_selector(selector)
    assert caught.value.code == "HF3009"
