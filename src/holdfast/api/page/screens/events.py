"""`…/events`: what Kubernetes tells of an Application and its objects."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.api.page.app_view import block, moment, text
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import ListEvents

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class EventView:
    """One event."""

    type: str
    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None
    who: str


def event_of(tree: Tree) -> EventView:
    """Return an event as it is shown."""
    series, count = block(tree, "series"), tree.get("count")
    first = moment(tree.get("firstTimestamp")) or moment(tree.get("eventTime"))
    return EventView(
        type=text(tree, "type") or "Normal",
        reason=text(tree, "reason"),
        message=text(tree, "message"),
        count=count if isinstance(count, int) and count > 0 else int(series.get("count") or 1),
        first=first,
        last=moment(tree.get("lastTimestamp")) or moment(series.get("lastObservedTime")) or first,
        who=text(block(tree, "source"), "component") or text(tree, "reportingComponent"),
    )


async def show(board: Board, visit: Visit) -> Screen:
    """Show events, the newest first."""
    _, app, values = await frame_of(board, visit, "events")
    trouble = ""
    try:
        found = await board.services.queries.answer(ListEvents(app.key), "")
    except HoldfastError as error:
        found, trouble = [], error.message
    shown = [event_of(tree) for tree in reversed(found[-_SHOWN:])]
    values |= {"events": shown, "trouble": trouble}
    return screen("events.html", app, values, "Events")
