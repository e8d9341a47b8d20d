"""Projections: the values of an object at a field set."""

import pytest

from holdfast.domain.manifest import JSON
from holdfast.schema.field_path import human_form
from holdfast.schema.field_set import EMPTY, FieldSet
from holdfast.schema.projection import MISSING, REPEATED, differences, owned_entry, project

POD = FieldSet.parse(
    {
        "f:metadata": {"f:finalizers": {'v:"keep"': {}}, "f:labels": {"f:app": {}}},
        "f:spec": {
            "f:containers": {
                'k:{"name":"a"}': {
                    ".": {},
                    "f:env": {'k:{"name":"X"}': {".": {}, "f:value": {}}, 'k:{"name":"Y"}': {}},
                },
                'k:{"name":"b"}': {
                    "f:image": {},
                    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:name": {}}},
                },
            }
        },
    }
)


def pod(**changes: JSON) -> dict[str, JSON]:
    parts = {
        "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}],
        "image": "i:1",
        "ports": [{"containerPort": 80, "name": "http"}],
        "finalizers": ["other", "keep"],
    } | changes
    return {
        "metadata": {"finalizers": parts["finalizers"], "labels": {"app": "x", "more": "y"}},
        "spec": {
            "containers": [
                {"name": "a", "env": parts["env"]},
                {"name": "b", "image": parts["image"], "ports": parts["ports"]},
            ]
        },
    }


def changed(tree: JSON) -> list[tuple[str, JSON, JSON]]:
    found = differences(project(pod(), POD), project(tree, POD))
    return [(human_form(path), before, after) for path, before, after in found]


def test_the_same_object_projects_to_equal_values() -> None:
    assert project(pod(), POD) == project(pod(), POD)
    assert changed(pod()) == []
    assert project(pod(), POD).is_complete


def test_what_the_set_does_not_name_is_not_seen() -> None:
    tree = pod()
    tree["metadata"]["labels"]["more"] = "changed"
    tree["spec"]["containers"].insert(0, {"name": "injected"})
    assert project(tree, POD) == project(pod(), POD)


def test_a_changed_value_is_told_with_its_path() -> None:
    assert changed(pod(image="i:2")) == [('spec.containers[name="b"].image', "i:1", "i:2")]


def test_a_missing_list_item_is_missing_at_each_of_its_leaves() -> None:
    tree = pod()
    del tree["spec"]["containers"][1]
    assert changed(tree) == [
        ('spec.containers[name="b"].image', "i:1", MISSING),
        ('spec.containers[name="b"].ports[containerPort=80,protocol="TCP"].name', "http", MISSING),
    ]


def test_a_list_key_that_an_item_leaves_out_is_the_servers_default() -> None:
    udp = [{"containerPort": 80, "protocol": "UDP", "name": "http"}]
    assert [path for path, *_ in changed(pod(ports=udp))] == [
        'spec.containers[name="b"].ports[containerPort=80,protocol="TCP"].name'
    ]
    explicit = [{"containerPort": 80, "protocol": "TCP", "name": "http"}]
    assert changed(pod(ports=explicit)) == []


def test_another_order_of_declared_items_is_a_difference() -> None:
    env = [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]
    assert changed(pod(env=env)) == [
        (
            'spec.containers[name="a"].env',
            [{"name": "X"}, {"name": "Y"}],
            [{"name": "Y"}, {"name": "X"}],
        )
    ]
    assert project(pod(env=env), POD) != project(pod(), POD)


def test_items_that_nobody_declared_do_not_change_the_order() -> None:
    env = [{"name": "N"}, {"name": "X", "value": "1"}, {"name": "M"}, {"name": "Y", "value": "2"}]
    assert changed(pod(env=env)) == []


def test_an_item_that_is_there_twice_equals_nothing() -> None:
    env = [{"name": "X", "value": "1"}, {"name": "X", "value": "3"}, {"name": "Y", "value": "2"}]
    assert changed(pod(env=env)) == [
        ('spec.containers[name="a"].env[name="X"].value', "1", REPEATED)
    ]


def test_a_removed_set_value_is_missing() -> None:
    assert changed(pod(finalizers=["other"])) == [('metadata.finalizers[="keep"]', "keep", MISSING)]


@pytest.mark.parametrize("tree", [{}, {"spec": None}, {"spec": {"containers": "x"}}, {"spec": [1]}])
def test_an_object_of_another_shape_projects_to_missing(tree: JSON) -> None:
    assert set(map(repr, project(tree, POD).values)) == {"MISSING"}


def test_the_json_for_hashing_tells_missing_from_every_value() -> None:
    fields = FieldSet.parse({"f:a": {}})
    trees: list[JSON] = [{}, {"a": None}, {"a": []}]
    seen = [project(tree, fields).as_json()["values"] for tree in trees]
    assert seen == [[[]], [[None]], [[[]]]]


def test_the_empty_set_projects_to_nothing() -> None:
    assert project(pod(), EMPTY) == project({}, EMPTY)


def test_projections_of_different_sets_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different field sets"):
        differences(project({}, POD), project({}, FieldSet.parse({"f:a": {}})))


def test_the_entry_of_a_manager_is_picked_by_operation_version_and_subresource() -> None:
    entries = [
        {"manager": "holdfast", "operation": "Update", "apiVersion": "v1"},
        {"manager": "holdfast", "operation": "Apply", "apiVersion": "v1", "subresource": "scale"},
        {"manager": "holdfast", "operation": "Apply", "apiVersion": "v1"},
        {"manager": "holdfast", "operation": "Apply", "apiVersion": "v2"},
    ]
    tree: JSON = {"metadata": {"managedFields": entries}}
    assert owned_entry(tree, "holdfast") is entries[2]
    assert owned_entry(tree, "holdfast", api_version="v2") is entries[3]
    assert owned_entry(tree, "holdfast", "Update") is entries[0]
    assert owned_entry(tree, "kubectl") is None
    assert owned_entry({}, "holdfast") is None
