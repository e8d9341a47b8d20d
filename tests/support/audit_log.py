"""What a real API server says of the requests that it had: its own audit log."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.support.waiting import eventually, quiet_for

if TYPE_CHECKING:
    from tests.support.plane import RealPlane

Tree = dict[str, Any]


def lines_of(plane: RealPlane) -> int:
    """How long the log is at present."""
    return len(plane.audit_log.read_text().splitlines())


def our_requests(plane: RealPlane, after: int = 0) -> list[Tree]:
    """Events of Holdfast's requests, known by the user agent, after so many lines."""
    lines = plane.audit_log.read_text().splitlines()[after:]
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return [event for event in events if str(event.get("userAgent", "")).startswith("holdfast")]


def is_lease(event: Tree) -> bool:
    """Whether it is about the Lease that says who leads."""
    return "/leases/holdfast" in event["requestURI"]


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
