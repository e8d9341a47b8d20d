"""Routes on clusters and on tokens of project roles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from tests.support.api import ApiClient, ApiWorld
from tests.support.signed_in import Entrance, MemorySettings, request
from tests.support.stored import values_of
from tests.unit.api.test_projects import project

Tree = dict[str, Any]
CLUSTERS = "/api/v1/clusters"
SERVER = "https://prod.example:6443"
ONE = f"{CLUSTERS}/{quote(SERVER, safe='')}"
CANARY = "canary-4711-token"
BODY: Tree = {
    "server": SERVER,
    "name": "prod",
    "config": {"bearerToken": CANARY, "tlsClientConfig": {"insecure": True, "keyData": CANARY}},
    "namespaces": ["a", "b"],
    "labels": {"tier": "one"},
}


async def test_a_cluster_is_kept_shown_and_forgotten() -> None:
    world = ApiWorld()
    made = await world.client.post(CLUSTERS, BODY)
    assert made.status == 200
    secret = next(tree for key, tree in world.cluster.objects.items() if key.kind == "Secret")
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
    assert secret["metadata"]["labels"]["tier"] == "one"
    values = values_of(secret)
    assert values["namespaces"] == "a,b"
    assert orjson.loads(values["config"])["bearerToken"] == CANARY
    listed = await world.client.get(CLUSTERS)
    assert [one["name"] for one in listed.json["items"]] == ["in-cluster", "prod"]
    found = await world.client.get(ONE)
    assert found.json["serverVersion"] == "v1.34.1"
    assert found.json["connectionState"]["status"] == "Successful"
    assert found.json["labels"] == {"tier": "one"}
    by_name = await world.client.get(f"{CLUSTERS}/prod?id.type=name")
    for reply in (made, listed, found, by_name):
        assert CANARY not in reply.body.decode()
    assert (await world.client.post(CLUSTERS, {**BODY, "name": "x"})).status == 400
    assert (await world.client.post(f"{CLUSTERS}?upsert=true", {**BODY, "name": "x"})).status == 200
    only = await world.client.put(f"{ONE}?updatedFields=name", {"name": "y", "namespaces": []})
    assert (only.json["name"], only.json["namespaces"]) == ("y", ["a", "b"])
    assert (await world.client.delete(ONE)).json == {}
    assert (await world.client.delete(ONE)).status == 403


async def test_who_may_see_a_cluster_is_asked_by_its_project() -> None:
    world = ApiWorld(rules=[("admin", "*", "*", "*"), ("ann", "clusters", "*", "data/*")])
    await world.client.post(CLUSTERS, BODY)
    other = {**BODY, "server": "https://data.example", "name": "data", "project": "data"}
    await world.client.post(CLUSTERS, other)
    ann = world.client.as_("ann")
    assert [one["name"] for one in (await ann.get(CLUSTERS)).json["items"]] == ["data"]
    assert (await ann.get(ONE)).status == 403
    assert (await ann.put(ONE, BODY)).status == 403
    assert (await ann.post(CLUSTERS, BODY)).status == 403
    # One that is there belongs to nobody's project: it cannot be taken into one's own.
    mine = {**BODY, "project": "data"}
    assert (await ann.post(f"{CLUSTERS}?upsert=true", mine)).status == 403
    assert (await ann.post(CLUSTERS, mine)).status == 403


async def test_the_cluster_that_holdfast_runs_in_stays() -> None:
    client = ApiWorld().client
    here = f"{CLUSTERS}/{quote('https://kubernetes.default.svc', safe='')}"
    assert (await client.delete(here)).status == 400
    refused = await client.post(CLUSTERS, {"server": "https://kubernetes.default.svc"})
    assert refused.status == 400
    for path in ("rotate-auth", "invalidate-cache"):
        assert (await client.post(f"{ONE}/{path}")).status == 501


async def test_a_token_of_a_project_role_signs_in_until_it_is_taken_away() -> None:
    roles = [{"name": "ci", "policies": ["p, proj:data:ci, applications, sync, data/*, allow"]}]
    world = ApiWorld(project("data", roles=roles))
    entrance = Entrance(world.clock, MemorySettings())
    services = replace(world.services, sessions=entrance.sessions)
    client = ApiClient(ApiServer(all_routes(), services, None), "admin")  # type: ignore[arg-type]
    path = "/api/v1/projects/data/roles/ci/token"
    made = await client.post(path, {"id": "build", "expiresIn": 3600})
    token = made.json["token"]

    def take() -> None:
        tree = world.cluster.find("AppProject", "argocd", "data")
        assert tree is not None
        entrance.projects.take(tree)

    take()
    caller = await entrance.sessions.identify(request(bearer=token))
    assert caller.subject == "proj:data:ci"
    tree = world.cluster.find("AppProject", "argocd", "data")
    assert tree is not None
    listed = tree["spec"]["roles"][0]["jwtTokens"]
    assert [one["id"] for one in listed] == ["build"]
    assert tree["status"]["jwtTokensByRole"]["ci"]["items"] == listed
    assert (await client.post(path, {"id": "build"})).status == 400
    assert (await client.post(path.replace("ci", "no"))).status == 404
    assert (await client.as_("bob").post(path)).status == 403
    iat = listed[0]["iat"]
    assert (await client.delete(f"{path}/{iat}?id=build")).json == {}
    assert (await client.delete(f"{path}/{iat}")).json == {}
    take()
    assert await entrance.sessions.identify_or_none(request(bearer=token)) is None


async def test_nobody_makes_tokens_where_nobody_signs_in() -> None:
    world = ApiWorld(project("data", roles=[{"name": "ci"}]))
    reply = await world.client.post("/api/v1/projects/data/roles/ci/token")
    assert reply.status == 501


async def test_global_projects_are_told_by_their_labels() -> None:
    world = ApiWorld(project("base", description="limits"), project("data"))
    settings = "- projectName: base\n  labelSelector:\n    matchLabels: {team: data}\n"
    world.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": "argocd"},
            "data": {"globalProjects": settings},
        }
    )
    path = "/api/v1/projects/data/globalprojects"
    assert (await world.client.get(path)).json == {"items": []}
    tree = world.cluster.find("AppProject", "argocd", "data")
    assert tree is not None
    world.cluster.put({**tree, "metadata": {**tree["metadata"], "labels": {"team": "data"}}})
    items = (await world.client.get(path)).json["items"]
    assert [one["metadata"]["name"] for one in items] == ["base"]
