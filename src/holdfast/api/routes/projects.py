"""AppProjects (docs/internals/argocd/api.md §1.5, §1.7)."""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code
from holdfast.api.links import links_of
from holdfast.api.models.base import Nothing
from holdfast.api.models.projects import (
    DetailedProject,
    ItemList,
    Items,
    Project,
    ProjectBody,
    ProjectsQuery,
    Windows,
)
from holdfast.api.models.resources import EventList, LinkList
from holdfast.api.projection import project as projected
from holdfast.api.routes import clusters, repositories
from holdfast.api.table import Route
from holdfast.domain.commands import CreateProject, DeleteProject, UpdateProject
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import GetProject, GetProjectWindows, ListProjectEvents
from holdfast.domain.stored_settings import ListGlobalProjects

_ALL = "/api/v1/projects"
_ONE = f"{_ALL}/{{name}}"
_LISTS = (
    "clusterResourceWhitelist",
    "clusterResourceBlacklist",
    "namespaceResourceWhitelist",
    "namespaceResourceBlacklist",
)


async def _list(call: Call[ProjectsQuery, None]) -> JSON:
    name = call.query.name
    items = [
        tree
        for tree in call.services.applications.projects()
        if (not name or tree["metadata"]["name"] == name)
        and call.may("projects", "get", tree["metadata"]["name"])
    ]
    metadata = {"resourceVersion": call.services.applications.resource_version}
    chosen: Tree = projected({"items": items}, call.query.fields)
    return {**chosen, "metadata": metadata}


async def _demand(call: Call[Any, Any], action: str) -> Tree:
    """Return a project on which the caller may do that: 403 before 404 (api.md §3.9)."""
    name = call.path["name"]
    call.demand("projects", action, name)
    try:
        found: Tree = await call.services.queries.answer(GetProject(name), call.caller.username)
    except HoldfastError as error:
        if error.code == "HF3004":
            raise ApiError(
                Code.NOT_FOUND, error.message, ours=error.code, about=error.about, hint=error.hint
            ) from error
        raise
    return found


async def _get(call: Call[Nothing, None]) -> Tree:
    return await _demand(call, "get")


async def _create(call: Call[Nothing, ProjectBody]) -> Tree:
    body = call.body
    name = body.project.metadata.name
    call.demand("projects", "create", name)
    if body.upsert:
        call.demand("projects", "update", name)
    command = CreateProject(_manifest(body, name), upsert=body.upsert)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _update(call: Call[Nothing, ProjectBody]) -> Tree:
    before = await _demand(call, "update")
    wanted = _manifest(call.body, call.path["name"])
    demand_reach(call, before.get("spec") or {}, wanted["spec"])
    command = UpdateProject(wanted)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


def demand_reach(call: Call[Any, Any], before: Tree, after: Tree) -> None:
    """A wider reach needs the right to change what is reached (api.md §1.7)."""
    known = before.get("destinations") or []
    for item in after.get("destinations") or []:
        if item not in known:
            call.demand("clusters", "update", str(item.get("server") or item.get("name") or ""))
    for repository in after.get("sourceRepos") or []:
        if repository not in (before.get("sourceRepos") or []):
            call.demand("repositories", "update", str(repository))
    if any((before.get(name) or []) != (after.get(name) or []) for name in _LISTS):
        for item in after.get("destinations") or []:
            call.demand("clusters", "update", str(item.get("server") or item.get("name") or ""))


async def _delete(call: Call[Nothing, None]) -> Tree:
    await _demand(call, "delete")
    command = DeleteProject(call.path["name"])
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


async def _detailed(call: Call[Nothing, None]) -> Tree:
    tree = await _demand(call, "get")
    name = call.path["name"]
    inherited = ListGlobalProjects(name)
    # Those of the project alone, as in Argo CD.
    own = [
        [one for one in found if one.get("project") == name]
        for found in (
            await repositories.permitted(call, patience_s=0.0),
            await clusters.permitted(call, patience_s=0.0),
        )
    ]
    return {
        "project": tree,
        "globalProjects": await call.services.queries.answer(inherited, call.caller.username),
        "repositories": own[0],
        "clusters": own[1],
    }


async def _global(call: Call[Nothing, None]) -> JSON:
    await _demand(call, "get")
    question = ListGlobalProjects(call.path["name"])
    return {"items": await call.services.queries.answer(question, call.caller.username)}


async def _events(call: Call[Nothing, None]) -> JSON:
    await _demand(call, "get")
    question = ListProjectEvents(call.path["name"])
    items = await call.services.queries.answer(question, call.caller.username)
    return {"metadata": {}, "items": items}


async def _links(call: Call[Nothing, None]) -> JSON:
    tree = await _demand(call, "get")
    return {"items": links_of(call.services.settings.text("project.links"), {"project": tree})}


async def _windows(call: Call[Nothing, None]) -> JSON:
    await _demand(call, "get")
    question = GetProjectWindows(call.path["name"])
    windows = await call.services.queries.answer(question, call.caller.username)
    return {"windows": windows}


def _manifest(body: ProjectBody, name: str) -> Tree:
    if not name:
        raise ApiError(Code.INVALID_ARGUMENT, "the project needs a name")
    metadata = body.project.metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = {key: value for key, value in metadata.items() if value != ""}
    metadata["name"] = name
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": metadata,
        "spec": body.project.spec,
    }


ROUTES = (
    Route("GET", _ALL, _list, "List projects.", query=ProjectsQuery, answer=ItemList),
    Route("POST", _ALL, _create, "Create a project.", body=ProjectBody, answer=Project),
    Route("GET", _ONE, _get, "A project.", answer=Project),
    Route("PUT", _ONE, _update, "Replace the spec of a project.",
          body=ProjectBody, answer=Project),
    Route("DELETE", _ONE, _delete, "Delete a project that nobody uses.", answer=Nothing),
    Route("GET", f"{_ONE}/detailed", _detailed, "A project and what it may use.",
          answer=DetailedProject),
    Route("GET", f"{_ONE}/globalprojects", _global, "Global projects of a project.",
          answer=Items),
    Route("GET", f"{_ONE}/events", _events, "Events on a project.", answer=EventList),
    Route("GET", f"{_ONE}/links", _links, "Links of a project.", answer=LinkList),
    Route("GET", f"{_ONE}/syncwindows", _windows, "Active sync windows.", answer=Windows),
)  # fmt: skip
