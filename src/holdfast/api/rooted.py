"""Everything below a path: `https://example.com/holdfast/applications` (api.md §1.1).

What is inside is written as if it were served at `/`; here, at its border, requests lose the path
and answers get it: `Location`, the path of cookies, and the links of screens. The script adds it
to what it asks for, from `data-below` of the document.

    rootpath  requests come with the path, which is taken off
    basehref  a proxy in front has taken it off already; answers need it all the same
"""

import asyncio
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Jinja2 escapes every quote in what is not ours: this is found in our own markup alone.
_LINK = re.compile(rb'(\s(?:href|src|action|formaction|data-below)=")/(?!/)')
_COOKIE_PATH = re.compile(r"(;\s*path=)/(?=;|$)", re.IGNORECASE)
_IN_THREAD_BYTES = 64 * 1024
_PROBES = frozenset({"/healthz"})


class Rooted:
    """Serves an application below a path.

    Attributes:
        root: The path, `""` for none.
        takes_off: Requests have it, too.
    """

    def __init__(self, inner: ASGIApp) -> None:
        """Serve at `/` for now."""
        self._inner = inner
        self.root = ""
        self.takes_off = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        root = self.root
        if not root or scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        if self.takes_off and scope["path"] not in _PROBES:
            below = _below(scope, root)
            if below is None:
                await _elsewhere(scope, root)(scope, receive, send)
                return
            scope = below
        await self._inner(scope, receive, _Answer(send, root))


def _below(scope: Scope, root: str) -> Scope | None:
    """Return the request as it is inside, None when it is for somewhere else."""
    path, raw = scope["path"], scope.get("raw_path") or scope["path"].encode()
    if not (path.startswith(f"{root}/") and raw.startswith(f"{root}/".encode())):
        return None
    return {**scope, "path": path[len(root) :], "raw_path": raw[len(root) :]}


def _elsewhere(scope: Scope, root: str) -> Response:
    """Lead a person below the path, with whatever was asked for; tell a program where it is."""
    is_person = "text/html" in Headers(scope=scope).get("accept", "")
    if scope["path"] != root and not (is_person and scope["method"] in ("GET", "HEAD")):
        return PlainTextResponse(f"Holdfast is served below {root}/\n", 404)
    raw = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    location = f"{root}/" if scope["path"] == root else f"{root}/{raw.lstrip('/')}"
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"{location}?{query}" if query else location, 307, headers)


class _Answer:
    """Sends an answer on, with the path where it belongs."""

    def __init__(self, send: Send, root: str) -> None:
        self._send = send
        self._root = root
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            _root_headers(headers, self._root)
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message  # its length is known at the end
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._send_screen(self._start, b"".join(self._parts))
            return
        await self._send(message)

    async def _send_screen(self, start: Message, body: bytes) -> None:
        if len(body) < _IN_THREAD_BYTES:
            body = _root_links(body, self._root)
        else:
            body = await asyncio.to_thread(_root_links, body, self._root)
        MutableHeaders(scope=start)["Content-Length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _root_links(body: bytes, root: str) -> bytes:
    return _LINK.sub(rb"\g<1>" + root.encode() + b"/", body)


def _root_headers(headers: MutableHeaders, root: str) -> None:
    location = headers.get("location", "")
    if location.startswith("/") and not location.startswith("//"):
        headers["location"] = f"{root}{location}"
    cookies = headers.getlist("set-cookie")
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", _COOKIE_PATH.sub(rf"\g<1>{root}", cookie))
