"""`/applications/NAMESPACE/NAME`: the tree, the list and the pods of one Application."""

import logging

from holdfast.api.page.app_view import blocks
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.object_view import draw, objects_of, pods_by_owner
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import ResourceTree

log = logging.getLogger(__name__)

_VIEWS = ("tree", "list", "pods")


async def show(board: Board, visit: Visit) -> Screen:
    """Show the objects of an Application, one of them opened when `node` names it."""
    tree, app, values = await frame_of(board, visit, "objects")
    query = visit.request.query_params
    view = query.get("view", "tree")
    view = view if view in _VIEWS else "tree"
    nodes, trouble = await _nodes(board, app.key)
    objects = objects_of(tree, nodes)
    opened = next((item for item in objects if item.id == query.get("node")), None)
    values |= {"view": view, "objects": objects, "opened": opened, "trouble": trouble}
    if view == "tree":
        values["drawing"] = draw(app, objects)
    if view == "pods":
        values["pod_groups"] = pods_by_owner(objects)
    return screen("application.html", app, values)


async def _nodes(board: Board, app: AppKey) -> tuple[list[Tree], str]:
    """Return the resource tree, or why there is only what the status lists."""
    try:
        found = await board.services.queries.answer(ResourceTree(app), "")
    except HoldfastError as error:
        log.info("the tree cannot be read: %s", error.message)
        return [], error.message
    return blocks(found, "nodes"), ""
