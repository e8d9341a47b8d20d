"""`/applications/new`: a form and a YAML text, tried out on the cluster, then saved.

Without a script it is a plain form; the script only lays the answer over the page.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import RedirectResponse, Response

from holdfast.api.failures import denied
from holdfast.api.page.app_view import AppView
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_fields import (
    DIRECTORY,
    IN_CLUSTER,
    KUSTOMIZE,
    OPTIONS,
    REST,
    SOURCE,
    Field,
)
from holdfast.api.page.create_form import (
    Act,
    Draft,
    Posted,
    Told,
    draft_from,
    draft_of,
    fields_of,
    read_posted,
)
from holdfast.api.page.create_trial import (
    Trial,
    may_create,
    projects_to_create_in,
    told_of,
    try_out,
    without_servers_own,
)
from holdfast.api.page.look import segment
from holdfast.api.page.screen import Screen
from holdfast.domain.application import APPLICATION, IN_CLUSTER_SERVER, RESOURCES_FINALIZER
from holdfast.domain.commands import CreateApplication
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree

FIELDS = (*SOURCE, *REST)
_LONGEST = 500
_MOST_SUGGESTED = 50


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the template needs beside the draft.

    Attributes:
        action: Where the form is sent.
        cancel: Where giving up leads.
        app: The Application that is edited, None for a new one.
        is_conflict: Somebody else changed it meanwhile.
    """

    action: str
    cancel: str
    title: str
    app: AppView | None = None
    seen: str = ""
    is_conflict: bool = False
    projects: list[str] = field(default_factory=list)


async def show(board: Board, visit: Visit) -> Screen:
    """Show the form; `as=yaml` the text. `repo`, `path` and other fields fill it in."""
    sheet = _sheet(board, visit)
    query = visit.request.query_params
    tree = _starting_tree(board, sheet, {name: query.get(name, "")[:_LONGEST] for name in query})
    draft = await asyncio.to_thread(draft_from, tree)
    view = Act.YAML if query.get("as") == "yaml" else Act.FORM
    return screen_of(board, visit, sheet, draft, view)


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Turn to the other view, check, or create."""
    sheet = _sheet(board, visit)
    posted = await read_posted(visit.request, FIELDS)
    draft = await asyncio.to_thread(draft_of, posted)
    if draft.blocks or posted.act in (Act.FORM, Act.YAML):
        return screen_of(board, visit, sheet, draft, _view_after(posted, draft))
    if not may_create(board, visit, draft.tree):
        words = "You may not create an application of this name in this project."
        refused = Told(words, "Choose another project, or ask for the right.", place="spec.project")
        return screen_of(board, visit, sheet, draft.telling((refused,)), posted.was)
    trial = await try_out(board, visit, without_servers_own(draft.tree))
    draft = draft.telling(trial.told)
    if may_save(posted, draft):
        draft, done = await _create(board, visit, draft)
        if done is not None:
            return done
    return screen_of(board, visit, sheet, draft, posted.was, trial)


def may_save(posted: Posted, draft: Draft) -> bool:
    """Whether saving was asked for, and nothing speaks against it that was not overruled."""
    if draft.blocks or posted.act not in (Act.SAVE, Act.ANYWAY):
        return False
    return not draft.all_told or (posted.act is Act.ANYWAY and posted.known == draft.warnings)


async def _create(board: Board, visit: Visit, draft: Draft) -> tuple[Draft, Response | None]:
    # It was rendered a moment ago: what `validate` would do again.
    command = CreateApplication(without_servers_own(draft.tree), validate=False)
    try:
        done = await board.services.commands.carry_out(command, visit.caller.username)
    except HoldfastError as error:
        return draft.telling((told_of(error.message, error.hint),)), None
    metadata = (done.tree or command.manifest)["metadata"]
    namespace = metadata.get("namespace") or board.services.facts.control_namespace
    url = f"/applications/{segment(namespace)}/{segment(metadata['name'])}"
    return draft, RedirectResponse(url, 303)


def _view_after(posted: Posted, draft: Draft) -> Act:
    if draft.blocks or posted.act not in (Act.FORM, Act.YAML):
        return posted.was if draft.has_form else Act.YAML
    return posted.act


def screen_of(
    board: Board,
    visit: Visit,
    sheet: Sheet,
    draft: Draft,
    view: Act,
    trial: Trial | None = None,
) -> Screen:  # fmt: skip
    """Return the screen of a draft; a mistake makes it a 422."""
    names = [one.name for one in fields_of(draft.tree) if one.name not in draft.locked]
    if sheet.app is not None:
        names.remove("name")
    values: dict[str, Any] = {
        "sheet": sheet,
        "draft": draft,
        "view": view.value if draft.has_form else Act.YAML.value,
        "trial": trial,
        "shown": names,
        "in_cluster": IN_CLUSTER,
        "options": OPTIONS,
        "project_options": [(name, name) for name in sheet.projects],
        "opens": {"kustomize": _is_used(draft, KUSTOMIZE), "directory": _is_used(draft, DIRECTORY)},
        **_suggestions(board, visit),
    }
    status = 422 if draft.blocks else 200
    return Screen("create.html", values, sheet.title, here="applications", status=status)


def _is_used(draft: Draft, fields: Sequence[Field]) -> bool:
    """Whether a part of the form that is mostly empty has something to show."""
    names = {one.name for one in fields}
    has_text = any(draft.values.get(name) for name in names)
    return has_text or bool(names & (draft.locked | set(draft.told)))


def _suggestions(board: Board, visit: Visit) -> dict[str, list[str]]:
    """Return what other Applications use, to choose from."""
    views = board.views(visit)
    repos = {source.repo for view in views for source in view.sources if source.repo}
    namespaces = {view.namespace for view in views if view.namespace}
    paths = {source.place for view in views for source in view.sources if source.place != "."}
    return {
        name: sorted(found)[:_MOST_SUGGESTED]
        for name, found in (("repos", repos), ("namespaces", namespaces), ("paths", paths))
    }


def _sheet(board: Board, visit: Visit) -> Sheet:
    projects = projects_to_create_in(board, visit)
    if not projects:
        raise denied("You may not create applications.")
    return Sheet("/applications/new", "/applications", "New application", projects=projects)


def _starting_tree(board: Board, sheet: Sheet, given: dict[str, str]) -> Tree:
    """Return an Application with what nearly everybody wants, and what the URL names."""
    project = given.get("project") or ("default" if "default" in sheet.projects else "")
    source = {
        "repoURL": given.get("repo", ""),
        "targetRevision": given.get("revision") or "HEAD",
        "path": given.get("path", ""),
    }
    return {
        "apiVersion": f"{APPLICATION.group}/{APPLICATION.version}",
        "kind": APPLICATION.kind,
        "metadata": {
            "name": given.get("name", ""),
            "namespace": board.services.facts.control_namespace,
            "finalizers": [RESOURCES_FINALIZER],
        },
        "spec": {
            "project": project or sheet.projects[0],
            "source": source,
            "destination": {
                "server": IN_CLUSTER_SERVER,
                "namespace": given.get("namespace", ""),
            },
            "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
        },
    }
