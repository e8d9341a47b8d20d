"""What the sandbox says it serves is what a real API server says."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from holdfast.sandbox.kinds.registry import Registry
from tests.support.kube_rest import KubeRest

if TYPE_CHECKING:
    from tests.support.plane import RealPlane
    from tests.support.sandbox import AnyPlane, SandboxPlane

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
GROUPS = {group for group, _ in Registry().group_versions()}


def _ask(plane: AnyPlane, path: str, accept: str = "application/json") -> Any:
    client = KubeRest.open(plane.kubeconfig)
    where = urlsplit(client.plane.server)
    assert where.hostname is not None
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=client.plane.tls)
    try:
        connection.request("GET", path, headers=client.plane.headers | {"Accept": accept})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _aggregated(plane: AnyPlane, root: str) -> dict[str, Any]:
    found = {}
    for group in _ask(plane, root, AGGREGATED)["items"]:
        name = group["metadata"].get("name", "")
        if name not in GROUPS:
            continue  # custom resources of other tests
        for version in group["versions"]:
            for row in version["resources"]:
                row.get("subresources", []).sort(key=lambda sub: sub["subresource"])
                found[f"{name}/{version['version']}/{row['resource']}"] = row
    return found


@pytest.mark.parametrize("root", ["/api", "/apis"])
def test_the_aggregated_documents_are_equal(
    sandbox_plane: SandboxPlane, real_plane: RealPlane, root: str
) -> None:
    assert _aggregated(sandbox_plane, root) == _aggregated(real_plane, root)


@pytest.mark.parametrize("path", ["/api/v1", "/apis/apps/v1", "/apis/autoscaling/v2"])
def test_the_older_documents_are_equal(
    sandbox_plane: SandboxPlane, real_plane: RealPlane, path: str
) -> None:
    def rows(plane: AnyPlane) -> dict[str, Any]:
        listed = _ask(plane, path)["resources"]
        return {
            row["name"]: {key: item for key, item in row.items() if key != "storageVersionHash"}
            for row in listed
        }

    assert rows(sandbox_plane) == rows(real_plane)


def test_the_same_groups_are_listed_in_the_same_order(
    sandbox_plane: SandboxPlane, real_plane: RealPlane
) -> None:
    def groups(plane: AnyPlane) -> list[Any]:
        return [row for row in _ask(plane, "/apis")["groups"] if row["name"] in GROUPS]

    assert groups(sandbox_plane) == groups(real_plane)


def test_the_same_openapi_documents_are_listed(
    sandbox_plane: SandboxPlane, real_plane: RealPlane
) -> None:
    def documents(plane: AnyPlane) -> set[str]:
        listed = set(_ask(plane, "/openapi/v3")["paths"])
        return {name for name in listed if name.count("/") == 2 or name == "api/v1"}

    ours = documents(sandbox_plane)
    assert ours <= documents(real_plane)
    assert {"api/v1", "apis/apps/v1", "apis/batch/v1"} <= ours


@pytest.mark.parametrize(
    "kind", ["io.k8s.api.apps.v1.DeploymentSpec", "io.k8s.api.apps.v1.Deployment"]
)
def test_the_fields_of_a_kind_are_those_of_the_real_document(
    sandbox_plane: SandboxPlane, real_plane: RealPlane, kind: str
) -> None:
    def fields(plane: AnyPlane) -> set[str]:
        document = _ask(plane, "/openapi/v3/apis/apps/v1")
        return set(document["components"]["schemas"][kind]["properties"])

    assert fields(sandbox_plane) == fields(real_plane)
