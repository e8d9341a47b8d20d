"""The screen of one object: its tabs, who sees which, and what it says before it is done."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from holdfast.domain.manifest import Manifest
from tests.support.fakes import FakeJournal
from tests.support.page import PageWorld, Shown, open_episode
from tests.unit.requests.given import app

Tree = dict[str, Any]
WEB = "/applications/argocd/web"
ON_WEB = f"{WEB}/object?group=apps&kind=Deployment&namespace=prod&name=web"
ON_KEYS = f"{WEB}/object?kind=Secret&namespace=prod&name=keys"
ON_POD = f"{WEB}/object?kind=Pod&namespace=prod&name=web-1"
TABS = (
    "summary",
    "live",
    "desired",
    "diff",
    "owners",
    "events",
    "logs",
    "delete",
    "action",
    "edit",
)
EVIL = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
HUNTER = "aHVudGVyMg=="
READER = ("ann", "applications", "get", "*")
HEALS = {"syncPolicy": {"automated": {"selfHeal": True}}}


def status(**more: Any) -> Tree:
    web = {"group": "apps", "kind": "Deployment", "version": "v1", "namespace": "prod",
           "name": "web", "status": "OutOfSync", "health": {"status": "Degraded", "message": "x"},
           **more}  # fmt: skip
    keys = {"kind": "Secret", "version": "v1", "namespace": "prod", "name": "keys",
            "status": "Synced"}  # fmt: skip
    return {"sync": {"status": "OutOfSync", "revision": "b" * 40}, "resources": [web, keys]}


def entry(manager: str, fields: Tree, **more: Any) -> Tree:
    return {"manager": manager, "operation": "Apply", "apiVersion": "apps/v1",
            "time": "2026-01-02T11:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields,
            **more}  # fmt: skip


def deployment(replicas: int = 3, **metadata: Any) -> Tree:
    template = {"spec": {"containers": [{"name": "main", "image": "img:1"}, {"name": "side"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod", **metadata},
        "spec": {"replicas": replicas, "template": template},
        "status": {"readyReplicas": 2, "conditions": [
            {"type": "Available", "status": "True", "message": EVIL}]},
    }  # fmt: skip


def secret(value: str = HUNTER) -> Tree:
    owner = entry("kubectl", {"f:data": {".": {}, "f:password": {}}}, operation="Update")
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data":"{value}"}}'}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "prod", "annotations": annotation,
                     "managedFields": [owner]},
        "data": {"password": value},
    }  # fmt: skip


def pod(name: str = "web-1") -> Tree:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
             "uid": "uid-Deployment-web", "controller": True}  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "prod", "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "main", "image": "img:1"}]},
        "status": {"phase": "Running"},
    }


def world(*more: Tree, spec: Tree | None = None, web: Tree | None = None, **options: Any) -> Any:
    options.setdefault("renders", (deployment(2), secret("bmV3")))
    live = web or deployment(managedFields=[
        entry("holdfast", {"f:spec": {"f:replicas": {}, "f:template": {}}}),
        entry("kube-controller-manager", {"f:status": {"f:readyReplicas": {}}}, operation="Update",
              subresource="status")])  # fmt: skip
    return PageWorld(app(spec, status=status()), live, secret(), pod(), *more, **options)


def tabs_of(shown: Shown) -> list[str]:
    names = [a.get("data-test", "") for tag, a in shown.tags if tag == "a"]
    return [name.removeprefix("tab-") for name in names if name.startswith("tab-")]


async def test_every_tab_of_every_object_has_an_address_of_its_own() -> None:
    given = world(journal=FakeJournal(open_episode()))
    for where in (ON_WEB, ON_KEYS, ON_POD):
        for tab in TABS:
            shown = await given.shown(f"{where}&tab={tab}")
            assert shown.status == 200, (where, tab)
            assert shown.test("object-name"), (where, tab)


async def test_the_tree_the_list_and_the_pods_lead_to_the_object() -> None:
    given = world()
    for view in ("tree", "list", "pods"):
        links = (await given.shown(f"{WEB}?view={view}")).links()
        assert ON_WEB in links, view
        assert ON_POD in links or view == "list", view


async def test_an_address_of_argo_cds_page_leads_to_the_object() -> None:
    reply = await world().client.get(f"{WEB}?node=apps%2FDeployment%2Fprod%2Fweb%2F0&tab=logs")
    assert (reply.status, reply.headers["location"]) == (303, f"{ON_WEB}&tab=logs")
    assert (await world().client.get(f"{WEB}?node=x")).status == 303


async def test_the_summary_says_what_it_is_how_it_is_and_what_came_of_it() -> None:
    shown = await world(journal=FakeJournal(open_episode())).shown(ON_WEB)
    for words in ("3 wanted, 2 ready", "Degraded It does not work as it should.", "img:1",
                  "Live is not what git declares.", "It has drifted and is not healed: self-heal "
                  "is off."):  # fmt: skip
        assert words in shown.words
    assert [child["href"] for child in shown.test("child")] == [ON_POD]
    assert ON_WEB in (await world().shown(ON_POD)).links()


async def test_an_application_that_an_application_declares_can_be_opened() -> None:
    child = app(metadata={"name": "child", "namespace": "argocd"})
    named = {"group": "argoproj.io", "kind": "Application", "version": "v1alpha1",
             "namespace": "argocd", "name": "child", "status": "Synced"}  # fmt: skip
    parent = app(status={"resources": [named]})
    path = f"{WEB}/object?group=argoproj.io&kind=Application&namespace=argocd&name=child"
    shown = await PageWorld(parent, child).shown(path)
    assert shown.test("open-application")[0]["href"] == "/applications/argocd/child"


async def test_an_object_of_no_application_is_not_told() -> None:
    given = world(pod("stranger") | {"metadata": {"name": "stranger", "namespace": "prod"}})
    for name in ("stranger", "nobody"):
        shown = await given.shown(f"{WEB}/object?kind=Pod&namespace=prod&name={name}")
        assert shown.status == 404
        assert f"has no Pod {name} now" in shown.words
    assert (await given.shown(f"{WEB}/object")).status == 404


async def test_an_object_of_a_forbidden_application_looks_like_a_missing_application() -> None:
    given = world(rules=[("ann", "applications", "get", "other/*")])
    forbidden = await given.shown(ON_WEB, "ann")
    missing = await given.shown(ON_WEB.replace("argocd/web", "argocd/nope"), "ann")
    assert forbidden.status == missing.status == 403
    assert forbidden.html == missing.html


async def test_what_a_reader_may_not_do_is_not_offered() -> None:
    given = world(rules=[READER])
    shown = await given.shown(ON_WEB, "ann")
    for name in ("sync-object", "delete-object", "pause-object", "actions", "tab-logs"):
        assert not shown.test(name), name
    deleting = await given.shown(f"{ON_WEB}&tab=delete", "ann")
    assert deleting.test("no-delete-right")
    assert not deleting.test("delete-do")
    logs = await given.shown(f"{ON_WEB}&tab=logs", "ann")
    assert logs.test("no-logs-right")
    assert not logs.test("log")
    assert (await given.shown(f"{ON_WEB}&tab=action&action=scale", "ann")).test("no-action")


async def test_each_act_needs_its_own_right() -> None:
    restart = ("ann", "applications", "action/apps/Deployment/restart", "*")
    fine = ("ann", "applications", "delete/apps/Deployment/prod/web", "*")
    logs = ("ann", "logs", "get", "default/web")
    given = world(rules=[READER, restart, fine, logs])
    shown = await given.shown(ON_WEB, "ann")
    acts = [a["data-test"] for _, a in shown.tags if a.get("data-test", "").startswith("act-")]
    assert acts == ["act-restart"]
    assert shown.test("delete-object")
    assert not (await given.shown(ON_KEYS, "ann")).test("delete-object")
    assert "logs" in tabs_of(shown)


async def test_the_values_of_a_secret_reach_no_tab() -> None:
    given = world()
    for tab in TABS:
        shown = await given.shown(f"{ON_KEYS}&tab={tab}&managed=shown&lines=all")
        for value in (HUNTER, "hunter2", "bmV3", "token:"):
            assert value not in shown.html, (tab, value)
    assert (await given.shown(f"{ON_KEYS}&tab=live")).test("masked")
    assert "++++++++" in (await given.shown(f"{ON_KEYS}&tab=live")).words
    summary = await given.shown(ON_KEYS)
    assert "Keys password" in summary.words
    assert "last-applied" not in summary.words


async def test_hostile_texts_of_an_object_stay_texts() -> None:
    hostile = deployment(
        labels={"x": EVIL},
        annotations={"link.argocd.argoproj.io/a": "javascript:alert(1)", EVIL: EVIL},
        managedFields=[entry(EVIL, {"f:spec": {"f:replicas": {}}}, operation=EVIL),
                       entry("odd", {"x:y": {}}), entry("no", {"f:spec": 3})],
        finalizers=[EVIL],
    )  # fmt: skip
    given = world(web=hostile, rules=())
    for tab in TABS:
        shown = await given.shown(
            f"{ON_WEB}&tab={tab}&filter={EVIL.replace('&', '')}&action={EVIL}"
        )
        assert shown.status == 200, tab
        assert "<img" not in shown.html, tab
        for tag, attributes in shown.tags:
            assert tag != "img"
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")], tab
            assert not attributes.get("href", "").startswith("javascript"), tab
    assert (
        "The entries of odd, no cannot be read."
        in (await given.shown(f"{ON_WEB}&tab=owners")).words
    )


async def test_the_diff_of_one_object_says_what_is_not_compared() -> None:
    ignored = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/paused"]}]
    given = world(spec={"ignoreDifferences": ignored})
    shown = await given.shown(f"{ON_WEB}&tab=diff&lines=all")
    assert len(shown.test("object-diff")) == 1
    assert "/spec/paused is not compared" in shown.words
    given.cluster.predict = lambda _: Manifest(deployment())
    same = await given.shown(f"{ON_WEB}&tab=diff&style=unified")
    assert same.test("no-diff")
    assert same.test("ignored")


async def test_the_desired_state_is_that_of_git() -> None:
    shown = await world().shown(f"{ON_WEB}&tab=desired")
    assert "replicas: 2" in shown.words
    assert "replicas: 3" not in shown.words
    assert tabs_of(await world().shown(ON_POD)) == ["summary", "live", "owners", "events", "logs"]
    pruned = await world(renders=()).shown(f"{ON_WEB}&tab=desired")
    assert pruned.test("not-declared")


async def test_live_has_managed_fields_only_when_they_are_asked_for() -> None:
    given = world()
    assert "managedFields:" not in (await given.shown(f"{ON_WEB}&tab=live")).words
    assert "managedFields:" in (await given.shown(f"{ON_WEB}&tab=live&managed=shown")).words


async def test_owners_are_a_legend_over_the_lines() -> None:
    given = world()
    shown = await given.shown(f"{ON_WEB}&tab=owners")
    assert [owner["class"] for owner in shown.test("owner")] == ["o0", "o1"]
    assert "Update of status, 1 field" in shown.words
    rows = [a.get("class", "") for tag, a in shown.tags if tag == "tr"]
    assert {"o0 first", "o0", "o1 first"} <= set(rows)
    one = await given.shown(f"{ON_WEB}&tab=owners&by=1")
    assert not [a for tag, a in one.tags if tag == "tr" and a.get("class", "").startswith("o0")]
    assert "Only what kube-controller-manager owns is marked: 1 line." in one.words


async def test_events_of_one_object_are_its_own() -> None:
    def event(name: str, uid: str) -> Tree:
        return {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "prod"},
            "involvedObject": {"kind": "Deployment", "name": "web", "uid": uid},
            "reason": name, "message": "m",
        }  # fmt: skip

    given = world(event("Mine", "uid-Deployment-web"), event("Another", "uid-before"))
    shown = await given.shown(f"{ON_WEB}&tab=events")
    assert shown.test("events")
    assert "Mine" in shown.words
    assert "Another" not in shown.words
    assert (await given.shown(f"{ON_KEYS}&tab=events")).test("no-events")


async def test_a_log_is_asked_for_as_the_address_says() -> None:
    given = world(pod("web-2"))
    shown = await given.shown(f"{ON_WEB}&tab=logs")
    (box,) = shown.test("log")
    asked = parse_qs(urlsplit(box["data-log"]).query)
    assert asked["container"] == ["main"]
    assert (asked["tailLines"], asked["follow"]) == (["1000"], ["true"])
    assert (asked["kind"], asked["resourceName"]) == (["Deployment"], ["web"])
    wish = "pod=web-2&container=side&tail=100&since=300&filter=a%26b&without=yes&case=yes&follow=no"
    shown = await given.shown(f"{ON_WEB}&tab=logs&{wish}")
    asked = parse_qs(urlsplit(shown.test("log")[0]["data-log"]).query)
    assert asked["podName"] == ["web-2"]
    assert (asked["filter"], asked["matchCase"]) == (["!a&b"], ["true"])
    assert (asked["container"], asked["sinceSeconds"]) == (["side"], ["300"])
    assert "follow" not in asked
    senseless = await given.shown(f"{ON_WEB}&tab=logs&pod=x&container=y&tail=z&since=-1")
    assert senseless.test("log")[0]["data-log"] == box["data-log"]


async def test_of_too_many_pods_the_log_of_the_first_is_shown() -> None:
    given = world(*(pod(f"web-{n}") for n in range(2, 13)))
    shown = await given.shown(f"{ON_WEB}&tab=logs")
    asked = parse_qs(urlsplit(shown.test("log")[0]["data-log"]).query)
    assert asked["podName"] == ["web-1"]
    assert "all 12 pods" not in shown.words


async def test_the_log_that_the_page_asks_for_is_streamed() -> None:
    given = world()
    given.world.prints("2026-01-02T15:04:05Z one", "2026-01-02T15:04:06Z two")
    where = (await given.shown(f"{ON_POD}&tab=logs&follow=no")).test("log")[0]["data-log"]
    async with given.client.stream(where, accept="text/event-stream") as messages:
        seen = [(await messages.next())["result"] for _ in range(3)]
    assert [one["content"] for one in seen] == ["one", "two", ""]
    assert seen[2]["last"] is True
    (download,) = (await given.shown(f"{ON_POD}&tab=logs")).test("log-download")
    assert (await given.client.get(download["href"])).body == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("how", "verb", "typed"),
    [
        ("foreground", "delete Foreground None", False),
        ("background", "delete Background None", False),
        ("orphan", "delete Orphan None", False),
        ("force", "delete Background 0", True),
    ],
)
async def test_an_object_is_deleted_as_the_page_says(how: str, verb: str, typed: bool) -> None:
    given = world()
    shown = await given.shown(f"{ON_WEB}&tab=delete&how={how}")
    (button,) = shown.test("delete-do")
    assert how in button["data-confirm"].casefold()
    assert ("data-confirm-type" in button) is typed
    assert (await given.client.delete(button["data-path"])).status == 200
    assert [write[0] for write in given.cluster.writes] == [verb]


@pytest.mark.parametrize(
    ("spec", "where", "words"),
    [
        (HEALS, ON_WEB, "Holdfast puts it back as git declares it"),
        (None, ON_WEB, "it stays away until the next sync"),
        (HEALS, ON_POD, "Its owner, Deployment web, makes a new one"),
    ],
)
async def test_who_deletes_is_told_whether_it_comes_back(
    spec: Tree | None, where: str, words: str
) -> None:
    shown = await world(spec=spec).shown(f"{where}&tab=delete")
    assert words in shown.words
    assert words in shown.test("delete-do")[0]["data-confirm"]


async def test_a_pause_is_told_to_who_deletes() -> None:
    given = world(spec=HEALS)
    named = {"group": "apps", "kind": "Deployment", "namespace": "prod", "name": "web"}
    await given.client.post(f"{WEB}/pause", {"reason": "by hand", "resource": named})
    shown = await given.shown(f"{ON_WEB}&tab=delete")
    assert shown.test("pause-banner")
    assert "is put back then" in shown.words
    assert not (await given.shown(ON_KEYS)).test("pause-banner")


async def test_a_missing_object_says_so_in_every_tab() -> None:
    given = PageWorld(app(status=status()), renders=(deployment(2),))
    for tab in ("summary", "live", "owners", "logs", "delete"):
        assert (await given.shown(f"{ON_WEB}&tab={tab}")).test("not-there"), tab
    shown = await given.shown(ON_WEB)
    assert not shown.test("delete-object")
    assert "replicas: 2" in (await given.shown(f"{ON_WEB}&tab=desired")).words


async def test_an_action_is_run_as_the_page_offers_it() -> None:
    given = world()
    shown = await given.shown(ON_WEB)
    (restart,) = shown.test("act-restart")
    reply = await given.client.post(restart["data-path"], orjson.loads(restart["data-body"]))
    assert reply.status == 200
    assert [verb for verb, _, _ in given.cluster.writes] == ["patch merge"]
    assert "disabled" in shown.test("act-resume")[0]


async def test_scaling_what_git_declares_says_that_it_is_set_back() -> None:
    path = f"{ON_WEB}&tab=action&action=scale"
    assert "Holdfast sets it back at once" in (await world(spec=HEALS).shown(path)).words
    assert "the next sync sets it back" in (await world().shown(path)).words
    taken = deployment(managedFields=[entry("kubectl", {"f:spec": {"f:replicas": {}}})])
    assert "If git declares spec.replicas" in (await world(web=taken).shown(path)).words
    given = world()
    form = next(a for tag, a in (await given.shown(path)).tags if "data-form" in a)
    body = orjson.loads(form["data-body"])
    body["resourceActionParameters"][0]["value"] = "7"
    assert (await given.client.post(form["data-path"], body)).status == 200
    found = given.cluster.find("Deployment", "prod", "web")
    assert found is not None
    assert found["spec"]["replicas"] == 7
