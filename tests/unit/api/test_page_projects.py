"""Projects, host keys and certificates, changed on Settings."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.commands import UpdateProject
from tests.support.page import PageWorld
from tests.support.page_forms import FormShown, opened, send
from tests.unit.api.test_projects import HERE, project
from tests.unit.requests.given import app

Tree = dict[str, Any]
DATA = "/settings/projects/data"
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIKQ="
ROLE = {
    "name": "ci",
    "policies": ["p, proj:data:ci, applications, sync, data/*, allow", "nonsense"],
    "groups": ["builders"],
    "jwtTokens": [{"iat": 1767261600}],
}
WINDOW = {"kind": "deny", "schedule": "0 22 * * *", "duration": "4h", "clusters": ["*"]}


def world(**spec: Any) -> PageWorld:
    values: Tree = {
        "sourceRepos": ["https://git.example/*"],
        "destinations": [{"server": HERE, "namespace": "data-*"}, {"name": "b", "namespace": "c"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "data-*"}],
        "roles": [ROLE],
        "syncWindows": [WINDOW],
        "orphanedResources": {"warn": True},
    }
    rules = [("ann", "projects", "get", "*"), ("ben", "projects", "*", "*"), ("admin", *"***")]
    return PageWorld(project("data", **{**values, **spec}), rules=rules)


async def spec_of(made: PageWorld, name: str = "data") -> Tree:
    spec: Tree = (await made.client.get(f"/api/v1/projects/{name}")).json["spec"]
    return spec


async def test_a_form_that_changes_nothing_leaves_a_project_as_it_is() -> None:
    made = world()
    before = await spec_of(made)
    for part in ("limits", "role?at=0", "window?at=0", "yaml"):
        form = await opened(made, f"{DATA}/{part}")
        reply = await send(made, f"{DATA}/{part}", {**form.sent, "act": "save"})
        assert reply.status == 303, part
    assert await spec_of(made) == before


async def test_limits_are_changed_line_by_line() -> None:
    made = world()
    form = await opened(made, f"{DATA}/limits")
    assert form.sent["destinations"] == f"{HERE} data-*\nname:b c"
    assert form.sent["cluster_allowed"] == "core/Namespace data-*"
    typed = {
        "description": "Data team",
        "sources": "https://git.example/*\n!https://git.example/evil",
        "destinations": f"{HERE} data-*",
        "namespaced_denied": "apps/Deployment\ncore/*",
        "act": "save",
    }
    reply = await send(made, f"{DATA}/limits", {**form.sent, **typed})
    assert (reply.status, reply.headers["location"]) == (303, f"{DATA}?view=limits")
    spec = await spec_of(made)
    assert spec["description"] == "Data team"
    assert spec["sourceRepos"] == ["https://git.example/*", "!https://git.example/evil"]
    assert spec["destinations"] == [{"server": HERE, "namespace": "data-*"}]
    assert spec["namespaceResourceBlacklist"] == [
        {"group": "apps", "kind": "Deployment"},
        {"group": "", "kind": "*"},
    ]
    assert spec["roles"] == [ROLE]
    assert spec["orphanedResources"] == {"warn": True}


@pytest.mark.parametrize(
    ("part", "typed", "words"),
    [
        ("limits", {"destinations": "nowhere"}, "Line 1: write CLUSTER NAMESPACE"),
        ("limits", {"cluster_allowed": "Namespace"}, "Line 1: write GROUP/KIND"),
        ("limits", {"sources": "!*"}, "invalid format"),
        ("role?new=1", {}, "Give it a name"),
        ("role?new=1", {"name": "ci"}, "There is a role of that name."),
        ("role?new=1", {"name": "<b>"}, "Letters, digits, - and _"),
        ("role?new=1", {"name": "x", "policies": "applications"}, "write RESOURCE ACTION OBJECT"),
        ("role?new=1", {"name": "x", "policies": "applications sync other/*"}, "must be of form"),
        ("role?new=1", {"name": "x", "policies": "clusters get data/* no"}, "not allow or deny"),
        ("window?at=0", {"schedule": "61 * * * *"}, "sync window 1 cannot be read"),
        ("window?new=1", {"schedule": "0 9 * * *", "duration": "long"}, "sync window 2 cannot"),
        ("yaml", {"text": "a: [b"}, "Line"),
        ("yaml", {"text": "- a"}, "That is no spec."),
    ],
)
async def test_what_cannot_be_is_said_and_what_was_typed_stays(
    part: str, typed: Tree, words: str
) -> None:
    made = world()
    before = await spec_of(made)
    form = await opened(made, f"{DATA}/{part}")
    again = await send(made, f"{DATA}/{part}", {**form.sent, **typed, "act": "save"})
    assert again.status == 422
    assert words in again.words
    for name, text in typed.items():
        assert again.sent[name] == text
    assert await spec_of(made) == before


async def test_a_role_is_made_changed_and_taken_away() -> None:
    made = world()
    form = await opened(made, f"{DATA}/role?new=1")
    typed = {"name": "ops", "groups": "ops", "policies": "applications sync data/*", "act": "save"}
    reply = await send(made, f"{DATA}/role?new=1", {**form.sent, **typed})
    assert reply.headers["location"] == f"{DATA}?view=roles"
    rule = "p, proj:data:ops, applications, sync, data/*, allow"
    assert (await spec_of(made))["roles"][1] == {
        "name": "ops",
        "groups": ["ops"],
        "policies": [rule],
    }
    form = await opened(made, f"{DATA}/role?at=0")
    assert form.sent["policies"] == "applications sync data/* allow\nnonsense"
    typed = {"policies": "logs get data/* allow", "description": "CI", "act": "save"}
    await send(made, f"{DATA}/role?at=0", {**form.sent, **typed})
    changed = (await spec_of(made))["roles"][0]
    assert changed["policies"] == ["p, proj:data:ci, logs, get, data/*, allow"]
    assert changed["jwtTokens"] == ROLE["jwtTokens"]
    form = await opened(made, f"{DATA}/role?at=0")
    await send(made, f"{DATA}/role?at=0", {**form.sent, "act": "delete"})
    assert [one["name"] for one in (await spec_of(made))["roles"]] == ["ops"]


async def test_a_window_is_made_changed_and_taken_away() -> None:
    made = world()
    form = await opened(made, f"{DATA}/window?new=1")
    typed = {"schedule": "0 9 * * 1-5", "duration": "8h", "manual": "on", "act": "save"}
    await send(made, f"{DATA}/window?new=1", {**form.sent, **typed})
    second = (await spec_of(made))["syncWindows"][1]
    assert second == {
        "kind": "allow",
        "schedule": "0 9 * * 1-5",
        "duration": "8h",
        "timeZone": "UTC",
        "applications": ["*"],
        "manualSync": True,
    }
    shown = await made.shown(f"{DATA}?view=windows")
    assert len(shown.test("edit-window")) == 2
    form = await opened(made, f"{DATA}/window?at=0")
    await send(made, f"{DATA}/window?at=0", {**form.sent, "act": "delete"})
    assert (await spec_of(made))["syncWindows"] == [second]
    assert (await made.shown(f"{DATA}/window?at=1")).status == 404


async def test_who_was_faster_is_not_overwritten_unseen() -> None:
    made = world()
    form = await opened(made, f"{DATA}/role?at=0")
    spec = await spec_of(made)
    faster = {**spec, "description": "not of this role"}
    await made.services.commands.carry_out(UpdateProject(project("data", **faster)), "ben")
    typed = {**form.sent, "description": "mine", "act": "save"}
    assert (await send(made, f"{DATA}/role?at=0", typed)).status == 303
    stale = {**form.sent, "description": "yours", "act": "save"}
    again = await send(made, f"{DATA}/role?at=0", stale)
    assert again.test("conflict")
    assert (await spec_of(made))["roles"][0]["description"] == "mine"
    assert (await send(made, f"{DATA}/role?at=0", {**again.sent, "act": "save"})).status == 303
    assert (await spec_of(made))["roles"][0]["description"] == "yours"
    assert (await spec_of(made))["description"] == "not of this role"


async def test_applications_that_a_project_permits_are_not_left_behind() -> None:
    tree = project(
        "default",
        sourceRepos=["*"],
        destinations=[{"server": "*", "namespace": "*"}],
    )
    made = PageWorld(app(), tree)
    form = await opened(made, "/settings/projects/default/limits")
    typed = {**form.sent, "destinations": "https://elsewhere.example *", "act": "save"}
    again = await send(made, "/settings/projects/default/limits", typed)
    assert again.status == 422
    assert "1 applications destination became invalid" in again.words
    assert (await spec_of(made, "default"))["destinations"][0]["server"] == "*"


async def test_who_may_only_look_is_offered_nothing_and_refused() -> None:
    made = world()
    for view in ("limits", "roles", "windows"):
        shown = await made.shown(f"{DATA}?view={view}", "ann")
        for name in ("edit-project", "new-role", "edit-role", "new-window", "edit-window"):
            assert shown.test(name) == [], name
    assert (await made.shown(f"{DATA}/limits", "ann")).status == 403
    form = await opened(made, f"{DATA}/limits")
    assert (await send(made, f"{DATA}/limits", form.sent, "ann")).status == 403
    new = {"name": "mine"}
    assert (await send(made, "/settings/new-project", new, "ann")).status == 403


async def test_a_wider_reach_needs_the_right_to_what_is_reached() -> None:
    made = world()
    form = await opened(made, f"{DATA}/limits")
    typed = {**form.sent, "sources": "https://git.example/*\nhttps://other.example", "act": "save"}
    again = await send(made, f"{DATA}/limits", typed, "ben")
    assert again.status == 422
    assert "permission denied: repositories, update" in again.words


async def test_a_new_project_leads_to_its_limits() -> None:
    made = world()
    form = await opened(made, "/settings/new-project")
    typed = {**form.sent, "name": "shop", "description": "The shop"}
    reply = await send(made, "/settings/new-project", typed)
    assert (reply.status, reply.headers["location"]) == (303, "/settings/projects/shop/limits")
    assert await spec_of(made, "shop") == {"description": "The shop"}
    for name in ("", "Not A Name"):
        again = await send(made, "/settings/new-project", {**typed, "name": name})
        assert again.status in (400, 422)


async def test_a_foreign_site_changes_no_project() -> None:
    made = world()
    form = await opened(made, f"{DATA}/limits")
    for headers in ({"origin": "http://evil.example"}, {"origin": ""}):
        reply = await send(made, f"{DATA}/limits", form.sent, **headers)
        assert reply.status == 403


async def test_host_keys_are_trusted_replaced_and_forgotten() -> None:
    made, where = world(), "/settings/certificates"
    assert (await opened(made, where)).test("no-trusted")
    form = await opened(made, f"{where}?add=ssh")
    lines = f"# git.example:22 SSH-2.0\n[git.example]:2222 ssh-ed25519 {KEY} comment\n"
    assert (await send(made, where, {**form.sent, "lines": lines})).status == 303
    shown = await opened(made, where)
    assert "[git.example]:2222" in shown.words
    other = lines.replace("KQ=", "KR=")
    again = await send(made, where, {**form.sent, "lines": other})
    assert (again.status, again.sent["lines"]) == (422, other)
    assert again.test("replace")
    reply = await send(made, where, {**again.sent, "act": "replace"})
    assert reply.status == 303
    button = (await opened(made, where)).test("remove")[0]
    assert (await made.client.delete(button["data-path"])).status == 200
    assert (await opened(made, where)).test("no-trusted")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"kind": "ssh", "lines": ""}, "Paste at least one line"),
        ({"kind": "ssh", "lines": "git.example ssh-ed25519"}, "Line 1: write HOST TYPE KEY"),
        ({"kind": "ssh", "lines": "|1|x|y ssh-ed25519 AAAA"}, "hashed hosts"),
        ({"kind": "ssh", "lines": "git.example ssh-ed25519 ???"}, "it is no host key"),
        ({"kind": "https", "server": "git.example", "pem": "no"}, "no certificate in PEM"),
    ],
)
async def test_what_is_no_key_is_not_trusted(typed: Tree, words: str) -> None:
    made = world()
    again = await send(made, "/settings/certificates", typed)
    assert isinstance(again, FormShown)
    assert (again.status, words in again.words) == (422, True), again.words


async def test_who_may_not_trust_hosts_is_offered_nothing() -> None:
    made = world()
    shown = await made.shown("/settings/certificates", "ann")
    assert shown.test("no-right")
    assert shown.test("add-ssh") == []
    typed = {"kind": "ssh", "lines": f"git.example ssh-ed25519 {KEY}"}
    assert (await send(made, "/settings/certificates", typed, "ann")).status == 403
