"""`/applications/NAMESPACE/NAME`: the tree, the list and the pods of one Application."""

import logging

from starlette.responses import RedirectResponse, Response

from holdfast.api.page.app_view import blocks
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.object_view import draw, object_link, objects_of, pods_by_owner
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.api.page.width import is_narrow
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import ResourceTree

log = logging.getLogger(__name__)

_VIEWS = ("tree", "list", "pods")
_ARGO_TABS = ("events", "logs")


async def show(board: Board, visit: Visit) -> Screen | Response:
    """Show the objects of an Application; `node`, as Argo CD's page has it, leads to the object."""
    query = visit.request.query_params
    if "node" in query:
        return await _to_object(board, visit, query["node"])
    tree, app, values = await frame_of(board, visit, "objects")
    view = query.get("view", "tree")
    view = view if view in _VIEWS else "tree"
    nodes, trouble = await _nodes(board, app.key)
    objects = objects_of(tree, nodes)
    values |= {"view": view, "objects": objects, "trouble": trouble}
    if view == "tree":
        values["drawing"] = draw(app, objects, is_narrow=is_narrow(visit.request))
    if view == "pods":
        values["pod_groups"] = pods_by_owner(objects)
    return screen("application.html", app, values)


async def _to_object(board: Board, visit: Visit, node: str) -> Response:
    """Lead to an object named `GROUP/KIND/NAMESPACE/NAME`, and a number that counts for nothing."""
    _, app = await board.application(visit)
    parts = [*node.split("/"), "", "", "", ""][:4]
    tab = visit.request.query_params.get("tab", "")
    link = object_link(app, ResourceKey(*parts))
    return RedirectResponse(link + (f"&tab={tab}" if tab in _ARGO_TABS else ""), 303)


async def _nodes(board: Board, app: AppKey) -> tuple[list[Tree], str]:
    """Return the resource tree, or why there is only what the status lists."""
    try:
        found = await board.services.queries.answer(ResourceTree(app), "")
    except HoldfastError as error:
        log.info("the tree cannot be read: %s", error.message)
        return [], error.message
    return blocks(found, "nodes"), ""
