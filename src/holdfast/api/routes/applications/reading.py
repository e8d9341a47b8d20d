"""List and get Applications, their manifests, their tree, and what differs."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import orjson

from holdfast.api.applications import (
    Which,
    demand_application,
    key_of,
    project_of,
    target_of,
    which,
)
from holdfast.api.call import Call, Pieces
from holdfast.api.failures import invalid
from holdfast.api.models.applications import (
    Application,
    ApplicationList,
    GetQuery,
    ListQuery,
    ManagedResources,
    Manifests,
    ManifestsQuery,
    ResourceTree,
    TreeQuery,
)
from holdfast.api.projection import project
from holdfast.api.table import Route
from holdfast.domain.commands import RefreshApplication
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.queries import GetManifests
from holdfast.domain.queries import ManagedResources as AskManaged
from holdfast.domain.queries import ResourceTree as AskTree
from holdfast.domain.selectors import parse_selector

_NAME = "/api/v1/applications/{name}"


def chooser(call: Call[ListQuery, Any]) -> Callable[[Tree], bool]:
    """Return whether a list or watch is about an Application and the caller may see it."""
    query = call.query
    projects = query.project or query.projects
    matches = parse_selector(query.selector)

    def is_chosen(tree: Tree) -> bool:
        return (
            (not query.name or tree["metadata"]["name"] == query.name)
            and (not projects or project_of(tree) in projects)
            and (not query.app_namespace or key_of(tree).namespace == query.app_namespace)
            and (not query.repo or query.repo in _repositories(tree))
            and matches(Manifest(tree))
            and call.may("applications", "get", target_of(call, tree))
        )

    return is_chosen


def _repositories(tree: Tree) -> set[str]:
    spec = tree.get("spec") or {}
    sources = [*(spec.get("sources") or ()), *([spec["source"]] if spec.get("source") else ())]
    return {str(source.get("repoURL") or "") for source in sources}


async def _list(call: Call[ListQuery, None]) -> Pieces:
    applications, is_chosen = call.services.applications, chooser(call)
    fields, found = call.query.fields, list[tuple[str, bytes]]()
    # `metadata` is always there (api.md §1.4).
    head = orjson.dumps({"resourceVersion": applications.resource_version})
    async with aclosing(applications.each()) as trees:
        async for tree in trees:
            if is_chosen(tree):
                chosen: Tree = project({"items": [tree]}, fields)
                one = orjson.dumps(chosen["items"][0]) if "items" in chosen else b""
                found.append((tree["metadata"]["name"], one))
    found.sort(key=lambda item: item[0])
    if "items" not in project({"items": []}, fields):
        return Pieces([b'{"metadata":', head, b"}"])
    parts = [b'{"metadata":', head, b',"items":[']
    for number, (_, one) in enumerate(found):
        parts += [b",", one] if number else [one]
    return Pieces([*parts, b"]}"])


async def _get(call: Call[GetQuery, None]) -> Tree:
    query = call.query
    if len(query.projects) > 1:
        raise invalid("get supports only one project")
    project_name = query.project or "".join(query.projects)
    asked = Which(call.path["name"], query.app_namespace, project_name)
    tree = await demand_application(call, "get", asked, fresh=True)
    if query.refresh is None:
        return tree
    command = RefreshApplication(key_of(tree), hard=query.refresh == "hard")
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or tree


async def _manifests(call: Call[ManifestsQuery, None]) -> Tree:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = GetManifests(key_of(tree), revision=query.revision, revisions=query.revisions)
    manifests = await call.services.queries.answer(question, call.caller.username)
    destination = (tree.get("spec") or {}).get("destination") or {}
    status = tree.get("status") or {}
    return {
        "manifests": [orjson.dumps(item).decode() for item in manifests],
        "namespace": destination.get("namespace") or "",
        "server": destination.get("server") or "",
        "revision": query.revision or (status.get("sync") or {}).get("revision") or "",
        "sourceType": status.get("sourceType") or "",
    }


async def _tree(call: Call[TreeQuery, None]) -> Tree:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    found: Tree = await call.services.queries.answer(AskTree(key_of(tree)), call.caller.username)
    nodes = [node for node in found["nodes"] if fits_node(node, query)]
    return {**found, "nodes": nodes}


async def _managed(call: Call[TreeQuery, None]) -> JSON:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = AskManaged(key_of(tree))
    records = await call.services.queries.answer(question, call.caller.username)
    items = [as_text(item) for item in records if not item["hook"] and fits_node(item, query)]
    return project({"items": items}, query.fields)


def as_text(record: Tree) -> Tree:
    """Return a record with its states as JSON strings, as Argo CD's clients want them."""
    states = ("targetState", "liveState", "normalizedLiveState", "predictedLiveState")
    texts = {name: orjson.dumps(record[name]).decode() for name in states}
    for name in ("targetState", "liveState"):
        if record[name] is None:
            texts[name] = ""
    return {**record, **texts}


def fits_node(node: Tree, query: TreeQuery) -> bool:
    """Whether a node, or a managed object, is what a query is about."""
    wanted = {"namespace": query.namespace, "name": query.name, "group": query.group,
              "kind": query.kind}  # fmt: skip
    return all(node.get(key, "") == value for key, value in wanted.items() if value)


ROUTES = (
    Route("GET", "/api/v1/applications", _list, "List Applications.",
          query=ListQuery, answer=ApplicationList),
    Route("GET", _NAME, _get, "An Application; with `refresh`, after a comparison.",
          query=GetQuery, answer=Application),
    Route("GET", f"{_NAME}/manifests", _manifests, "What git declares.",
          query=ManifestsQuery, answer=Manifests),
    Route("GET", f"{_NAME}/resource-tree", _tree, "The objects and what grew out of them.",
          query=TreeQuery, answer=ResourceTree),
    Route("GET", f"{_NAME}/managed-resources", _managed, "Target and live state of each object.",
          query=TreeQuery, answer=ManagedResources),
)  # fmt: skip
