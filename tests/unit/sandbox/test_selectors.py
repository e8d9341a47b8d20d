"""Selectors: which objects a client asks for."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.sandbox.statuses import StatusError
from holdfast.sandbox.store.selectors import (
    label_match,
    parse_fields,
    parse_labels,
    selector_matches,
)


def _labelled(**labels: str) -> Any:
    return {"metadata": {"name": "x", "namespace": "n", "labels": labels}}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("a=1", True),
        ("a==1", True),
        ("a=2", False),
        ("a!=2", True),
        ("b!=2", True),
        ("a in (1,2)", True),
        ("a in (2)", False),
        ("a notin (2)", True),
        ("a", True),
        ("b", False),
        ("!b", True),
        ("!a", False),
        ("a=1,!b", True),
        ("a=1,b", False),
        ("n>4", True),
        ("n<4", False),
        ("example.com/x=y", True),
    ],
)
def test_labels_are_selected(selector: str, matches: bool) -> None:
    tree = _labelled(a="1", n="5", **{"example.com/x": "y"})
    assert label_match(parse_labels(selector))(tree) is matches


@pytest.mark.parametrize("selector", ["a=b=c", "a in b", "!a=b"])
def test_a_selector_that_cannot_be_read_is_refused(selector: str) -> None:
    with pytest.raises(StatusError) as caught:
        parse_labels(selector)
    assert caught.value.code == 400


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
    ],
)
def test_a_selector_of_an_object_selects(selector: Any, matches: bool) -> None:
    assert selector_matches(selector, {"a": "1"}) is matches


def test_fields_are_selected() -> None:
    pod = {"metadata": {"name": "x", "namespace": "n"}, "status": {"phase": "Running"}}
    assert parse_fields("metadata.name=x,status.phase=Running", "", "pods")(pod)
    assert not parse_fields("status.phase!=Running", "", "pods")(pod)
    assert parse_fields("spec.nodeName=", "", "pods")(pod)


def test_a_field_that_cannot_be_selected_by_is_refused() -> None:
    with pytest.raises(StatusError) as caught:
        parse_fields("spec.x=1", "", "configmaps")
    assert "is not a known field selector" in caught.value.message
