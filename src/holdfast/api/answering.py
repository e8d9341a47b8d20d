"""From what a handler returned to bytes: JSON, or a stream that may last for days.

Streams have two forms (docs/internals/argocd/api.md §1.3): chunked JSON lines, and server-sent
events with a comment each 15 s when the client asks for exactly `text/event-stream`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import anyio
import orjson
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from holdfast.api.call import Answer, Encoded, Pieces, Stream
from holdfast.api.failures import ApiError, translate
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import JSON
from holdfast.kit.turns import Turns

EVENT_STREAM = "text/event-stream"
KEEP_ALIVE_S = 15.0
SLOW_READER_S = 60.0
_LETTING_GO_S = 5.0
_AT_ONCE = 256 * 1024
_PIECE = 64 * 1024
_JSON = "application/json"
_KEEP_ALIVE = b":\n"
_OPTIONS = orjson.OPT_NON_STR_KEYS


def encode(tree: JSON) -> bytes:
    """Return JSON bytes."""
    return orjson.dumps(tree, option=_OPTIONS)


async def begin(result: Any) -> Any:
    """Return what a handler returned; a stream that `waits` has its first value by then.

    Raises:
        ApiError, HoldfastError: there is none, and this is why.
    """
    if isinstance(result, Stream) and result.waits:
        return replace(result, items=await _begun(result.items))
    return result


def respond(result: Any, request: Request) -> Response:
    """Return the response of what a handler returned."""
    if isinstance(result, Response):
        return result
    if isinstance(result, Stream):
        return _stream(result, request)
    if isinstance(result, Pieces):
        return _large(result)
    if isinstance(result, Answer):
        content = encode(result.tree)
        return Response(content, result.status, result.headers, media_type=_JSON)
    if isinstance(result, BaseModel):
        result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Response(encode(result if result is not None else {}), media_type=_JSON)


def refuse(error: ApiError, *, ours: bool, status: int = 0) -> Response:
    """Return the response of a refusal; `status` where HTTP knows one that gRPC does not."""
    tree = error.to_ours() if ours else error.to_argo()
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return Response(encode(tree), status or error.status, headers, media_type=_JSON)


class _PatientStream(StreamingResponse):
    """Ends when its reader takes nothing for a minute: no stream may hold memory for ever."""

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SLOW_READER_S):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError as error:
            # uvicorn closes the connection of an application that fails in the middle of an answer.
            raise ClientDisconnect from error
        finally:
            # The client is gone and this task cancelled: what the stream holds is let go even so.
            with anyio.move_on_after(_LETTING_GO_S, shield=True):
                await self.body_iterator.aclose()  # type: ignore[attr-defined]


def _large(pieces: Pieces) -> Response:
    """Return an answer that is written in pieces: 5 MB at once hold the loop, with TLS for long."""
    size = sum(len(part) for part in pieces.parts)
    if size <= _AT_ONCE:
        return Response(b"".join(pieces.parts), media_type=_JSON)
    headers = {"Content-Length": str(size)}
    return _PatientStream(_written(pieces.parts), media_type=_JSON, headers=headers)


async def _written(parts: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    turns, held, size = Turns(), list[bytes](), 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
            await turns.give()
    yield b"".join(held)


def _stream(stream: Stream, request: Request) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **stream.headers}
    if stream.text:
        return _PatientStream(
            _texts(stream), media_type="application/octet-stream", headers=headers
        )
    as_events = request.headers.get("accept") == EVENT_STREAM
    content = _events(stream) if as_events else _lines(stream)
    media_type = EVENT_STREAM if as_events else _JSON
    return _PatientStream(content, media_type=media_type, headers=headers)


async def _begun(items: AsyncIterator[JSON | Encoded]) -> AsyncIterator[JSON | Encoded]:
    """Return a stream whose first value is here.

    Raises:
        ApiError, HoldfastError: there is none.
    """
    try:
        first = await anext(items)
    except StopAsyncIteration:
        return items

    async def all_of_them() -> AsyncIterator[JSON | Encoded]:
        async with aclosing(items):  # type: ignore[type-var]
            yield first
            async for item in items:
                yield item

    return all_of_them()


async def _texts(stream: Stream) -> AsyncIterator[bytes]:
    async with aclosing(stream.items) as items:  # type: ignore[type-var]
        async for item in items:
            yield f"{item!s}\n".encode() if isinstance(item, str) else encode(item)


async def _lines(stream: Stream) -> AsyncIterator[bytes]:
    async with aclosing(_contents(stream)) as contents:
        async for content in contents:
            yield content + b"\n"


async def _events(stream: Stream) -> AsyncIterator[bytes]:
    """Yield server-sent events; a comment keeps the connection open while nothing happens."""
    # At once, so that a browser knows that it is connected and proxies pass the headers on.
    yield _KEEP_ALIVE
    contents = _contents(stream)
    waiting: asyncio.Future[bytes] | None = None
    try:
        while True:
            if waiting is None:
                waiting = asyncio.ensure_future(anext(contents))
            done, _ = await asyncio.wait({waiting}, timeout=KEEP_ALIVE_S)
            if not done:
                yield _KEEP_ALIVE
                continue
            try:
                content = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            yield b"data: " + content + b" \n\n\n"
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait({waiting})
        await contents.aclose()


async def _contents(stream: Stream) -> AsyncGenerator[bytes, None]:
    """Yield each value as JSON; a failure becomes the last one."""
    try:
        async with aclosing(stream.items) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, Encoded):
                    yield item
                else:
                    yield encode({"result": item} if stream.wrapped else item)
    except HoldfastError as error:
        yield _last_words(translate(error))
    except ApiError as error:
        yield _last_words(error)


def _last_words(error: ApiError) -> bytes:
    return encode(
        {
            "error": {
                "grpc_code": int(error.code),
                "http_code": error.status,
                "message": error.message,
                "http_status": _PHRASES.get(error.status, "Error"),
            }
        }
    )


_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
