"""What Holdfast asks of an API server at rest: nothing (DESIGN 4.1).

Counted in the API server's own audit log by our user agent, never from what we think we sent.
`make test` lets this minute pass beside what is timed: it takes next to no processor time, and
counts requests, not seconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit_log import is_lease, others, our_requests, settled
from tests.support.declared import workloads
from tests.support.person import Ref
from tests.support.site import at_work, config_map
from tests.support.waiting import quiet_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.plane import RealPlane

Tree = dict[str, Any]
QUIET_S = 60.0
RENEWED_EVERY_S = 5.0

pytestmark = pytest.mark.xdist_group("beside what is timed")


@pytest.mark.timeout(300)  # its subject is a minute
async def test_sixty_quiet_seconds_cost_watches_and_the_lease_and_nothing_else(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    plane = await asyncio.to_thread(start_plane, audit=True)
    async with at_work(plane.kubeconfig, tmp_path) as site:
        for number in range(3):
            await site.deploy(f"plain-{number}", {"a.yaml": config_map("a", color="blue")})
        busy = [await site.deploy(f"workloads-{number}", workloads()) for number in range(2)]
        # Without metrics an autoscaler fails after a while; it goes on writing its status.
        for app in busy:
            await app.until(_is_degraded, seconds=60.0)
        before = await settled(plane)
        await quiet_for(QUIET_S, why="requests of this time are what is counted")
        sent = await asyncio.to_thread(our_requests, plane, before)
        events = (await site.person.get(Ref("v1", "Event", site.control, "")))["items"]
        assert others(sent) == [], _newest(events)
        leases = [event for event in sent if is_lease(event)]
        assert 1 <= len(leases) <= QUIET_S / RENEWED_EVERY_S + 2


def _is_degraded(tree: Tree) -> bool:
    return bool(tree["status"].get("health", {}).get("status") == "Degraded")


def _newest(events: list[Tree]) -> str:
    """What was told last, to explain what was not quiet."""
    told = sorted(f"{event['lastTimestamp']} {event['message']}" for event in events)
    return "\n".join(told[-4:])
