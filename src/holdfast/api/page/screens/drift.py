"""`…/drift` of an Application and `/drift` of all: open drift on top, and what to do about it."""

from typing import Any

from holdfast.api.applications import APPLICATIONS, target_of
from holdfast.api.failures import ApiError, Code
from holdfast.api.page.app_view import AppView
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.drift_view import episodes_of, strip_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.domain.errors import HoldfastError
from holdfast.domain.journal import Episode, EpisodeFilter
from holdfast.domain.queries import PlanAdoption

_SHOWN = 100


async def show(board: Board, visit: Visit) -> Screen:
    """Show the drift of an Application; `episode` opens one, `adopt` shows what git would get."""
    _, app, values = await frame_of(board, visit, "drift")
    query = visit.request.query_params
    found, trouble = await _episodes(board, EpisodeFilter(app=app.id, limit=_SHOWN))
    views = episodes_of(found)
    wanted = query.get("object", "")
    if wanted:
        views = tuple(one for one in views if one.object_id == wanted)
    values |= {
        "views": views,
        "strip": strip_of(views, board.now),
        "trouble": trouble,
        "opened": query.get("episode", ""),
        "wanted": wanted,
        "limit": _SHOWN,
        "adoption": None,
    }
    if "adopt" in query:
        values["adoption"] = await _adoption(board, app)
    return screen("drift.html", app, values, "Drift")


async def show_all(board: Board, visit: Visit) -> Screen:
    """Show the drift of all Applications that the caller may see."""
    found, trouble = await _episodes(board, EpisodeFilter(limit=_SHOWN))
    still, _ = await _episodes(board, EpisodeFilter(limit=_SHOWN, open_only=True))
    known = {one.id: one for one in (*still, *found)}
    views = episodes_of(one for one in known.values() if _may_see(board, visit, one))
    values = {"views": views, "strip": strip_of(views, board.now), "trouble": trouble}
    return Screen("all_drift.html", values, "Drift", here="drift")


def _may_see(board: Board, visit: Visit, episode: Episode) -> bool:
    """An episode of an Application that is gone is shown to who may see all Applications."""
    tree = board.services.applications.find(episode.app)
    if tree is None:
        return visit.may(APPLICATIONS, "get", "*/*")
    return visit.may(APPLICATIONS, "get", target_of(visit, tree))


async def _episodes(board: Board, wanted: EpisodeFilter) -> tuple[tuple[Episode, ...], str]:
    journal = board.services.journal
    if journal is None:
        raise ApiError(Code.NOT_FOUND, "Holdfast keeps no journal here: drift is not remembered.")
    try:
        return await journal.episodes(wanted), ""
    except HoldfastError as error:
        return (), error.message


async def _adoption(board: Board, app: AppView) -> dict[str, Any]:
    try:
        plan = await board.services.queries.answer(PlanAdoption(app.key), "")
    except HoldfastError as error:
        return {"trouble": error.message, "hint": error.hint}
    return {
        "trouble": "",
        "hint": "",
        "diff": str(plan.get("diff") or ""),
        "adopted": plan.get("adopted") or [],
        "refused": plan.get("refused") or [],
    }
