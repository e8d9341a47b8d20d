"""What server-side apply cannot express is left out, and named."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.reduction import LeftOut, Reason, may_repeat, reduce_to
from holdfast.schema.typed_check import typed_errors
from holdfast.schema.types import find_type, type_from_crd_schema

if TYPE_CHECKING:
    from holdfast.schema.types import Type

Tree = dict[str, Any]


def kind_of(tree: Tree) -> Type:
    found = find_type(GroupVersionKind.parse(tree["apiVersion"], tree["kind"]))
    assert found is not None
    return found


def pod(**container: Any) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "web:1", **container}]},
    }


def left_out(tree: Tree, *, drops_unknown: bool = False) -> list[str]:
    reduced = reduce_to(tree, kind_of(tree), drops_unknown=drops_unknown)
    return [f"{item.reason}: {item.path}" for item in reduced.left_out]


def test_of_items_with_one_key_the_last_stays_where_it_stands() -> None:
    tree = pod(env=[{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "2"}])
    before = copy.deepcopy(tree)
    reduced = reduce_to(tree, kind_of(tree), drops_unknown=False)
    assert reduced.tree["spec"]["containers"][0]["env"] == [
        {"name": "B"},
        {"name": "A", "value": "2"},
    ]
    assert reduced.left_out == (
        LeftOut('spec.containers[name="web"].env[name="A"]', Reason.REPEATED),
    )
    assert tree == before
    assert typed_errors(reduced.tree, kind_of(tree)) == []


def test_a_key_that_is_left_out_counts_with_its_default() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP", "name": "a"}]
    assert left_out(pod(ports=ports)) == [
        'repeated: spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]'
    ]
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]
    assert left_out(pod(ports=ports)) == []


def test_equal_items_of_a_set_stay_once() -> None:
    tree = pod()
    tree["metadata"]["finalizers"] = ["a", "b", "a"]
    reduced = reduce_to(tree, kind_of(tree), drops_unknown=False)
    assert reduced.tree["metadata"]["finalizers"] == ["b", "a"]
    assert [item.path for item in reduced.left_out] == ['metadata.finalizers[="a"]']


def test_an_ordinary_list_may_repeat() -> None:
    tree = pod(args=["-v", "-v"])
    assert reduce_to(tree, kind_of(tree), drops_unknown=True).tree is tree


def test_unknown_fields_go_on_request_only() -> None:
    tree = pod(imagee="x", env=[{"name": "A", "valu": "1"}])
    assert left_out(tree) == []
    assert left_out(tree, drops_unknown=True) == [
        'unknown: spec.containers[name="web"].imagee',
        'unknown: spec.containers[name="web"].env[name="A"].valu',
    ]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(pod(env="A=1"), id="no list"),
        pytest.param(pod(env=[None, None]), id="nulls"),
        pytest.param(pod(env=["A", "A"]), id="items that are no objects"),
        pytest.param(pod(resources=[]), id="no object"),
    ],
)
def test_what_has_the_wrong_type_is_left_to_the_server(broken: Tree) -> None:
    assert reduce_to(broken, kind_of(broken), drops_unknown=True).tree is broken


def test_a_definition_that_keeps_unknown_fields_keeps_them() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"a": {"type": "integer"}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    tree = {"apiVersion": "x.y/v1", "kind": "W", "spec": {"a": 1, "b": 2}, "free": {"c": 3}}
    reduced = reduce_to(tree, type_from_crd_schema(schema), drops_unknown=True)
    assert reduced.tree["spec"] == {"a": 1}
    assert reduced.tree["free"] == {"c": 3}


@pytest.mark.parametrize(
    ("value", "may"),
    [
        ({"a": ["x", "y"]}, False),
        ({"a": ["x", "x"]}, True),
        ({"a": [{"name": "x"}, {"name": "y"}]}, False),
        ({"a": [{"b": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]}]}, True),
        ({"a": [{}, {}]}, True),
        ({"a": [1, True]}, False),
    ],
)
def test_look_alikes_are_found_without_a_schema(value: Tree, may: bool) -> None:
    assert may_repeat(value) is may
