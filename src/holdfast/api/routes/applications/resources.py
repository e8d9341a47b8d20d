"""One object of an Application: show, patch, delete, act on it (api.md §1.6.11, §3.6)."""

from typing import Any

import orjson

from holdfast.api.applications import Which, demand_application, key_of, which
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, invalid
from holdfast.api.fine_rights import NO_INHERITANCE, fine_action
from holdfast.api.models.applications import ApplicationQuery, ResourceQuery
from holdfast.api.models.base import Nothing
from holdfast.api.models.resources import (
    ActionList,
    DeleteResourceQuery,
    PatchResourceQuery,
    ResourceManifest,
    RunActionBody,
    Text,
)
from holdfast.api.table import Route
from holdfast.domain.commands import DeleteResource, PatchResource, RunAction
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import GetResource, ListActions

_RESOURCE = "/api/v1/applications/{name}/resource"
_PATCH_KINDS = {
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
    "application/strategic-merge-patch+json": "strategic",
}


def _key(named: ResourceQuery | RunActionBody) -> ResourceKey:
    if not named.kind or not named.resource_name:
        raise invalid("name the object: kind and resourceName (group and namespace as well)")
    return ResourceKey(named.group, named.kind, named.namespace, named.resource_name)


async def _demand_fine(call: Call[Any, Any], action: str, asked: Which, key: ResourceKey) -> Tree:
    """Return the Application, if its caller may `update` or `delete` that one object of it."""
    if not call.services.settings.switch(NO_INHERITANCE, default=True):
        try:
            return await demand_application(call, action, asked)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
    return await demand_application(call, fine_action(action, key), asked)


async def _get(call: Call[ResourceQuery, None]) -> Tree:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = GetResource(key_of(tree), _key(query), query.version)
    return _manifest(await call.services.queries.answer(question, call.caller.username))


async def _patch(call: Call[PatchResourceQuery, Text]) -> Tree:
    query, key = call.query, _key(call.query)
    tree = await _demand_fine(call, "update", which(call, query), key)
    kind = _PATCH_KINDS.get(query.patch_type)
    if kind is None:
        raise invalid(f"patchType: give one of {', '.join(_PATCH_KINDS)}")
    try:
        patch = orjson.loads(call.body.root)
    except orjson.JSONDecodeError as error:
        raise invalid(f"the patch is no JSON: {error}") from error
    if isinstance(patch, list) != (kind == "json") or not isinstance(patch, list | dict):
        raise invalid("a JSON patch is a list of steps, every other patch is an object")
    command = PatchResource(key_of(tree), key, patch, kind, query.version)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return _manifest(done.tree)


async def _delete(call: Call[DeleteResourceQuery, None]) -> Tree:
    query, key = call.query, _key(call.query)
    tree = await _demand_fine(call, "delete", which(call, query), key)
    how = query.propagation_policy
    command = DeleteResource(
        key_of(tree),
        key,
        query.version,
        force=query.force,
        orphan=query.orphan or how == "orphan",
        background=how == "background",
    )
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


async def _actions(call: Call[ResourceQuery, None]) -> JSON:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = ListActions(key_of(tree), _key(query), query.version)
    actions = await call.services.queries.answer(question, call.caller.username)
    return {"actions": actions}


async def _run_old(call: Call[ResourceQuery, Text]) -> Tree:
    return await _run_action(call, call.query, call.body.root, ())


async def _run(call: Call[ApplicationQuery, RunActionBody]) -> Tree:
    parameters = tuple((item.name, item.value) for item in call.body.parameters)
    return await _run_action(call, call.body, call.body.action, parameters)


async def _run_action(
    call: Call[Any, Any],
    named: ResourceQuery | RunActionBody,
    action: str,
    parameters: tuple[tuple[str, str], ...],
) -> Tree:
    key = _key(named)
    right = f"action/{key.group}/{key.kind}/{action}"
    tree = await demand_application(call, right, which(call, named))
    command = RunAction(key_of(tree), key, action, parameters, named.version)
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


def _manifest(tree: JSON) -> Tree:
    return {"manifest": orjson.dumps(tree).decode()}


ROUTES = (
    Route("GET", _RESOURCE, _get, "A live object, Secret values masked.",
          query=ResourceQuery, answer=ResourceManifest),
    Route("POST", _RESOURCE, _patch, "Patch a live object.",
          query=PatchResourceQuery, body=Text, answer=ResourceManifest),
    Route("DELETE", _RESOURCE, _delete, "Delete a live object.",
          query=DeleteResourceQuery, answer=Nothing),
    Route("GET", f"{_RESOURCE}/actions", _actions, "What can be done with an object.",
          query=ResourceQuery, answer=ActionList),
    Route("POST", f"{_RESOURCE}/actions", _run_old, "Run an action (the old form).",
          query=ResourceQuery, body=Text, answer=Nothing),
    Route("POST", f"{_RESOURCE}/actions/v2", _run, "Run an action.",
          query=ApplicationQuery, body=RunActionBody, answer=Nothing),
)  # fmt: skip
