"""The page by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.support.site import config_map

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site

PROD = "go-sample-app-prod"


async def focused(window: Window) -> Any:
    """The text of what has the focus."""
    return await window.page.evaluate("() => document.activeElement.innerText.trim()")


async def test_slash_searches_and_escape_leaves_the_search(window: Window) -> None:
    await window.open("/applications")
    keys = window.page.keyboard
    search = window.page.locator("#search")
    await keys.press("/")
    await expect(search).to_be_focused()
    await keys.type(PROD)
    await expect(window.page).to_have_url(f"{window.base}/applications?search={PROD}")
    await expect(window.page.get_by_role("link", name="go-sample-app-dev")).to_have_count(0)
    await expect(search).to_be_focused()
    await keys.press("Escape")
    await expect(search).not_to_be_focused()


async def test_arrows_go_from_one_to_the_next_and_enter_opens_it(window: Window) -> None:
    await window.open("/applications?search=go-sample-app")
    keys = window.page.keyboard
    await keys.press("ArrowRight")
    first = await focused(window)
    await keys.press("ArrowRight")
    second = await focused(window)
    assert {first, second} == {"go-sample-app-dev", PROD}
    await keys.press("ArrowLeft")
    assert await focused(window) == first
    await keys.press("Enter")
    await expect(window.page.locator("h1")).to_contain_text(first)


async def test_question_mark_shows_the_keys_and_escape_hides_them(window: Window) -> None:
    await window.open("/applications")
    keys, shown = window.page.keyboard, window.page.locator("#keys")
    await keys.press("?")
    await expect(shown).to_be_visible()
    await expect(shown).to_contain_text("History and Rollback")
    await keys.press("Escape")
    await expect(shown).to_be_hidden()


async def test_letters_open_panels_and_escape_closes_them(window: Window) -> None:
    await window.open(f"/applications/argocd/{PROD}")
    keys = window.page.keyboard
    async with window.without_reload():
        await keys.press("s")
        await expect(window.test("sync-panel")).to_be_visible()
        await keys.press("Escape")
        await expect(window.test("sync-panel")).to_have_count(0)
        await keys.press("h")
        await expect(window.test("history")).to_be_visible()


async def test_an_object_of_the_tree_is_opened_by_keyboard(window: Window) -> None:
    await window.open(f"/applications/argocd/{PROD}")
    await expect(window.test("tree")).to_be_visible()
    keys = window.page.keyboard
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(window.test("object-name")).to_be_visible()
    await keys.press("Escape")
    await expect(window.test("tree")).to_be_visible()


async def test_an_object_is_found_in_the_tree_and_in_the_list(window: Window) -> None:
    keys, page = window.page.keyboard, window.page
    for view, seen in (("tree", "#tree a:not([data-out])"), ("list", "tbody tr:not([data-out])")):
        await window.open(f"/applications/argocd/{PROD}?view={view}")
        rows = page.locator(seen)
        await expect(rows.nth(2)).to_be_visible()
        await keys.press("/")
        await keys.type("deployment")
        await expect(rows).to_have_count(1)
        await keys.press("ArrowDown")
        assert "Deployment" in await page.evaluate(
            "() => (document.activeElement.closest('tr') || document.activeElement).textContent"
        )
        await keys.press("Enter")
        await expect(window.test("object-name")).to_be_visible()


LISTS = (
    f"/applications/argocd/{PROD}",
    f"/applications/argocd/{PROD}?view=list",
    f"/applications/argocd/{PROD}?view=pods",
    f"/applications/argocd/{PROD}/history",
    f"/applications/argocd/{PROD}/events",
    "/applications",
    "/applications?view=list",
    "/settings/clusters",
    "/settings/projects",
    "/settings/accounts",
)


async def test_every_list_is_gone_through_by_keyboard(site: Site, window: Window) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
    await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
    mine = f"/applications/argocd/{app.name}"
    await window.open(f"{mine}/drift")
    await expect(window.test("episode")).to_be_visible()
    for path in (f"{mine}/drift", "/drift", *LISTS):
        await _go_through(window, path)


async def _go_through(window: Window, path: str) -> None:
    keys, page = window.page.keyboard, window.page
    await window.open(path, live=False)
    await expect(page.locator("[data-item]").first).to_be_attached()
    await keys.press("ArrowDown")
    assert await page.evaluate("() => document.activeElement.matches('[data-item]')"), path
    await keys.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await keys.type("zzz-nothing")
    await expect(page.locator(".tree a[data-item]:not([data-out]), [data-item]:visible:not(a)")
                 ).to_have_count(0)  # fmt: skip
    await keys.press("Escape")
    await expect(page.locator("#search")).not_to_be_focused()
    await keys.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await keys.press("Escape")
    await expect(page.locator("#keys")).to_be_hidden()
