"""Questions: masked Secrets, comparisons by dry run, trees by owner references."""

from __future__ import annotations

import copy
from contextlib import aclosing
from typing import Any

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.queries import (
    GetManifests,
    GetStatus,
    ListApplications,
    ManagedResources,
    ResourceTree,
)
from tests.unit.requests.given import WEB, World, app

Tree = dict[str, Any]


def secret(value: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key", "namespace": "prod"},
        "data": {"token": value, "user": "same"},
    }


def deployment(replicas: int, **metadata: Any) -> Tree:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod", **metadata},
        "spec": {"replicas": replicas},
    }


def managed(*keys: tuple[str, str, str]) -> Tree:
    return {
        "resources": [
            {"group": group, "kind": kind, "namespace": "prod", "name": name}
            for group, kind, name in keys
        ]
    }


async def test_manifests_are_given_with_tracking_and_masked_secrets() -> None:
    world = World(app(), renders=(secret("s3cret"), deployment(2)))
    found = await world.ask(GetManifests(WEB))
    assert found[0]["data"] == {"token": "++++++++", "user": "++++++++"}
    tracking = found[1]["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    assert tracking == "web:apps/Deployment:prod/web"


async def test_different_secret_values_have_different_masks() -> None:
    world = World(app(), secret("token-of-old"), renders=(secret("new"),))
    [record] = await world.ask(ManagedResources(WEB))
    assert record["targetState"]["data"]["token"] == "++++++++"
    assert record["liveState"]["data"]["token"] == "++++++++++++"
    assert "new" not in str(record)
    assert "old" not in str(record)


async def test_a_prediction_differs_only_where_a_sync_would_change_something() -> None:
    live = deployment(5, managedFields=[{"manager": "kubectl"}], generation=7)
    world = World(app(), live, renders=(deployment(2),))

    def predict(manifest: Manifest) -> Manifest:
        return manifest.with_metadata(managedFields=[{"manager": "holdfast"}], generation=8)

    world.cluster.predict = predict
    [record] = await world.ask(ManagedResources(WEB))
    assert record["modified"] is True
    assert record["predictedLiveState"]["spec"] == {"replicas": 2}
    assert record["predictedLiveState"]["metadata"]["generation"] == 7


async def test_what_the_server_would_not_change_is_not_modified() -> None:
    world = World(app(), deployment(2), renders=(deployment(2),))
    world.cluster.predict = lambda manifest: Manifest(deployment(2)).with_annotation("x", None)
    [record] = await world.ask(ManagedResources(WEB))
    assert record["modified"] is False


async def test_one_object_alone_is_compared_with_one_dry_run() -> None:
    world = World(app(), deployment(5), renders=(deployment(2), secret("new")))
    asked: list[str] = []

    def predict(manifest: Manifest) -> Manifest:
        asked.append(manifest.kind)
        return manifest

    world.cluster.predict = predict
    web = ResourceKey("apps", "Deployment", "prod", "web")
    [record] = await world.ask(ManagedResources(WEB, only=web))
    assert (record["kind"], asked) == ("Deployment", ["Deployment"])
    assert await world.ask(ManagedResources(WEB, only=ResourceKey("", "Pod", "prod", "x"))) == []


async def test_a_live_object_that_git_does_not_declare_has_no_target() -> None:
    world = World(app(status=managed(("apps", "Deployment", "web"))), deployment(2))
    [record] = await world.ask(ManagedResources(WEB))
    assert record["targetState"] is None
    assert record["liveState"]["spec"] == {"replicas": 2}


async def test_children_hang_below_their_owners() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": "web-1",
            "namespace": "prod",
            "uid": "rs",
            "ownerReferences": [{**owner, "uid": "d"}],
        },
    }
    pod: Tree = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1-a",
            "namespace": "prod",
            "uid": "p",
            "ownerReferences": [{"kind": "ReplicaSet", "uid": "rs"}],
        },
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        "status": {"phase": "Running"},
    }
    stranger = copy.deepcopy(pod)
    stranger["metadata"].update(name="other", uid="o", ownerReferences=[{"uid": "x"}])
    status = managed(("apps", "Deployment", "web"), ("", "Service", "gone"))
    world = World(app(status=status), deployment(1, uid="d"), pod, replica_set, stranger)
    tree = await world.ask(ResourceTree(WEB))
    parents = {
        node["name"]: [parent["name"] for parent in node.get("parentRefs", [])]
        for node in tree["nodes"]
    }
    assert parents == {"gone": [], "web": [], "web-1": ["web"], "web-1-a": ["web-1"]}
    missing = next(node for node in tree["nodes"] if node["name"] == "gone")
    assert missing["health"] == {"status": "Missing"}

    below = ResourceKey("apps", "Deployment", "prod", "web")
    one = await world.ask(ResourceTree(WEB, below=below))
    assert [node["name"] for node in one["nodes"]] == ["web", "web-1", "web-1-a"]
    unmanaged = await world.ask(ResourceTree(WEB, below=ResourceKey("", "Pod", "prod", "web-1-a")))
    assert len(unmanaged["nodes"]) == 4


async def test_applications_are_listed_by_name_and_by_project() -> None:
    other = app({"project": "team"}, metadata={"name": "api"})
    world = World(app(), other)
    names = [tree["metadata"]["name"] for tree in await world.ask(ListApplications("argocd"))]
    assert names == ["api", "web"]
    [only] = await world.ask(ListApplications("argocd", projects=("team",)))
    assert only["metadata"]["name"] == "api"


async def test_a_watch_begins_with_what_is_there_and_ends_with_none() -> None:
    world = World(app())
    seen = []
    async with aclosing(world.queries.watch_application(WEB)) as versions:
        async for tree in versions:
            seen.append(tree)
            if len(seen) == 1:
                world.cluster.put({**world.web, "status": {"x": 1}})
            elif tree is not None:
                world.cluster.remove(Manifest(tree).key)
    assert len(seen) == 3
    assert seen[-1] is None


async def test_nobody_leads_when_the_lease_has_run_out() -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "holdfast", "namespace": "argocd"},
        "spec": {
            "holderIdentity": "laptop",
            "leaseDurationSeconds": 15,
            "renewTime": "2026-01-02T15:04:00.000000Z",
        },
    }
    world = World(app(), lease)
    assert (await world.ask(GetStatus()))["leader"] == "laptop"
    world.clock.move(60)
    assert (await world.ask(GetStatus()))["leader"] == ""
