"""`…/pause` and `/pauses`: hold healing for a while, see what is held."""

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.object_view import objects_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen

DURATIONS = (
    ("15", "15 minutes"),
    ("60", "1 hour"),
    ("240", "4 hours"),
    ("1440", "1 day"),
    ("10080", "7 days"),
    ("", "until it is resumed"),
)


async def show(board: Board, visit: Visit) -> Screen:
    """Show the form, for the whole Application or one `object`."""
    tree, app, values = await frame_of(board, visit, "pause")
    wanted = visit.request.query_params.get("object", "")
    values |= {
        "durations": DURATIONS,
        "objects": [item for item in objects_of(tree, ()) if not item.is_hook],
        "wanted": wanted,
    }
    return screen("pause.html", app, values, "Pause")


async def show_all(board: Board, visit: Visit) -> Screen:
    """Show every pause that holds something which the caller may see."""
    views = {view.key: view for view in board.views(visit)}
    found = []
    for pause in await board.pauses():
        held = [view for view in views.values() if board.holds(pause, view)]
        named = next((view for view in views.values() if pause.holds_objects_of(view.key)), None)
        if held or named or visit.may("applications", "get", "*/*"):
            found.append((pause, held or ([named] if named else []), board.may_end(visit, pause)))
    return Screen("pauses.html", {"found": found}, "Pauses", here="pauses")
