"""A telephone: 400 px wide, and what a person came for within the first screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.browser import NARROW, WIDE
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.browser import Window
    from tests.support.site import Site

    OpenWindow = Callable[..., Awaitable[Window]]

PROD = "/applications/argocd/go-sample-app-prod"
BY_HAND = {"automated": {"prune": True, "selfHeal": False}}
SMALLEST_PX = 10
# Where each box of the tree is on the screen, and how large its letters are drawn.
_BOXES = """() => [...document.querySelectorAll("#tree .node")].map((node) => {
  const box = node.getBoundingClientRect(), text = node.querySelector("text");
  const scale = text.getScreenCTM().a;
  return {left: box.left, right: box.right, top: box.top,
          letters: parseFloat(getComputedStyle(text).fontSize) * scale};
})"""
_CUT = """() => [...document.querySelectorAll("[data-test=heal] p")]
  .filter((line) => line.scrollWidth > line.clientWidth + 1).length"""


async def test_the_tree_is_seen_whole_and_legible_on_a_telephone(windows: OpenWindow) -> None:
    window = await windows(viewport=NARROW)
    await window.open(PROD)
    await expect(window.page.locator("#tree[data-fit]")).to_be_visible()
    boxes = await window.page.evaluate(_BOXES)
    assert len(boxes) > 4
    for box in boxes:
        assert box["left"] >= 0
        assert box["right"] <= NARROW["width"]
        assert box["letters"] >= SMALLEST_PX
    assert boxes[2]["top"] < NARROW["height"] - 100, "objects begin on the first screen"
    assert await window.too_wide() == []


async def test_the_head_of_an_application_leaves_room_for_what_is_below_it(
    windows: OpenWindow,
) -> None:
    window = await windows(viewport=NARROW)
    await window.open(PROD)
    await expect(window.test("facts-more")).to_be_visible()
    tabs = await window.test("tab-objects").bounding_box()
    assert tabs is not None
    assert tabs["y"] < NARROW["height"] / 2
    switch = window.test("switch-automated")
    await expect(switch).to_be_hidden()
    async with window.without_reload():
        await window.test("facts-more").locator("summary").click()
        await expect(switch).to_be_visible()
        await expect(window.test("source")).to_be_visible()


async def test_a_window_that_is_turned_is_laid_out_anew(windows: OpenWindow) -> None:
    window = await windows()
    await window.open(PROD)
    await expect(window.page.locator("#tree:not([data-fit])")).to_be_visible()
    async with window.without_reload():
        await window.page.set_viewport_size(NARROW)
        await expect(window.page.locator("#tree[data-fit]")).to_be_visible()
        await window.page.set_viewport_size(WIDE)
        await expect(window.page.locator("#tree:not([data-fit])")).to_be_visible()


async def test_a_diff_has_one_column_on_a_telephone_and_two_when_asked(
    site: Site, windows: OpenWindow
) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="git")}, policy=BY_HAND)
    await site.person.patch(app.place("web"), {"data": {"a": "by hand"}})
    window = await windows(viewport=NARROW)
    await window.open(f"/applications/argocd/{app.name}/diff")
    await expect(window.page.locator("table.diff.unified")).to_be_visible()
    head = await window.test("object-diff").locator(".counts").bounding_box()
    name = await window.test("object-diff").locator(".diff-name").bounding_box()
    assert head is not None
    assert name is not None
    assert abs(head["y"] - name["y"]) < 8, "what was added and removed stands beside the name"
    await window.page.get_by_role("link", name="Side by side").click()
    await expect(window.page.locator("table.diff.split")).to_be_visible()


async def test_what_was_healed_is_read_whole_on_a_telephone(
    site: Site, windows: OpenWindow
) -> None:
    long = "a-key-that-is-as-long-as-keys-of-configuration-are"
    files = {"web.yaml": config_map("web-with-a-long-name-too", **{long: "git"})}
    app = await site.deploy("web", files)
    place = app.place("web-with-a-long-name-too")
    await site.person.patch(place, {"data": {long: "by hand"}})
    window = await windows(viewport=NARROW)
    await window.open(f"/applications/argocd/{app.name}/history")
    heal = window.test("heal")
    await expect(heal).to_contain_text(long)
    await expect(heal).to_contain_text("kubectl-patch")
    assert await window.page.evaluate(_CUT) == 0
    assert await window.too_wide() == []
