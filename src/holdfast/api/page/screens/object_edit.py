"""`…/object?…&tab=edit`: change a live object as YAML or by a patch, as the API does."""

import asyncio
from dataclasses import replace

from starlette.responses import RedirectResponse, Response

from holdfast.api.failures import ApiError, Code, denied
from holdfast.api.fine_rights import may_on_object
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_form import Told, read_pairs
from holdfast.api.page.create_trial import digest, told_of
from holdfast.api.page.object_edit import PATCHES, Edit, editable, patch_of
from holdfast.api.page.object_view import object_link, objects_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.object import key_of_query, show
from holdfast.domain.commands import PatchResource
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import GetResource


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Patch the object, or say why not over what was typed.

    Raises:
        ApiError: 403, the Application or the right to change its objects is missing; 404.
    """
    tree, app = await board.application(visit)
    key = key_of_query(visit)
    if not may_on_object(visit, tree, "update", key):
        raise denied("Your role may not change objects of this application.")
    typed = await read_pairs(visit.request)
    how = typed.get("how", "")
    edit = Edit(how if how in PATCHES else "yaml", typed.get("text", ""), typed.get("seen", ""))
    item = next((one for one in objects_of(tree, ()) if one.key == key), None)
    version = item.version if item is not None else ""
    try:
        live = await board.services.queries.answer(GetResource(app.key, key, version), "")
        if not isinstance(live, dict):
            raise ApiError(Code.NOT_FOUND, "The object is not there any more.")
        edit, patch = await asyncio.to_thread(_judged, edit, live)
        if patch is None:
            return await _again(board, visit, edit)
        command = PatchResource(app.key, key, patch, _kind(edit), version)
        await board.services.commands.carry_out(command, visit.caller.username)
    except HoldfastError as error:
        return await _again(board, visit, replace(edit, told=(told_of(error.message, error.hint),)))
    return RedirectResponse(f"{object_link(app, key)}&tab=live", 303)


def _judged(edit: Edit, live: Tree) -> tuple[Edit, Tree | list[Tree] | None]:
    """Return the edit with what is to be said, and its patch when it may be sent; CPU-bound."""
    seen = digest(editable(live))
    if edit.how == "yaml" and edit.seen != seen:
        # Told once, what is there now counts as seen: saving again is a decision.
        return replace(edit, seen=seen, is_conflict=True), None
    patch, told = patch_of(live, edit)
    if patch is None and not told:
        told = (Told("Nothing is changed yet."),)
    return replace(edit, told=told), patch


def _kind(edit: Edit) -> str:
    return "merge" if edit.how == "yaml" else edit.how


async def _again(board: Board, visit: Visit, edit: Edit) -> Screen:
    return replace(await show(board, visit, edit), status=422)
