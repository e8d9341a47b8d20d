"""What stands in git or in the cluster is text: no markup, no script, no link to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.site import config_map

if TYPE_CHECKING:
    from tests.support.browser import Window
    from tests.support.site import Site, SiteApp

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
CONTROL = "argocd"


async def _deploy(site: Site) -> SiteApp:
    app = await site.deploy("web", {"web.yaml": config_map("web", text=EVIL)})
    app.sha = app.repository.commit({"app/web.yaml": config_map("web", text=EVIL, more="x")}, EVIL)
    await app.refresh()
    await app.synced()
    annotations = {
        "link.argocd.argoproj.io/bad": "javascript:alert(3)",
        "link.argocd.argoproj.io/good": "https://example.com/?q=<b>",
    }
    await app.patch({"metadata": {"annotations": annotations, "labels": {"team": "a-b"}}})
    await site.person.patch(app.place("web"), {"data": {"text": EVIL + EVIL}})
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{app.name}.1", "namespace": CONTROL},
        "involvedObject": {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "name": app.name,
            "namespace": CONTROL, "uid": (await app.tree())["metadata"]["uid"],
        },
        "type": "Warning",
        "reason": "Evil",
        "message": EVIL,
    }  # fmt: skip
    await site.person.create(event)
    return app


async def test_markup_in_git_and_in_the_cluster_is_shown_as_text(
    site: Site, window: Window
) -> None:
    app = await _deploy(site)
    alerts: list[str] = []
    window.page.on("dialog", lambda dialog: alerts.append(dialog.message))
    url = f"/applications/{CONTROL}/{app.name}"
    shown = {
        url: "<img src=x",
        f"{url}/history": "<script>alert(2)</script>",
        f"{url}/drift": "onerror=alert(1)",
        f"{url}/events": "<script>alert(2)</script>",
        f"{url}/sync?preview=1": "",
        "/drift": "",
        f"/applications?search={EVIL}": "",
    }
    for path, words in shown.items():
        await window.open(path, live=False)
        await window.says(words)
        await expect(window.page.locator("main script, main img")).to_have_count(0)
    await window.open(url)
    hrefs = await window.page.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert not [href for href in hrefs if str(href).startswith("javascript:")]
    assert [href for href in hrefs if str(href).startswith("https://example.com/?q=")]
    assert not alerts


async def test_the_page_refuses_script_that_is_not_its_own(window: Window) -> None:
    """Shows as well that a breach of the policy is seen here."""
    await window.open("/applications")
    await window.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.wasRun = true";
          document.body.append(script);
        }"""
    )
    assert await window.page.evaluate("() => window.wasRun === undefined")
    assert any("Content Security Policy" in trouble for trouble in window.troubles)
    window.troubles.clear()
