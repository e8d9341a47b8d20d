"""Drift appears and heals while the page is open: nobody presses reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.site import config_map

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site

BY_HAND = {"automated": {"prune": True, "selfHeal": False}}


async def test_a_drift_appears_and_is_healed_while_the_page_is_open(
    site: Site, window: Window
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    await window.open(f"/applications/argocd/{app.name}/drift")
    await expect(window.test("no-drift")).to_be_visible()
    async with window.without_reload():
        await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
        entry = window.test("episode")
        await expect(entry).to_contain_text("healed in")
        await expect(entry).to_contain_text("kubectl-patch")
        await entry.locator("summary").click()
        await expect(entry).to_contain_text("by hand")
    assert (await site.person.get(app.place("web")))["data"]["a"] == "git"


async def test_a_drift_that_is_not_healed_stays_on_top_until_somebody_heals_it(
    site: Site, window: Window
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=BY_HAND)
    await window.open(f"/applications/argocd/{app.name}")
    await expect(window.test("sync-state")).to_contain_text("Synced")
    async with window.without_reload():
        await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
        await expect(window.test("sync-state")).to_contain_text("OutOfSync (1)")
        await expect(window.test("health")).to_contain_text("1 drifted now")
        await window.click("tab-drift")
        found = window.test("open-drift")
        await expect(found).to_contain_text("Not healed: self-heal is off")
        await expect(found).to_contain_text("by hand")
        await window.click("heal-now")
        await window.confirm("gets back what git declares")
        await expect(found).to_have_count(0)
        await expect(window.test("sync-state")).to_contain_text("Synced")
        await expect(window.test("episode")).to_be_visible()
    assert (await site.person.get(app.place("web")))["data"]["a"] == "git"


async def test_the_tree_stays_fitted_when_something_changes(site: Site, window: Window) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=BY_HAND)
    await window.open(f"/applications/argocd/{app.name}")
    tree = window.test("tree")
    await expect(window.test("node")).to_have_count(1)
    fitted = await tree.get_attribute("viewBox")
    assert fitted is not None
    assert not fitted.startswith("0 0 "), "it has room around it"
    await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
    await expect(window.test("sync-state")).to_contain_text("OutOfSync")
    assert await tree.get_attribute("viewBox") == fitted
