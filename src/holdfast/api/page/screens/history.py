"""`…/history`: syncs with the heals between them; roll back or redeploy after a look at it."""

from typing import Any

from holdfast.api.page.app_view import AppView
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.history_view import Deployed, deployed_of, woven
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.api.page.screens.preview import changes
from holdfast.domain.errors import HoldfastError
from holdfast.domain.journal import Episode, EpisodeFilter
from holdfast.domain.manifest import Tree

_MOST_EPISODES = 500


async def show(board: Board, visit: Visit) -> Screen:
    """Show the history; `rollback=ID` shows what going back to that entry changes."""
    tree, app, values = await frame_of(board, visit, "history")
    entries = deployed_of(tree)
    commits = await board.commits.find_all(app, {entry.revision for entry in entries})
    values |= {
        "stretches": woven(entries, await _episodes(board, app)),
        "commits": commits,
        "chosen": None,
        "may_roll_back": values["may_sync"] or board.may(visit, tree, "rollback"),
    }
    wanted = visit.request.query_params.get("rollback", "")
    chosen = next((entry for entry in entries if str(entry.id) == wanted), None)
    if chosen is not None:
        values |= await _preview(board, tree, app, chosen)
    return screen("history.html", app, values, "History")


async def _preview(board: Board, tree: Tree, app: AppView, entry: Deployed) -> dict[str, Any]:
    found, trouble = await changes(board, tree, app, entry.revisions)
    now_source, then_source = app.source, entry.source
    moved = (now_source.repo, now_source.place) != (then_source.repo, then_source.place)
    rollback = {"id": entry.id, "appNamespace": app.key.namespace, "project": app.project}
    turn_off = {
        "method": "PATCH",
        "path": app.api,
        "body": {
            "patch": '{"spec":{"syncPolicy":{"automated":{"enabled":false}}}}',
            "patchType": "merge",
            "appNamespace": app.key.namespace,
            "project": app.project,
        },
    }
    return {
        "chosen": entry,
        "diffs": found,
        "trouble": trouble,
        "has_moved": moved,
        "rollback": rollback,
        "before": [turn_off] if app.automated else [],
    }


async def _episodes(board: Board, app: AppView) -> tuple[Episode, ...]:
    journal = board.services.journal
    if journal is None:
        return ()
    try:
        return await journal.episodes(EpisodeFilter(app=app.id, limit=_MOST_EPISODES))
    except HoldfastError:
        return ()
