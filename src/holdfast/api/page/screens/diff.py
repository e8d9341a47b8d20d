"""`…/diff`: what the cluster has beside what a sync would make of it."""

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.api.page.screens.preview import changes
from holdfast.api.page.width import diff_style


async def show(board: Board, visit: Visit) -> Screen:
    """Show all objects that differ, or with `object` one; `style` is `split` or `unified`."""
    tree, app, values = await frame_of(board, visit, "diff")
    query = visit.request.query_params
    whole, wanted = query.get("lines") == "all", query.get("object", "")
    found, trouble = await changes(board, tree, app, whole=whole)
    if wanted:
        found = tuple(one for one in found if one.id == wanted)
    values |= {
        "diffs": found,
        "trouble": trouble,
        "style": diff_style(visit.request),
        "whole": whole,
        "wanted": wanted,
    }
    return screen("diff.html", app, values, "Diff")
