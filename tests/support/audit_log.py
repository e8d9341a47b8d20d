"""What a real API server says of the requests that it had: its own audit log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
