"""Panels of an Application by clicks: part of a sync, switches, adopt, parameters; YAML saved."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING

import pygit2
from playwright.async_api import Error, expect

from tests.support.browser import expecting
from tests.support.gitrepo import GitRepo
from tests.support.site import SiteApp, config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.support.browser import Window
    from tests.support.site import Site

BY_HAND = {"automated": {"prune": True, "selfHeal": False}}
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n"


async def test_part_of_an_application_is_synced_and_is_no_history(
    site: Site, window: Window
) -> None:
    files = {"a.yaml": config_map("apple", a="1"), "p.yaml": config_map("pear", a="1")}
    app = await site.make("part", files, policy={})
    await app.until(lambda tree: len(tree.get("status", {}).get("resources", [])) == 2)
    await window.open(f"/applications/argocd/{app.name}/sync")
    async with window.without_reload():
        panel = window.test("sync-panel")
        await panel.get_by_role("button", name="None", exact=True).click()
        await window.click("synchronize")
        await expect(panel.get_by_role("alert")).to_contain_text("Choose at least one object")
        await panel.get_by_label("pear").check()
        await window.click("synchronize")
        await expect(panel).to_have_count(0)
        await expect(window.test("last-sync")).to_contain_text("Sync OK")
        await window.click("tab-history")
        await expect(window.test("no-history")).to_be_visible()
    assert await site.person.find(app.place("pear")) is not None
    assert await site.person.find(app.place("apple")) is None


async def test_a_switch_says_what_will_happen_and_then_does_it(site: Site, window: Window) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=BY_HAND)
    await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
    await window.open(f"/applications/argocd/{app.name}")
    await expect(window.test("sync-state")).to_contain_text("OutOfSync")
    async with window.without_reload():
        await expect(window.test("switch-selfHeal")).to_have_attribute("aria-checked", "false")
        await window.click("switch-selfHeal")
        await window.confirm("drift")
        await expect(window.test("switch-selfHeal")).to_have_attribute("aria-checked", "true")
        await expect(window.test("sync-state")).to_contain_text("Synced")
    assert (await site.person.get(app.place("web")))["data"]["a"] == "git"


async def test_drift_is_taken_into_git_by_clicks(site: Site, window: Window) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=BY_HAND)
    await site.person.patch(app.place("web"), {"data": {"a": "better"}})
    await window.open(f"/applications/argocd/{app.name}/drift")
    async with window.without_reload():
        await window.click("adopt")
        panel = window.test("adopt-panel")
        await expect(panel.locator(".patch .add")).to_contain_text("better")
        await panel.get_by_label("Message").fill("Keep what helped in incident 4711")
        await panel.get_by_label("Branch").fill("incident-4711")
        await panel.get_by_role("button", name="Commit").click()
        await expect(panel).to_have_count(0)
    branch = app.repository.repository.branches["incident-4711"]
    assert "incident 4711" in branch.peel(pygit2.Commit).message
    assert (await site.person.get(app.place("web")))["data"]["a"] == "better"


async def test_an_application_is_created_as_yaml_against_a_warning(
    site: Site, window: Window
) -> None:
    name = f"widget-{uuid.uuid4().hex[:6]}"
    app = SiteApp(site, name, GitRepo(site.folder / name), await site.new_namespace())
    app.commit({"widget.yaml": WIDGET})
    site.apps.append(app)
    await window.open("/applications", live=False)
    await window.click("new")
    await window.click("as-yaml")
    text = window.test("yaml")
    await text.fill(
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n"
        "spec:\n  project: default\n"
        f"  source: {{repoURL: '{app.repository.url}', path: app, targetRevision: main}}\n"
        f"  destination: {{server: 'https://kubernetes.default.svc', namespace: {app.namespace}}}\n"
    )
    await window.click("save")
    await expect(window.test("warned")).to_contain_text("1 object would be refused")
    await expect(window.test("trial")).to_contain_text("Widget")
    assert await site.person.find(app.ref) is None
    await window.click("save-anyway")
    await expect(window.page.locator("h1")).to_contain_text(name)
    assert await site.person.find(app.ref) is not None


async def test_parameters_are_checked_and_saved_by_clicks(site: Site, window: Window) -> None:
    files = {"web.yaml": config_map("web", a="git"), "below/extra.yaml": config_map("extra", a="1")}
    app = await site.deploy("web", files)
    await window.open(f"/applications/argocd/{app.name}/parameters")
    async with window.without_reload():
        await window.page.get_by_label("Folders below it too").check()
        await window.click("check")
        await expect(window.test("trial")).to_contain_text("extra")
        await window.click("save")
        await expect(window.page.locator("#tree a")).to_have_count(2)

    async def is_there() -> bool:
        return await site.person.find(app.place("extra")) is not None

    await eventually(is_there)
    await window.open(f"/applications/argocd/{app.name}/edit?as=yaml", live=False)
    with expecting(window, 422):
        await window.test("yaml").fill("kind: [")
        await window.click("save")
        await expect(window.test("wrong")).to_contain_text("Line ")


async def test_an_older_answer_is_never_laid_over_a_saved_form(site: Site, window: Window) -> None:
    files = {"web.yaml": config_map("web", a="git"), "below/extra.yaml": config_map("extra", a="1")}
    app = await site.deploy("web", files)
    where = f"/applications/argocd/{app.name}/parameters"
    held, released = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method == "GET":
            held.set()
            await released.wait()
        with contextlib.suppress(Error):  # it was given up meanwhile
            await route.continue_()

    await window.open(where)
    await window.page.route(f"**{where}", hold)
    await site.person.patch(app.ref, {"metadata": {"labels": {"seen": "yes"}}})
    await held.wait()  # the page asks for the newer screen, and waits
    await window.page.get_by_label("Folders below it too").check()
    async with window.page.expect_event("requestfailed", lambda one: one.url.endswith(where)):
        await window.click("save")
    released.set()
    await expect(window.page.locator("#tree a")).to_have_count(2)
    await window.page.unroute_all(behavior="wait")
