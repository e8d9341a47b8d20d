"""The ASGI application of the page: row, caller, screen, template, headers.

Strict: no inline script or style, nothing from elsewhere, no frame around it. A person who is not
signed in is led to `/login` and back.
"""

import asyncio
import logging
import secrets
from time import perf_counter
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from holdfast import __version__
from holdfast.api.answering import refuse, respond
from holdfast.api.call import Call
from holdfast.api.caller import ANONYMOUS, Caller
from holdfast.api.failures import ApiError, Code, translate
from holdfast.api.page.board import Board
from holdfast.api.page.commits import Commits
from holdfast.api.page.framing import KEY as FRAMING
from holdfast.api.page.framing import framing
from holdfast.api.page.live import Live
from holdfast.api.page.look import Look
from holdfast.api.page.rows import rows
from holdfast.api.page.screen import Screen
from holdfast.api.page.width import HEADER as WIDTH_HEADER
from holdfast.api.page.width import is_narrow
from holdfast.api.ports import Services
from holdfast.api.signin.cookies import add_pending
from holdfast.api.table import Match, Needs, Table
from holdfast.domain.errors import HoldfastError

log = logging.getLogger(__name__)

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_THEME_COOKIE = "holdfast.theme"
_FRAGMENT = "x-holdfast-fragment"
_READS = frozenset({"GET", "HEAD"})
_FORM_TYPE = "application/x-www-form-urlencoded"
_TITLES = {403: "Not to be found", 404: "Nothing here", 503: "The cluster is away"}


class Page:
    """Serves every screen."""

    def __init__(self, services: Services, live: Live, look: Look) -> None:
        """Keep what it shows from; `look` is made in a thread, since it reads files."""
        self._services = services
        self._look = look
        self._board = Board(services, Commits(services.queries))
        self._table = Table(rows(self._board, live))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        request = Request(scope, receive)
        raw = scope.get("raw_path") or scope["path"].encode()
        path = raw.decode("latin-1").partition("?")[0]
        if path.startswith("/static/"):
            response = self._file(path.removeprefix("/static/"), request)
        else:
            response = await self._answer(request, path, began)
            add_pending(request, response)  # a session that was renewed on the way
        frames = framing(self._services.settings.text(FRAMING, "deny"), _CSP)
        for name, value in (HEADERS | frames).items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _file(self, name: str, request: Request) -> Response:
        found = self._look.files.get(name)
        if found is None:
            return Response(status_code=404)
        caching = _FOREVER if request.query_params.get("v") == found.digest else {}
        return Response(found.content, 200, caching, found.media_type)

    async def _answer(self, request: Request, path: str, began: float) -> Response:
        try:
            return await self._produce(request, path, began)
        except ApiError as error:
            if error.code is Code.UNAUTHENTICATED:
                return self._sign_in(request)
            failure = error
        except HoldfastError as error:
            failure = translate(error)
        except Exception:  # the border: logged with a number, answered without
            number = secrets.token_hex(4)
            log.exception("screen failed number=%s path=%s", number, path)
            words = f"A mistake in Holdfast. Its log tells more under {number}."
            failure = ApiError(Code.INTERNAL, words, ours="HF9001")
        if request.method not in _READS and not _is_form(request):
            return refuse(failure, ours=True)
        title = _TITLES.get(failure.status, "That did not work")
        screen = Screen("failure.html", {"error": failure}, title, status=failure.status)
        return await self._render(request, screen, ANONYMOUS, began)

    async def _produce(self, request: Request, path: str, began: float) -> Response:
        found = self._table.match(request.method, path)
        if isinstance(found, frozenset):
            raise ApiError(Code.NOT_FOUND, "There is no such screen.")
        call = await self._call(request, found)
        result = await found.route.handle(call)
        if isinstance(result, Screen):
            return await self._render(request, result, call.caller, began)
        return respond(result, request)

    async def _call(self, request: Request, found: Match) -> Call[Any, Any]:
        services = self._services
        if found.route.needs is Needs.SIGN_IN:
            caller = await services.sign_in.identify(request)
        else:
            caller = await services.sign_in.identify_or_none(request) or ANONYMOUS
        return Call(request, found.path, None, None, caller, services)

    async def _render(
        self, request: Request, screen: Screen, caller: Caller, began: float
    ) -> Response:
        ready = perf_counter()
        theme = request.cookies.get(_THEME_COOKIE, "")
        values = {
            "title": screen.title,
            "here": screen.here,
            "caller": caller,
            "now": self._board.now,
            "theme": theme if theme in ("light", "dark") else "",
            "version": __version__,
            "has_journal": self._board.has_journal,
            "open_doors": self._services.facts.auth_disabled,
            "is_fragment": _FRAGMENT in request.headers,
            "narrow": is_narrow(request),
            "base": "fragment.html" if _FRAGMENT in request.headers else "base.html",
            **screen.values,
        }
        if screen.is_large:
            content = await asyncio.to_thread(self._look.render, screen.template, values)
        else:
            content = self._look.render(screen.template, values)
        response = HTMLResponse(content, screen.status)
        done = perf_counter()
        response.headers["Server-Timing"] = (
            f"data;dur={(ready - began) * 1000:.1f}, render;dur={(done - ready) * 1000:.1f}"
        )
        response.headers["Vary"] = f"{_FRAGMENT}, {WIDTH_HEADER}"
        return response

    def _sign_in(self, request: Request) -> Response:
        is_screen = request.method in _READS and request.url.path != "/live"
        if not is_screen or _FRAGMENT in request.headers:
            return Response(status_code=401)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?return_url={quote(wanted, '')}", 303)


def _is_form(request: Request) -> bool:
    """Whether a person waits for a screen: forms of the page are sent as forms."""
    return request.headers.get("content-type", "").startswith(_FORM_TYPE)
