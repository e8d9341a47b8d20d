"""Our CustomResourceDefinitions on both servers: no field of a user's object is ever lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.domain.manifest import JSON
from holdfast.schema.argo_crds import crd_manifests
from holdfast.schema.argo_crds.examples import (
    every_field_application,
    every_field_application_set,
    every_field_project,
)
from tests.support.kube_rest import MERGE_PATCH, KubeRest, path_of
from tests.support.sandbox import AnyPlane

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BLOCKS = ("spec", "operation", "status")


@pytest.fixture
def server(any_plane: AnyPlane) -> Iterator[KubeRest]:
    """A server that serves the three kinds."""
    rest = KubeRest.open(any_plane.kubeconfig)
    for crd in crd_manifests():
        rest.install_crd(crd)
    yield rest
    rest.close()


def blocks(tree: JSON) -> dict[str, Any]:
    return {block: tree[block] for block in BLOCKS if block in tree}


@pytest.mark.parametrize("crd", crd_manifests(), ids=lambda crd: crd["spec"]["names"]["kind"])
def test_a_definition_is_established_and_structural(server: KubeRest, crd: JSON) -> None:
    live = server.send("GET", f"{CRDS}/{crd['metadata']['name']}").body
    conditions = {item["type"]: item["status"] for item in live["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions
    names = crd["spec"]["names"]
    assert {key: live["spec"]["names"][key] for key in names} == names


@pytest.mark.parametrize(
    ("example", "plural"),
    [
        pytest.param(every_field_application, "applications", id="Application"),
        pytest.param(every_field_project, "appprojects", id="AppProject"),
        pytest.param(every_field_application_set, "applicationsets", id="ApplicationSet"),
    ],
)
def test_every_field_of_an_object_comes_back(
    server: KubeRest, example: Callable[[str, str], JSON], plural: str
) -> None:
    tree = example("every-field", server.new_namespace())
    made = server.send("POST", path_of(tree, plural, named=False), tree, fieldValidation="Strict")
    assert made.status == 201, made.message
    if plural == "applicationsets":  # the one kind with a status subresource
        assert "status" not in made.body
        body = {**made.body, "status": tree["status"]}
        put = server.send("PUT", path_of(tree, plural, subresource="status"), body)
        assert put.status == 200, put.message
    live = server.send("GET", path_of(tree, plural)).body
    assert blocks(live) == blocks(tree)


def test_the_status_of_an_application_is_written_with_the_object(server: KubeRest) -> None:
    tree = every_field_application("no-subresource", server.new_namespace())
    assert server.send("POST", path_of(tree, "applications", named=False), tree).status == 201
    where = path_of(tree, "applications")
    assert server.send("GET", f"{where}/status").status == 404
    change = {"status": {"sync": {"status": "OutOfSync"}}, "operation": None}
    patched = server.send("PATCH", where, change, MERGE_PATCH)
    assert patched.body["status"]["sync"]["status"] == "OutOfSync"
    assert "operation" not in patched.body


def test_a_misspelt_field_is_refused_when_fields_are_validated(server: KubeRest) -> None:
    tree = every_field_application("typo", server.new_namespace())
    tree["spec"]["syncPolicy"]["automated"]["selfheal"] = True
    where = path_of(tree, "applications", named=False)
    made = server.send("POST", where, tree, fieldValidation="Strict")
    assert made.status == 400
    assert 'unknown field "spec.syncPolicy.automated.selfheal"' in made.message


@pytest.mark.parametrize("path", ["spec.destination", "spec.project", "spec.source.repoURL"])
def test_a_missing_required_field_is_named(server: KubeRest, path: str) -> None:
    tree = every_field_application("incomplete", server.new_namespace())
    parent = tree
    *parents, last = path.split(".")
    for step in parents:
        parent = parent[step]
    del parent[last]
    made = server.send("POST", path_of(tree, "applications", named=False), tree)
    assert made.status == 422
    assert f"{path}: Required value" in made.message
