"""Hands a request on to the controller's own process, over a Unix socket.

The page's process answers `--listen`; what only the controller can answer (`/readyz`, the audit
webhook) goes through here, body and all, in pieces: nothing is kept and nothing is read.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOP = frozenset({b"connection", b"transfer-encoding", b"keep-alive", b"te", b"upgrade", b"expect"})
_HEAD_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_SILENCE_S = 60.0


@asynccontextmanager
async def inner_socket() -> AsyncIterator[str]:
    """Yield a path for the socket, in a folder that nobody else may enter."""
    # Not in the data folder: the path of a Unix socket may have 107 bytes at most.
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="holdfast-")
    try:
        yield str(Path(folder) / "controller")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Forwarding:
    """An ASGI application that hands some paths on, and all others to the one behind it."""

    def __init__(self, application: ASGIApp, socket_path: str, paths: frozenset[str]) -> None:
        """Keep where to.

        Args:
            application: Answers everything else.
            socket_path: Of the controller's own listener.
            paths: Exact paths that are handed on.
        """
        self._application = application
        self._socket_path = socket_path
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._application(scope, receive, send)
            return
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            async with asyncio.timeout(_SILENCE_S), self._connected() as (reader, writer):
                await _pass_request(scope, receive, writer)
                await _pass_answer(reader, sending)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            if has_begun:
                raise  # too late for another answer: the server cuts this one
            words = "the controller does not answer\n"
            await PlainTextResponse(words, 503)(scope, receive, send)

    @asynccontextmanager
    async def _connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=_HEAD_BYTES)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pass_request(scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> None:
    headers = [(k, v) for k, v in scope["headers"] if k.lower() not in _HOP]
    has_length = any(name.lower() == b"content-length" for name, _ in headers)
    lines = [f"{scope['method']} {scope['path']} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"connection: close")
    if not has_length:
        lines.append(b"transfer-encoding: chunked")
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return  # the client has gone
        piece, more = message.get("body", b""), message.get("more_body", False)
        if piece and not has_length:
            piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        writer.write(piece)
        await writer.drain()
    if not has_length:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _pass_answer(reader: asyncio.StreamReader, send: Send) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    status = int(first.split(b" ", 2)[1])
    parts = [line.partition(b":") for line in lines]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in parts]
    headers = [(name, value) for name, value in headers if name not in _HOP]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while piece := await reader.read(_PIECE_BYTES):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
