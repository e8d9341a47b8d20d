"""What is sent where ignore rules hold (apply.md A4)."""

from typing import Any

import pytest

from holdfast.diffing.ignore import ignored_paths
from holdfast.diffing.keeping import Kept, keep_ignored
from holdfast.domain.application import parse_ignore_rule
from holdfast.domain.manifest import Manifest

Tree = dict[str, Any]
IMAGE: Tree = {
    "f:spec": {
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}}}}
    }
}


def declared(image: str = "web:1", **spec: Any) -> Tree:
    containers = [{"name": "web", "image": image}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": containers}}, **spec},
    }


def live(tree: Tree, *entries: tuple[str, str, Tree]) -> Manifest:
    managed = [
        {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields}
        for manager, operation, fields in entries
    ]
    return Manifest({**tree, "metadata": {**tree["metadata"], "managedFields": managed}})


def kept(wanted: Tree, seen: Manifest, **rule: Any) -> Kept:
    manifest = Manifest(wanted)
    parsed = parse_ignore_rule({"group": "*", "kind": "*", **rule})
    return keep_ignored(manifest, seen, ignored_paths(manifest, [parsed]))


def images(result: Kept) -> list[Any]:
    containers = result.manifest.at("spec", "template", "spec", "containers")
    assert isinstance(containers, list)
    return [item.get("image") for item in containers]


REPLICAS = {"jsonPointers": ["/spec/replicas"]}
OURS: tuple[str, str, Tree] = ("holdfast", "Apply", {"f:spec": {"f:replicas": {}}})
SCALER: tuple[str, str, Tree] = ("scaler", "Update", {"f:spec": {"f:replicas": {}}})


def test_an_ignored_field_that_is_ours_is_sent_as_it_is_live() -> None:
    result = kept(declared(replicas=4), live(declared(replicas=7), OURS), **REPLICAS)
    assert result.manifest.at("spec", "replicas") == 7
    assert result.has_live_values


def test_an_ignored_field_that_another_owns_is_left_out() -> None:
    result = kept(declared(replicas=4), live(declared(replicas=7), SCALER), **REPLICAS)
    assert result.manifest.at("spec", "replicas") is None
    assert not result.has_live_values


def test_an_ignored_field_that_is_not_live_is_left_out() -> None:
    result = kept(declared(replicas=4), live(declared(), OURS), **REPLICAS)
    assert result.manifest.at("spec", "replicas") is None


def test_nothing_changes_without_an_ignored_field() -> None:
    wanted = declared()
    assert kept(wanted, live(declared(), OURS), **REPLICAS).manifest.tree is wanted


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(("holdfast", "Apply", IMAGE), ["web:live"], id="ours"),
        pytest.param(("updater", "Update", IMAGE), [None], id="another's"),
    ],
)
def test_a_field_of_list_items_is_found_by_their_keys(
    entry: tuple[str, str, Tree], expected: list[str | None]
) -> None:
    seen = declared("web:live")
    seen["spec"]["template"]["spec"]["containers"].insert(0, {"name": "first", "image": "x"})
    rule = {"jqPathExpressions": [".spec.template.spec.containers[].image"]}
    assert images(kept(declared(), live(seen, entry), **rule)) == expected


def test_a_new_list_item_has_what_git_declares() -> None:
    wanted = declared()
    wanted["spec"]["template"]["spec"]["containers"].append({"name": "new", "image": "new:1"})
    rule = {"jqPathExpressions": [".spec.template.spec.containers[].image"]}
    seen = live(declared("web:live"), ("holdfast", "Apply", IMAGE))
    assert images(kept(wanted, seen, **rule)) == ["web:live", "new:1"]


def test_an_item_inside_an_atomic_list_keeps_its_live_value_whoever_owns_the_list() -> None:
    tree = {"apiVersion": "apps/v1", "kind": "X", "metadata": {"name": "x"}}
    wanted = {**tree, "items": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}
    seen = {**tree, "items": [{"name": "a", "v": 1}, {"name": "b", "v": 9}]}
    rule = {"jqPathExpressions": ['.items[] | select(.name == "b") | .v']}
    result = kept(wanted, live(seen, ("hand", "Update", {"f:items": {}})), **rule)
    assert result.manifest.at("items") == seen["items"]
    assert result.has_live_values


def test_what_an_ignored_manager_owns_is_left_out_and_nothing_around_it() -> None:
    fields: Tree = {"f:spec": {".": {}, "f:replicas": {}}}
    seen = live(declared(replicas=7), ("scaler", "Update", fields))
    result = kept(declared(replicas=4), seen, managedFieldsManagers=["scaler"])
    assert result.manifest.tree["spec"] == declared()["spec"]
