"""`/settings/projects/NAME/…`: limits, one role, one window or all of it as YAML, to be changed.

The server that carries the change out checks it (names, windows, Applications left behind); what
is read here is checked at its field. Only the part that was edited is written over the project as
it is now: what others changed elsewhere in it meanwhile stays.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from holdfast.api.failures import ApiError, Code
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_fields import FormField, overlay, read_all
from holdfast.api.page.create_form import Draft, Told, read_pairs
from holdfast.api.page.create_trial import digest, told_of
from holdfast.api.page.look import segment
from holdfast.api.page.project_fields import LIMITS, WINDOW, role_fields
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.settings import settings_screen
from holdfast.api.routes.projects import demand_reach
from holdfast.domain.commands import CreateProject, UpdateProject
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import ARGO_GROUP
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import GetProject
from holdfast.kit import yamlio

_LIMITS = yamlio.YamlLimits(size_bytes=256 * 1024, depth=40, nodes=20_000)
_MISSING = "HF3004"
_PROJECT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_LISTS = {"role": "roles", "window": "syncWindows"}
_VIEWS = {"limits": "limits", "role": "roles", "window": "windows", "yaml": "limits"}
_NEW_WINDOW: Tree = {
    "kind": "allow",
    "schedule": "",
    "duration": "1h",
    "applications": ["*"],
    "timeZone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a project that is edited.

    Attributes:
        what: `limits`, `role`, `window` or `yaml`.
        at: Which entry of its list; None for a new one, and where there is no list.
        tree: As it is; the project itself for its limits, its spec as YAML.
    """

    project: str
    what: str
    tree: Tree
    at: int | None = None
    fields: Sequence[FormField] = field(default=())
    is_new: bool = False

    @property
    def seen(self) -> str:
        """A fingerprint of what is edited here, and of nothing else of the project."""
        if self.what != "limits":
            return digest(self.tree)
        spec = self.tree.get("spec") or {}
        return digest({key: one for key, one in spec.items() if key not in _LISTS.values()})

    @property
    def url(self) -> str:
        """Where its form is sent."""
        chosen = {"new": 1} if self.is_new else {} if self.at is None else {"at": self.at}
        query = f"?{urlencode(chosen)}" if chosen else ""
        return f"/settings/projects/{segment(self.project)}/{self.what}{query}"

    @property
    def back(self) -> str:
        """Where its project shows it."""
        return f"/settings/projects/{segment(self.project)}?view={_VIEWS[self.what]}"

    def put(self, project: Tree, tree: Tree | None) -> Tree:
        """Return a project with this part changed; None takes it away."""
        if self.what == "limits":
            return {**project, "spec": (tree or {}).get("spec") or {}}
        if self.what == "yaml":
            return {**project, "spec": tree or {}}
        spec, key = project.get("spec") or {}, _LISTS[self.what]
        entries = list(spec.get(key) or [])
        if self.at is None:
            entries.append(tree)
        elif tree is None:
            del entries[self.at]
        else:
            entries[self.at] = tree
        rest = {name: value for name, value in spec.items() if name != key}
        return {**project, "spec": {**rest, key: entries} if entries else rest}


async def show(board: Board, visit: Visit) -> Screen:
    """Show the form of one part as it is."""
    part = _part(visit, await _demand(board, visit))
    return _screen(part, await asyncio.to_thread(_draft, part), part.seen)


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Save one part, or delete it (`act=delete`)."""
    project = await _demand(board, visit)
    part, typed = _part(visit, project), await read_pairs(visit.request)
    is_deletion = typed.get("act") == "delete" and part.what in _LISTS and not part.is_new
    draft = await asyncio.to_thread(_typed, part, typed)
    if typed.get("seen") != part.seen:
        # Told once, what is there now counts as seen: saving again is a decision.
        return _screen(part, draft, part.seen, is_conflict=True)
    if draft.blocks and not is_deletion:
        return _screen(part, draft, typed["seen"])
    after = part.put(project, None if is_deletion else draft.tree)
    try:
        demand_reach(visit, project.get("spec") or {}, after["spec"])
        await board.services.commands.carry_out(
            UpdateProject(_wanted(after)), visit.caller.username
        )
    except (ApiError, HoldfastError) as error:
        told = told_of(error.message, error.hint)
        return _screen(part, replace(draft, told={"": (told,)}), typed["seen"])
    return RedirectResponse(part.back, 303)


async def create(board: Board, visit: Visit) -> Screen | Response:
    """Make a project that allows nothing yet, and lead to its limits."""
    typed = await read_pairs(visit.request)
    name, description = typed.get("name", "").strip(), typed.get("description", "").strip()
    visit.demand("projects", "create", name)
    spec: Tree = {"description": description} if description else {}
    project: Tree = {"metadata": {"name": name}, "spec": spec}
    if not _PROJECT_NAME.fullmatch(name):
        words = "Give it a name of small letters, digits and -."
        return _new_screen(Draft("", project, typed, told={"name": (Told(words),)}))
    try:
        await board.services.commands.carry_out(
            CreateProject(_wanted(project)), visit.caller.username
        )
    except HoldfastError as error:
        told = told_of(error.message, error.hint)
        return _new_screen(Draft("", project, typed, told={"": (told,)}))
    return RedirectResponse(f"/settings/projects/{segment(name)}/limits", 303)


async def show_new(board: Board, visit: Visit) -> Screen:
    """Show the form of a new project."""
    del board, visit
    return _new_screen(Draft("", {}))


def _new_screen(draft: Draft) -> Screen:
    values = {"draft": draft}
    found = settings_screen("settings_project_new.html", "projects", values, "New project")
    return replace(found, status=422 if draft.blocks else 200)


def _wanted(project: Tree) -> Tree:
    kept = ("name", "namespace", "resourceVersion", "labels", "annotations")
    metadata = {name: value for name, value in project["metadata"].items() if name in kept}
    return {
        "apiVersion": f"{ARGO_GROUP}/v1alpha1",
        "kind": "AppProject",
        "metadata": metadata,
        "spec": project["spec"],
    }


async def _demand(board: Board, visit: Visit) -> Tree:
    name = visit.path["name"]
    visit.demand("projects", "update", name)
    try:
        found: Tree = await board.services.queries.answer(GetProject(name), visit.caller.username)
    except HoldfastError as error:
        if error.code == _MISSING:
            raise ApiError(Code.NOT_FOUND, error.message) from error
        raise
    return found


def _part(visit: Visit, project: Tree) -> Part:
    name, what = visit.path["name"], visit.path["part"]
    spec, query = project.get("spec") or {}, visit.request.query_params
    if what == "limits":
        return Part(name, what, project, fields=LIMITS)
    if what == "yaml":
        return Part(name, what, spec)
    if what not in _LISTS:
        raise ApiError(Code.NOT_FOUND, "There is no such screen.")
    entries = spec.get(_LISTS[what]) or []
    is_new = "new" in query
    at = None if is_new else _number(query.get("at", ""))
    if not is_new and (at is None or at >= len(entries)):
        raise ApiError(Code.NOT_FOUND, f"There is no such {what} in the project {name} any more.")
    if what == "window":
        tree = _NEW_WINDOW if at is None else entries[at]
        return Part(name, what, tree, at, WINDOW, is_new)
    taken = [str(one.get("name")) for one in entries]
    fields = role_fields(name, taken, is_new=is_new)
    return Part(name, what, {} if at is None else entries[at], at, fields, is_new)


def _number(asked: str) -> int | None:
    return int(asked) if asked.isdecimal() and len(asked) < 5 else None


def _draft(part: Part) -> Draft:
    if part.what == "yaml":
        return Draft("", part.tree, {"text": yamlio.dump(part.tree)})
    values, locked = read_all(part.fields, part.tree)
    return Draft("", part.tree, values, locked)


def _typed(part: Part, typed: dict[str, str]) -> Draft:
    """Return the part with what was typed in it; CPU-bound."""
    if part.what == "yaml":
        return _parsed(typed.get("text", ""))
    texts = {one.name: typed.get(one.name, "") for one in part.fields}
    tree, wrong = overlay(part.fields, part.tree, texts)
    if part.what == "role" and part.is_new and not tree.get("name"):
        wrong.setdefault("name", "Give it a name: letters, digits, - and _.")
    values, locked = read_all(part.fields, tree)
    told = {name: (Told(words),) for name, words in wrong.items()}
    # What could not be read stays as it was typed, to be corrected.
    return Draft("", tree, values | {name: texts[name] for name in wrong}, locked, told)


def _parsed(text: str) -> Draft:
    try:
        tree = yamlio.load_one(text, _LIMITS) if text.strip() else {}
    except yamlio.YamlError as error:
        wrong = Told(f"Line {error.line}: {error.reason}.", "Correct the YAML.")
        return Draft(text, {}, {"text": text}, told={"text": (wrong,)})
    if not isinstance(tree, dict):
        wrong = Told("That is no spec.", "It has lines such as “description: …”.")
        return Draft(text, {}, {"text": text}, told={"text": (wrong,)})
    return Draft(text, tree, {"text": text})


def _screen(part: Part, draft: Draft, seen: str, *, is_conflict: bool = False) -> Screen:
    values: dict[str, Any] = {
        "part": part,
        "draft": draft,
        "seen": seen,
        "is_conflict": is_conflict,
        "role": part.tree.get("name", "") if part.what == "role" else "",
    }
    found = settings_screen("settings_project_edit.html", "projects", values, part.project)
    return replace(found, status=422 if draft.blocks else 200)
