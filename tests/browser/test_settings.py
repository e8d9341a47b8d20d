"""Settings by clicks: a project with limits, a role, a token and a window; host keys."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest_asyncio
from playwright.async_api import expect

from tests.support.browser import expecting
from tests.support.person import Person, Ref

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.browser import Window

    OpenWindow = Callable[..., Awaitable[Window]]

HERE = "https://kubernetes.default.svc"
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIKQ2VEcb2n9Q7fYd3v4uH0bC2uHn3aKp0q1rS2tU3vW4"


@pytest_asyncio.fixture(loop_scope="session")
async def name(person: Person) -> AsyncIterator[str]:
    """Of a project that a test makes."""
    made = f"shop-{uuid.uuid4().hex[:6]}"
    yield made
    await person.delete(_project(made))


def _project(name: str) -> Ref:
    return Ref("argoproj.io/v1alpha1", "AppProject", "argocd", name)


async def _spec(person: Person, name: str) -> Any:
    return (await person.get(_project(name)))["spec"]


async def test_a_project_is_made_and_changed_by_clicks(
    person: Person, window: Window, name: str
) -> None:
    field = window.page.get_by_label
    await window.open("/settings/projects")
    async with window.without_reload():
        await window.click("new")
        await field("Name", exact=True).fill(name)
        await window.click("save")
        await field("Source repositories").fill("https://git.example.com/shop/*")
        await field("Destinations").fill("nowhere")
        with expecting(window, 422):
            await window.click("save")
            await expect(window.test("wrong")).to_contain_text("CLUSTER NAMESPACE")
        await field("Destinations").fill(f"{HERE} shop-*")
        await field("Cluster-scoped, allowed").fill("core/Namespace")
        await field("Description").fill("What the shop team runs")
        await window.click("save")
        await expect(window.test("limits")).to_contain_text("shop-*")
    spec = await _spec(person, name)
    assert spec["destinations"] == [{"server": HERE, "namespace": "shop-*"}]
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]


async def test_a_role_its_token_and_a_window_are_made_and_deleted_by_clicks(
    person: Person, window: Window, name: str
) -> None:
    await person.create({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": name, "namespace": "argocd"}, "spec": {"sourceRepos": ["*"]},
    })  # fmt: skip
    field = window.page.get_by_label
    await window.open(f"/settings/projects/{name}?view=roles")
    async with window.without_reload():
        await _make_role(window, name)
        await window.click("new-token")
        await window.page.get_by_role("button", name="Make a token").click()
        await expect(window.test("token")).not_to_be_empty()
        await window.click("view-windows")
        await window.click("new-window")
        await field("Begins").fill("never")
        with expecting(window, 422):
            await window.click("save")
            await expect(window.test("wrong")).to_contain_text("cannot be read")
        await field("Begins").fill("0 9 * * 1-5")
        await field("Lasts").fill("8h")
        await window.click("save")
        await expect(window.test("windows")).to_contain_text("0 9 * * 1-5")
        await window.click("edit-window")
        await field("Kind").select_option("deny")
        await window.click("save")
        await expect(window.test("windows")).to_contain_text("Syncs are forbidden")
    spec = await _spec(person, name)
    assert spec["roles"][0]["policies"] == [
        f"p, proj:{name}:ci, applications, sync, {name}/*, allow"
    ]
    assert len(spec["roles"][0]["jwtTokens"]) == 1
    assert spec["syncWindows"][0]["kind"] == "deny"
    await _delete(window, name)
    assert not {"roles", "syncWindows"} & set(await _spec(person, name))


async def _make_role(window: Window, name: str) -> None:
    field = window.page.get_by_label
    await window.click("new-role")
    await field("Name", exact=True).fill("ci")
    await field("Policies").fill("applications sync elsewhere/* allow")
    with expecting(window, 422):
        await window.click("save")
        await expect(window.test("wrong")).to_contain_text("object must be of form")
    await field("Policies").fill(f"applications sync {name}/* allow")
    await window.click("save")
    await expect(window.test("role")).to_contain_text("sync")


async def _delete(window: Window, name: str) -> None:
    for view, button in (("windows", "edit-window"), ("roles", "edit-role")):
        await window.open(f"/settings/projects/{name}?view={view}")
        await window.click(button)
        await window.click("delete")
        await window.confirm()
        await expect(window.test(f"no-{view}")).to_be_visible()


async def test_a_host_is_trusted_and_forgotten_by_clicks(window: Window) -> None:
    host = f"[git-{uuid.uuid4().hex[:6]}.example.com]:2222"
    await window.open("/settings/certificates", live=False)
    async with window.without_reload():
        await window.click("add-ssh")
        lines = window.page.get_by_label("Host keys", exact=True)
        await lines.fill(host)
        with expecting(window, 422):
            await window.click("add-do")
            await expect(window.test("wrong")).to_contain_text("Line 1")
        await lines.fill(f"# a comment\n{host} ssh-ed25519 {KEY}")
        await window.click("add-do")
        entry = window.test("trusted-key").filter(has_text=host)
        await expect(entry).to_contain_text("SHA256:")
        await entry.get_by_role("button", name="Remove").click()
        await window.confirm("cannot be read until")
        await expect(entry).to_have_count(0)


async def test_where_nothing_is_streamed_nothing_says_so(window: Window) -> None:
    await window.open("/applications")
    await window.click("new")
    await expect(window.test("app-form")).to_be_visible()
    await expect(window.page.locator("#live")).to_be_hidden()
    await window.page.get_by_role("link", name="Applications").first.click()
    await window.is_live()
    await expect(window.page.locator("#live")).to_be_visible()
