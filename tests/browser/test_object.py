"""The screen of one object: its tabs without a reload, its log as it comes, and deleting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

from tests.support.browser import NARROW, WIDE, expecting
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.browser import Window
    from tests.support.site import Site

PROD = "go-sample-app-prod"
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
TABS = ("summary", "live", "desired", "diff", "owners", "events", "logs")


def address(app: str, kind: str, namespace: str, name: str, tab: str = "summary") -> str:
    """Where an object's screen is."""
    group = "apps" if kind == "Deployment" else ""
    named = {"group": group, "kind": kind, "namespace": namespace, "name": name, "tab": tab}
    return f"/applications/argocd/{app}/object?{urlencode(named)}"


SAMPLE = (PROD, "Deployment", "prod", "prod-go-sample-app")


async def test_the_tabs_of_an_object_change_without_a_reload(window: Window) -> None:
    await window.open(f"/applications/argocd/{PROD}")
    await window.test("node").filter(has_text="Deployment").first.click()
    await expect(window.test("object-state")).to_contain_text("2 wanted")
    async with window.without_reload():
        for tab in TABS[1:]:
            await window.click(f"tab-{tab}")
            await expect(window.page.locator(f"#tab-{tab}")).to_be_visible()
        assert "tab=logs" in window.page.url
        await window.click("to-application")
        await expect(window.test("tree")).to_be_visible()


async def test_a_log_is_shown_as_it_comes(window: Window) -> None:
    await window.open(address(*SAMPLE, "logs"))
    # The sandbox has no containers that print: each pod's log is a line that says so.
    await expect(window.page.locator("#log li")).to_have_count(2)
    await expect(window.page.locator("#log-state")).to_have_text("2 lines, the end")
    async with window.without_reload():
        await window.test("log-pod").select_option(index=1)
        await expect(window.page.locator("#log-state")).to_contain_text("sandbox")
        assert "pod=prod-go-sample-app-" in window.page.url
        await window.click("tab-summary")
        await expect(window.test("containers")).to_be_visible()


async def test_owners_of_a_change_by_hand_appear_while_the_page_is_open(
    site: Site, window: Window
) -> None:
    by_hand = {"automated": {"prune": True, "selfHeal": False}}
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=by_hand)
    place = app.place("web")
    await window.open(address(app.name, "ConfigMap", place.namespace, "web", "owners"))
    await expect(window.test("owner")).to_have_count(1)
    async with window.without_reload():
        await site.person.patch(place, {"data": {"b": "by hand"}})
        owner = window.test("owner").filter(has_text="kubectl-patch")
        await expect(owner).to_be_visible()
        await owner.click()
        await expect(window.page.locator("tr.o1 .code")).to_have_text("  b: by hand")


async def test_a_deleted_object_is_put_back_as_the_page_says(site: Site, window: Window) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    place = app.place("web")
    before = (await site.person.get(place))["metadata"]["uid"]
    await window.open(address(app.name, "ConfigMap", place.namespace, "web"))
    async with window.without_reload():
        await window.click("delete-object")
        await expect(window.test("fate")).to_contain_text("Holdfast puts it back")
        await window.click("way-background")
        await expect(window.test("way-background")).to_have_attribute("aria-checked", "true")
        await window.click("delete-do")
        await window.confirm("Background")
        await expect(window.test("object-state")).to_contain_text("1 remembered")
    assert (await site.person.get(place))["metadata"]["uid"] != before


async def test_an_object_is_changed_as_yaml_and_by_a_patch(site: Site, window: Window) -> None:
    by_hand = {"automated": {"prune": True, "selfHeal": False}}
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=by_hand)
    place = app.place("web")
    await window.open(address(app.name, "ConfigMap", place.namespace, "web", "live"))
    async with window.without_reload():
        await window.click("edit-object")
        await expect(window.test("becomes")).to_contain_text("stays until the next sync")
        text = window.test("yaml")
        before = await text.input_value()
        await text.fill(before.replace("a: git", "a: by hand"))
        await window.click("edit-do")
        await expect(window.page.locator("#tab-live")).to_contain_text("a: by hand")
        await window.click("edit-object")
        await window.click("how-json")
        await expect(window.test("how-json")).to_have_attribute("aria-current", "true")
        await text.fill("- {op: add, path: /data/b, value: [}")
        with expecting(window, 422):
            await window.click("edit-do")
            await expect(window.test("wrong")).to_contain_text("Line 1")
        await text.fill("- {op: add, path: /data/b, value: patched}")
        await window.click("edit-do")
        await expect(window.page.locator("#tab-live")).to_contain_text("b: patched")
    assert (await site.person.get(place))["data"] == {"a": "by hand", "b": "patched"}


async def test_a_change_by_hand_on_the_page_is_undone_as_the_page_says(
    site: Site, window: Window
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    place = app.place("web")
    await window.open(address(app.name, "ConfigMap", place.namespace, "web", "edit") + "&how=merge",
                      live=False)  # fmt: skip
    await expect(window.test("becomes")).to_contain_text("put back within milliseconds")
    await window.test("yaml").fill("data: {a: by hand}")
    await window.click("edit-do")
    await expect(window.page.locator("#tab-live")).to_contain_text("a: git")
    await window.click("tab-summary")
    await expect(window.test("object-state")).to_contain_text("1 remembered")


async def test_who_may_only_look_cannot_change_an_object(
    windows: Callable[..., Awaitable[Window]],
) -> None:
    window = await windows("reader")
    await window.open(address(*SAMPLE, "live"))
    await expect(window.test("yaml")).to_be_visible()
    await expect(window.test("edit-object")).to_have_count(0)
    await window.open(address(*SAMPLE, "edit"), live=False)
    await expect(window.test("no-edit-right")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_tab_is_accessible_and_fits(
    windows: Callable[..., Awaitable[Window]], scheme: Literal["light", "dark"]
) -> None:
    window = await windows(viewport=NARROW if scheme == "dark" else WIDE)
    await window.page.emulate_media(color_scheme=scheme)
    first = ("summary", "owners&by=0", "diff")  # the others are made of the same parts
    for tab in first if scheme == "light" else (*first, "events", "logs", "delete", "action"):
        await window.open(f"{address(*SAMPLE).removesuffix('summary')}{tab}")
        assert await window.barriers() == [], tab
        assert await window.page.evaluate(FITS), tab
