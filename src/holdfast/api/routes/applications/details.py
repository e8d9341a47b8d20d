"""Events, links, sync windows and revisions of an Application (api.md §1.5)."""

from holdfast.api.applications import Which, demand_application, key_of, project_of, which
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code
from holdfast.api.links import links_of
from holdfast.api.models.applications import ApplicationQuery, ResourceQuery
from holdfast.api.models.resources import (
    EventList,
    EventsQuery,
    LinkList,
    LinksQuery,
    RevisionMetadataShape,
    RevisionQuery,
    SyncWindowsShape,
)
from holdfast.api.table import Route
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import GetResource, GetSyncWindows, ListEvents, RevisionMetadata

_NAME = "/api/v1/applications/{name}"


async def _events(call: Call[EventsQuery, None]) -> JSON:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = ListEvents(
        key_of(tree), query.resource_namespace, query.resource_name, query.resource_uid
    )
    items = await call.services.queries.answer(question, call.caller.username)
    return {"metadata": {}, "items": items}


async def _links(call: Call[LinksQuery, None]) -> JSON:
    query = call.query
    asked = Which(call.path["name"], query.namespace, query.project)
    tree = await demand_application(call, "get", asked)
    context = {"app": tree, "application": tree, "project": _project(call, tree)}
    return {"items": links_of(call.services.settings.text("application.links"), context)}


async def _resource_links(call: Call[ResourceQuery, None]) -> JSON:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    key = ResourceKey(query.group, query.kind, query.namespace, query.resource_name)
    question = GetResource(key_of(tree), key, query.version)
    resource = await call.services.queries.answer(question, call.caller.username)
    context = {"app": tree, "application": tree, "resource": resource,
               "project": _project(call, tree)}  # fmt: skip
    return {"items": links_of(call.services.settings.text("resource.links"), context)}


def _project(call: Call[LinksQuery, None] | Call[ResourceQuery, None], tree: Tree) -> Tree:
    name = project_of(tree)
    found = (p for p in call.services.applications.projects() if p["metadata"]["name"] == name)
    return next(found, {})


async def _sync_windows(call: Call[ApplicationQuery, None]) -> JSON:
    tree = await demand_application(call, "get", which(call, call.query))
    question = GetSyncWindows(key_of(tree))
    return await call.services.queries.answer(question, call.caller.username)


async def _metadata(call: Call[RevisionQuery, None]) -> JSON:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    question = RevisionMetadata(key_of(tree), call.path["revision"], query.source_index)
    return await call.services.queries.answer(question, call.caller.username)


async def _no_charts(call: Call[RevisionQuery, None]) -> JSON:
    await demand_application(call, "get", which(call, call.query))
    raise ApiError(Code.UNIMPLEMENTED, "sources that are charts or OCI artifacts are not built")


ROUTES = (
    Route("GET", f"{_NAME}/events", _events, "Events on an Application or one of its objects.",
          query=EventsQuery, answer=EventList),
    Route("GET", f"{_NAME}/links", _links, "Links of an Application.",
          query=LinksQuery, answer=LinkList),
    Route("GET", f"{_NAME}/resource/links", _resource_links, "Links of an object.",
          query=ResourceQuery, answer=LinkList),
    Route("GET", f"{_NAME}/syncwindows", _sync_windows, "Sync windows of an Application.",
          query=ApplicationQuery, answer=SyncWindowsShape),
    Route("GET", f"{_NAME}/revisions/{{revision}}/metadata", _metadata,
          "Author, date and message of a commit.",
          query=RevisionQuery, answer=RevisionMetadataShape),
    Route("GET", f"{_NAME}/revisions/{{revision}}/chartdetails", _no_charts,
          "Not built.", query=RevisionQuery),
    Route("GET", f"{_NAME}/revisions/{{revision}}/ocimetadata", _no_charts,
          "Not built.", query=RevisionQuery),
)  # fmt: skip
