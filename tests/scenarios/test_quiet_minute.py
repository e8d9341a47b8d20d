"""What Holdfast asks of an API server: nothing at rest, one request for a heal (DESIGN 4.1).

Counted in the API server's own audit log by our user agent, never from what we think we sent.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.audit_log import is_lease, lines_of, our_requests
from tests.support.person import Ref
from tests.support.site import at_work, config_map
from tests.support.waiting import eventually, quiet_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.plane import RealPlane
    from tests.support.site import SiteApp

Tree = dict[str, Any]
QUIET_S = 60.0
RENEWED_EVERY_S = 5.0
WORKLOADS: tuple[Callable[..., Tree], ...] = (
    d.stateful_set,
    d.daemon_set,
    d.job,
    d.cron_job,
    d.service,
    d.ingress,
    d.network_policy,
    d.config_map,
    d.role,
    d.role_binding,
    d.service_account,
    d.disruption_budget,
    d.autoscaler,
    d.volume_claim,
)


def workloads() -> dict[str, str | bytes | None]:
    """An application of nearly all kinds; its Deployment runs pods."""
    trees = [make() for make in WORKLOADS]
    trees += [d.deployment(replicas=2), d.secret(stringData={"a": "1"})]
    return {f"{tree['kind'].lower()}.yaml": json.dumps(tree) for tree in trees}


async def settled(plane: RealPlane) -> int:
    """Waits until we ask for nothing any more; returns the length of the log."""

    async def is_quiet() -> bool:
        before = await asyncio.to_thread(lines_of, plane)
        await quiet_for(3.0, why="Events and the last status are written after the fact")
        return not others(await asyncio.to_thread(our_requests, plane, before))

    await eventually(is_quiet, seconds=120.0)
    return await asyncio.to_thread(lines_of, plane)


def others(sent: list[Tree]) -> list[str]:
    """Requests that are neither watches nor about the lease."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in sent
        if event["verb"] != "watch" and not is_lease(event)
    ]


@pytest.mark.timeout(300)  # its subject is a minute
async def test_sixty_quiet_seconds_cost_watches_and_the_lease_and_nothing_else(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    plane = await asyncio.to_thread(start_plane, audit=True)
    async with at_work(plane.kubeconfig, tmp_path) as site:
        for number in range(3):
            await site.deploy(f"plain-{number}", {"a.yaml": config_map("a", color="blue")})
        for number in range(2):
            app = await site.deploy(f"workloads-{number}", workloads())
            # Without metrics its autoscaler fails after a while; it goes on writing its status.
            await app.until(_is_degraded, seconds=60.0)
        before = await settled(plane)
        await quiet_for(QUIET_S, why="requests of this time are what is counted")
        sent = await asyncio.to_thread(our_requests, plane, before)
        events = (await site.person.get(Ref("v1", "Event", site.control, "")))["items"]
        assert others(sent) == [], _newest(events)
        leases = [event for event in sent if is_lease(event)]
        assert 1 <= len(leases) <= QUIET_S / RENEWED_EVERY_S + 2


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


def _is_degraded(tree: Tree) -> bool:
    return bool(tree["status"].get("health", {}).get("status") == "Degraded")


def _newest(events: list[Tree]) -> str:
    """What was told last, to explain what was not quiet."""
    told = sorted(f"{event['lastTimestamp']} {event['message']}" for event in events)
    return "\n".join(told[-4:])


def _about_objects(sent: list[Tree], app: SiteApp) -> list[tuple[str, str]]:
    """What is not our own bookkeeping: the lease, Events, the status of the Application."""
    found = []
    for event in sent:
        verb, uri = event["verb"], event["requestURI"]
        writes_app = uri.startswith(app.ref.path) and verb != "get"
        if verb != "watch" and not is_lease(event) and "/events" not in uri and not writes_app:
            found.append((verb, uri))
    return found
