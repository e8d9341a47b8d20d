"""Comparing without an echo: cheap, and in doubt it asks (apply.md C3)."""

import copy
from typing import Any

import pytest

from holdfast.diffing.cold_start import declared_is_live, drops_live_fields
from holdfast.domain.manifest import Manifest
from holdfast.schema.field_set import FieldSet
from tests.support.builders import annotated, config_map, deployment, service

Tree = dict[str, Any]


def is_live(declared: Tree, live: Tree) -> bool:
    return declared_is_live(Manifest(declared), Manifest(live))


def web(**container: Any) -> Tree:
    tree = deployment()
    tree["spec"]["template"]["spec"]["containers"][0].update(container)
    return tree


def defaulted(tree: Tree) -> Tree:
    """What an API server adds."""
    live = copy.deepcopy(tree)
    live["spec"] |= {"progressDeadlineSeconds": 600, "revisionHistoryLimit": 10}
    for container in live["spec"]["template"]["spec"]["containers"]:
        container |= {"imagePullPolicy": "Always", "resources": container.get("resources", {})}
    live["status"] = {"replicas": 1}
    return live


def test_defaults_of_the_server_do_not_differ() -> None:
    assert is_live(web(), defaulted(web()))


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        pytest.param({"cpu": "1000m"}, {"cpu": "1"}, id="quantities by value"),
        pytest.param({"cpu": 1}, {"cpu": "1"}, id="a number is a quantity"),
        pytest.param({"memory": "1024Mi"}, {"memory": "1Gi"}, id="binary units"),
    ],
)
def test_quantities_are_compared_by_value(declared: Tree, live: Tree) -> None:
    assert is_live(web(resources={"limits": declared}), web(resources={"limits": live}))


@pytest.mark.parametrize("empty", [None, "", 0, False, {}, []])
def test_declared_emptiness_counts_as_absence(empty: Any) -> None:
    assert is_live(web(extra=empty), web())


def test_a_declared_value_that_is_not_live_differs() -> None:
    assert not is_live(web(image="web:2"), web())
    assert not is_live(config_map(a="1", b="2"), config_map(a="1"))


def test_a_label_or_annotation_is_compared_as_text() -> None:
    declared, live = annotated(config_map(), x="1"), annotated(config_map(), x="1000m")
    assert not is_live(declared, live)
    assert is_live(declared, annotated(config_map(), x="1", more="2"))


def test_a_sidecar_in_a_keyed_list_does_not_differ() -> None:
    live = web()
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy", "image": "p"})
    assert is_live(web(), live)


def test_another_order_of_declared_elements_differs() -> None:
    one, two = {"name": "X", "value": "1"}, {"name": "Y", "value": "2"}
    assert not is_live(web(env=[one, two]), web(env=[two, one]))


def test_lists_without_keys_are_compared_as_a_whole() -> None:
    assert is_live(web(args=["a", "b"]), web(args=["a", "b"]))
    assert not is_live(web(args=["a"]), web(args=["a", "b"]))


def entry(fields: Tree, manager: str, operation: str = "Apply") -> Tree:
    head = {"manager": manager, "operation": operation, "apiVersion": "v1"}
    return {**head, "fieldsType": "FieldsV1", "fieldsV1": fields}


def owned(tree: Tree, *entries: Tree) -> Tree:
    return {**tree, "metadata": {**tree["metadata"], "managedFields": list(entries)}}


AB: Tree = {"f:data": {"f:a": {}, "f:b": {}}}


def test_a_field_that_git_dropped_and_we_own_differs() -> None:
    live = owned(config_map(a="1", b="1"), entry(AB, "holdfast"))
    assert not is_live(config_map(a="1"), live)
    assert is_live(config_map(a="1", b="1"), live)


@pytest.mark.parametrize("manager", ["argocd-controller", "kubectl-client-side-apply"])
def test_a_field_that_git_dropped_and_an_earlier_applier_owns_differs(manager: str) -> None:
    live = owned(config_map(a="1", b="1"), entry(AB, manager, "Update"))
    assert not is_live(config_map(a="1"), live)


def test_once_we_have_written_what_kubectl_owns_is_kubectls() -> None:
    ours = entry({"f:data": {"f:a": {}}}, "holdfast")
    theirs = entry({"f:data": {"f:b": {}}}, "kubectl-client-side-apply", "Update")
    assert is_live(config_map(a="1"), owned(config_map(a="1", b="1"), ours, theirs))


def test_what_was_applied_and_is_declared_no_more_must_go_whoever_owns_it_now() -> None:
    before = FieldSet.parse(AB)
    live = Manifest(config_map(a="1", b="edited"))
    assert drops_live_fields(Manifest(config_map(a="1")), live, before)
    assert not drops_live_fields(Manifest(config_map(a="2", b="2")), live, before)
    assert not drops_live_fields(Manifest(config_map(a="1")), Manifest(config_map(a="1")), before)
    assert not declared_is_live(Manifest(config_map(a="1")), live, before)


def test_a_port_without_its_protocol_is_the_port_with_the_default() -> None:
    live = service("web", {"port": 80, "protocol": "TCP", "targetPort": 80})
    assert is_live(service("web", {"port": 80}), live)
