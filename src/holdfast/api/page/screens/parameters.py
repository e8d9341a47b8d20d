"""`…/parameters`: what an Application changes in the manifests of its sources, and changing that.

Saved as the spec route of the API saves a spec: with its version, and after the same checks.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from holdfast.api.applications import Which, demand_application, key_of
from holdfast.api.failures import ApiError, Code
from holdfast.api.page.app_view import block, blocks, source_view, text
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_fields import (
    DIRECTORY,
    KUSTOMIZE,
    PARAMETERS,
    SOURCE,
    field_at,
    overlay,
    read_all,
)
from holdfast.api.page.create_form import Draft, Posted, Told, read_posted
from holdfast.api.page.create_trial import Trial, digest, editable, told_of, try_out
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.create import may_save
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.domain.commands import UpdateSpec
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.source import SourceType
from holdfast.kit import yamlio

_TRIES = 5
_CHANGED = "HF2004"
_TOOLS = ("helm", "plugin")


@dataclass(frozen=True, slots=True)
class SourceForm:
    """The parameters of one source.

    Attributes:
        number: Its place among the sources, from 0.
        tool: What renders it, as the status says; `""` when that is not known yet.
        draft: What the form shows.
        seen: The source's fingerprint.
        unbuilt: Blocks for tools that are not built, as YAML, by tool.
        is_conflict: Somebody else changed it meanwhile.
    """

    number: int
    title: str
    tool: str
    draft: Draft
    seen: str
    unbuilt: Mapping[str, str]
    trial: Trial | None = None
    is_conflict: bool = False

    @property
    def shown(self) -> list[str]:
        """Return the fields that the form has."""
        return [one.name for one in PARAMETERS if one.name not in self.draft.locked]

    @property
    def shows_kustomize(self) -> bool:
        """Whether the part for kustomize is open."""
        return self.tool == SourceType.KUSTOMIZE or self._uses(KUSTOMIZE)

    @property
    def shows_directory(self) -> bool:
        """Whether the part for plain manifests is open."""
        return self.tool == SourceType.DIRECTORY or self._uses(DIRECTORY)

    def _uses(self, fields: tuple[Any, ...]) -> bool:
        names = {one.name for one in fields}
        return any(self.draft.values.get(name) for name in names) or bool(names & self.draft.locked)


async def show(board: Board, visit: Visit) -> Screen:
    """Show the parameters of every source."""
    return await _screen(board, visit)


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Check or save the parameters of the source that the query names."""
    before = await _demand(visit)
    posted = await read_posted(visit.request, PARAMETERS)
    number = _number(visit)
    source = _source(before, number)
    after, wrong = await asyncio.to_thread(overlay, PARAMETERS, source, posted.typed)
    told = {name: (Told(words),) for name, words in wrong.items()}
    if wrong:
        return await _screen(board, visit, _form(before, number, after, posted, told))
    trial = await try_out(board, visit, _with_source(editable(before), number, after), is_new=False)
    form = _form(before, number, after, posted, _by_field(trial))
    form = replace(form, trial=trial, is_conflict=digest(source) != posted.seen)
    if not form.is_conflict and may_save(posted, form.draft):
        done = await _save(board, visit, posted, number, after)
        if isinstance(done, Response):
            return done
        form = replace(form, is_conflict=done is None)
        if done is not None:
            form = replace(form, draft=form.draft.telling((done,)))
    return await _screen(board, visit, form)


async def _save(
    board: Board, visit: Visit, posted: Posted, number: int, after: Tree
) -> Response | Told | None:
    """Save, and return where that leads; or what is wrong; or None when somebody was faster."""
    for _ in range(_TRIES):
        before = await _demand(visit)
        if digest(_source(before, number)) != posted.seen:
            return None
        spec = _with_source(before, number, after)["spec"]
        version = text(before["metadata"], "resourceVersion")
        command = UpdateSpec(key_of(before), spec, version, validate=False)
        try:
            await board.services.commands.carry_out(command, visit.caller.username)
        except HoldfastError as error:
            if error.code == _CHANGED:
                continue  # its status moved on between reading and writing
            return told_of(error.message, error.hint)
        return RedirectResponse(board.view(before).url, 303)
    return None


async def _screen(board: Board, visit: Visit, changed: SourceForm | None = None) -> Screen:
    tree, app, values = await frame_of(board, visit, "parameters")
    forms = [_form(tree, number, one) for number, one in enumerate(_sources(tree))]
    if changed is not None and changed.number < len(forms):
        forms[changed.number] = changed
    values |= {"forms": forms, "is_hydrated": bool(block(tree, "spec", "sourceHydrator"))}
    shown = screen("parameters.html", app, values, "Parameters")
    is_wrong = changed is not None and changed.draft.blocks
    return replace(shown, status=422) if is_wrong else shown


def _form(
    app: Tree,
    number: int,
    source: Tree,
    posted: Posted | None = None,
    told: Mapping[str, tuple[Told, ...]] | None = None,
) -> SourceForm:
    values, locked = read_all(PARAMETERS, source)
    if posted is not None:
        values |= {name: words for name, words in posted.typed.items() if name not in locked}
    view = source_view(source)
    status = block(app, "status")
    tools = status.get("sourceTypes") or [status.get("sourceType")]
    live = _sources(app)[number]
    return SourceForm(
        number=number,
        title=f"{view.repo_name} {view.place}",
        tool=str(tools[number] or "") if number < len(tools) else "",
        draft=Draft("", source, values, locked, told or {}),
        seen=digest(live),
        unbuilt={
            name: yamlio.dump(source[name]) for name in _TOOLS if isinstance(source.get(name), dict)
        },
    )


def _by_field(trial: Trial) -> dict[str, tuple[Told, ...]]:
    found: dict[str, tuple[Told, ...]] = {}
    names = {one.name for one in PARAMETERS}
    for one in trial.told:
        name = field_at(SOURCE, one.place)
        name = name if name in names else ""
        found[name] = (*found.get(name, ()), one)
    return found


def _sources(app: Tree) -> list[Tree]:
    spec = block(app, "spec")
    if spec.get("sourceHydrator"):
        return []
    return blocks(spec, "sources") or ([block(spec, "source")] if block(spec, "source") else [])


def _source(app: Tree, number: int) -> Tree:
    found = _sources(app)
    if number >= len(found):
        raise ApiError(Code.NOT_FOUND, "The application has no such source any more.")
    return found[number]


def _with_source(app: Tree, number: int, source: Tree) -> Tree:
    spec = dict(app["spec"])
    if blocks(spec, "sources"):
        spec["sources"] = [*spec["sources"][:number], source, *spec["sources"][number + 1 :]]
    else:
        spec["source"] = source
    return {**app, "spec": spec}


def _number(visit: Visit) -> int:
    wanted = visit.request.query_params.get("source", "0")
    return int(wanted) if wanted.isdecimal() and len(wanted) < 4 else 0


async def _demand(visit: Visit) -> Tree:
    asked = Which(visit.path["name"], visit.path["namespace"])
    return await demand_application(visit, "update", asked, fresh=True)
