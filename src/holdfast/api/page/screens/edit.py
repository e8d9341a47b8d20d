"""`…/edit`: an Application that is there, as the form and the YAML of `create`.

What a person began from is fingerprinted: the version of the object moves with every status, and
says nothing about whether somebody else changed what is edited here.
"""

import asyncio
from dataclasses import replace

from starlette.responses import RedirectResponse, Response

from holdfast.api.applications import Which, demand_application, demand_move
from holdfast.api.failures import ApiError
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_form import (
    Act,
    Draft,
    Posted,
    Told,
    draft_from,
    draft_of,
    read_posted,
)
from holdfast.api.page.create_trial import (
    digest,
    editable,
    itself,
    told_of,
    try_out,
    written_over,
)
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.create import FIELDS, Sheet, may_save, screen_of
from holdfast.domain.commands import UpdateApplication
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree

_TRIES = 5
_CHANGED = "HF2004"


async def show(board: Board, visit: Visit) -> Screen:
    """Show it as it is."""
    before = await _demand(visit)
    sheet = _sheet(board, before)
    draft = await asyncio.to_thread(draft_from, editable(before))
    is_yaml = visit.request.query_params.get("as") == "yaml"
    return screen_of(board, visit, sheet, draft, Act.YAML if is_yaml else Act.FORM)


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Turn to the other view, check, or save."""
    before = await _demand(visit)
    posted = await read_posted(visit.request, FIELDS)
    draft = await asyncio.to_thread(draft_of, posted)
    sheet = replace(_sheet(board, before), seen=posted.seen)
    if draft.tree:
        draft = draft.telling(_about_name(before, draft))
    if draft.blocks or posted.act in (Act.FORM, Act.YAML):
        view = posted.act if posted.act in (Act.FORM, Act.YAML) else posted.was
        return screen_of(board, visit, sheet, draft, posted.was if draft.blocks else view)
    try:
        demand_move(visit, before, draft.tree.get("spec") or {})
    except ApiError:
        words = "You may not move the application into this project."
        refused = Told(words, "Choose another project, or ask for the right.", place="spec.project")
        return screen_of(board, visit, sheet, draft.telling((refused,)), posted.was)
    return await _tried(board, visit, posted, draft, before)


async def _tried(
    board: Board, visit: Visit, posted: Posted, draft: Draft, before: Tree
) -> Screen | Response:
    trial = await try_out(board, visit, draft.tree, is_new=False)
    mine = await asyncio.to_thread(itself, editable(before), editable(draft.tree))
    trial, draft = replace(trial, itself=mine), draft.telling(trial.told)
    is_conflict = digest(editable(before)) != posted.seen
    if not is_conflict and may_save(posted, draft):
        done = await _save(board, visit, posted, draft)
        if isinstance(done, Response):
            return done
        before, is_conflict = await _demand(visit), done is None
        if done is not None:
            draft = draft.telling((done,))
    # Told once, what is there now counts as seen: saving again is a decision.
    sheet = replace(_sheet(board, before), is_conflict=is_conflict)
    return screen_of(board, visit, sheet, draft, posted.was, trial)


async def _save(board: Board, visit: Visit, posted: Posted, draft: Draft) -> Response | Told | None:
    """Save, and return where that leads; or what is wrong; or None when somebody was faster."""
    for _ in range(_TRIES):
        before = await _demand(visit)
        if digest(editable(before)) != posted.seen:
            return None
        command = UpdateApplication(written_over(before, draft.tree), validate=False)
        try:
            await board.services.commands.carry_out(command, visit.caller.username)
        except HoldfastError as error:
            if error.code == _CHANGED:
                continue  # its status moved on between reading and writing
            return told_of(error.message, error.hint)
        return RedirectResponse(board.view(before).url, 303)
    return None


async def _demand(visit: Visit) -> Tree:
    asked = Which(visit.path["name"], visit.path["namespace"])
    return await demand_application(visit, "update", asked, fresh=True)


def _about_name(before: Tree, draft: Draft) -> tuple[Told, ...]:
    live, typed = before["metadata"], draft.tree.get("metadata") or {}
    if typed.get("name") == live["name"] and typed.get("namespace", live.get("namespace")) == (
        live.get("namespace")
    ):
        return ()
    words = f"This is {live['name']} in {live.get('namespace')}, and stays so."
    return (Told(words, "For another name create a new application.", place="metadata.name"),)


def _sheet(board: Board, before: Tree) -> Sheet:
    app = board.view(before)
    trees = board.services.applications.projects()
    return Sheet(
        action=f"{app.url}/edit",
        cancel=app.url,
        title=f"Edit {app.name}",
        app=app,
        seen=digest(editable(before)),
        projects=sorted({"default", *(str(tree["metadata"]["name"]) for tree in trees)}),
    )
