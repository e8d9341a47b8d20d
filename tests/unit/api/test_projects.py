"""Routes on projects and clusters."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.api import ApiWorld
from tests.unit.api.test_applications import named
from tests.unit.api.test_resources import event

Tree = dict[str, Any]
PROJECTS = "/api/v1/projects"
CLUSTERS = "/api/v1/clusters"
HERE = "https://kubernetes.default.svc"


def project(name: str, **spec: Any) -> Tree:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": spec,
    }


def body(name: str, upsert: bool = False, **spec: Any) -> Tree:
    return {"project": {"metadata": {"name": name}, "spec": spec}, "upsert": upsert}


async def test_projects_are_listed_as_far_as_they_may_be_seen() -> None:
    world = ApiWorld(project("data"), rules=[("ann", "projects", "get", "d*a")])
    reply = await world.client.as_("ann").get(PROJECTS)
    assert [item["metadata"]["name"] for item in reply.json["items"]] == ["data"]
    client = world.client.as_("ann")
    assert (await client.get(f"{PROJECTS}/data")).status == 200
    assert (await client.get(f"{PROJECTS}/default")).status == 403
    assert (await client.get(f"{PROJECTS}/nothing")).status == 403
    assert (await client.get(f"{PROJECTS}/dana")).status == 404


async def test_a_project_is_made_changed_and_removed() -> None:
    client = ApiWorld().client
    assert (await client.post(PROJECTS, body("new", description="a"))).status == 200
    assert (await client.post(PROJECTS, body("new", description="a"))).status == 200
    other = body("new", description="b")
    assert (await client.post(PROJECTS, other)).status == 400
    other["upsert"] = True
    assert (await client.post(PROJECTS, other)).json["spec"] == {"description": "b"}
    changed = await client.put(f"{PROJECTS}/new", body("new", description="c"))
    assert changed.json["spec"] == {"description": "c"}
    assert (await client.delete(f"{PROJECTS}/new")).json == {}
    assert (await client.put(f"{PROJECTS}/new", body("new"))).status == 404
    assert (await client.delete(f"{PROJECTS}/new")).status == 404


async def test_a_project_in_use_and_the_default_one_stay() -> None:
    client = ApiWorld(project("data"), named("db", "data")).client
    used = await client.delete(f"{PROJECTS}/data")
    assert (used.status, used.message) == (400, "project is referenced by 1 applications")
    default = await client.delete(f"{PROJECTS}/default")
    assert "reserved and cannot be deleted" in default.message


@pytest.mark.parametrize(
    "spec",
    [
        {"destinations": [{"server": "*", "namespace": "*"}]},
        {"sourceRepos": ["*"]},
        {
            "destinations": [{"server": HERE, "namespace": "a"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    ],
)
async def test_a_wider_reach_needs_more_than_the_project(spec: Tree) -> None:
    world = ApiWorld(
        project("data", destinations=[{"server": HERE, "namespace": "a"}]),
        rules=[("ann", "projects", "*", "data")],
    )
    reply = await world.client.as_("ann").put(f"{PROJECTS}/data", body("data", **spec))
    assert reply.status == 403
    assert world.cluster.writes == []


async def test_what_belongs_to_a_project_is_told() -> None:
    window = {"kind": "allow", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    world = ApiWorld(
        project("data", syncWindows=[window]), event("e", "AppProject", "data", "argocd")
    )
    world.settings.texts["project.links"] = (
        "[{title: Wiki, url: 'https://wiki.example/{{.project.metadata.name}}'}]"
    )
    client, path = world.client, f"{PROJECTS}/data"
    assert len((await client.get(f"{path}/events")).json["items"]) == 1
    assert (await client.get(f"{path}/syncwindows")).json["windows"] == [window]
    assert (await client.get(f"{path}/links")).json["items"][0]["url"].endswith("/data")
    detailed = (await client.get(f"{path}/detailed")).json
    assert detailed["clusters"] == detailed["repositories"] == []
    assert (await client.get(f"{path}/globalprojects")).json == {"items": []}


async def test_the_cluster_is_known_by_address_and_by_name() -> None:
    world = ApiWorld(named("web"), rules=[("ann", "clusters", "get", HERE)])
    client = world.client.as_("ann")
    listed = (await client.get(CLUSTERS)).json["items"]
    assert [(item["name"], item["info"]["applicationsCount"]) for item in listed] == [
        ("in-cluster", 1)
    ]
    found = await client.get(f"{CLUSTERS}/{quote(HERE, safe='')}")
    assert found.json["info"]["connectionState"]["status"] == "Successful"
    assert (await client.get(f"{CLUSTERS}/in-cluster?id.type=name")).status == 200
    assert (await client.get(f"{CLUSTERS}/in-cluster")).status == 403
    assert (await client.get(f"{CLUSTERS}/https%3A%2F%2Felsewhere")).status == 403
    assert (await world.client.as_("bob").get(CLUSTERS)).json["items"] == []


async def test_a_change_that_leaves_applications_behind_is_refused() -> None:
    reach: Tree = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    world = ApiWorld(project("data", **reach), named("db", "data"))
    narrow: Tree = {**reach, "destinations": [{"server": "*", "namespace": "elsewhere"}]}
    refused = await world.client.put(f"{PROJECTS}/data", body("data", **narrow))
    assert refused.status == 400
    words = "as a result of project update 1 applications destination became invalid"
    assert words in refused.message
    away: Tree = {**reach, "sourceRepos": ["https://other.example/*"]}
    refused = await world.client.put(f"{PROJECTS}/data", body("data", **away))
    assert "applications source became invalid" in refused.message
    wider: Tree = {**reach, "description": "still everything"}
    assert (await world.client.put(f"{PROJECTS}/data", body("data", **wider))).status == 200


@pytest.mark.parametrize("sent", [b"[]", b"{}", b'{"project": {"metadata": {}}}', b"x"])
async def test_a_senseless_project_is_refused(sent: bytes) -> None:
    assert (await ApiWorld().client.post(PROJECTS, sent)).status == 400
