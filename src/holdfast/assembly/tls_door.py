"""One port for both: TLS, and plain HTTP that is led there (docs/internals/argocd/api.md §1.1).

The first byte of a connection tells which it is; it is looked at and not taken, so that the
handshake finds it. Without this whoever types `http://` sees a connection that is cut.
"""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

_HANDSHAKE = b"\x16"
_PATIENCE_S = 20.0
_AGAIN_S = 1.0
_HOST = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", re.ASCII)
_STRICT = "max-age=31536000"

MakeProtocol = Callable[[], asyncio.Protocol]


@asynccontextmanager
async def accepting(
    listener: socket.socket, context: ssl.SSLContext, make: MakeProtocol
) -> AsyncIterator[None]:
    """Accept connections while the block runs: those that shake hands get TLS.

    Args:
        listener: Open and not blocking; it is not closed here.
        context: Of TLS.
        make: The protocol of one connection; its transport says which it is.
    """
    async with Supervisor(SystemClock()) as supervisor:
        supervisor.spawn("accept", lambda: _accept(listener, context, make, supervisor))
        yield


async def _accept(
    listener: socket.socket, context: ssl.SSLContext, make: MakeProtocol, supervisor: Supervisor
) -> None:
    loop, clock = asyncio.get_running_loop(), SystemClock()
    while True:
        try:
            connection, _ = await loop.sock_accept(listener)
        except OSError as error:  # too many open files: some will be closed
            log.warning("a connection could not be accepted: %s", error)
            await clock.sleep(_AGAIN_S)
            continue
        supervisor.once("connection", _admit(connection, context, make))


async def _admit(connection: socket.socket, context: ssl.SSLContext, make: MakeProtocol) -> None:
    """Hand a connection over; one that says nothing, or nonsense, is closed."""
    try:
        connection.setblocking(False)
        async with asyncio.timeout(_PATIENCE_S):
            first = await _first_byte(connection)
        if first == _HANDSHAKE:
            await asyncio.get_running_loop().connect_accepted_socket(
                make, connection, ssl=context, ssl_handshake_timeout=_PATIENCE_S
            )
        elif first:
            await asyncio.get_running_loop().connect_accepted_socket(make, connection)
        else:
            connection.close()
    except (OSError, TimeoutError):  # an ssl.SSLError is an OSError
        connection.close()
    except asyncio.CancelledError:
        connection.close()
        raise


async def _first_byte(connection: socket.socket) -> bytes:
    """Return the first byte, which stays to be read; none when the other side hung up."""
    loop, number = asyncio.get_running_loop(), connection.fileno()
    while True:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            return connection.recv(1, socket.MSG_PEEK)
        readable = loop.create_future()
        loop.add_reader(number, _resolve, readable)
        try:
            await readable
        finally:
            loop.remove_reader(number)


def _resolve(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


class HttpsOnly:
    """Leads plain HTTP to https; what came by TLS passes.

    Attributes:
        takes_plain: Plain HTTP passes as well (`server.insecure` of `argocd-cmd-params-cm`): a
            proxy in front has TLS.
        strict_hosts: Names that browsers shall never reach without TLS again, on any port.
    """

    def __init__(self, inner: ASGIApp) -> None:
        """Lead everything plain to https, and tell browsers nothing that lasts."""
        self._inner = inner
        self.takes_plain = False
        self.strict_hosts: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with where to go."""
        if scope["type"] != "http":
            return
        host = Headers(scope=scope).get("host", "")
        if scope["scheme"] == "https":
            is_strict = not self.takes_plain and host.lower() in self.strict_hosts
            await self._inner(scope, receive, _strictly(send) if is_strict else send)
        elif self.takes_plain:
            await self._inner(scope, receive, send)
        else:
            await _lead(scope, host)(scope, receive, send)


def _lead(scope: Scope, host: str) -> Response:
    """Return the way to the same place by TLS."""
    if not _HOST.fullmatch(host):
        return PlainTextResponse("this port speaks TLS\n", 400)
    path = scope.get("raw_path") or scope["path"].encode()
    path, query = path.partition(b"?")[0].decode("latin-1"), scope.get("query_string", b"")
    location = f"https://{host}{path if path.startswith('/') else '/'}"
    if query:
        location += f"?{query.decode('latin-1')}"
    return Response(status_code=307, headers={"Location": location, "Cache-Control": "no-store"})


def _strictly(send: Send) -> Send:
    async def send_strictly(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Strict-Transport-Security"] = _STRICT
        await send(message)

    return send_strictly


def strict_hosts(addresses: Iterable[str]) -> frozenset[str]:
    """Return the names of https addresses without a port.

    A browser keeps the promise for all ports of a name: where Holdfast is one of several, others
    may have no TLS.
    """
    found = (urlsplit(address) for address in addresses)
    return frozenset(
        parts.netloc.lower()
        for parts in found
        if parts.scheme == "https" and ":" not in parts.netloc
    )
