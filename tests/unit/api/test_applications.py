"""Routes on Applications: who sees what, and what is asked of the commands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import ApiWorld
from tests.unit.requests.given import app

Tree = dict[str, Any]
APPS = "/api/v1/applications"


def named(name: str, project: str = "default", **metadata: Any) -> Tree:
    return app({"project": project}, metadata={"name": name, "namespace": "argocd", **metadata})


def reader(*objects: str) -> list[tuple[str, str, str, str]]:
    return [("ann", "applications", "get", target) for target in objects]


async def test_a_list_is_sorted_and_holds_what_the_caller_may_see() -> None:
    world = ApiWorld(named("web"), named("api"), named("db", "data"), rules=reader("default/*"))
    reply = await world.client.as_("ann").get(APPS)
    assert [item["metadata"]["name"] for item in reply.json["items"]] == ["api", "web"]
    assert int(reply.json["metadata"]["resourceVersion"]) > 0


async def test_an_empty_list_has_items() -> None:
    reply = await ApiWorld().client.get(APPS)
    assert reply.json["items"] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=web", ["web"]),
        ("projects=data", ["db"]),
        ("projects=data&projects=default", ["db", "web"]),
        ("project=data&projects=default", ["db"]),
        ("selector=team%3Da", ["db"]),
        ("appNamespace=elsewhere", []),
        ("repo=https://git.example/apps", ["db", "web"]),
        ("repo=https://git.example/other", []),
    ],
)
async def test_a_list_is_filtered(query: str, names: list[str]) -> None:
    world = ApiWorld(named("web"), named("db", "data", labels={"team": "a"}))
    reply = await world.client.get(f"{APPS}?{query}")
    assert [item["metadata"]["name"] for item in reply.json["items"]] == names


async def test_fields_choose_what_a_list_holds() -> None:
    reply = await ApiWorld(named("web")).client.get(f"{APPS}?fields=items.metadata.name")
    assert reply.json["items"] == [{"metadata": {"name": "web"}}]
    assert set(reply.json) == {"items", "metadata"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("web", 200),
        ("db", 403),
        ("nothing", 403),
        ("nothing?project=default", 404),
        ("nothing?project=data", 403),
        ("db?project=default", 404),
        ("web?project=default", 200),
        ("web?project=default&projects=data&projects=x", 400),
    ],
)
async def test_missing_and_forbidden_look_alike_without_a_project(path: str, status: int) -> None:
    world = ApiWorld(named("web"), named("db", "data"), rules=reader("default/*"))
    reply = await world.client.as_("ann").get(f"{APPS}/{path}")
    assert reply.status == status
    if status == 403:
        assert reply.message == "permission denied"


async def test_nobody_is_told_anything_without_a_token() -> None:
    reply = await ApiWorld(named("web")).client.as_("").get(APPS)
    assert (reply.status, reply.json["code"]) == (401, 16)


async def test_an_application_is_created() -> None:
    world = ApiWorld()
    reply = await world.client.post(f"{APPS}?validate=false", named("web"))
    assert reply.status == 200, reply.json
    assert world.cluster.find("Application", "argocd", "web") is not None


async def test_one_that_is_there_and_different_is_not_overwritten() -> None:
    world = ApiWorld(named("web"))
    other = named("web")
    other["spec"]["source"] = {**other["spec"]["source"], "path": "other"}
    refused = await world.client.post(f"{APPS}?validate=false", other)
    assert (refused.status, refused.json["code"]) == (400, 3)
    assert "use upsert flag to force update" in refused.message
    taken = await world.client.post(f"{APPS}?validate=false&upsert=true", other)
    assert taken.json["spec"]["source"]["path"] == "other"


async def test_upsert_needs_the_right_to_update() -> None:
    world = ApiWorld(rules=[("ann", "applications", "create", "*")])
    reply = await world.client.as_("ann").post(f"{APPS}?upsert=true", named("web"))
    assert reply.status == 403
    assert reply.message == "permission denied: applications, update, default/web, sub: ann"
    assert world.cluster.writes == []


async def test_a_patch_cannot_move_an_application_where_the_caller_may_do_nothing() -> None:
    world = ApiWorld(
        named("web"),
        rules=[("ann", "applications", action, "default/*") for action in ("get", "update")],
    )
    body = {"patch": '{"spec": {"project": "data"}}', "patchType": "merge"}
    reply = await world.client.as_("ann").patch(f"{APPS}/web", body)
    assert reply.status == 403
    found = world.cluster.find("Application", "argocd", "web")
    assert found is not None
    assert found["spec"]["project"] == "default"


async def test_a_sync_puts_an_operation_on_the_application() -> None:
    world = ApiWorld(named("web"))
    reply = await world.client.post(f"{APPS}/web/sync", {"prune": True})
    assert reply.status == 200, reply.json
    assert reply.json["operation"]["sync"]["prune"] is True
    assert reply.json["operation"]["initiatedBy"] == {"username": "admin"}
    again = await world.client.post(f"{APPS}/web/sync", {})
    assert (again.status, again.message) == (400, "another operation is already in progress")


async def test_a_reader_cannot_sync() -> None:
    world = ApiWorld(named("web"), rules=reader("*"))
    assert (await world.client.as_("ann").post(f"{APPS}/web/sync", {})).status == 403
    assert world.cluster.writes == []


async def test_a_rollback_needs_an_entry_of_the_history() -> None:
    world = ApiWorld(named("web"))
    reply = await world.client.post(f"{APPS}/web/rollback", {"id": 7})
    assert (reply.status, reply.json["code"]) == (400, 3)


async def test_nothing_runs_so_nothing_is_stopped() -> None:
    reply = await ApiWorld(named("web")).client.delete(f"{APPS}/web/operation")
    assert reply.status == 400
    assert "No operation is in progress" in reply.message


async def test_what_runs_is_told_to_stop_by_who_may_sync() -> None:
    running = {**named("web"), "operation": {"sync": {"revision": "main"}}}
    running["status"] = {"operationState": {"phase": "Running", "operation": {}}}
    world = ApiWorld(running, rules=[("admin", "*", "*", "*"), *reader("default/*")])
    path = f"{APPS}/web/operation"
    assert (await world.client.as_("ann").delete(path)).status == 403
    assert (await world.client.get(f"{APPS}/web")).json["status"]["operationState"] == {
        "phase": "Running", "operation": {}
    }  # fmt: skip
    reply = await world.client.delete(path)
    assert (reply.status, reply.json) == (200, {})
    state = (await world.client.get(f"{APPS}/web")).json["status"]["operationState"]
    assert state["phase"] == "Terminating"


async def test_deleting_writes_the_finalizer_first() -> None:
    world = ApiWorld(named("web"))
    assert (await world.client.delete(f"{APPS}/web?propagationPolicy=background")).json == {}
    found = world.cluster.find("Application", "argocd", "web")
    assert found is not None
    assert found["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io/background"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", APPS, b"{"),
        ("POST", APPS, b"[]"),
        ("POST", APPS, b"null"),
        ("POST", APPS, b'{"metadata": [], "spec": {}}'),
        ("POST", APPS, b'{"metadata": {"name": 3}, "spec": {}}'),
        ("POST", APPS, b'{"metadata": {"name": "a"}}'),
        ("POST", APPS, b'{"metadata": {"name": "a"}, "spec": "x"}'),
        ("POST", APPS, b"[" * 300 + b"]" * 300),
        ("POST", APPS, b"\xff\xfe"),
        ("POST", f"{APPS}/web/sync", b'{"prune": "perhaps"}'),
        ("POST", f"{APPS}/web/sync", b'{"resources": [{"kind": 1}]}'),
        ("POST", f"{APPS}/web/sync", b'{"strategy": {"magic": {}}}'),
        ("POST", f"{APPS}/web/rollback", b'{"id": "x"}'),
        ("PATCH", f"{APPS}/web", b'{"patch": "{", "patchType": "merge"}'),
        ("PATCH", f"{APPS}/web", b'{"patch": "{}", "patchType": "other"}'),
        ("PUT", f"{APPS}/web/spec", b"3"),
        ("DELETE", f"{APPS}/web?cascade=perhaps", b""),
        ("DELETE", f"{APPS}/web?propagationPolicy=x", b""),
        ("DELETE", f"{APPS}/web?cascade=false&propagationPolicy=background", b""),
    ],
)
async def test_a_senseless_request_is_refused_with_400(method: str, path: str, body: bytes) -> None:
    world = ApiWorld(named("web"))
    reply = await world.client.send(method, path, body)
    assert reply.status == 400, reply.body
    assert world.cluster.writes == []


async def test_a_body_that_is_too_large_is_refused() -> None:
    reply = await ApiWorld().client.post(APPS, b" " * (4 * 1024 * 1024 + 1))
    assert reply.status == 413


async def test_another_content_type_is_refused() -> None:
    world = ApiWorld(named("web"))
    headers = {"content-type": "text/plain"}
    reply = await world.client.send("DELETE", f"{APPS}/web", headers=headers)
    assert (reply.status, reply.body) == (415, b"Invalid content type\n")
    assert world.cluster.find("Application", "argocd", "web") is not None


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fsecrets", "%00", "a%0d%0aX-Evil:%20b", "%F0%9F%8E%89", "x" * 5000, "%2e%2e"]
)
async def test_a_strange_name_is_only_a_name(name: str) -> None:
    reply = await ApiWorld(named("web")).client.get(f"{APPS}/{name}")
    assert reply.status == 403
    assert "x-evil" not in reply.headers


async def test_an_unknown_path_and_method_are_refused_in_the_shape() -> None:
    client = ApiWorld().client
    assert (await client.get("/api/v1/nothing")).json["code"] == 5
    wrong = await client.put(APPS, {})
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, POST")
