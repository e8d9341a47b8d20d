"""Pauses: hold healing for a while, and end that.

Who may change an Application may hold it; a pause of a project or cluster needs the right to
change that, one of everything the right to change every Application.
"""

from collections.abc import AsyncGenerator
from typing import Any

from holdfast.api.applications import APPLICATIONS, Which, demand_application
from holdfast.api.call import Call, Stream
from holdfast.api.failures import ApiError, Code, denied, invalid
from holdfast.api.models.ours import (
    DoneShape,
    NoQuery,
    ObjectList,
    PauseBody,
    PauseEventShape,
    PausesQuery,
)
from holdfast.api.pause_rights import EVERY_APPLICATION, may_with_pause
from holdfast.api.standing import demand_good_token
from holdfast.api.table import Route
from holdfast.domain.commands import Done, PauseHealing, ResumeHealing
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.pause import Pause, PauseScope
from holdfast.domain.queries import ListPauses

_OURS = "/api/holdfast/v1/pauses"


async def _list(call: Call[PausesQuery, None]) -> JSON:
    query = call.query
    app = None
    if query.app:
        await demand_application(call, "get", Which(query.app, query.app_namespace))
        namespace = query.app_namespace or call.services.facts.control_namespace
        app = AppKey(namespace, query.app)
    question = ListPauses(app, query.ended)
    found = await call.services.queries.answer(question, call.caller.username)
    # Asked about one Application, everything that holds it is told: it may be seen.
    return {"items": [tree for tree in found if app is not None or _may(call, tree, "get")]}


async def _create(call: Call[NoQuery, PauseBody]) -> Tree:
    body = call.body
    if (body.until is None) != body.until_resumed:
        raise invalid("give until, or untilResumed: one of both")
    if body.until is not None and body.until.tzinfo is None:
        raise invalid("until: give a time with its zone (RFC 3339)")
    await _demand(call, body)
    key = body.resource
    command = PauseHealing(
        scope=body.scope,
        reason=body.reason,
        until=body.until,
        target=body.target,
        app_namespace=body.app_namespace,
        resource=ResourceKey(key.group, key.kind, key.namespace, key.name) if key else None,
    )
    return _done(await call.services.commands.carry_out(command, call.caller.username))


async def _demand(call: Call[Any, Any], body: PauseBody) -> None:
    match body.scope:
        case PauseScope.APPLICATION | PauseScope.OBJECT:
            if (body.scope is PauseScope.OBJECT) != (body.resource is not None):
                raise invalid("a pause of one object has the scope Object and names a resource")
            await demand_application(call, "update", Which(body.target, body.app_namespace))
        case PauseScope.PROJECT:
            call.demand("projects", "update", body.target)
        case PauseScope.CLUSTER:
            call.demand("clusters", "update", body.target)
        case PauseScope.ALL:
            call.demand(APPLICATIONS, "update", EVERY_APPLICATION)


async def _resume(call: Call[NoQuery, None]) -> Tree:
    name = call.path["id"]
    found = await call.services.queries.answer(ListPauses(ended=True), call.caller.username)
    tree = next((item for item in found if item["metadata"]["name"] == name), None)
    if tree is None or not _may(call, tree, "get"):
        words, hint = f'there is no pause "{name[:253]}"', "`holdfast pauses` shows them"
        raise ApiError(Code.NOT_FOUND, words, ours="HF3006", hint=hint)
    if not _may(call, tree, "update"):
        raise denied()
    command = ResumeHealing(pause_id=name)
    return _done(await call.services.commands.carry_out(command, call.caller.username))


async def _watch(call: Call[NoQuery, None]) -> Stream:
    return Stream(_changes(call), wrapped=False)


async def _changes(call: Call[NoQuery, None]) -> AsyncGenerator[JSON, None]:
    """Yield the pauses that hold, then each that begins, changes or ends."""
    shared, known = call.services.pauses, dict[str, Tree]()

    async def look() -> dict[str, Tree]:
        found = await call.services.queries.answer(ListPauses(), call.caller.username)
        return {str(tree["metadata"]["name"]): tree for tree in found}

    while True:
        demand_good_token(call)
        found = await shared.at_most_a_second_old(look)
        events = [("DELETED", tree) for name, tree in known.items() if name not in found]
        for name, tree in found.items():
            before = known.get(name)
            if before is None or _version(before) != _version(tree):
                events.append(("ADDED" if before is None else "MODIFIED", tree))
        known = found
        for word, tree in events:
            if _may(call, tree, "get"):
                yield {"type": word, "pause": tree}
        await shared.wait()


def _version(tree: Tree) -> str:
    return str(tree["metadata"].get("resourceVersion") or "")


def _may(call: Call[Any, Any], tree: Tree, action: str) -> bool:
    return may_with_pause(call, Pause.parse(Manifest(tree)), action)


def _done(done: Done) -> Tree:
    return {"outcome": done.outcome, "object": done.tree, "notes": list(done.notes)}


ROUTES = (
    Route("GET", _OURS, _list, "Pauses, the one that ends first at the beginning.",
          query=PausesQuery, answer=ObjectList),
    Route("POST", _OURS, _create, "Hold healing for a while.",
          query=NoQuery, body=PauseBody, answer=DoneShape),
    Route("DELETE", f"{_OURS}/{{id}}", _resume, "End a pause.", query=NoQuery, answer=DoneShape),
    Route("GET", "/api/holdfast/v1/stream/pauses", _watch,
          "The pauses that hold, and each that begins, changes or ends.",
          query=NoQuery, answer=PauseEventShape, streams=True),
)  # fmt: skip
