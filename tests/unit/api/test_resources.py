"""One object of an Application over the API, its actions, events, windows, links and logs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.support.api import ApiWorld
from tests.unit.api.test_applications import named, reader

Tree = dict[str, Any]
WEB = "/api/v1/applications/web"
DEPLOYMENT = {"group": "apps", "kind": "Deployment", "version": "v1", "namespace": "prod",
              "name": "web"}  # fmt: skip
SECRET = {"kind": "Secret", "version": "v1", "namespace": "prod", "name": "keys"}
ON_WEB = "group=apps&kind=Deployment&version=v1&namespace=prod&resourceName=web"
ON_SECRET = "kind=Secret&version=v1&namespace=prod&resourceName=keys"
MERGE = "patchType=application/merge-patch%2Bjson"


def deployment(**spec: Any) -> Tree:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod"},
        "spec": {"replicas": 2, **spec},
    }


def secret() -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "prod"},
        "data": {"password": "aHVudGVyMg=="},
    }


def pod(name: str = "web-1") -> Tree:
    owner = {"kind": "Deployment", "name": "web", "uid": "uid-Deployment-web"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "prod", "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "main", "image": "img:1"}]},
    }


def world(*more: Tree, **options: Any) -> ApiWorld:
    web = {**named("web"), "status": {"resources": [DEPLOYMENT, SECRET]}}
    return ApiWorld(web, deployment(), secret(), *more, **options)


async def test_an_object_is_shown_with_its_secrets_masked() -> None:
    client = world().client
    found = await client.get(f"{WEB}/resource?{ON_WEB}")
    assert orjson.loads(found.json["manifest"])["spec"]["replicas"] == 2
    hidden = await client.get(f"{WEB}/resource?{ON_SECRET}")
    assert orjson.loads(hidden.json["manifest"])["data"] == {"password": "++++++++"}


async def test_what_grew_out_of_an_object_belongs_to_the_application_too() -> None:
    client = world(pod()).client
    path = f"{WEB}/resource?kind=Pod&version=v1&namespace=prod&resourceName=web-1"
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=Pod&namespace=prod&resourceName=other", 400),
        ("group=apps&kind=Deployment&namespace=kube-system&resourceName=web", 400),
        ("group=apps&kind=Deployment", 400),
        ("", 400),
        ("kind=..%2F..&namespace=prod&resourceName=..%2F..%2Fx", 400),
    ],
)
async def test_what_is_none_of_the_applications_is_not_told(query: str, status: int) -> None:
    reply = (
        await world(pod("other")).client.get(f"{WEB}/resource?{query}")
        if "other" not in query
        else await world().client.get(f"{WEB}/resource?{query}")
    )
    assert (reply.status, reply.json["code"]) == (status, 3)


async def test_an_object_is_patched_as_a_person_does_it() -> None:
    given = world()
    reply = await given.client.post(
        f"{WEB}/resource?{ON_WEB}&{MERGE}", orjson.dumps('{"spec": {"replicas": 5}}')
    )
    assert orjson.loads(reply.json["manifest"])["spec"]["replicas"] == 5
    steps = '[{"op": "replace", "path": "/spec/replicas", "value": 6}]'
    kind = "patchType=application/json-patch%2Bjson"
    reply = await given.client.post(f"{WEB}/resource?{ON_WEB}&{kind}", orjson.dumps(steps))
    assert orjson.loads(reply.json["manifest"])["spec"]["replicas"] == 6


async def test_a_mask_is_never_written_into_a_secret() -> None:
    given = world()
    reply = await given.client.post(
        f"{WEB}/resource?{ON_SECRET}&{MERGE}", orjson.dumps('{"data": {"password": "++++++++"}}')
    )
    assert reply.status == 400
    assert given.cluster.writes == []


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (MERGE, b'{"spec": {}}'),
        (MERGE, b'"{"'),
        (MERGE, b'"[]"'),
        (MERGE, b'"3"'),
        ("patchType=application/json-patch%2Bjson", b'"{}"'),
        ("patchType=text/plain", b'"{}"'),
    ],
)
async def test_a_senseless_patch_is_refused(query: str, body: bytes) -> None:
    given = world()
    reply = await given.client.post(f"{WEB}/resource?{ON_WEB}&{query}", body)
    assert reply.status == 400
    assert given.cluster.writes == []


async def test_an_object_is_deleted_as_asked() -> None:
    for query, verb in (
        ("", "delete Foreground None"),
        ("&force=true", "delete Background 0"),
        ("&orphan=true", "delete Orphan None"),
        ("&propagationPolicy=foreground", "delete Foreground None"),
        ("&propagationPolicy=background", "delete Background None"),
        ("&propagationPolicy=orphan", "delete Orphan None"),
    ):
        given = world()
        assert (await given.client.delete(f"{WEB}/resource?{ON_WEB}{query}")).json == {}
        assert [write[0] for write in given.cluster.writes] == [verb]


async def test_a_propagation_that_nobody_knows_deletes_nothing() -> None:
    given = world()
    reply = await given.client.delete(f"{WEB}/resource?{ON_WEB}&propagationPolicy=sideways")
    assert reply.status == 400
    assert given.cluster.writes == []


async def test_a_project_that_does_not_permit_the_kind_refuses_the_write() -> None:
    given = world()
    project = given.cluster.find("AppProject", "argocd", "default")
    assert project is not None
    project["spec"]["namespaceResourceBlacklist"] = [{"group": "apps", "kind": "Deployment"}]
    given.cluster.put(project)
    reply = await given.client.delete(f"{WEB}/resource?{ON_WEB}")
    assert reply.status == 400
    assert "is not permitted in project default" in reply.message


async def test_rights_on_objects_are_named_one_by_one() -> None:
    fine = ("ann", "applications", "delete/apps/Deployment/prod/web", "default/web")
    plain = ("bob", "applications", "delete", "default/web")
    given = world(rules=[fine, plain, *reader("*")])
    assert (await given.client.as_("bob").delete(f"{WEB}/resource?{ON_WEB}")).status == 403
    given.settings.texts["server.rbac.disableApplicationFineGrainedRBACInheritance"] = "false"
    assert (await given.client.as_("ann").delete(f"{WEB}/resource?{ON_SECRET}")).status == 403
    assert (await given.client.as_("bob").delete(f"{WEB}/resource?{ON_SECRET}")).status == 200
    assert (await given.client.as_("ann").delete(f"{WEB}/resource?{ON_WEB}")).status == 200


async def test_actions_are_listed_and_run() -> None:
    given = world()
    listed = (await given.client.get(f"{WEB}/resource/actions?{ON_WEB}")).json["actions"]
    assert [item["name"] for item in listed] == ["restart", "pause", "resume", "scale"]
    body = {
        "namespace": "prod", "resourceName": "web", "version": "v1", "group": "apps",
        "kind": "Deployment", "action": "scale",
        "resourceActionParameters": [{"name": "replicas", "value": "7"}],
    }  # fmt: skip
    assert (await given.client.post(f"{WEB}/resource/actions/v2", body)).json == {}
    reply = await given.client.post(f"{WEB}/resource/actions?{ON_WEB}", b'"pause"')
    assert reply.status == 200
    found = given.cluster.find("Deployment", "prod", "web")
    assert found is not None
    assert found["spec"] == {"replicas": 7, "paused": True}


async def test_an_action_needs_its_own_right() -> None:
    rule = ("ann", "applications", "action/apps/Deployment/restart", "*")
    client = world(rules=[rule]).client.as_("ann")
    assert (await client.post(f"{WEB}/resource/actions?{ON_WEB}", b'"restart"')).status == 200
    assert (await client.post(f"{WEB}/resource/actions?{ON_WEB}", b'"pause"')).status == 403
    assert (await client.post(f"{WEB}/resource/actions?{ON_WEB}", b'"restart/"')).status == 403


async def test_automatic_sync_is_toggled_by_an_action_on_the_application() -> None:
    given = world()
    query = "group=argoproj.io&kind=Application&version=v1alpha1&namespace=argocd&resourceName=web"
    reply = await given.client.post(f"{WEB}/resource/actions?{query}", b'"toggle-auto-sync"')
    assert reply.status == 200, reply.json
    assert given.world.web["spec"]["syncPolicy"] == {"automated": {"enabled": True}}


def event(name: str, kind: str, about: str, namespace: str, **involved: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {"kind": kind, "name": about, **involved},
        "reason": "Because",
    }


async def test_events_of_the_application_and_of_its_objects() -> None:
    given = world(
        event("e1", "Application", "web", "argocd"),
        event("e2", "Application", "api", "argocd"),
        event("e3", "Deployment", "web", "prod"),
        event("e4", "Deployment", "other", "prod"),
    )
    found = (await given.client.get(f"{WEB}/events")).json
    assert [item["metadata"]["name"] for item in found["items"]] == ["e1"]
    query = "resourceName=web&resourceNamespace=prod&resourceUID="
    found = (await given.client.get(f"{WEB}/events?{query}")).json
    assert [item["metadata"]["name"] for item in found["items"]] == ["e3"]
    query = "resourceName=other&resourceNamespace=prod"
    assert (await given.client.get(f"{WEB}/events?{query}")).status == 400


async def test_sync_windows_of_the_project() -> None:
    given = world()
    project = given.cluster.find("AppProject", "argocd", "default")
    assert project is not None
    always: Tree = {
        "kind": "deny",
        "schedule": "* * * * *",
        "duration": "1h",
        "applications": ["w*"],
    }
    never = {"kind": "allow", "schedule": "0 3 1 7 *", "duration": "1m", "applications": ["x"]}
    project["spec"]["syncWindows"] = [always, never]
    given.cluster.put(project)
    found = (await given.client.get(f"{WEB}/syncwindows")).json
    assert [item["kind"] for item in found["assignedWindows"]] == ["deny"]
    assert len(found["activeWindows"]) == 1
    assert found["canSync"] is False
    always["manualSync"] = True
    given.cluster.put(project)
    assert (await given.client.get(f"{WEB}/syncwindows")).json["canSync"] is True


async def test_links_are_filled_in_and_never_a_script() -> None:
    given = world()
    given.settings.texts["application.links"] = """
- title: Board
  url: https://board.example/{{.app.metadata.name}}?p={{ .app.spec.project }}
  icon.class: fa-home
- title: Script
  url: javascript:alert(1)
- title: Too much
  url: https://board.example/{{ if .app.spec.x }}a{{ end }}
- title: Condition
  url: https://board.example
  if: app.metadata.name == "web"
"""
    found = (await given.client.get(f"{WEB}/links")).json["items"]
    assert found == [
        {"title": "Board", "url": "https://board.example/web?p=default", "iconClass": "fa-home"}
    ]
    given.settings.texts["application.links"] = "{{"
    assert (await given.client.get(f"{WEB}/links")).json == {"items": []}


async def test_a_commit_is_told_and_a_chart_is_not_built() -> None:
    client = world().client
    found = (await client.get(f"{WEB}/revisions/{'a' * 40}/metadata")).json
    assert (found["author"], found["message"]) == ("Ann", "Change")
    assert (await client.get(f"{WEB}/revisions/1.0/chartdetails")).status == 501
    reply = await client.get(f"{WEB}/revisions/{quote('../..', safe='')}/metadata?sourceIndex=9")
    assert reply.status == 400


async def test_logs_are_a_stream_with_an_end_and_can_be_downloaded() -> None:
    given = world(pod())
    printed(given, "2026-01-02T15:04:05Z one", "2026-01-02T15:04:06Z two")
    async with given.client.stream(f"{WEB}/pods/web-1/logs?namespace=prod") as messages:
        seen = [await messages.result() for _ in range(3)]
        assert await messages.next() is None
    assert [(entry["content"], entry["last"]) for entry in seen] == [
        ("one", False),
        ("two", False),
        ("", True),
    ]
    assert seen[0]["timeStampStr"] == "2026-01-02T15:04:05Z"
    path = f"{WEB}/logs?podName=web-1&namespace=prod&container=main%22%0d%0ax&download=true"
    reply = await given.client.get(path)
    assert reply.status in (200, 400)
    reply = await given.client.get(
        f"{WEB}/logs?podName=web-1&namespace=prod&container=main&download=true"
    )
    assert reply.body == b"one\ntwo\n"
    assert reply.headers["content-disposition"] == 'attachment;filename="prod-web-1-main.log"'


async def test_logs_need_their_own_right() -> None:
    given = world(pod(), rules=reader("*"))
    assert (await given.client.as_("ann").get(f"{WEB}/logs?podName=web-1")).status == 403
    given.roles.rules.append(("ann", "logs", "get", "default/web"))
    printed(given, "2026-01-02T15:04:05Z one")
    assert (await given.client.as_("ann").get(f"{WEB}/logs?podName=web-1")).status == 200
    wrong = await given.client.as_("ann").get(f"{WEB}/logs?podName=web-1&sinceTime=soon")
    assert wrong.status == 400


def printed(world: ApiWorld, *lines: str) -> None:
    """Lets every pod print these lines."""
    world.world.prints(*lines)
