"""Adopt drift into git, preview a sync, hand over to Argo CD, and how Holdfast itself does."""

from collections.abc import Sequence
from typing import Any

from holdfast.api.applications import (
    APPLICATIONS,
    demand_application,
    key_of,
    target_of,
    which,
)
from holdfast.api.authoring import authorship
from holdfast.api.call import Call
from holdfast.api.models.ours import (
    AdoptBody,
    AdoptionPlan,
    AdoptPlanBody,
    AppQuery,
    DoneShape,
    HandOverBody,
    NoQuery,
    ObjectBody,
    PreviewQuery,
    PreviewShape,
    StatusShape,
)
from holdfast.api.table import Route
from holdfast.domain.commands import AdoptDrift, Done, HandOver, SendTestMessage
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import SelectedResource
from holdfast.domain.queries import GetStatus, ManagedResources, PlanAdoption

_APP = "/api/holdfast/v1/applications/{name}"


async def _plan(call: Call[AppQuery, AdoptPlanBody]) -> JSON:
    tree = await demand_application(call, "get", which(call, call.query))
    question = PlanAdoption(key_of(tree), _selected(call.body.resources))
    return await call.services.queries.answer(question, call.caller.username)


async def _adopt(call: Call[AppQuery, AdoptBody]) -> Tree:
    body = call.body
    tree = await demand_application(call, "update", which(call, call.query))
    by = authorship(call.caller, body.author)
    command = AdoptDrift(
        key_of(tree),
        body.message,
        _selected(body.resources),
        by.author,
        body.branch,
        body.push,
        by.otherwise,
    )
    return _told(await call.services.commands.carry_out(command, call.caller.username))


async def _hand_over(call: Call[AppQuery, HandOverBody]) -> Tree:
    """Give the objects back to Argo CD; who may change the Application may."""
    tree = await demand_application(call, "update", which(call, call.query))
    command = HandOver(key_of(tree), dry_run=call.body.dry_run)
    return _told(await call.services.commands.carry_out(command, call.caller.username))


async def _test_message(call: Call[NoQuery, None]) -> Tree:
    """Tell a target something that others read: for those who may change every Application."""
    call.demand(APPLICATIONS, "update", "*/*")
    command = SendTestMessage(call.path["target"])
    return _told(await call.services.commands.carry_out(command, call.caller.username))


def _told(done: Done) -> Tree:
    return {"outcome": done.outcome, "object": done.tree, "notes": list(done.notes)}


def _selected(objects: Sequence[ObjectBody]) -> tuple[SelectedResource, ...]:
    return tuple(SelectedResource(o.group, o.kind, o.namespace, o.name) for o in objects)


async def _preview(call: Call[PreviewQuery, None]) -> JSON:
    """Show what a sync would change, as the API server predicts it; nothing is written."""
    tree = await demand_application(call, "get", which(call, call.query))
    query = call.query
    question = ManagedResources(key_of(tree), query.revision, revisions=query.revisions)
    records = await call.services.queries.answer(question, call.caller.username)
    items = [{**item, "change": change} for item in records if (change := _change(item))]
    count = [item["change"] for item in items].count
    return {
        "creates": count("create"),
        "changes": count("change"),
        "prunes": count("prune"),
        "items": items,
    }


def _change(record: Tree) -> str:
    if record["hook"] or not record["modified"]:
        return ""
    if record["liveState"] is None:
        return "create"
    return "prune" if record["targetState"] is None else "change"


async def _status(call: Call[NoQuery, None]) -> Tree:
    found: Tree = await call.services.queries.answer(GetStatus(), call.caller.username)
    if call.may("applications", "get", "*/*"):
        return found
    # What concerns single Applications is told to who may see them.
    errors = [item for item in found.get("lastErrors", ()) if _may_see(call, item["app"])]
    hidden = ("applications", "diverging", "server")
    return {**{k: v for k, v in found.items() if k not in hidden}, "lastErrors": errors}


def _may_see(call: Call[Any, Any], name: str) -> bool:
    namespace, _, short = name.partition("/")
    tree = call.services.applications.find(AppKey(namespace, short))
    return tree is not None and call.may("applications", "get", target_of(call, tree))


ROUTES = (
    Route("POST", f"{_APP}/adopt/plan", _plan, "What an adoption would commit.",
          query=AppQuery, body=AdoptPlanBody, answer=AdoptionPlan, optional_body=True),
    Route("POST", f"{_APP}/adopt", _adopt, "Commit live drift to git.",
          query=AppQuery, body=AdoptBody, answer=DoneShape),
    Route("POST", f"{_APP}/handover", _hand_over, "Give the objects back to Argo CD.",
          query=AppQuery, body=HandOverBody, answer=DoneShape),
    Route("POST", "/api/holdfast/v1/notifications/{target}/test", _test_message,
          "Send a test message to a target, and say what became of it.",
          query=NoQuery, answer=DoneShape),
    Route("GET", f"{_APP}/preview", _preview, "What a sync would change.",
          query=PreviewQuery, answer=PreviewShape),
    Route("GET", "/api/holdfast/v1/status", _status, "How Holdfast does.",
          query=NoQuery, answer=StatusShape),
)  # fmt: skip
