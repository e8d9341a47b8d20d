"""`…/object?kind=&name=…&tab=`: one object of an Application, managed or grown out of one.

What the tabs show is in `object_tabs`; here is what all of them have: which object it is, what it
looks like now, and what its visitor may do.
"""

import logging
from dataclasses import dataclass
from typing import Any

from holdfast.api.applications import APPLICATIONS, target_of
from holdfast.api.failures import ApiError, Code
from holdfast.api.fine_rights import may_on_object
from holdfast.api.page.app_view import AppView, blocks
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.object_edit import Edit
from holdfast.api.page.object_fate import acts_of, is_terminating
from holdfast.api.page.object_view import ObjectView, object_link, objects_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.object_tabs import TABS, Seen
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Tree
from holdfast.domain.pause import Pause
from holdfast.domain.queries import GetResource, ListActions, ResourceTree

log = logging.getLogger(__name__)

_NOT_FOUND = "HF3009"
_LOGGING = frozenset(
    {"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"}
)
_LABELS = {
    "summary": "Summary",
    "live": "Live",
    "desired": "Desired",
    "diff": "Diff",
    "owners": "Owners",
    "events": "Events",
    "logs": "Logs",
}


@dataclass(frozen=True, slots=True)
class _Rights:
    """What the visitor may do with this object."""

    may_sync: bool
    may_update: bool
    may_delete: bool
    may_edit: bool
    may_log: bool


async def show(board: Board, visit: Visit, edit: Edit | None = None) -> Screen:
    """Show one tab of one object; `edit` is what somebody typed on the tab of that name.

    Raises:
        ApiError: 403, the Application may not be seen; 404, it has no such object.
    """
    tree, app = await board.application(visit)
    query = visit.request.query_params
    key = key_of_query(visit)
    tab = query.get("tab", "summary")
    tab = tab if tab in TABS else "summary"
    item, objects, trouble = await _find(board, tree, app, key, tab)
    live = await _live(board, app, item)
    pauses = [pause for pause in await board.pauses_of(app) if _holds(board, pause, app, key)]
    rights = _rights(board, visit, tree, key)
    seen = Seen(board, visit, tree, app, item, live, objects, edit)
    values: dict[str, Any] = {
        "app": app,
        "item": item,
        "at": object_link(app, key),
        "tab": tab,
        "tabs": _tabs(item, rights, has_pods=seen.has_pods or item.kind in _LOGGING),
        "rights": rights,
        "pauses": pauses,
        "is_there": live is not None,
        "is_terminating": is_terminating(live or {}),
        "trouble": trouble,
        "acts": await _acts(seen, is_paused=bool(pauses)),
        "is_secret": item.kind == "Secret" and not item.group,
        "is_paused": bool(pauses),
    }
    wanted = query.get("action", "")
    values["act"] = next((act for act in values["acts"] if act.name == wanted), None)
    values |= await TABS[tab](seen, values)
    title = f"{item.kind} {item.name} · {app.name}"
    return Screen("object.html", values, title, here="applications")


def key_of_query(visit: Visit) -> ResourceKey:
    """Return the object that the URL names."""
    query = visit.request.query_params
    return ResourceKey(*(query.get(name, "") for name in ("group", "kind", "namespace", "name")))


async def _find(
    board: Board, tree: Tree, app: AppView, key: ResourceKey, tab: str
) -> tuple[ObjectView, tuple[ObjectView, ...], str]:
    """Return the object, all objects when they were asked for, and why they are not known.

    The tree of a large Application costs a request for each object: it is asked for where the
    status does not name the object; else only what is below it, for tabs that show relations.
    """
    objects = objects_of(tree, ())
    found = next((item for item in objects if item.key == key), None)
    trouble = ""
    if found is None or tab in ("summary", "logs"):
        try:
            question = ResourceTree(app.key, below=key if found is not None else None)
            answer = await board.services.queries.answer(question, "")
            objects = objects_of(tree, blocks(answer, "nodes"))
        except HoldfastError as error:
            log.info("the tree cannot be read: %s", error.message)
            trouble = error.message
        found = next((item for item in objects if item.key == key), None)
    if found is None:
        raise ApiError(
            Code.NOT_FOUND,
            f"The application {app.name} has no {key.kind or 'object'} {key.name} now."
            + (f" Its objects cannot be read: {trouble}" if trouble else ""),
        )
    return found, objects, trouble


async def _live(board: Board, app: AppView, item: ObjectView) -> Tree | None:
    """Return the live object, Secret values masked; None when the cluster has none."""
    try:
        question = GetResource(app.key, item.key, item.version)
        found = await board.services.queries.answer(question, "")
    except HoldfastError as error:
        if error.code == _NOT_FOUND:
            return None
        raise
    return found if isinstance(found, dict) else None


async def _acts(seen: Seen, *, is_paused: bool) -> tuple[Any, ...]:
    """Return the actions that the object has and the visitor may run."""
    if seen.live is None:
        return ()
    item, target = seen.item, target_of(seen.visit, seen.tree)
    try:
        question = ListActions(seen.app.key, item.key, item.version)
        found = await seen.board.services.queries.answer(question, "")
    except HoldfastError as error:
        log.info("actions cannot be listed: %s", error.message)
        return ()
    allowed = [
        action
        for action in found
        if seen.visit.may(APPLICATIONS, f"action/{item.group}/{item.kind}/{action['name']}", target)
    ]
    return acts_of(allowed, seen.app, item, seen.live, is_paused=is_paused)


def _rights(board: Board, visit: Visit, tree: Tree, key: ResourceKey) -> _Rights:
    return _Rights(
        may_sync=board.may(visit, tree, "sync"),
        may_update=board.may(visit, tree, "update"),
        may_delete=may_on_object(visit, tree, "delete", key),
        may_edit=may_on_object(visit, tree, "update", key),
        may_log=visit.may("logs", "get", target_of(visit, tree)),
    )


def _tabs(item: ObjectView, rights: _Rights, *, has_pods: bool) -> list[tuple[str, str]]:
    """Return the tabs that this object has: name and label."""
    left_out = set()
    if not item.managed:
        left_out |= {"desired", "diff"}
    if not (has_pods and rights.may_log):
        left_out.add("logs")
    return [(name, label) for name, label in _LABELS.items() if name not in left_out]


def _holds(board: Board, pause: Pause, app: AppView, key: ResourceKey) -> bool:
    return board.holds(pause, app) or pause.holds_object(app.key, key)
