"""What would come of writing an Application: every mistake at its field, and nothing written."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.errors import ClusterError, ConfigurationError, RepositoryError
from holdfast.domain.queries import TryApplication
from tests.unit.requests.given import World, app

Tree = dict[str, Any]
CONFIG: Tree = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "prod"},
    "data": {"a": "1"},
}


def problems(answer: Tree) -> list[tuple[str, bool]]:
    return [(one["field"], one["blocks"]) for one in answer["problems"]]


async def test_a_good_application_shows_the_objects_that_it_makes() -> None:
    world = World(renders=(CONFIG,))
    answer = await world.ask(TryApplication(app()))
    assert answer["problems"] == []
    assert [(one["name"], one["liveState"], one["refusal"]) for one in answer["objects"]] == [
        ("settings", None, "")
    ]
    assert world.written == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"project": "nope"}, "spec.project"),
        ({"source": {"repoURL": "", "path": "web"}}, "spec.source.repoURL"),
        ({"source": {"repoURL": "https://git.example/apps"}}, "spec.source.path"),
        ({"sources": [{"repoURL": "https://x/y"}]}, "spec.sources[0].path"),
        ({"source": None}, "spec.source.repoURL"),
        ({"destination": {"namespace": "prod"}}, "spec.destination.server"),
        ({"destination": {"name": "elsewhere"}}, "spec.destination.server"),
        ({"destination": {"name": "in-cluster", "namespace": "Bad"}}, "spec.destination.namespace"),
    ],
)
async def test_a_mistake_stands_at_its_field(spec: Tree, field: str) -> None:
    answer = await World().ask(TryApplication(app(spec)))
    assert problems(answer) == [(field, True)]
    assert answer["objects"] == []


async def test_several_mistakes_are_told_at_once() -> None:
    spec = {"source": {"repoURL": ""}, "destination": {}}
    answer = await World().ask(TryApplication(app(spec, metadata={"name": "No Name"})))
    assert [field for field, _ in problems(answer)] == [
        "metadata.name",
        "spec.source.repoURL",
        "spec.source.path",
        "spec.destination.server",
    ]


async def test_what_the_project_forbids_is_told_before_anything_is_fetched() -> None:
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "tight", "namespace": "argocd"},
        "spec": {"sourceRepos": ["https://git.example/one"], "destinations": []},
    }
    world = World(project)
    answer = await world.ask(TryApplication(app({"project": "tight"})))
    assert problems(answer) == [
        ("spec.source.repoURL", True),
        ("spec.destination.namespace", True),
    ]
    assert world.sources.resolved == []


async def test_a_name_that_is_taken_is_told_only_of_new_ones() -> None:
    world = World(app())
    assert problems(await world.ask(TryApplication(app()))) == [("metadata.name", True)]
    assert problems(await world.ask(TryApplication(app(), is_new=False))) == [
        ("spec.source.path", False)
    ]


@pytest.mark.parametrize(
    ("error", "field", "blocks"),
    [
        (RepositoryError("HF1001", "no such host"), "spec.source.repoURL", True),
        (RepositoryError("HF1002", "no such branch"), "spec.source.targetRevision", True),
        (RepositoryError("HF1003", "no such folder"), "spec.source.path", True),
        (RepositoryError("HF1008", "`kustomize.images` no"), "spec.source.kustomize.images", True),
        (ConfigurationError("HF3008", "helm is not built"), "spec.source.path", False),
        (RepositoryError("HF1009", "a local one"), "spec.source.repoURL", False),
    ],
)
async def test_trouble_with_the_repository_stands_where_it_can_be_mended(
    error: Exception, field: str, blocks: bool
) -> None:
    world = World()
    world.sources.error = error
    assert problems(await world.ask(TryApplication(app()))) == [(field, blocks)]


async def test_the_server_s_own_refusal_names_the_field() -> None:
    world = World()

    def refuse(_: Any) -> Any:
        raise ClusterError("HF2005", 'unknown field "spec.source.pth"')

    world.cluster.predict = refuse
    assert problems(await world.ask(TryApplication(app()))) == [("spec.source.pth", True)]


async def test_a_missing_namespace_is_a_warning_unless_the_sync_makes_it() -> None:
    world = World(renders=(CONFIG,))

    def refuse(manifest: Any) -> Any:
        if manifest.kind == "ConfigMap":
            raise ClusterError("HF2008", 'namespaces "prod" not found')
        return manifest

    world.cluster.predict = refuse
    answer = await world.ask(TryApplication(app()))
    assert problems(answer) == [("spec.destination.namespace", False)]
    assert answer["objects"][0]["refusal"] == ""  # it is told once, at its field
    made = app({"syncPolicy": {"syncOptions": ["CreateNamespace=true"]}})
    assert problems(await world.ask(TryApplication(made))) == []


async def test_an_object_that_the_project_forbids_is_named() -> None:
    role = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "kube"}}
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "tight", "namespace": "argocd"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "prod"}]},
    }
    world = World(project, renders=(role,))
    answer = await world.ask(TryApplication(app({"project": "tight"})))
    assert problems(answer) == [("objects", False)]
    assert "not permitted" in answer["objects"][0]["refusal"]


async def test_an_object_of_another_application_is_told() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "other:/ConfigMap:prod/settings"}
    live = {**CONFIG, "metadata": {**CONFIG["metadata"], "annotations": tracked}}
    answer = await World(live, renders=(CONFIG,)).ask(TryApplication(app()))
    assert problems(answer) == [("objects", False)]
    assert "belongs to the application argocd/other" in answer["problems"][0]["message"]
    own = {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:prod/settings"}
    live["metadata"]["annotations"] = own
    answer = await World(live, renders=(CONFIG,)).ask(TryApplication(app()))
    assert answer["problems"] == []
