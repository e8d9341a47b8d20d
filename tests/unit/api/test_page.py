"""Screens of the page: what they show, whom, and that nothing gets out of its place."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.support.fakes import FakeJournal
from tests.support.page import PageWorld, episode, open_episode
from tests.unit.requests.given import app

Tree = dict[str, Any]
WEB = "/applications/argocd/web"
EVIL = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


def named(name: str, project: str = "default", **metadata: Any) -> Tree:
    return app({"project": project}, metadata={"name": name, "namespace": "argocd", **metadata})


def synced(**status: Any) -> Tree:
    """An Application after two syncs."""
    first = {"id": 3, "revision": "a" * 40, "deployedAt": "2026-01-02T11:00:00Z",
             "deployStartedAt": "2026-01-02T10:59:58Z", "source": {"repoURL": "https://g/x"},
             "initiatedBy": {"username": "ann"}}  # fmt: skip
    second = {**first, "id": 4, "revision": "b" * 40, "deployedAt": "2026-01-02T11:30:00Z",
              "initiatedBy": {"automated": True}}  # fmt: skip
    return app(
        {"syncPolicy": {"automated": {"prune": True}}},
        status={
            "sync": {"status": "OutOfSync", "revision": "b" * 40},
            "health": {"status": "Degraded"},
            "history": [first, second],
            **status,
        },
    )


async def test_the_list_shows_every_application_that_the_caller_may_see() -> None:
    rules = [("ann", "applications", "get", "default/*")]
    world = PageWorld(named("web"), named("db", "data"), rules=rules)
    shown = await world.shown("/applications", "ann")
    assert shown.status == 200
    assert [tile["data-key"] for tile in shown.test("tile")] == ["argocd/web"]
    assert "db" not in shown.words


@pytest.mark.parametrize(
    ("headers", "laid"),
    [
        ({}, "wide"),
        ({"x-holdfast-width": "narrow"}, "narrow"),
        ({"cookie": "holdfast.width=narrow"}, "narrow"),
        ({"cookie": "holdfast.width=narrow", "x-holdfast-width": "wide"}, "wide"),
        ({"x-holdfast-width": "<b>"}, "wide"),
        ({"sec-ch-ua-mobile": "?1"}, "narrow"),
        ({"sec-ch-ua-mobile": "?1", "cookie": "holdfast.width=wide"}, "wide"),
    ],
)
async def test_a_screen_is_laid_out_for_the_width_of_its_window(headers: Tree, laid: str) -> None:
    client = PageWorld(synced(resources=[{"kind": "Secret", "name": "x", "version": "v1"}])).client
    reply = await client.send("GET", WEB, headers=headers)
    html = reply.body.decode()
    assert f'data-laid="{laid}"' in html
    assert ("facts-more" in html, 'data-fit="' in html) == (laid == "narrow", laid == "narrow")
    diff = (await client.send("GET", f"{WEB}/diff", headers=headers)).body.decode()
    unified = re.search(r'style=unified"[^>]*aria-current', diff) is not None
    assert unified == (laid == "narrow")
    asked = (await client.send("GET", f"{WEB}/diff?style=split", headers=headers)).body.decode()
    assert re.search(r'style=split"[^>]*aria-current', asked)


async def test_who_is_not_signed_in_is_led_to_the_form_and_back() -> None:
    reply = await PageWorld().client.as_("").get(f"{WEB}?view=list")
    assert reply.status == 303
    wanted = "/login?return_url=%2Fapplications%2Fargocd%2Fweb%3Fview%3Dlist"
    assert reply.headers["location"] == wanted


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_the_form_leads_nowhere_else(wanted: str) -> None:
    reply = await PageWorld().client.get(f"/login?return_url={wanted}")
    assert reply.headers["location"] == "/applications"


@pytest.mark.parametrize(
    "path", ["/applications", WEB, f"{WEB}?view=list", f"{WEB}/history", f"{WEB}/sync",
             f"{WEB}/drift", f"{WEB}/pause", "/drift", "/pauses", "/nowhere", f"{WEB}/nothing"]
)  # fmt: skip
async def test_every_screen_forbids_what_is_not_its_own(path: str) -> None:
    world = PageWorld(synced(), journal=FakeJournal(episode(), open_episode(id="ff")))
    shown = await world.shown(path)
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"data;dur=[\d.]+, render;dur=[\d.]+", shown.headers["server-timing"])
    for tag, attributes in shown.tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert tag != "style"


async def test_a_missing_application_looks_like_a_forbidden_one() -> None:
    world = PageWorld(named("web", "secret"), rules=[("ann", "applications", "get", "default/*")])
    missing = await world.shown("/applications/argocd/nope", "ann")
    forbidden = await world.shown(WEB, "ann")
    assert missing.status == forbidden.status == 403
    assert missing.html == forbidden.html


async def test_hostile_texts_stay_texts() -> None:
    hostile = app(
        {"source": {"repoURL": f"javascript:{EVIL}", "path": EVIL, "targetRevision": EVIL}},
        metadata={
            "labels": {"x": EVIL},
            "annotations": {f"link.argocd.argoproj.io/{EVIL}": "javascript:alert(1)"},
        },
        status={
            "health": {"status": EVIL, "message": EVIL},
            "sync": {"status": "OutOfSync", "revision": EVIL},
            "conditions": [{"type": EVIL, "message": EVIL}],
            "operationState": {"phase": "Failed", "message": EVIL, "operation": {
                "initiatedBy": {"username": EVIL}}},
            "resources": [{"kind": EVIL, "name": EVIL, "namespace": EVIL, "status": EVIL}],
            "history": [{"id": 0, "revision": EVIL, "initiatedBy": {"username": EVIL}}],
        },
    )  # fmt: skip
    drift = open_episode(managers=(EVIL,), what=EVIL)
    world = PageWorld(hostile, journal=FakeJournal(drift))
    tabs = [f"{WEB}/{tab}" for tab in ("history", "drift", "sync", "pause")]
    lists = ["/applications", "/applications?view=list", "/drift"]
    for path in (*lists, WEB, f"{WEB}?view=list", *tabs):
        shown = await world.shown(path)
        assert shown.status == 200, path
        assert "<img" not in shown.html, path
        assert all(tag != "img" for tag, _ in shown.tags), path
        for link in shown.links():
            assert link.startswith(("/", "#")), (path, link)
        for _, attributes in shown.tags:
            assert not [name for name in attributes if name.startswith("on")], path


async def test_a_search_is_given_back_as_a_text() -> None:
    shown = await PageWorld(named("web")).shown('/applications?search="><script>alert(1)</script>')
    assert "<script>alert" not in shown.html
    assert shown.test("nothing-found")


async def test_what_the_caller_may_not_do_is_not_offered() -> None:
    rules = [("ann", "applications", "get", "*")]
    world = PageWorld(synced(), rules=rules, journal=FakeJournal(open_episode()))
    shown = await world.shown(WEB, "ann")
    assert not shown.test("sync")
    assert not shown.test("pause")
    assert not shown.test("delete")
    assert all("disabled" in switch for switch in shown.test("switch-automated"))
    history = await world.shown(f"{WEB}/history", "ann")
    assert history.test("history-entry")
    assert not history.test("rollback-4")
    drift = await world.shown(f"{WEB}/drift", "ann")
    assert drift.test("open-drift")
    assert not drift.test("heal-now")
    assert not (await world.shown(f"{WEB}/sync", "ann")).test("sync-form")


async def test_the_history_has_the_heals_between_its_syncs() -> None:
    shown = await PageWorld(synced(), journal=FakeJournal(episode())).shown(f"{WEB}/history")
    order = [a["id"] for t, a in shown.tags if t == "li" and a.get("id", "").startswith("h")]
    assert order == ["heal-0123456789abcdef", "h-4", "h-3"]
    assert "7.4 ms" in shown.words
    assert "by automatic sync" in shown.words
    assert "by ann" in shown.words
    assert shown.test("rollback-3")
    assert "Redeploy" in shown.words


async def test_a_rollback_offers_to_turn_automatic_sync_off() -> None:
    shown = await PageWorld(synced()).shown(f"{WEB}/history?rollback=3")
    (button,) = shown.test("rollback-do")
    assert button["data-path"] == "/api/v1/applications/web/rollback"
    assert '"id": 3' in button["data-body"]
    assert '"method": "PATCH"' in button["data-before"]
    assert r"\"enabled\":false" in button["data-before"].replace(" ", "")
    assert shown.test("auto-sync-note")


async def test_without_a_journal_drift_is_absent() -> None:
    world = PageWorld(synced())
    assert not (await world.shown(WEB)).test("tab-drift")
    assert (await world.shown("/drift")).status == 404


async def test_open_drift_says_why_and_what_can_be_done() -> None:
    shown = await PageWorld(synced(), journal=FakeJournal(open_episode())).shown(f"{WEB}/drift")
    assert "Not healed: self-heal is off." in shown.words
    assert "2 → 5" in shown.words
    assert shown.test("heal-now")
    assert shown.test("pause-object")
    assert shown.test("adopt")


async def test_a_pause_is_made_and_shown_with_its_end() -> None:
    world = PageWorld(synced())
    body = {"reason": "by hand", "minutes": 60}
    made = await world.client.post(f"{WEB}/pause", body)
    assert made.status == 200, made.body
    shown = await world.shown(WEB)
    (banner,) = shown.test("pause-banner")
    assert banner
    assert "by hand" in shown.words
    path = shown.test("resume")[0]["data-path"]
    assert (await world.client.delete(path)).status == 200
    assert not (await world.shown(WEB)).test("pause-banner")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"minutes": 5}, "reason"),
        ({"reason": "x", "minutes": 99999}, "minutes"),
        ({"reason": "x", "other": 1}, "other"),
        (b"{", "no JSON"),
    ],
)
async def test_a_pause_that_makes_no_sense_is_refused(body: Any, words: str) -> None:
    reply = await PageWorld(synced()).client.post(f"{WEB}/pause", body)
    assert reply.status == 400
    assert words in reply.message


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "host": "hold.example"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"origin": "null", "host": "hold.example"},
    ],
)
async def test_a_pause_from_another_site_is_refused(headers: dict[str, str]) -> None:
    client = PageWorld(synced()).client
    reply = await client.send("POST", f"{WEB}/pause", {"reason": "x"}, headers)
    assert reply.status == 403


async def test_who_may_only_look_cannot_pause() -> None:
    world = PageWorld(synced(), rules=[("ann", "applications", "get", "*")])
    reply = await world.client.as_("ann").post(f"{WEB}/pause", {"reason": "x"})
    assert reply.status == 403


async def test_a_fragment_is_the_same_screen_without_its_frame() -> None:
    world = PageWorld(named("web"))
    whole = await world.client.get("/applications")
    part = await world.client.send("GET", "/applications", None, {"x-holdfast-fragment": "1"})
    assert b"<nav aria-label=" in whole.body
    assert part.body.startswith(b'<main id="main"')
    assert b"rail" not in part.body


async def test_files_are_kept_for_ever_under_the_name_of_their_content() -> None:
    world = PageWorld()
    shown = await world.shown("/applications")
    (script,) = [a["src"] for tag, a in shown.tags if tag == "script"]
    reply = await world.client.get(script)
    assert reply.status == 200
    assert "immutable" in reply.headers["cache-control"]
    assert len(reply.body.splitlines()) <= 600
    assert (await world.client.get("/static/../server.py")).status == 404


async def test_an_open_page_hears_of_a_change() -> None:
    world = PageWorld(named("web"), named("db"))
    running = asyncio.ensure_future(world.live.run())
    try:
        async with world.client.stream(
            "/live?app=argocd%2Fweb", accept="text/event-stream"
        ) as told:
            first = asyncio.ensure_future(told.next())
            await asyncio.sleep(0)
            for name in ("db", "web"):
                await world.client.patch(
                    f"/api/v1/applications/{name}",
                    {"patch": '{"metadata":{"labels":{"a":"b"}}}', "patchType": "merge"},
                )
            assert await first == {"app": "argocd/web", "what": "modified"}
    finally:
        running.cancel()
        await asyncio.wait({running})
