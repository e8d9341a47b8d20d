"""Streams of Applications and of their trees (docs/internals/argocd/api.md §1.3, §1.6.13)."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from holdfast.api.applications import APPLICATIONS, Which, demand_application, key_of, target_of
from holdfast.api.call import Call, Encoded, Stream
from holdfast.api.failures import ApiError, Code, denied
from holdfast.api.models.applications import (
    ApplicationEventShape,
    ListQuery,
    ResourceTree,
    TreeQuery,
)
from holdfast.api.ports import ApplicationEvent
from holdfast.api.projection import project
from holdfast.api.routes.applications.reading import chooser, fits_node
from holdfast.api.standing import RECHECK_S, demand_good_token
from holdfast.api.table import Route
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import ResourceTree as AskTree

_KEPT_ENCODED = 128


class _EncodeOnce:
    """Encodes an event once, however many follow it.

    All followers send an event within moments of each other, so a few kept ones are enough.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str, str], tuple[Tree, Encoded]] = OrderedDict()

    def encode(self, event: ApplicationEvent, fields: str) -> Encoded:
        key = (id(event.tree), event.type, fields)
        kept = self._kept.get(key)
        if kept is not None and kept[0] is event.tree:
            return kept[1]
        tree: JSON = {"result": {"type": event.type, "application": event.tree}}
        content = Encoded(orjson.dumps(project(tree, fields)))
        self._kept[key] = (event.tree, content)
        if len(self._kept) > _KEPT_ENCODED:
            self._kept.popitem(last=False)
        return content


_ENCODED = _EncodeOnce()


async def _watch(call: Call[ListQuery, None]) -> Stream:
    return Stream(_applications(call))


async def _applications(call: Call[ListQuery, None]) -> AsyncGenerator[JSON | Encoded, None]:
    """Yield the Applications that there are, where asked for, and then every change."""
    query = call.query
    # `appNamespace` counts together with `name` only (api.md §1.6.13).
    by_namespace = query.app_namespace if query.name else ""
    chosen = Call(
        call.request, call.path, query.model_copy(update={"app_namespace": by_namespace}),
        call.body, call.caller, call.services,
    )  # fmt: skip
    is_chosen, encoder = chooser(chosen), _Encoder(query.fields, _number(query.resource_version))
    async with aclosing(call.services.applications.follow()) as changes:
        if not query.resource_version or query.name:
            async with aclosing(call.services.applications.each()) as trees:
                async for tree in trees:
                    content = encoder.first(tree) if is_chosen(tree) else None
                    if content is not None:
                        yield content
        while True:
            event = await changes.next(RECHECK_S)
            demand_good_token(call)
            if event is None or not is_chosen(event.tree):
                continue
            content = encoder.encode(event)
            if content is not None:
                yield content


class _Encoder:
    """Encodes what one stream sends; leaves out what is too old, and what was sent last."""

    def __init__(self, fields: str, least: int) -> None:
        self._fields, self._least = fields, least
        self._last: dict[str, int] = {}

    def first(self, tree: Tree) -> Encoded | None:
        """Encode what was there at the beginning."""
        return self.encode(ApplicationEvent("ADDED", tree))

    def encode(self, event: ApplicationEvent) -> Encoded | None:
        """Encode a change."""
        if _number(str(event.tree["metadata"].get("resourceVersion") or "")) < self._least:
            return None
        content = _ENCODED.encode(event, self._fields)
        if self._fields:
            key, mark = str(key_of(event.tree)), hash(content)
            if self._last.get(key) == mark:
                return None
            self._last[key] = mark
        return content


def _number(version: str) -> int:
    return int(version) if version.isascii() and version.isdigit() else 0


async def _watch_tree(call: Call[TreeQuery, None]) -> Stream:
    tree = await demand_application(call, "get", _asked(call))
    return Stream(_trees(call, tree))


def _asked(call: Call[TreeQuery, None]) -> Which:
    return Which(call.path["name"], call.query.app_namespace, call.query.project)


async def _trees(call: Call[TreeQuery, None], first: Tree) -> AsyncGenerator[Encoded, None]:
    """Yield the tree at once and after each change of it, until the Application is gone."""
    app, shared = key_of(first), call.services.trees
    loop = asyncio.get_running_loop()
    live, sent, not_before = call.services.applications, b"", float("-inf")

    async def build() -> JSON:
        return await call.services.queries.answer(AskTree(app), call.caller.username)

    shared.join(app)
    try:
        async with aclosing(live.follow()) as changes:
            while True:
                version = _number(live.resource_version)
                whole = await shared.get(app, build, version, not_before)
                content = _filtered(whole, call.query)
                if content != sent:
                    sent = content
                    yield Encoded(content)
                pause_s = shared.pause_s(app)
                not_before = loop.time() + pause_s / 2
                deadline = loop.time() + pause_s
                while (left := deadline - loop.time()) > 0:
                    event = await changes.next(min(left, RECHECK_S))
                    demand_good_token(call)
                    if event is not None and key_of(event.tree) == app:
                        not_before = float("-inf")
                        break
                _demand_still(call, live.find(app))
    finally:
        shared.leave(app)


def _demand_still(call: Call[TreeQuery, None], tree: Tree | None) -> None:
    """End the stream of an Application that is gone, or that the caller may see no more."""
    if tree is None:
        raise ApiError(Code.NOT_FOUND, "the application was deleted")
    if not call.may(APPLICATIONS, "get", target_of(call, tree)):
        raise denied()


def _filtered(content: bytes, query: TreeQuery) -> bytes:
    if not (query.namespace or query.name or query.group or query.kind):
        return content
    tree = orjson.loads(content)["result"]
    nodes = [node for node in tree["nodes"] if fits_node(node, query)]
    return orjson.dumps({"result": {**tree, "nodes": nodes}})


ROUTES = (
    Route("GET", "/api/v1/stream/applications", _watch, "Every change of Applications.",
          query=ListQuery, answer=ApplicationEventShape, streams=True),
    Route("GET", "/api/v1/stream/applications/{name}/resource-tree", _watch_tree,
          "The tree, again whenever it changed.", query=TreeQuery, answer=ResourceTree,
          streams=True),
)  # fmt: skip
