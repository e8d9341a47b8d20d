"""`holdfast run` is safe to start: it makes what is missing and says so; not beside Argo CD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.controller.startup import StartPorts, StartSettings, prepare
from holdfast.domain.errors import ConfigurationError
from holdfast.schema.argo_crds import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests
from tests.support.fakes import FakeClock, FakeCluster, FakeKinds
from tests.unit.requests.given import default_project

if TYPE_CHECKING:
    from holdfast.domain.manifest import Manifest

Tree = dict[str, Any]


def establish(cluster: FakeCluster, manifest: Manifest) -> None:
    """Do what the API server does with a new CRD."""
    if manifest.kind == "CustomResourceDefinition":
        status = {"conditions": [{"type": "Established", "status": "True"}]}
        cluster.put({**manifest.tree, "status": status})


def definitions() -> list[Tree]:
    return [dict(tree) for tree in (*crd_manifests(), *own_crd_manifests())]


def namespace() -> Tree:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}


def argo_controller(kind: str, replicas: int | None, ready: int = 0) -> Tree:
    spec = {} if replicas is None else {"replicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "argocd-application-controller", "namespace": "argocd"},
        "spec": spec,
        "status": {"readyReplicas": ready},
    }


async def start(cluster: FakeCluster, **settings: bool) -> list[str]:
    cluster.on_write = establish
    said: list[str] = []
    ports = StartPorts(cluster, cluster, FakeKinds(), FakeClock())
    await prepare(ports, StartSettings("argocd", **settings), said.append)
    return said


async def test_everything_that_is_missing_is_made_and_said() -> None:
    cluster = FakeCluster()
    said = await start(cluster)
    assert said[0].startswith("installed what was missing: applications.argoproj.io")
    assert said[1:] == [
        "created namespace argocd",
        "created AppProject default, which allows everything",
    ]
    project = cluster.find("AppProject", "argocd", "default")
    assert project is not None
    assert project["spec"]["sourceRepos"] == ["*"]


async def test_nothing_is_written_when_nothing_is_missing() -> None:
    cluster = FakeCluster(*definitions(), namespace(), default_project())
    assert await start(cluster) == []
    assert cluster.writes == []


async def test_definitions_that_exist_are_left_as_they_are() -> None:
    [application, *rest] = definitions()
    application["spec"] = {"old": True}
    cluster = FakeCluster(application, *rest, namespace(), default_project())
    await start(cluster)
    found = cluster.find("CustomResourceDefinition", "", "applications.argoproj.io")
    assert found is not None
    assert found["spec"] == {"old": True}


@pytest.mark.parametrize("kind", ["StatefulSet", "Deployment"])
@pytest.mark.parametrize(
    ("replicas", "ready"),
    [
        pytest.param(1, 0, id="wanted but not ready"),
        pytest.param(None, 0, id="one by default"),
        pytest.param(0, 1, id="still running"),
    ],
)
async def test_it_refuses_to_start_beside_argocds_controller(
    kind: str, replicas: int | None, ready: int
) -> None:
    cluster = FakeCluster(argo_controller(kind, replicas, ready))
    with pytest.raises(ConfigurationError) as caught:
        await start(cluster)
    assert caught.value.code == "HF3002"
    assert "--observe" in caught.value.hint
    assert cluster.writes == []


async def test_it_starts_beside_a_controller_that_is_scaled_to_zero_or_taken_over() -> None:
    await start(FakeCluster(argo_controller("StatefulSet", 0)))
    await start(FakeCluster(argo_controller("StatefulSet", 1)), take_over=True)


async def test_observing_writes_nothing_and_says_what_is_missing() -> None:
    cluster = FakeCluster(*definitions(), argo_controller("StatefulSet", 1))
    said = await start(cluster, observe=True)
    assert said == [
        "namespace argocd does not exist; there is nothing to observe in it",
        "AppProject argocd/default does not exist",
    ]
    assert cluster.writes == []


async def test_observing_without_definitions_is_refused() -> None:
    cluster = FakeCluster()
    with pytest.raises(ConfigurationError) as caught:
        await start(cluster, observe=True)
    assert caught.value.code == "HF3010"
    assert cluster.writes == []
