"""The page in a real browser: the system's Chromium, driven by Playwright.

A `Window` is one person's window. What its page logs as an error, what the page's own security
policy refuses, and each request that fails is a trouble; a test that leaves one behind fails.
Nothing leaves the loopback: names are not looked up, and a request to elsewhere is a trouble, too.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Locator,
        Page,
        Request,
        Response,
        StorageState,
        ViewportSize,
    )

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 400, "height": 800}
PATIENCE_MS = 40_000.0
"""How long something may take to show: a machine under load, not a limit of ours."""

_FETCH = """async ([method, path, body]) => {
  const answer = await fetch(path, {
    method,
    headers: {"Content-Type": "application/json"},
    body: body === null ? undefined : JSON.stringify(body),
  });
  return {status: answer.status, body: await answer.json().catch(() => null)};
}"""
_TOO_WIDE = """() => {
  const root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  const scrolls = (node) => node && node !== root &&
    (getComputedStyle(node).overflowX !== "visible" || scrolls(node.parentElement));
  const wide = [...document.body.querySelectorAll("*")].filter((node) =>
    node.getBoundingClientRect().right > width + 0.5 && !scrolls(node.parentElement));
  const shown = wide.map((node) => node.outerHTML.slice(0, 160));
  return [`${root.scrollWidth - width} px too wide`, ...shown];
}"""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe whose answer depends on the theme."""

_ABORTED = "net::ERR_ABORTED"


def find_chromium() -> str | None:
    """The system's Chromium, or the Chrome beside it."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextlib.asynccontextmanager
async def running_chromium(program: str) -> AsyncIterator[Browser]:
    """Starts one browser; windows of it share nothing."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Window:
    """One person's window.

    Attributes:
        page: What Playwright drives.
        base: Where Holdfast is served.
        troubles: What went wrong in it so far.
        expected: Statuses of refusals that the test provokes.
    """

    page: Page
    base: str
    troubles: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listens to what goes wrong."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("requestfailed", self._miss)
        self.page.on("response", self._read)
        self.page.on("request", self._ask)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        # A refusal that is expected is logged by the browser as well.
        if "Failed to load resource" in message.text and any(
            f"status of {status}" in message.text for status in self.expected
        ):
            return
        self.troubles.append(f"console: {message.text}")

    def _miss(self, request: Request) -> None:
        # The page gives up a stream or a refresh when something newer takes its place.
        if request.failure != _ABORTED:
            self.troubles.append(f"{request.method} {request.url}: {request.failure}")

    def _read(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.troubles.append(f"{response.request.method} {response.url}: {response.status}")

    def _ask(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            self.troubles.append(f"asked elsewhere: {request.url}")

    async def open(self, path: str, *, live: bool = True) -> None:
        """Goes to a screen, and waits until it hears of changes (if `live`)."""
        await self.page.goto(self.base + path)
        if live:
            await self.is_live()

    async def is_live(self) -> None:
        """Waits until it hears of changes."""
        await expect(self.page.locator("#live")).to_have_attribute("data-state", "on")

    def test(self, name: str) -> Locator:
        """What carries this `data-test`."""
        return self.page.get_by_test_id(name)

    async def click(self, name: str) -> None:
        """Clicks on what carries this `data-test`."""
        await self.test(name).click()

    async def confirm(self, words: str = "") -> None:
        """Says yes to the question that is open; `words` are a part of it."""
        box = self.page.locator("#confirm")
        await expect(box).to_be_visible()
        await expect(box).to_contain_text(words)
        await self.page.locator("#confirm-yes").click()
        await expect(box).to_be_hidden()

    async def says(self, words: str) -> None:
        """Waits until the page says something somewhere."""
        await expect(self.page.locator("main")).to_contain_text(words)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Sends a request as the page's script would; returns the status and the JSON."""
        answer: dict[str, Any] = await self.page.evaluate(_FETCH, [method, path, body])
        return answer["status"], answer["body"]

    @contextlib.asynccontextmanager
    async def without_reload(self) -> AsyncIterator[None]:
        """What happens inside must not load the document anew."""
        await self.page.evaluate("() => { window.sameDocument = true; }")
        yield
        assert await self.page.evaluate("() => window.sameDocument === true"), "it was loaded anew"

    async def too_wide(self) -> list[str]:
        """What makes the document wider than its window, if anything does."""
        found: list[str] = await self.page.evaluate(_TOO_WIDE)
        return found

    async def barriers(self, *rules: str) -> list[str]:
        """What axe calls serious or critical on this screen, as it looks now.

        Args:
            rules: Look for these alone.
        """
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate(_axe())  # as a debugger would: the page's policy stays
        found: dict[str, Any] = await self.page.evaluate(
            "(rules) => axe.run(document, {resultTypes: ['violations'], ...rules})",
            {"runOnly": list(rules)} if rules else {},
        )
        return [
            f"{one['impact']} {one['id']}: {one['help']}: {node['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]

    def check(self) -> None:
        """Fails when something went wrong."""
        assert not self.troubles, "\n".join(self.troubles)


def _axe() -> str:
    if not _AXE:
        _AXE.append(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    return _AXE[0]


_AXE: list[str] = []


@contextlib.asynccontextmanager
async def new_context(
    browser: Browser,
    *,
    state: StorageState | None = None,
    viewport: ViewportSize = WIDE,
) -> AsyncIterator[BrowserContext]:
    """A browser that remembers what `state` says, and no more.

    Args:
        browser: The one that runs.
        state: Cookies of somebody who is signed in.
        viewport: Its size.
    """
    context = await browser.new_context(
        viewport=viewport,
        storage_state=state,
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        await context.close()


@contextlib.contextmanager
def expecting(window: Window, *statuses: int) -> Iterator[None]:
    """Inside, refusals with these statuses are no trouble."""
    window.expected |= set(statuses)
    yield
    window.expected -= set(statuses)
