"""What a person does on the page: in the API's words and by its rights, and what it will cause."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from holdfast.api.caller import Caller
from holdfast.api.page.app_view import view_of
from holdfast.api.page.switches import switches_of
from holdfast.api.signin.cookies import keep_pending
from holdfast.domain.commands import PauseHealing
from holdfast.domain.pause import PauseScope
from tests.support.fakes import FakeJournal
from tests.support.page import PageWorld, open_episode
from tests.unit.requests.given import app

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

Tree = dict[str, Any]
WEB = "/applications/argocd/web"


def drifted(**status: Any) -> Tree:
    """Out of sync, automatic sync on, synced once."""
    return app(
        {"syncPolicy": {"automated": {}}},
        status={
            "sync": {"status": "OutOfSync", "revision": "b" * 40},
            "resources": [{"kind": "ConfigMap", "name": "a", "namespace": "prod",
                           "status": "OutOfSync"}],
            "history": [{"id": 1, "revision": "a" * 40, "source": {"repoURL": "https://g/x"}}],
            **status,
        },
    )  # fmt: skip


async def paused(world: PageWorld, scope: PauseScope, target: str) -> None:
    until = world.clock.now() + timedelta(hours=1)
    await world.services.commands.carry_out(
        PauseHealing(scope=scope, reason="incident", until=until, target=target,
                     app_namespace="argocd" if scope is PauseScope.APPLICATION else ""),
        "ann",
    )  # fmt: skip


async def test_every_button_of_an_application_calls_a_route_that_is_there() -> None:
    running = {"phase": "Running", "startedAt": "2026-01-02T11:00:00Z"}
    world = PageWorld(drifted(operationState=running), journal=FakeJournal(open_episode()))
    await paused(world, PauseScope.APPLICATION, "web")
    seen = set()
    for tab in ("", "/history?rollback=1", "/drift", "/sync", "/pause", "/edit", "/parameters"):
        shown = await world.shown(f"{WEB}{tab}")
        assert shown.status == 200, tab
        for _, have in shown.tags:
            method, path = have.get("data-call") or have.get("data-form"), have.get("data-path", "")
            if not method:
                continue
            seen.add(have.get("data-test", ""))
            raw = unescape(path).partition("?")[0]
            table = world.client.server.table
            is_ours = not isinstance(table.match(method, raw), frozenset)
            assert is_ours or raw.startswith((f"{WEB}/", "/pauses/")), (method, raw)
            for step in orjson.loads(have.get("data-before") or "[]"):
                assert not isinstance(table.match(step["method"], step["path"]), frozenset)
    assert {"refresh", "delete", "switch-selfHeal", "rollback-do", "heal-now", "resume",
            "sync-form", "pause-form"} <= seen  # fmt: skip


async def test_a_running_sync_can_be_stopped() -> None:
    running = {"phase": "Running", "startedAt": "2026-01-02T11:00:00Z"}
    shown = await PageWorld(drifted(operationState=running)).shown(WEB)
    stops = [have for _, have in shown.tags if have.get("data-path", "").endswith("default")]
    calls = [have["data-path"] for have in stops if have.get("data-call") == "DELETE"]
    assert any("/operation?" in path for path in calls)


async def test_who_ends_a_pause_is_who_could_have_made_it() -> None:
    """The rights of a project's pause are those of the project, as in the API."""
    rules = [("ann", "applications", "*", "default/*"), ("ben", "applications", "*", "default/*"),
             ("ben", "projects", "update", "default")]  # fmt: skip
    world = PageWorld(drifted(), rules=rules)
    await paused(world, PauseScope.PROJECT, "default")
    held = await world.shown(WEB, "ann")
    assert held.test("pause-banner")
    assert not held.test("resume")
    path = (await world.shown(WEB, "ben")).test("resume")[0]["data-path"]
    refused = await world.client.as_("ann").delete(path)
    ours = re.sub("^", "/api/holdfast/v1", path)
    assert refused.status == 404
    assert (await world.client.as_("ann").delete(ours)).status in (403, 404)
    assert (await world.client.as_("ben").delete(path)).status == 200


async def test_what_a_switch_causes_waits_for_a_pause() -> None:
    view = view_of(app(status={"sync": {"status": "OutOfSync"}}))
    assert "at once" in switches_of(view)[0].question
    held = switches_of(view, is_paused=True)
    assert "when the pause ends" in held[0].question
    assert "when the pause ends" in held[2].question


async def test_the_switches_of_a_paused_application_say_so() -> None:
    world = PageWorld(app(status={"sync": {"status": "OutOfSync"}}))
    await paused(world, PauseScope.APPLICATION, "web")
    switch = (await world.shown(WEB)).test("switch-automated")[0]
    assert "when the pause ends" in switch["data-confirm"]


async def test_the_heal_of_a_deletion_says_that_it_was_one() -> None:
    from tests.support.page import episode  # noqa: PLC0415

    deleted = episode(what="missing", changes=(), managers=())
    tree = drifted(history=[{"id": 1, "revision": "a" * 40, "deployedAt": "2026-01-02T11:00:00Z",
                             "source": {"repoURL": "https://g/x"}}])  # fmt: skip
    shown = await PageWorld(tree, journal=FakeJournal(deleted)).shown(f"{WEB}/history")
    assert "healed Deployment web , which was deleted" in shown.words


@pytest.mark.parametrize("path", ["/applications", WEB, "/live"])
async def test_a_session_that_is_renewed_by_a_screen_keeps_its_new_cookie(path: str) -> None:
    world = PageWorld(app())

    async def renewing(connection: HTTPConnection) -> Caller:
        keep_pending(connection, ["argocd.token=new; HttpOnly"])
        return Caller("admin", username="admin")

    world.sign_in.identify = renewing  # type: ignore[method-assign]
    if path == "/live":
        async with world.client.stream(path) as messages:
            assert messages.headers["set-cookie"] == "argocd.token=new; HttpOnly"
        return
    reply = await world.client.get(path)
    assert reply.headers["set-cookie"] == "argocd.token=new; HttpOnly"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"automated": {"selfHeal": True}}, "1 open drift is healed, unless git declares it"),
        ({"automated": {}}, "Self-heal is off: open drift stays until a sync."),
    ],
)
async def test_the_end_of_a_pause_is_told_as_it_will_be(policy: Tree, words: str) -> None:
    world = PageWorld(app({"syncPolicy": policy}), journal=FakeJournal(open_episode()))
    await paused(world, PauseScope.APPLICATION, "web")
    resume = (await world.shown(WEB)).test("resume")[0]
    assert words in resume["data-confirm"]
