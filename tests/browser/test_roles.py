"""Who may look and no more sees no button, and a request sent by hand is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.browser import Window, expecting, new_context
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser

    from tests.browser.conftest import Up
    from tests.support.site import Site

    OpenWindow = Callable[..., Awaitable[Window]]


async def test_who_may_only_look_finds_no_way_to_sync(site: Site, windows: OpenWindow) -> None:
    app = await site.make("web", {"web.yaml": config_map("web", a="git")}, policy={})
    await app.until(lambda tree: tree.get("status", {}).get("sync", {}).get("status"))
    window = await windows("reader")
    await window.open(f"/applications/argocd/{app.name}")
    await expect(window.test("sync-state")).to_be_visible()
    await expect(window.test("refresh")).to_be_visible()
    for name in ("sync", "pause", "delete"):
        await expect(window.test(name)).to_have_count(0)
    for name in ("automated", "prune", "selfHeal"):
        await expect(window.test(f"switch-{name}")).to_be_disabled()

    with expecting(window, 403):
        body = {"appNamespace": "argocd", "project": "default"}
        status, answer = await window.ask("POST", f"/api/v1/applications/{app.name}/sync", body)
        assert (status, answer["code"]) == (403, 7)
        url = f"/applications/argocd/{app.name}/pause"
        status, answer = await window.ask("POST", url, {"reason": "let me"})
        assert status == 403
    assert "operation" not in await app.tree()
    await window.open(f"/applications/argocd/{app.name}/sync")
    await window.says("You may not sync this application.")
    await window.open(f"/applications/argocd/{app.name}/pause")
    await window.says("you may not pause it")


async def test_who_is_not_signed_in_is_led_to_the_form_and_back(
    signed_in: Up, chromium: Browser
) -> None:
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), signed_in.base)
        await window.open("/pauses", live=False)
        assert "/login?return_url=%2Fpauses" in window.page.url
        await window.page.get_by_label("Name").fill("reader")
        await window.page.get_by_label("Password").fill("a wrong one")
        with expecting(window, 401):
            await window.page.get_by_role("button", name="Sign in").click()
            await expect(window.page.get_by_role("alert")).to_be_visible()
        window.check()


async def test_the_link_that_up_prints_signs_in_once(
    signed_in: Up, chromium: Browser, windows: OpenWindow
) -> None:
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), signed_in.base)
        await window.page.goto(signed_in.link)
        await expect(window.test("link-is-over")).to_be_visible()
        window.check()
    again = await windows("admin")  # who clicks it a second time is in, and stays so
    await again.page.goto(signed_in.link)
    await again.is_live()
    assert again.page.url.endswith("/applications")
