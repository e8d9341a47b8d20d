"""What only the controller can answer goes through the page's process untouched."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from holdfast.assembly.forwarding import Forwarding, inner_socket
from holdfast.assembly.listeners import serving


async def elsewhere(scope: object, receive: object, send: object) -> None:
    await PlainTextResponse("page")(scope, receive, send)  # type: ignore[arg-type]


async def controller(request: Request) -> Response:
    body = await request.body()
    words = f"{request.headers.get('authorization')} {len(body)} {body[-3:].decode()}"
    return PlainTextResponse(words, 202, {"X-Kept": "yes"})


async def ask(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


@asynccontextmanager
async def behind(*, is_up: bool = True) -> AsyncIterator[int]:
    """A page's process before a controller; yields its port."""
    async with inner_socket() as path, AsyncExitStack() as stack:
        if is_up:
            inner = stack.enter_context(socket.socket(socket.AF_UNIX))
            inner.bind(path)
            inner.listen()
            app = Starlette(routes=[Route("/audit", controller, methods=["POST"])])
            await stack.enter_async_context(serving(app, inner))
        outer = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = int(outer.getsockname()[1])
        forwarding = Forwarding(elsewhere, path, frozenset({"/audit"}))
        await stack.enter_async_context(serving(forwarding, outer))
        yield port


async def test_a_body_of_a_known_length_arrives_whole() -> None:
    body = b"x" * 300_000 + b"end"
    head = (
        f"POST /audit HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    async with behind() as port:
        answer = await ask(port, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 202")
    assert b"x-kept: yes" in answer
    assert answer.endswith(b"Bearer t 300003 end")


async def test_a_body_in_chunks_arrives_whole() -> None:
    head = b"POST /audit HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    chunks = b"Connection: close\r\n\r\n5\r\nhello\r\n3\r\nend\r\n0\r\n\r\n"
    async with behind() as port:
        answer = await ask(port, head + chunks)
    assert answer.endswith(b"None 8 end")


async def test_everything_else_is_answered_here() -> None:
    request = b"GET /audit/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    async with behind() as port:
        answer = await ask(port, request)
    assert answer.endswith(b"page")


async def test_a_controller_that_is_away_is_said() -> None:
    head = b"POST /audit HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with behind(is_up=False) as port:
        answer = await ask(port, head)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"the controller does not answer" in answer


async def test_the_socket_lies_where_nobody_else_may_go() -> None:
    async with inner_socket() as path:
        folder = Path(path).parent
        mode = (await asyncio.to_thread(folder.stat)).st_mode
        assert mode & 0o077 == 0
    assert not await asyncio.to_thread(folder.exists)
