"""ApplicationSets as they are, comparing given manifests, and what is not built."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from holdfast.domain.application_set import APPLICATION_SET
from holdfast.domain.kinds import KindInfo
from tests.support.api import ApiWorld
from tests.unit.requests.given import app

Tree = dict[str, Any]
SETS = "/api/v1/applicationsets"


def application_set(project: str = "default") -> Tree:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "all", "namespace": "argocd", "uid": "u-set"},
        "spec": {"generators": [], "template": {"metadata": {}, "spec": {"project": project}}},
    }


def world_of(*objects: Tree, **options: Any) -> ApiWorld:
    world = ApiWorld(*objects, **options)
    verbs = ("get", "list", "watch")
    info = KindInfo(APPLICATION_SET, "applicationsets", namespaced=True, verbs=verbs)
    world.world.kinds.known[APPLICATION_SET] = info
    return world


async def test_sets_are_shown_to_who_may_see_them() -> None:
    owner = {"kind": "ApplicationSet", "name": "all", "uid": "u-set"}
    web = app(metadata={"ownerReferences": [owner]})
    world = world_of(application_set(), web, rules=(("ann", "*", "get", "default/*"),))
    ann, bob = world.client.as_("ann"), world.client.as_("bob")
    assert [t["metadata"]["name"] for t in (await ann.get(SETS)).json["items"]] == ["all"]
    assert (await bob.get(SETS)).json["items"] == []
    assert (await ann.get(f"{SETS}?projects=other")).json["items"] == []
    assert (await ann.get(f"{SETS}?appsetNamespace=elsewhere")).json["items"] == []
    assert (await ann.get(f"{SETS}/all")).json["metadata"]["name"] == "all"
    nodes = (await ann.get(f"{SETS}/all/resource-tree")).json["nodes"]
    assert [(node["kind"], node["name"]) for node in nodes] == [("Application", "web")]
    assert (await ann.get(f"{SETS}/all/events")).json["items"] == []
    async with ann.stream("/api/v1/stream/applicationsets") as messages:
        assert (await messages.result())["type"] == "ADDED"


@pytest.mark.parametrize("path", [f"{SETS}/x", f"{SETS}/all?appsetNamespace=elsewhere"])
async def test_a_missing_set_is_missing_before_roles_are_asked(path: str) -> None:
    world = world_of(application_set())
    for name in ("admin", "bob"):
        assert (await world.client.as_(name).get(path)).status == 404
    assert (await world.client.as_("bob").get(f"{SETS}/all")).status == 403


async def test_what_needs_the_generators_is_refused_in_words() -> None:
    world = world_of(application_set())
    body = application_set()
    for path, sent in ((SETS, body), (f"{SETS}/generate", {"applicationSet": body})):
        assert (await world.client.as_("bob").post(path, sent)).status == 403
        reply = await world.client.post(path, sent)
        assert (reply.status, "not built" in reply.message) == (501, True)
    assert (await world.client.post(SETS, application_set("{{x}}"))).status == 400
    assert (await world.client.post(SETS, application_set(""))).status == 400
    assert (await world.client.delete(f"{SETS}/all")).status == 501


async def test_without_the_kind_there_are_none() -> None:
    world = ApiWorld(app())
    assert (await world.client.get(SETS)).json["items"] == []
    assert (await world.client.get(f"{SETS}/all")).status == 404


def settings(kind: str = "ConfigMap", name: str = "settings", **data: str) -> Tree:
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}


async def test_given_manifests_are_compared_and_nothing_can_be_guessed() -> None:
    listed = {"kind": "ConfigMap", "namespace": "prod", "name": "settings", "status": "Synced"}
    secret = {"kind": "Secret", "namespace": "prod", "name": "key", "status": "Synced"}
    world = ApiWorld(
        app(status={"resources": [listed, secret]}),
        settings(a="1"),
        settings(name="others", a="hidden"),
        settings("Secret", "key", a="aGlkZGVu"),
        rules=(("admin", "*", "*", "*"),),
    )

    async def compare(*trees: Tree) -> Tree:
        query = "&".join(f"targetManifests={_quoted(tree)}" for tree in trees)
        path = f"/api/v1/applications/web/server-side-diff?{query}"
        assert (await world.client.as_("bob").get(path)).status == 403
        answer: Tree = (await world.client.get(path)).json
        return answer

    answer = await compare(settings(a="2"))
    assert answer["modified"]
    assert '"1"' in answer["items"][0]["liveState"]
    answer = await compare(settings(name="others", a="2"), settings("Secret", "key", a="aGlkZGVu"))
    assert [item["name"] for item in answer["items"]] == ["others"]
    assert answer["items"][0]["liveState"] == ""
    assert "hidden" not in str(answer)
    for sent in ("1", "{", "{}", '{"kind":"A","apiVersion":"v1","metadata":{"name":1}}'):
        path = f"/api/v1/applications/web/server-side-diff?targetManifests={sent}"
        assert (await world.client.get(path)).status == 400


def _quoted(tree: Tree) -> str:
    return quote(orjson.dumps(tree).decode())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/gpgkeys"),
        ("POST", "/api/v1/gpgkeys"),
        ("DELETE", "/api/v1/gpgkeys"),
        ("GET", "/api/v1/gpgkeys/ABCD"),
    ],
)
async def test_what_is_not_built_says_so_to_who_might_use_it(method: str, path: str) -> None:
    world = ApiWorld(app())
    assert (await world.client.as_("bob").send(method, path)).status == 403
    reply = await world.client.send(method, path)
    assert (reply.status, reply.json["code"]) == (501, 12)


async def test_local_files_are_left_to_the_command_line() -> None:
    reply = await ApiWorld(app()).client.post("/api/v1/applications/manifestsWithFiles", {})
    assert (reply.status, "app diff --local" in reply.message) == (501, True)


@pytest.mark.parametrize("name", ["services", "triggers", "templates"])
async def test_notifications_of_argo_cd_are_said_to_be_missing(name: str) -> None:
    reply = await ApiWorld(app()).client.get(f"/api/v1/notifications/{name}")
    assert (reply.status, "holdfast-notifications" in reply.message) == (501, True)
