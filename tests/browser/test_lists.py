"""The list of all Applications by clicks: many at once, favourites, order; each state has a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.site import config_map

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site, SiteApp

FILES = {"web.yaml": config_map("web", a="git")}


async def _two(site: Site) -> tuple[SiteApp, SiteApp]:
    """Two Applications that nobody has synced yet."""
    one, two = await site.make("many", FILES, policy={}), await site.make("many", FILES, policy={})
    for app in (one, two):
        await app.until(lambda tree: tree.get("status", {}).get("sync", {}).get("status"))
    return one, two


async def test_many_are_synced_and_refreshed_at_once(site: Site, window: Window) -> None:
    one, two = await _two(site)
    await window.open("/applications?search=many-&view=list")
    async with window.without_reload():
        for app in (one, two):
            await window.page.get_by_label(f"Select {app.name}").check()
        await expect(window.test("bulk")).to_contain_text("2 selected")
        await window.test("bulk").get_by_role("button", name="Sync").click()
        await window.confirm(one.name)
        for app in (one, two):
            row = window.test("row").filter(has_text=app.name)
            await expect(row).to_contain_text("Synced")
        await window.page.get_by_label(f"Select {one.name}").uncheck()
        await window.test("bulk").get_by_role("button", name="Refresh").click()
        await expect(window.page.locator("#toasts")).to_contain_text("Refreshed 1 of 1")
    for app in (one, two):
        assert await site.person.find(app.place("web")) is not None


async def test_a_favourite_comes_first_and_can_be_shown_alone(site: Site, window: Window) -> None:
    one, two = sorted(await _two(site), key=lambda app: app.name)
    await window.open("/applications?search=many-")
    tiles = window.test("tile")
    await expect(tiles.first).to_contain_text(one.name)
    async with window.without_reload():
        await tiles.filter(has_text=two.name).get_by_label("Favourite").click()
        await expect(tiles.first).to_contain_text(two.name)
        await window.page.get_by_role("link", name="Favourites").click()
        await expect(tiles).to_have_count(1)
        assert "showFavorites=true" in window.page.url
        await window.page.get_by_role("link", name="List").click()
        await expect(window.test("row")).to_have_count(1)
    await window.page.reload()
    await expect(window.test("row")).to_have_count(1)
    await window.page.go_back()
    await expect(window.test("tile")).to_have_count(1)


async def test_the_order_is_chosen_and_kept_in_the_url(site: Site, window: Window) -> None:
    one, two = await _two(site)
    await one.sync(revision=one.sha)
    await one.synced()
    await window.open("/applications?search=many-")
    for label in await window.page.get_by_label("Order").locator("option").all_inner_texts():
        await window.page.get_by_label("Order").select_option(label=label)
        await expect(window.page.get_by_label("Order").locator("option:checked")).to_have_text(
            label
        )
        await expect(window.test("tile")).to_have_count(2)
    assert "sort=" in window.page.url
    await window.page.reload()
    assert two.name in await window.test("tiles").inner_text()


async def test_what_is_found_in_a_tree_is_found_again_by_its_url(
    site: Site, window: Window
) -> None:
    files = {"a.yaml": config_map("apple", a="1"), "p.yaml": config_map("pear", a="1")}
    app = await site.deploy("fruit", files)
    await window.open(f"/applications/argocd/{app.name}")
    await window.test("find").fill("pear")
    seen = window.page.locator("#tree a:not([data-out])")
    await expect(seen).to_have_count(1)
    assert "find=pear" in window.page.url
    await window.page.reload()
    await expect(window.test("find")).to_have_value("pear")
    await expect(seen).to_have_count(1)
    # What changes meanwhile is sifted, too.
    app.commit({"q.yaml": config_map("quince", a="1")})
    await app.refresh()
    await app.synced()
    await expect(window.page.locator("#tree a")).to_have_count(3)
    await expect(seen).to_have_count(1)
