"""The page's screen of one object over a real API server: owners, masks, difference, deletion."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from holdfast.assembly.front import front_application
from holdfast.assembly.front_settings import FrontSettings
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.schema.types import find_type
from tests.support.api import inside
from tests.support.page import PageClient, Shown
from tests.support.site import config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.site import Site, SiteApp

CANARY = "canary-in-a-page-4d1e"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{k: {CANARY}}}\n"
TABS = ("summary", "live", "live&managed=shown", "desired", "diff&lines=all", "owners", "events",
        "delete")  # fmt: skip
pytestmark = pytest.mark.timeout(120)


def address(app: SiteApp, kind: str, name: str, tab: str) -> str:
    """Where the screen of an object is."""
    named = urlencode({"kind": kind, "namespace": app.namespace, "name": name})
    return f"/applications/{app.site.control}/{app.name}/object?{named}&tab={tab}"


async def test_an_object_is_shown_deleted_and_back_again(site: Site) -> None:
    app = await site.deploy("page", {"w.yaml": config_map("web", a="git"), "s.yaml": SECRET})
    web = app.place("web")
    await site.person.patch(web, {"data": {"extra": "by hand"}})
    before = (await site.person.get(web))["metadata"]["uid"]
    settings = FrontSettings(
        kubeconfig=str(site.kubeconfig),
        namespace=site.control,
        journal="off",
        auth_disabled=True,
        allow_local_repos=(str(site.folder),),
    )
    await asyncio.to_thread(find_type, CONFIG_MAP)  # read once in a process, in 4 ms
    async with front_application(settings) as packed:
        application = inside(packed)
        client = PageClient(application)

        async def shown(kind: str, name: str, tab: str) -> Shown:
            reply = await client.get(address(app, kind, name, tab))
            return Shown(reply.status, reply.body.decode(), reply.headers)

        async def is_known() -> bool:
            return (await shown("ConfigMap", "web", "summary")).status == 200

        await eventually(is_known)
        for tab in TABS:
            screen = await shown("Secret", "keys", tab)
            assert screen.status == 200, tab
            assert CANARY not in screen.html, tab
            assert base64.b64encode(CANARY.encode()).decode() not in screen.html, tab
        owners = await shown("ConfigMap", "web", "owners")
        assert len(owners.test("owner")) == 2
        rows = [a.get("class", "")[:2] for tag, a in owners.tags if tag == "tr"]
        assert {"o0", "o1"} <= set(rows)
        # What git does not declare beside what it does is no difference.
        assert (await shown("ConfigMap", "web", "diff")).test("no-diff")
        assert "a: git" in (await shown("ConfigMap", "web", "desired")).words
        deleting = await shown("ConfigMap", "web", "delete&how=background")
        assert "Holdfast puts it back" in deleting.words
        (button,) = deleting.test("delete-do")
        assert (await client.delete(button["data-path"])).status == 200

        async def is_back() -> bool:
            found = await site.person.find(web)
            return found is not None and found["metadata"]["uid"] != before

        await eventually(is_back)
        assert "extra:" not in (await shown("ConfigMap", "web", "live")).words
