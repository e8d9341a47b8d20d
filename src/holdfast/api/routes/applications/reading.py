"""List and get Applications, their manifests, their tree, and what differs."""

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
from holdfast.api.call import Call
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


def choose(call: Call[ListQuery, Any], trees: list[Tree]) -> list[Tree]:
    """Return the Applications that a list or watch is about and the caller may see."""
    query = call.query
    projects = query.project or query.projects
    matches = parse_selector(query.selector)
    return [
        tree
        for tree in trees
        if (not query.name or tree["metadata"]["name"] == query.name)
        and (not projects or project_of(tree) in projects)
        and (not query.app_namespace or key_of(tree).namespace == query.app_namespace)
        and (not query.repo or query.repo in _repositories(tree))
        and matches(Manifest(tree))
        and call.may("applications", "get", target_of(call, tree))
    ]


def _repositories(tree: Tree) -> set[str]:
    spec = tree.get("spec") or {}
    sources = [*(spec.get("sources") or ()), *([spec["source"]] if spec.get("source") else ())]
    return {str(source.get("repoURL") or "") for source in sources}


async def _list(call: Call[ListQuery, None]) -> JSON:
    applications = call.services.applications
    version = applications.resource_version
    items = choose(call, list(applications.all()))
    items.sort(key=lambda tree: tree["metadata"]["name"])
    whole: Tree = {"metadata": {"resourceVersion": version}, "items": items}
    chosen: Tree = project(whole, call.query.fields)
    return {**chosen, "metadata": whole["metadata"]}  # always there (api.md §1.4)


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
