"""The Settings screens: what they show, to whom, and that nothing signs in from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.api.own_health import OwnNumbers
from holdfast.api.page.live import Live
from holdfast.api.page.server import Page
from holdfast.api.page.settings_week import LEFT, TOP, calendar_of, week_start
from holdfast.api.server import ApiServer
from tests.support.page import LOOK, PageClient, PageWorld
from tests.support.signed_in import Entrance, MemorySettings
from tests.unit.api.test_projects import project
from tests.unit.requests.given import app

Tree = dict[str, Any]
URL = "https://git.example/apps"
CANARY = "canary-4711-secret"
EVIL = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
READER = [("ann", "*", "get", "*"), ("admin", "*", "*", "*")]
SCREENS = ("repositories", "clusters", "projects", "projects/data", "projects/data?view=roles",
           "projects/data?view=windows", "certificates", "accounts", "health")  # fmt: skip
ROLE = {
    "name": "ci",
    "description": "what CI does",
    "policies": ["p, proj:data:ci, applications, sync, data/*, allow", "nonsense"],
    "groups": ["builders"],
    "jwtTokens": [{"iat": 1767261600, "exp": 1767262600, "id": "old"}, {"iat": 1767261600}],
}
WINDOWS = [
    {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "8h", "applications": ["*"]},
    {"kind": "deny", "schedule": "0 22 * * *", "duration": "4h", "timeZone": "UTC"},
    {"kind": "allow", "schedule": "61 * * * *", "duration": "1h"},
]


def world() -> PageWorld:
    tree = project(
        "data",
        description="Data team",
        sourceRepos=[URL, "!https://evil.example/*"],
        destinations=[{"server": "https://kubernetes.default.svc", "namespace": "data-*"}],
        clusterResourceWhitelist=[{"group": "*", "kind": "*"}],
        roles=[ROLE],
        syncWindows=WINDOWS,
    )
    return PageWorld(app(), tree, rules=READER)


async def filled() -> PageWorld:
    made = world()
    creds = {"username": "ann", "password": CANARY}
    v1 = "/api/v1"
    await made.client.post(f"{v1}/repositories", {"repo": URL, "name": EVIL, **creds})
    await made.client.post(f"{v1}/repocreds", {"url": "https://git.example/team", **creds})
    await made.client.post(
        f"{v1}/clusters",
        {"server": "https://prod.example", "name": EVIL, "config": {"bearerToken": CANARY}},
    )
    return made


@pytest.mark.parametrize("path", SCREENS)
async def test_a_reader_sees_everything_and_is_offered_nothing(path: str) -> None:
    made = await filled()
    shown = await made.shown(f"/settings/{path}", "ann")
    assert shown.status == 200
    acts = [a for _, a in shown.tags if "data-call" in a or "data-form" in a]
    assert acts == []
    assert [a for a in shown.links() if "add=" in a or "token=" in a] == []
    assert CANARY not in shown.html
    assert "<img src=x" not in shown.html
    assert "49" not in shown.words.split()


async def test_repositories_are_shown_with_what_they_are_used_for() -> None:
    made = await filled()
    shown = await made.shown("/settings/repositories")
    assert "Connected" in shown.words
    assert "signs in with password as ann" in shown.words
    assert "1 application" in shown.words
    assert len(shown.test("remove")) == 1
    form = (await made.shown("/settings/repositories?add=repository")).test("add-form")
    assert form[0]["data-path"] == "/api/v1/repositories"
    creds = await made.shown("/settings/repositories?add=credentials")
    assert creds.test("creds-form")[0]["data-path"] == "/api/v1/repocreds"
    made.world.stored.private[URL] = "another password"
    await made.client.get("/api/v1/repositories?forceRefresh=true")
    shown = await made.shown("/settings/repositories")
    assert "Failed" in shown.words
    assert "no credentials" in shown.words


async def test_who_may_add_to_one_project_alone_is_offered_that() -> None:
    made = PageWorld(project("data"), rules=[("ann", "repositories", "*", "data/*")])
    shown = await made.shown("/settings/repositories?add=repository", "ann")
    options = [a.get("value") for tag, a in shown.tags if tag == "option"]
    assert options == ["data"]
    assert not shown.test("add-creds")


async def test_clusters_say_which_are_deployed_to() -> None:
    made = await filled()
    shown = await made.shown("/settings/clusters")
    assert len(shown.test("cluster")) == 2
    assert "Holdfast runs here" in shown.words
    assert "kept, not deployed to" in shown.words
    assert len(shown.test("remove")) == 1


async def test_a_project_shows_limits_roles_and_windows() -> None:
    made = world()
    shown = await made.shown("/settings/projects")
    assert len(shown.test("project")) == 2
    limits = (await made.shown("/settings/projects/data")).words
    for words in ("data-*", "!https://evil.example/*", "every kind", "Data team"):
        assert words in limits
    roles = await made.shown("/settings/projects/data?view=roles")
    for words in ("what CI does", "sync", "builders", "over since", "unreadable"):
        assert words in roles.words
    windows = await made.shown("/settings/projects/data?view=windows")
    assert "Syncs are forbidden for 4h" in windows.words
    assert "cannot be read" in windows.words
    # 5 of the first; of the second 6 nights in two parts, Sunday's first and the one before it
    assert len([tag for tag, a in windows.tags if a.get("class") == "bar-allow"]) == 5
    assert len([tag for tag, a in windows.tags if a.get("class") == "bar-deny"]) == 14
    assert (await made.shown("/settings/projects/data?view=windows&week=x")).status == 200
    assert (await made.shown("/settings/projects/data", "bob")).status == 403
    assert (await made.shown("/settings/projects/nothing", "bob")).status == 403
    assert (await made.shown("/settings/projects/nothing")).status == 404


def test_the_calendar_puts_windows_side_by_side() -> None:
    now = datetime(2026, 1, 7, 12, 30, tzinfo=UTC)  # a Wednesday
    start = week_start(now)
    assert start == datetime(2026, 1, 5, tzinfo=UTC)
    assert week_start(now, -1) == datetime(2025, 12, 29, tzinfo=UTC)
    spans = [{"start": "2026-01-05T22:00:00Z", "end": "2026-01-06T02:00:00Z"}]
    found = calendar_of(
        [
            {"window": {"kind": "allow"}, "spans": spans},
            {"window": {"kind": "deny"}, "spans": spans},
        ],
        start,
        now,
    )
    assert [(bar.number, bar.y) for bar in found.bars] == [
        (1, TOP + 22 * 15), (2, TOP + 22 * 15), (1, TOP), (2, TOP)
    ]  # fmt: skip
    first, second = found.bars[:2]
    assert first.x + first.width < second.x
    assert first.words == "Window 1, allow: Monday 22:00 to 24:00 UTC"
    assert found.now_x == LEFT + 2 * 118
    assert [is_today for _, _, is_today in found.days].index(True) == 2


@dataclass
class Numbers:
    """What the controller says."""

    found: OwnNumbers | None

    async def read(self) -> OwnNumbers | None:
        return self.found


def with_services(made: PageWorld, **changes: Any) -> PageWorld:
    services = replace(made.services, **changes)
    page = Page(services, Live(services), LOOK)
    rows = made.client.server.table.routes
    made.client = PageClient(ApiServer(rows, services, page), "admin")
    return made


async def test_health_tells_the_controllers_numbers_where_they_are_known() -> None:
    found = OwnNumbers(
        queue=3, heals=120, heal_p50_s=0.004, heal_p99_s=0.0123, journal_bytes=3 * 1048576
    )
    made = with_services(world(), health=Numbers(found))
    words = (await made.shown("/settings/health")).words
    for expected in ("12 ms p99", "half within 4.0 ms", "120 heals", "3 applications waiting"):
        assert expected in words
    away = with_services(world(), health=Numbers(None))
    assert "the controller does not answer" in (await away.shown("/settings/health")).words
    assert "runs elsewhere" in (await world().shown("/settings/health")).words


@pytest.mark.parametrize(
    ("lag_s", "told", "not_told"),
    [
        (24.0, "in touch each watch heard from the cluster within 24 s", "silent"),
        (61.0, "in touch", "Drift may be seen late"),
        (150.0, "a watch is silent", "in touch"),
    ],
)
async def test_a_watch_lag_is_said_with_what_it_means(
    lag_s: float, told: str, not_told: str
) -> None:
    made = with_services(world(), health=Numbers(OwnNumbers(watch_lag_s=lag_s)))
    words = (await made.shown("/settings/health")).words
    assert told in words
    assert not_told not in words


async def test_accounts_show_keys_and_make_them() -> None:
    settings = MemorySettings()
    made = world()
    entrance = Entrance(made.clock, settings)
    await entrance.give("admin", "a long password")
    await entrance.give("robot", "another password", "apiKey")
    await entrance.keeper.create_token("robot", "deploy", 0)
    with_services(made, accounts=entrance.keeper, sessions=entrance.sessions)
    shown = await made.shown("/settings/accounts?token=robot")
    for words in ("admin", "robot", "has API keys", "deploy", "never ends"):
        assert words in shown.words
    (form,) = shown.test("token-form")
    assert form["data-path"] == "/api/v1/account/robot/token"
    assert form["data-reveal"] == "token"
    assert len(shown.test("account")) == 2
    plain = await made.shown("/settings/accounts", "ann")
    assert "data-call" not in plain.html
    assert "Nobody signs in here" in (await world().shown("/settings/accounts")).words
