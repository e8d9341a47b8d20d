"""The ASGI application: finds the row, checks the request, calls the handler, answers.

    raw path ─▶ row ─▶ content type ─▶ caller ─▶ query, body ─▶ handler ─▶ JSON or stream

Whatever goes wrong becomes an error in the documented shape. An exception that nobody foresaw is
logged with its trace and answered with a number to look for, never with its text.
"""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.api import own_client
from holdfast.api.answering import begin, refuse, respond
from holdfast.api.call import Call, Stream
from holdfast.api.caller import ANONYMOUS
from holdfast.api.client_version import demand_new_enough
from holdfast.api.failures import ApiError, Code, translate
from holdfast.api.guarding import demand_standing, guarded
from holdfast.api.ports import Services
from holdfast.api.reading import TooLargeError, parse_body, parse_query, read_body
from holdfast.api.signin.cookies import add_pending
from holdfast.api.table import Match, Needs, Route, Table
from holdfast.domain.errors import HoldfastError

log = logging.getLogger(__name__)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What every answer of the API says, unless its row says otherwise: it is data, and no page."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOR_MACHINES = frozenset({"/api/webhook", "/api/badge"})
_DEFAULT_CONTENT_TYPES = "application/json"
_CONTENT_TYPES_KEY = "server.api.content.types"


class ApiServer:
    """Serves a table of routes; what no row knows goes to `page`."""

    def __init__(self, routes: Iterable[Route], services: Services, page: ASGIApp) -> None:
        """Keep what is served and what it may use."""
        self.table = Table(routes)
        self._services = services
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        raw = scope.get("raw_path") or scope["path"].encode()
        path = raw.decode("latin-1")
        found = self.table.match(scope["method"], path)
        if isinstance(found, frozenset) and not found and not path.startswith("/api/"):
            await self._page(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(request, found, path)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _answer(self, request: Request, found: Match | frozenset[str], path: str) -> Response:
        ours = path.startswith("/api/holdfast/") or own_client.speaks_ours(request)
        try:
            if isinstance(found, frozenset):
                return _no_row(found, ours=ours)
            if not self._content_type_is_fine(request, path):
                return PlainTextResponse("Invalid content type\n", 415)
            if path.startswith("/api/") and path not in _FOR_MACHINES:
                demand_new_enough(request)
            response = respond(await begin(await self._handle(request, found)), request)
            add_pending(request, response)
            own_client.tell_done(request, response)
            return response
        except TooLargeError:
            error = ApiError(Code.INVALID_ARGUMENT, "the body is larger than this route takes")
            return refuse(error, ours=ours, status=413)
        except ApiError as error:
            return refuse(error, ours=ours)
        except Exception as error:  # noqa: BLE001 - the border: logged with a number, answered without
            return refuse(_unforeseen(error, request.method), ours=ours)

    async def _handle(self, request: Request, match: Match) -> Any:
        route, services = match.route, own_client.listen(self._services, request)
        if route.needs is Needs.SIGN_IN:
            caller = await services.sign_in.identify(request)
        else:
            caller = await services.sign_in.identify_or_none(request) or ANONYMOUS
        query = parse_query(route, request.query_params)
        body = None
        if route.body is not None:
            body = parse_body(route, await read_body(request, route.body_bytes))
        call: Call[Any, Any] = Call(request, match.path, query, body, caller, services)
        result = await route.handle(call)
        return self._guarded(result, call) if isinstance(result, Stream) else result

    def _guarded(self, stream: Stream, call: Call[Any, Any]) -> Stream:
        """Return a stream that ends with the rights of its reader."""
        # What the stream asks from now on is asked for each item, not for its whole life.
        held = replace(call, granted=list(call.granted))
        until = call.caller.expires_at
        seconds = until - self._services.clock.now().timestamp() if until else None
        items = guarded(stream.items, lambda: demand_standing(held), self._services.news, seconds)
        return replace(stream, items=items)

    def _content_type_is_fine(self, request: Request, path: str) -> bool:
        """The guard against forged forms (api.md §1.1): also for DELETE and empty bodies."""
        if request.method in _SAFE or path in _FOR_MACHINES or not path.startswith("/api/"):
            return True
        listed = self._services.settings.text(_CONTENT_TYPES_KEY, _DEFAULT_CONTENT_TYPES)
        allowed = {part.strip().lower() for part in listed.split(";") if part.strip()}
        return not allowed or request.headers.get("content-type", "").lower() in allowed


def _unforeseen(error: Exception, method: str) -> ApiError:
    """Return what is told of an error of ours, or of one that nobody foresaw."""
    if isinstance(error, HoldfastError):
        return translate(error)
    number = secrets.token_hex(4)
    log.error("request failed number=%s method=%s", number, method, exc_info=error)
    words = f"a mistake in Holdfast; its log tells more under {number}"
    return ApiError(Code.INTERNAL, words, ours="HF9001")


def _no_row(allowed: frozenset[str], *, ours: bool) -> Response:
    if allowed:
        error = ApiError(Code.UNIMPLEMENTED, "Method Not Allowed")
        response = refuse(error, ours=ours, status=405)
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response
    return refuse(ApiError(Code.NOT_FOUND, "Not Found"), ours=ours)
