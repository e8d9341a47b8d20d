"""A watch as a stream of JSON lines, in chunks.

    no version               what there is as ADDED, then changes
    version N                changes after N; 410 as an ERROR event when N is forgotten
    sendInitialEvents=true   what there is, a bookmark that says so, then changes

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ (watch, bookmarks, streaming
lists).
"""

import asyncio
import secrets
from dataclasses import dataclass

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.http.answers import OBJECT_FORMS, Form, Send, negotiate
from holdfast.sandbox.http.conversion import Viewer
from holdfast.sandbox.http.reading import check_list_options, match_of
from holdfast.sandbox.http.requests import Request
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import StatusError, too_old
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.store.watching import Scope, Watcher, WatchEvent

# Seconds between bookmarks of a quiet watch, as in the real server.
BOOKMARK_INTERVAL_S = 60.0
# A watch without timeoutSeconds ends after 30 to 60 minutes.
MIN_TIMEOUT_S = 1800

INITIAL_END = "k8s.io/initial-events-end"

_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-cache, private"),
]


@dataclass(slots=True)
class Stream:
    """One watch.

    Attributes:
        request: What was asked.
        resource: What is watched.
        watcher: Collects the events.
        form: Shape of the objects.
        columns_sent: Tables carry their columns only once.
    """

    request: Request
    resource: Resource
    watcher: Watcher
    form: Form
    columns_sent: bool = False


class Watches:
    """Serves watches; `close` ends them all."""

    def __init__(self, plane: Plane, viewer: Viewer) -> None:
        """Start with no stream."""
        self._plane = plane
        self._viewer = viewer
        self._open: set[Watcher] = set()

    def close(self, resource: Resource | None = None) -> None:
        """End every watch (of one resource: its CRD went)."""
        for watcher in tuple(self._open):
            if resource is None or watcher.scope.resource == resource.id:
                watcher.close()

    async def serve(self, request: Request, resource: Resource, target: Target, send: Send) -> None:
        """Stream until the client leaves, the time is over, or the server stops.

        Raises:
            StatusError: The options make no sense; nothing was sent yet.
        """
        form = negotiate(request.accept, OBJECT_FORMS)
        check_list_options(request)
        match = match_of(request, resource, target)
        scope = Scope(resource.id, target.namespace, match)
        begin = _begin(request)
        watcher = Watcher(self._plane.store, scope)
        self._open.add(watcher)
        stream = Stream(request, resource, watcher, form)
        timers: list[asyncio.TimerHandle] = []
        try:
            gone = self._start(stream, begin)
            timers = self._timers(stream)
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            if gone is not None:
                line = orjson.dumps({"type": "ERROR", "object": gone.tree()}) + b"\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
            else:
                await self._pump(stream, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.close()
            self._open.discard(watcher)
            for timer in timers:
                timer.cancel()

    def _start(self, stream: Stream, begin: int | None) -> StatusError | None:
        """Queue what comes before the first new change; return why the watch cannot be."""
        store, watcher = self._plane.store, stream.watcher
        request, resource = stream.request, stream.resource
        wants_initial = request.query.get("sendInitialEvents")
        initial = wants_initial == "true" if wants_initial else begin is None
        if initial:
            match = watcher.scope.match
            for stored in store.all_of(resource.id, watcher.scope.namespace):
                if match is None or match(stored.tree):
                    watcher.push(WatchEvent("ADDED", stored))
            if wants_initial and request.flag("allowWatchBookmarks"):
                watcher.push(WatchEvent("BOOKMARK", self._bookmark(resource, initial_end=True)))
        elif begin is not None:
            changes = store.since(resource.id, begin)
            if changes is None:
                return too_old(begin, store.oldest(resource.id))
            watcher.replay(changes)
        return None

    def _bookmark(self, resource: Resource, *, initial_end: bool = False) -> Stored:
        version = self._plane.store.version
        metadata: Tree = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {INITIAL_END: "true"}
        tree = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return Stored(tree, version)

    def _timers(self, stream: Stream) -> list[asyncio.TimerHandle]:
        loop = asyncio.get_running_loop()
        asked = stream.request.query.get("timeoutSeconds", "")
        seconds = int(asked) if asked.isdigit() else 0
        seconds = seconds or MIN_TIMEOUT_S + secrets.randbelow(MIN_TIMEOUT_S)
        timers = [loop.call_later(seconds, stream.watcher.close)]
        if stream.request.flag("allowWatchBookmarks"):
            timers.append(loop.call_later(BOOKMARK_INTERVAL_S, self._remind, stream, timers))
        return timers

    def _remind(self, stream: Stream, timers: list[asyncio.TimerHandle]) -> None:
        stream.watcher.push(WatchEvent("BOOKMARK", self._bookmark(stream.resource)))
        loop = asyncio.get_running_loop()
        timers[1] = loop.call_later(BOOKMARK_INTERVAL_S, self._remind, stream, timers)

    async def _pump(self, stream: Stream, send: Send) -> None:
        async with asyncio.TaskGroup() as group:
            departure = group.create_task(_close_when_gone(stream))
            while events := await stream.watcher.next_batch():
                body = b"".join([self._line(stream, event) for event in events])
                await send({"type": "http.response.body", "body": body, "more_body": True})
            departure.cancel()

    def _line(self, stream: Stream, event: WatchEvent) -> bytes:
        resource, form = stream.resource, stream.form
        head = b'{"type":"' + event.type.encode() + b'","object":'
        if not form.shape:
            if event.type == "BOOKMARK":
                return head + event.stored.raw + b"}\n"
            return head + self._viewer.raw(resource, event.stored) + b"}\n"
        if form.shape == "Table":
            return head + orjson.dumps(self._table(stream, event)) + b"}\n"
        partial = self._viewer.partial(event.stored.tree, form.version)
        return head + orjson.dumps(partial) + b"}\n"

    def _table(self, stream: Stream, event: WatchEvent) -> Tree:
        include = stream.request.query.get("includeObject", "")
        rows = [] if event.type == "BOOKMARK" else [event.stored]
        table = self._viewer.table(
            stream.resource, rows, include, with_columns=not stream.columns_sent
        )
        stream.columns_sent = True
        version = event.stored.tree["metadata"].get("resourceVersion", "")
        table["metadata"] = {"resourceVersion": version}
        if event.type == "BOOKMARK" and "annotations" in event.stored.tree["metadata"]:
            partial = self._viewer.partial(event.stored.tree, "v1")
            table["rows"] = [{"cells": [], "object": partial}]
        return table


def _begin(request: Request) -> int | None:
    """Return the version to go on from; None to begin with what there is."""
    version = request.query.get("resourceVersion", "")
    return int(version) if version.isdigit() and version != "0" else None


async def _close_when_gone(stream: Stream) -> None:
    while (await stream.request.receive())["type"] != "http.disconnect":
        pass
    stream.watcher.close()
