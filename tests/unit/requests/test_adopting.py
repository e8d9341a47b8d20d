"""What adopting refuses, over a fake API server: each with its reason and a patch."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.controller.requests.adopting import Adopting
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import Application
from holdfast.domain.commands import AdoptDrift
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import SelectedResource
from holdfast.domain.plan import ApplyOptions
from tests.support.fake_cluster import FakeCluster, FakeRenderer, FakeSealing, FakeSources

Tree = dict[str, Any]
WEB = ResourceKey("", "ConfigMap", "shop", "web")
CONFIG: Tree = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "shop"},
    "data": {"color": "blue"},
}


def application(**status: Any) -> Tree:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://charts.example", "path": "chart"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        },
        "status": status,
    }


class World:
    """An Application whose ConfigMap is in sync, until somebody edits it."""

    def __init__(self, **status: Any) -> None:
        self.sources = FakeSources()
        self.sha = self.sources.commit(CONFIG)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
        tree = application(**status)
        self.cluster = FakeCluster(namespace, tree)
        self.app = Application.parse(Manifest(tree))
        self.renderer = FakeRenderer(self.sources)
        kinds, reader, writer = self.cluster.kinds, self.cluster.reader, self.cluster.writer
        rendering = Rendering(self.sources, self.renderer, kinds, FakeSealing(), "argocd")
        self.adopting = Adopting(
            Lookup(reader, kinds, "argocd"),
            rendering,
            self.sources,
            writer,
            ManagedObjects(reader, writer, kinds, rendering),
            None,
        )
        self.rendering = rendering

    async def sync(self) -> None:
        """Applies what git declares."""
        for manifest in (await self.rendering.render(self.app)).manifests:
            self.cluster.apply_now(manifest, ApplyOptions(), dry=False)

    def edit(self, color: str) -> None:
        """Somebody's kubectl edit."""
        self.cluster.edit(WEB, lambda tree: tree["data"].update(color=color))

    async def plan(self, *resources: SelectedResource) -> Tree:
        return await self.adopting.plan(self.app, resources)


async def test_a_source_that_is_not_rendered_here_says_so_and_prints_what_is_live() -> None:
    state = {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "web"}
    world = World(resources=[state])
    await world.sync()
    world.edit("red")
    world.renderer.error = ConfigurationError("HF3008", "source type Helm is not built yet")
    plan = await world.plan()
    assert plan["diff"] == ""
    (refused,) = plan["refused"]
    assert refused["reason"] == ("source type Helm is not built yet: change the source by hand")
    assert refused["fields"] == ["data.color"]
    assert refused["patch"].endswith("data:\n  color: red\n")
    other = SelectedResource("", "Secret", "", "*")
    assert (await world.plan(other))["refused"] == []


async def test_a_deleted_object_is_left_to_a_person() -> None:
    world = World()
    await world.sync()
    world.cluster.remove(WEB)
    (refused,) = (await world.plan())["refused"]
    assert "it was deleted" in refused["reason"]
    assert refused["patch"] == ""


async def test_what_is_behind_git_is_no_drift() -> None:
    world = World(history=[{"revision": f"{1:040x}"}])
    await world.sync()
    newer = {**CONFIG, "data": {"color": "green"}}
    world.sources.commit(newer)
    assert (await world.plan())["refused"] == []


async def test_a_field_that_git_changed_later_than_a_person_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(history=[{"revision": f"{1:040x}"}])
    await world.sync()
    world.edit("red")
    world.sources.commit({**CONFIG, "data": {"color": "green"}})
    monkeypatch.setattr("tests.support.fake_cluster._NOW", "2026-02-01T00:00:00Z")
    (refused,) = (await world.plan())["refused"]
    assert refused["reason"].startswith("git has changed it since the last sync (0000000 to ")


async def test_a_commit_needs_a_message() -> None:
    world = World()
    with pytest.raises(HoldfastError, match="needs a message"):
        await world.adopting.carry_out(AdoptDrift(AppKey("argocd", "shop"), " "))


async def test_nothing_to_adopt_commits_nothing() -> None:
    world = World()
    await world.sync()
    done = await world.adopting.carry_out(AdoptDrift(AppKey("argocd", "shop"), "by hand"))
    assert done.outcome == "unchanged"
    assert done.tree == {"diff": "", "files": [], "adopted": [], "refused": []}


async def test_where_no_files_can_be_edited_drift_is_refused_as_a_whole() -> None:
    world = World()
    await world.sync()
    world.edit("red")
    with pytest.raises(HoldfastError, match="over this connection"):
        await world.plan()
