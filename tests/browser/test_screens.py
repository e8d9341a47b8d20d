"""Every screen: nothing keeps people out (axe, both themes), and 400 px are enough.

`make screenshots` runs this with HOLDFAST_PICTURES=docs/images: pictures of what documents show.
HOLDFAST_PICTURES=FOLDER HOLDFAST_PICTURES_OF=all keeps one of every screen, to look at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.story import Story
from tests.support.browser import COLOURS, NARROW, WIDE, Window, expecting, new_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser

    from tests.browser.conftest import Up
    from tests.support.person import Person

    OpenWindow = Callable[..., Awaitable[Window]]

PICTURES = os.environ.get("HOLDFAST_PICTURES", "")
OF_ALL = os.environ.get("HOLDFAST_PICTURES_OF") == "all"
LARGEST_PICTURE = 200 * 1024
_APP = "/applications/argocd"
# What is hidden from a reader, or named badly, is so in both.
THEMES: tuple[tuple[Literal["light", "dark"], tuple[str, ...]], ...] = (
    ("light", ()),
    ("dark", COLOURS),
)
_DEPLOYMENT = "group=apps&kind=Deployment&namespace=shop&name=shop-web"
_PROJECT = "/settings/projects/shop"
_CART = "group=apps&kind=Deployment&namespace=shop&name=shop-cart"


@dataclass(frozen=True)
class Look:
    """One screen.

    Attributes:
        name: Of its picture.
        path: Where it is.
        shows: A `data-test` that must be there; `""` is its heading.
        clicks: What is clicked on first, by `data-test`.
        kept: Whether a picture of it belongs to the documents.
        narrow: Whether it is opened at 400 px, as a telephone would; its picture is kept, too.
        status: Of its answer.
    """

    name: str
    path: str
    shows: str
    clicks: tuple[str, ...] = ()
    kept: bool = False
    narrow: bool = False
    status: int = 200


LOOKS = (
    Look("applications", "/applications", "tiles", kept=True, narrow=True),
    Look("applications-list", "/applications?view=list", "row"),
    Look("applications-none", "/applications?search=nothing+fits+this", "nothing-found"),
    Look("tree", f"{_APP}/shop-web", "tree", kept=True, narrow=True),
    Look("objects", f"{_APP}/shop-web?view=list", "objects"),
    Look("pods", f"{_APP}/shop-web?view=pods", "health"),
    Look("troubled", f"{_APP}/search", "condition"),
    Look("diff", f"{_APP}/shop-cart/diff", "object-diff", kept=True, narrow=True),
    Look("diff-unified", f"{_APP}/shop-cart/diff?style=unified", "object-diff"),
    Look("history", f"{_APP}/shop-web/history", "history", kept=True, narrow=True),
    Look("rollback", f"{_APP}/shop-web/history?rollback=0", "rollback-panel", kept=True),
    Look("sync", f"{_APP}/shop-cart/sync?preview=1", "sync-panel"),
    Look("drift", f"{_APP}/shop-web/drift", "episodes", kept=True, narrow=True),
    Look("drift-open", f"{_APP}/shop-cart/drift", "open-drift", kept=True),
    Look("pause", f"{_APP}/payments/pause", "pause-form"),
    Look("paused", f"{_APP}/payments", "pause-banner", kept=True),
    Look("events", f"{_APP}/shop-web/events", "tab-events"),
    Look("all-drift", "/drift", "episode", kept=True),
    Look("pauses", "/pauses", "pause"),
    Look("create", "/applications/new", "app-form", kept=True, narrow=True),
    Look("create-yaml", "/applications/new", "yaml", clicks=("as-yaml",)),
    Look("parameters", f"{_APP}/shop-web/parameters", "parameters-form"),
    Look("object", f"{_APP}/shop-web/object?{_DEPLOYMENT}", "object-state", kept=True, narrow=True),
    Look("object-owners", f"{_APP}/shop-cart/object?{_CART}&tab=owners", "owner", kept=True),
    Look("object-live", f"{_APP}/shop-web/object?{_DEPLOYMENT}&tab=live", "yaml"),
    Look("object-edit", f"{_APP}/shop-web/object?{_DEPLOYMENT}&tab=edit", "edit-form", kept=True),
    Look("object-logs", f"{_APP}/shop-web/object?{_DEPLOYMENT}&tab=logs", "log"),
    Look("settings", "/settings", ""),
    Look("settings-repositories", "/settings/repositories", ""),
    Look("settings-clusters", "/settings/clusters", ""),
    Look("settings-projects", "/settings/projects", ""),
    Look("settings-project", "/settings/projects/default", ""),
    Look("settings-certificates", "/settings/certificates", "no-trusted"),
    Look("settings-host-keys", "/settings/certificates?add=ssh", "add-form"),
    Look("project-new", "/settings/new-project", "project-form"),
    Look("project-roles", f"{_PROJECT}?view=roles", "role"),
    Look("project-windows", f"{_PROJECT}?view=windows", "windows", kept=True),
    Look("project-edit", f"{_PROJECT}/limits", "project-form", kept=True, narrow=True),
    Look("project-yaml", f"{_PROJECT}/yaml", "project-form"),
    Look("project-role", f"{_PROJECT}/role?at=0", "project-form"),
    Look("project-window", f"{_PROJECT}/window?at=0", "project-form"),
    Look("settings-accounts", "/settings/accounts", ""),
    Look("settings-health", "/settings/health", "", kept=True),
    Look("failure", "/applications/argocd/there-is-none", "failure", status=403),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(signed_in: Up, person: Person, chromium: Browser) -> Up:
    """The cluster with a story; `payments` is paused."""
    await Story(person, signed_in.folder).tell()
    async with new_context(chromium, state=signed_in.states["admin"]) as context:
        window = Window(await context.new_page(), signed_in.base)
        await window.open(f"{_APP}/payments")
        body = {"reason": "Database migration, incident 4711", "minutes": 60}
        assert (await window.ask("POST", f"{_APP}/payments/pause", body))[0] == 200
        window.check()
    return signed_in


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_a_screen_is_open_to_everybody_in_both_themes_and_at_400_px(
    look: Look, story: Up, windows: OpenWindow
) -> None:
    del story
    window = await windows("admin")
    if look.status != 200:
        window.expected.add(look.status)
    await _go_to(window, look)
    await _look_at(window, look)


# How far the last sign and the foot of each tile are from its edges, whatever else it shows.
_SPACING = """() => [...document.querySelectorAll(".tile")].map((tile) => {
  const box = tile.getBoundingClientRect(), of = (selector) =>
    tile.querySelector(selector).getBoundingClientRect();
  const signs = [...tile.querySelectorAll(".tile-foot .icon")];
  return [box.right - of(".star").right, box.bottom - of(".tile-foot").bottom,
          box.right - signs.at(-1).getBoundingClientRect().right,
          of("dl").top - box.top, of(".tile-foot").right - of("dl").right].map(Math.round);
})"""
_ENDS = """() => [...document.querySelectorAll("[data-test=history-entry] .entry")]
  .map((entry) => Math.round(entry.getBoundingClientRect().right))"""


async def test_tiles_and_cards_are_spaced_alike(story: Up, windows: OpenWindow) -> None:
    del story
    window = await windows("admin")
    await window.open("/applications")
    await expect(window.test("tile").nth(6)).to_be_visible()
    spacing = {tuple(one) for one in await window.page.evaluate(_SPACING)}
    assert len(spacing) == 1, spacing
    assert min(next(iter(spacing))) >= 0
    await window.open(f"{_APP}/shop-web/history")
    await expect(window.test("history-entry")).to_have_count(2)
    assert len(set(await window.page.evaluate(_ENDS))) == 1


async def test_who_signs_in_is_open_to_everybody_too(signed_in: Up, chromium: Browser) -> None:
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), signed_in.base)
        with expecting(window, 401):
            await window.open("/login", live=False)
        await expect(window.test("sign-in")).to_be_visible()
        await _look_at(window, Look("sign-in", "/login", "sign-in"))
        window.check()


async def _go_to(window: Window, look: Look) -> None:
    await window.open(look.path, live=False)
    for name in look.clicks:
        await window.click(name)
    shown = window.test(look.shows).first if look.shows else window.page.locator("main h1")
    await expect(shown).to_be_visible()


async def _look_at(window: Window, look: Look) -> None:
    page = window.page
    barriers = []
    for theme, rules in THEMES:
        await page.emulate_media(color_scheme=theme)
        barriers += [f"{theme}: {one}" for one in await window.barriers(*rules)]
        await _keep(window, look, theme)
    await page.set_viewport_size(NARROW)
    if look.narrow:
        await _go_to(window, look)  # as a telephone would
    too_wide = await window.too_wide()
    if look.narrow:
        barriers += [f"narrow: {one}" for one in await window.barriers()]
        await _keep(window, look, "narrow")
    await page.set_viewport_size(WIDE)
    assert not barriers, "\n".join(barriers)
    assert not too_wide, "\n".join([look.path, *too_wide])


async def _keep(window: Window, look: Look, how: str) -> None:
    if not PICTURES or not (look.kept or OF_ALL):
        return
    path = Path(PICTURES) / f"{look.name}-{how}.png"
    await window.page.evaluate("() => document.activeElement?.blur()")
    await window.page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < LARGEST_PICTURE, f"{path} is too large for the repository"
