"""The tutorial by clicks: create, sync, a new version, History and Rollback."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.support.browser import expecting
from tests.support.gitrepo import GitRepo
from tests.support.person import Ref
from tests.support.site import SiteApp

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site


def deployment(tag: str) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: guestbook, labels: {{app: guestbook}}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: guestbook}}}}
  template:
    metadata: {{labels: {{app: guestbook}}}}
    spec:
      containers:
        - name: web
          image: registry.example.com/guestbook:{tag}
          ports: [{{containerPort: 8080}}]
"""


async def test_the_tutorial_from_create_to_rollback(site: Site, window: Window) -> None:
    app = await _new_app(site)
    await _create(window, app)
    await _find(window, app)
    await expect(window.test("sync-state")).to_contain_text("OutOfSync")
    await _sync(window)
    await expect(window.test("health")).to_contain_text("Healthy")

    app.repository.commit({"app/web.yaml": deployment("1.1.0")}, "Roll out 1.1.0")
    await window.click("refresh")
    await expect(window.test("sync-state")).to_contain_text("OutOfSync (1)")
    await window.click("tab-diff")
    added = window.page.locator("td.code.add")
    await expect(added).to_contain_text("registry.example.com/guestbook:1.1.0")
    await _sync(window)
    await expect(window.test("sync-state")).to_contain_text("Roll out 1.1.0")

    await window.click("tab-history")
    entries = window.test("history-entry")
    await expect(entries).to_have_count(2)
    await expect(entries.first).to_contain_text("Roll out 1.1.0")
    await expect(entries.first).to_contain_text("by admin")
    await _roll_back(window)
    await expect(entries).to_have_count(3)
    await expect(entries.first).to_contain_text("Deploy 1.0.0")
    assert await _image(site, app) == "registry.example.com/guestbook:1.0.0"


async def _new_app(site: Site) -> SiteApp:
    name = f"guestbook-{uuid.uuid4().hex[:6]}"
    app = SiteApp(site, name, GitRepo(site.folder / name), await site.new_namespace())
    app.repository.commit({"app/web.yaml": deployment("1.0.0")}, "Deploy 1.0.0")
    site.apps.append(app)
    return app


async def _create(window: Window, app: SiteApp) -> None:
    """By the form; what it would create is shown before anything is saved."""
    await window.open("/applications")
    await window.click("new")
    field = window.page.get_by_label
    await field("Name", exact=True).fill(app.name)
    await field("Repository", exact=True).fill(app.repository.url)
    await field("Revision", exact=True).fill("main")
    await field("Path", exact=True).fill("no-such-folder")
    await field("Namespace", exact=True).fill(app.namespace)
    with expecting(window, 422):
        await window.click("check")
        await expect(window.test("wrong")).to_contain_text("no-such-folder")
    await field("Path", exact=True).fill("app")
    await window.click("check")
    await expect(window.test("trial")).to_contain_text("1 object would be created")
    await expect(window.test("trial")).to_contain_text("guestbook")
    assert await app.site.person.find(app.ref) is None
    await window.click("save")
    await expect(window.page.locator("h1")).to_contain_text(app.name)
    await window.page.get_by_role("link", name="Applications").first.click()


async def _find(window: Window, app: SiteApp) -> None:
    """The list shows it by itself; searching finds it."""
    tile = window.page.get_by_role("link", name=app.name, exact=True)
    await expect(tile).to_be_visible()
    await window.page.keyboard.press("/")
    await window.page.keyboard.type(app.name)
    await expect(window.test("found")).to_contain_text("1 of ")
    await tile.click()
    await window.is_live()
    await expect(window.page.locator("h1")).to_contain_text(app.name)


async def _sync(window: Window) -> None:
    await window.click("sync")
    await window.click("preview")
    await expect(window.test("preview-result")).to_contain_text("nothing is written")
    await window.click("synchronize")
    await expect(window.test("sync-panel")).to_have_count(0)
    await expect(window.test("sync-state")).to_contain_text("Synced")
    await expect(window.test("last-sync")).to_contain_text("Sync OK")


async def _roll_back(window: Window) -> None:
    await window.test("history-entry").nth(1).get_by_role("link", name="Roll back…").click()
    panel = window.test("rollback-panel")
    await expect(panel).to_contain_text("1 object is changed")
    await expect(panel.locator("td.code.add")).to_contain_text("guestbook:1.0.0")
    await window.click("rollback-do")
    await expect(panel).to_have_count(0)


async def _image(site: Site, app: SiteApp) -> Any:
    found = await site.person.get(Ref("apps/v1", "Deployment", app.namespace, "guestbook"))
    return found["spec"]["template"]["spec"]["containers"][0]["image"]
