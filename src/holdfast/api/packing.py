"""Answers that are sent in fewer bytes: gzip, where the client takes it (api.md §1.1).

Starlette's responder packs, what is large in a thread; which answers it may have is settled here:

- never a stream: it would hold the headers back until the first value, and a window of 256 KB for
  each of hundreds. A stream is what has no `Content-Length`, whatever its type;
- only answers to GET. Secrets that Holdfast makes (session and API tokens) are answers to POST
  alone; pages have none in them, not even against forged forms: those are told by their Origin;
- nothing that another site asked for with its visitor's cookie. The length of a packed answer
  tells who can choose a part of it what else is in it (BREACH); browsers say whose wish it was;
- nothing with an `ETag`: that is of the bytes as they are.
"""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES = 1024
"""Below this the headers of the packing eat what it saves."""

_LEVEL = 4  # of 9: 8 ms for 1 MB of JSON, to a twelfth; the highest is twice as long, 1 % smaller
_IN_THREAD_BYTES = 32 * 1024
_TYPES = frozenset({
    "application/json", "text/html", "text/css", "text/javascript", "application/javascript",
    "text/plain", "image/svg+xml", "application/yaml",
})  # fmt: skip


class Packed:
    """Packs what an application answers."""

    def __init__(self, inner: ASGIApp, is_on: Callable[[], bool]) -> None:
        """Keep what is packed; `is_on` is asked at each request (`server.enable.gzip`)."""
        self._inner = inner
        self._is_on = is_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not self._is_on():
            await self._inner(scope, receive, send)
            return
        may = _may_be_packed(Headers(scope=scope))
        responder = GZipResponder(
            self._inner, LEAST_BYTES, _LEVEL, thread_minimum_size=_IN_THREAD_BYTES
        )
        responder.send = passes_on = send

        async def decide(message: Message) -> None:
            nonlocal passes_on
            if message["type"] == "http.response.start" and _is_worth_it(message):
                # Also where it is sent as it is: a cache between must not mix the two.
                MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
                if may:
                    passes_on = responder.send_with_compression
            await passes_on(message)

        await self._inner(scope, receive, decide)


def _may_be_packed(headers: Headers) -> bool:
    """Whether the client takes gzip, and the answer is for it and no other site."""
    if headers.get("sec-fetch-site") == "cross-site":
        return False
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return False


def _is_worth_it(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    length = headers.get("content-length", "")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        length.isdigit()
        and int(length) >= LEAST_BYTES
        and media_type in _TYPES
        and "etag" not in headers
        and "content-encoding" not in headers
    )
