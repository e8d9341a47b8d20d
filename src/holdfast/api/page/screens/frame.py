"""What every screen of one Application shows: header, states, banners, tabs."""

from typing import Any

from holdfast.api.page.advice import conditions_of
from holdfast.api.page.app_view import AppView
from holdfast.api.page.board import Board, Visit, favourites_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.switches import switches_of
from holdfast.domain.manifest import Tree

_FINDS = {
    "objects": "an object",
    "diff": "an object",
    "history": "an entry",
    "drift": "a drift",
    "events": "an event",
}
"""What the field beside the tabs finds, on the tabs that are lists."""


async def frame_of(board: Board, visit: Visit, tab: str) -> tuple[Tree, AppView, dict[str, Any]]:
    """Return the Application that the path names, and the values of its frame.

    Raises:
        ApiError: 403, there is none, or the caller may not see it.
    """
    tree, app = await board.application(visit)
    open_drifts = (await board.open_drifts())[app.key]
    commit = await board.commits.find(app, app.revision)
    pauses = await board.pauses_of(app)
    values: dict[str, Any] = {
        "app": app,
        "tab": tab,
        "finds": _FINDS,
        "commit": commit,
        "conditions": conditions_of(tree),
        "pauses": pauses,
        "may_end": {one.id for one in pauses if board.may_end(visit, one)},
        "switches": switches_of(app, is_paused=any(board.holds(one, app) for one in pauses)),
        "drifts": open_drifts,
        "is_favourite": app.id in favourites_of(visit),
        "may_sync": board.may(visit, tree, "sync"),
        "may_update": board.may(visit, tree, "update"),
        "may_delete": board.may(visit, tree, "delete"),
    }
    return tree, app, values


def screen(template: str, app: AppView, values: dict[str, Any], title: str = "") -> Screen:
    """Return a screen of an Application."""
    words = f"{title} · {app.name}" if title else app.name
    return Screen(template, values, words, here="applications")
