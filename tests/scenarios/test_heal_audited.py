"""What a heal costs an API server, in its own audit log (docs/internals/argocd/apply.md A3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit_log import is_lease, our_requests, settled
from tests.support.declared import workloads
from tests.support.site import at_work
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.plane import RealPlane
    from tests.support.site import SiteApp

Tree = dict[str, Any]


@pytest.mark.timeout(300)
async def test_a_heal_is_one_patch_and_that_of_a_deletion_asks_for_the_application_first(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    plane = await asyncio.to_thread(start_plane, audit=True)
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("web", workloads())
        web = app.place("web", "Deployment", "apps/v1")
        path = f"{web.path}?"

        before = await settled(plane)
        await site.person.patch(web, {"spec": {"replicas": 1}})

        async def is_healed() -> bool:
            return bool((await site.person.get(web))["spec"]["replicas"] == 2)

        await eventually(is_healed)
        await settled(plane)
        sent = _about_objects(await asyncio.to_thread(our_requests, plane, before), app)
        assert [(verb, uri.startswith(path)) for verb, uri in sent] == [("patch", True)], sent

        before = await settled(plane)
        uid = (await site.person.get(web))["metadata"]["uid"]
        await site.person.delete(web)

        async def is_back() -> bool:
            found = await site.person.find(web)
            return found is not None and found["metadata"]["uid"] != uid

        await eventually(is_back)
        await settled(plane)
        sent = _about_objects(await asyncio.to_thread(our_requests, plane, before), app)
        assert [verb for verb, _ in sent] == ["get", "patch"], sent
        assert sent[0][1].startswith(app.ref.path)
        assert sent[1][1].startswith(path)


def _about_objects(sent: list[Tree], app: SiteApp) -> list[tuple[str, str]]:
    """What is not our own bookkeeping: the lease, Events, the status of the Application."""
    found = []
    for event in sent:
        verb, uri = event["verb"], event["requestURI"]
        writes_app = uri.startswith(app.ref.path) and verb != "get"
        if verb != "watch" and not is_lease(event) and "/events" not in uri and not writes_app:
            found.append((verb, uri))
    return found
