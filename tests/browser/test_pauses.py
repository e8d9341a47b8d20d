"""Pause and resume by clicks; the banner counts down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.site import config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site


async def test_a_pause_counts_down_holds_drift_and_ends_with_a_heal(
    site: Site, window: Window
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    await window.open(f"/applications/argocd/{app.name}")
    async with window.without_reload():
        await window.click("pause")
        await window.page.get_by_label("Why").fill("incident 4711")
        await window.page.get_by_label("15 min").check()
        await window.click("pause-do")
        banner = window.test("pause-banner")
        await expect(banner).to_contain_text("incident 4711")
        await expect(banner).to_contain_text("by admin")
        await _counts_down(window)

        await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
        await expect(window.test("health")).to_contain_text("1 drifted now")

        await window.click("resume")
        await window.confirm("Healing and automatic sync go on at once")
        await expect(banner).to_have_count(0)
        await expect(window.test("health")).not_to_contain_text("drifted")
    assert (await site.person.get(app.place("web")))["data"]["a"] == "git"


async def _counts_down(window: Window) -> None:
    clock = window.test("pause-banner").locator("time")
    first = await clock.inner_text()
    assert first.startswith("14 min"), first

    async def has_moved() -> bool:
        return await clock.inner_text() != first

    await eventually(has_moved)


async def test_a_pause_that_somebody_else_ends_goes_from_the_list(
    site: Site, window: Window
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    url = f"/applications/argocd/{app.name}"
    await window.open(url)
    status, _ = await window.ask("POST", f"{url}/pause", {"reason": "a look", "minutes": 60})
    assert status == 200
    await window.open("/pauses")
    row = window.test("pause").filter(has_text=app.name)
    await expect(row).to_contain_text("a look")
    async with window.without_reload():
        await row.get_by_test_id("resume").click()
        await window.confirm("End the pause?")
        await expect(row).to_have_count(0)
