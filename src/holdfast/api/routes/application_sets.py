"""ApplicationSets as they are (docs/internals/argocd/api.md §1.5, §1.7).

A missing one is 404 before roles are asked, other than with Applications. What needs the generators
is refused with 501 until they are built.
"""

from collections.abc import AsyncGenerator
from typing import Any

from holdfast.api.call import Call, Stream
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.models.application_sets import (
    ApplicationSet,
    ApplicationSetEvent,
    GenerateBody,
    SetBody,
    SetQuery,
    SetsQuery,
    SetTree,
    SetWatchQuery,
)
from holdfast.api.models.projects import ItemList
from holdfast.api.models.resources import EventList
from holdfast.api.standing import demand_good_token
from holdfast.api.table import Route
from holdfast.domain.application_set import (
    GetApplicationSet,
    ListApplicationSetEvents,
    ListApplicationSets,
)
from holdfast.domain.manifest import JSON, Tree

_ALL = "/api/v1/applicationsets"
_ONE = f"{_ALL}/{{name}}"
_LOOK_AGAIN_S = 5.0


def _project_of(tree: Tree) -> str:
    found: JSON = tree
    for name in ("spec", "template", "spec", "project"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _target(tree: Tree) -> str:
    return f"{_project_of(tree)}/{tree['metadata']['name']}"


def _may(call: Call[Any, Any], tree: Tree) -> bool:
    return call.may("applicationsets", "get", _target(tree))


async def _chosen(call: Call[Any, Any], selector: str, projects: tuple[str, ...]) -> list[Tree]:
    question = ListApplicationSets(selector)
    found = await call.services.queries.answer(question, call.caller.username)
    return [
        tree
        for tree in found
        if (not projects or _project_of(tree) in projects) and _may(call, tree)
    ]


async def _list(call: Call[SetsQuery, None]) -> JSON:
    query = call.query
    if query.namespace not in ("", call.services.facts.control_namespace):
        return {"metadata": {}, "items": []}
    return {"metadata": {}, "items": await _chosen(call, query.selector, query.projects)}


async def _demand(call: Call[SetQuery, None], action: str) -> Tree:
    name, control = call.path["name"], call.services.facts.control_namespace
    missing = ApiError(Code.NOT_FOUND, f'applicationsets.argoproj.io "{name}" not found')
    if call.query.namespace not in ("", control):
        raise missing
    answer = await call.services.queries.answer(GetApplicationSet(name), call.caller.username)
    if not isinstance(answer, dict):
        raise missing
    call.demand("applicationsets", action, _target(answer))
    return answer


async def _get(call: Call[SetQuery, None]) -> Tree:
    return await _demand(call, "get")


async def _tree(call: Call[SetQuery, None]) -> JSON:
    """Return the Applications that grew out of it, as far as they may be seen."""
    tree = await _demand(call, "get")
    uid, nodes = tree["metadata"].get("uid"), []
    async for app in call.services.applications.each():
        metadata = app["metadata"]
        owners = metadata.get("ownerReferences") or ()
        if not any(owner.get("uid") == uid for owner in owners):
            continue
        project = str((app.get("spec") or {}).get("project") or "default")
        if call.may("applications", "get", f"{project}/{metadata['name']}"):
            nodes.append(_node(tree, app))
    return {"nodes": nodes}


def _node(parent: Tree, app: Tree) -> Tree:
    metadata, above = app["metadata"], parent["metadata"]
    place = {"group": "argoproj.io", "version": "v1alpha1", "namespace": metadata["namespace"]}
    return {
        **place,
        "kind": "Application",
        "name": metadata["name"],
        "uid": metadata.get("uid") or "",
        "parentRefs": [
            {**place, "kind": "ApplicationSet", "name": above["name"], "uid": above.get("uid")}
        ],
        "health": (app.get("status") or {}).get("health") or {},
        "createdAt": metadata.get("creationTimestamp"),
    }


async def _events(call: Call[SetQuery, None]) -> JSON:
    await _demand(call, "get")
    question = ListApplicationSetEvents(call.path["name"])
    items = await call.services.queries.answer(question, call.caller.username)
    return {"metadata": {}, "items": items}


async def _watch(call: Call[SetWatchQuery, None]) -> Stream:
    return Stream(_changes(call))


async def _changes(call: Call[SetWatchQuery, None]) -> AsyncGenerator[JSON, None]:
    """Yield what there is and every change; nobody writes them often: seen within 5 s."""
    query, known = call.query, dict[str, Tree]()
    is_first = True
    while True:
        demand_good_token(call)
        chosen = await _chosen(call, query.selector, query.projects)
        found = {t["metadata"]["name"]: t for t in chosen
                 if query.name in ("", t["metadata"]["name"])}  # fmt: skip
        for name, tree in found.items():
            before = known.get(name)
            if before is None and is_first and query.resource_version and not query.name:
                continue
            if before is None or _version(before) != _version(tree):
                kind = "ADDED" if before is None else "MODIFIED"
                yield {"type": kind, "applicationSet": tree}
        for name in known.keys() - found.keys():
            yield {"type": "DELETED", "applicationSet": known[name]}
        known, is_first = found, False
        await call.services.clock.sleep(_LOOK_AGAIN_S)


def _version(tree: Tree) -> str:
    return str(tree["metadata"].get("resourceVersion") or "")


async def _create(call: Call[Any, SetBody]) -> Tree:
    return _refuse(call, call.body.model_dump(mode="json"))


async def _generate(call: Call[Any, GenerateBody]) -> Tree:
    return _refuse(call, call.body.application_set.model_dump(mode="json"))


def _refuse(call: Call[Any, Any], tree: Tree) -> Tree:
    project = _project_of(tree)
    if not project:
        raise invalid("the Application Set has an invalid project: spec.template.spec.project")
    if "{{" in project:
        raise invalid("the Application Set controller does not allow a templated project here")
    call.demand("applicationsets", "create", f"{project}/{tree['metadata'].get('name') or ''}")
    raise ApiError(Code.UNIMPLEMENTED, "the generators of ApplicationSets are not built")


async def _delete(call: Call[SetQuery, None]) -> Tree:
    await _demand(call, "delete")
    raise ApiError(Code.UNIMPLEMENTED, "deleting ApplicationSets is not built: use kubectl delete")


ROUTES = (
    Route("GET", _ALL, _list, "List ApplicationSets.", query=SetsQuery, answer=ItemList),
    Route("POST", _ALL, _create, "Not built.", body=SetBody),
    Route("POST", f"{_ALL}/generate", _generate, "Not built.", body=GenerateBody),
    Route("GET", _ONE, _get, "An ApplicationSet.", query=SetQuery, answer=ApplicationSet),
    Route("DELETE", _ONE, _delete, "Not built.", query=SetQuery),
    Route("GET", f"{_ONE}/resource-tree", _tree, "The Applications that grew out of it.",
          query=SetQuery, answer=SetTree),
    Route("GET", f"{_ONE}/events", _events, "Events on an ApplicationSet.",
          query=SetQuery, answer=EventList),
    Route("GET", "/api/v1/stream/applicationsets", _watch, "Every change of ApplicationSets.",
          query=SetWatchQuery, answer=ApplicationSetEvent, streams=True),
)  # fmt: skip
