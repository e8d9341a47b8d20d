"""A sync that runs is stopped on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.browser import Window
    from tests.support.site import Site

# Nothing ever answers its probe, so the wave after it is never begun.
NEVER_READY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck}
spec:
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      containers: [{name: main, image: "registry.example.com/stuck:does-not-exist"}]
"""
LATER = config_map("later", a="1").replace(
    "  name: later", "  name: later\n  annotations: {argocd.argoproj.io/sync-wave: '1'}"
)


async def test_a_sync_that_runs_is_stopped_by_clicks(
    site: Site, windows: Callable[..., Awaitable[Window]]
) -> None:
    files = {"stuck.yaml": NEVER_READY, "later.yaml": LATER}
    app = await site.make("stuck", files, policy={"retry": {"limit": 0}})
    await app.until(lambda tree: tree.get("status", {}).get("sync", {}).get("status"))
    window, reader = await windows(), await windows("reader")
    await window.open(f"/applications/argocd/{app.name}")
    await reader.open(f"/applications/argocd/{app.name}")
    await expect(window.test("stop")).to_have_count(0)
    async with window.without_reload():
        await window.click("sync")
        await window.click("synchronize")
        await expect(window.test("last-sync")).to_contain_text("Syncing")
        await expect(reader.test("last-sync")).to_contain_text("Syncing")
        await expect(reader.test("stop")).to_have_count(0)
        await window.click("stop")
        await window.confirm("What was applied so far stays")
        await expect(window.test("last-sync")).to_contain_text("Sync failed")
        await expect(window.test("last-sync")).to_contain_text("terminated")
        await expect(window.test("stop")).to_have_count(0)
    state = (await app.status())["operationState"]
    assert (state["phase"], "terminated" in state["message"].lower()) == ("Failed", True)
    assert await site.person.find(app.place("later")) is None
    assert await site.person.find(app.place("stuck", "Deployment", "apps/v1")) is not None
