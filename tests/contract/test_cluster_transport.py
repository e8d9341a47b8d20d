"""The transport: renewed credentials, connections that close at the wrong moment, limits."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from holdfast.cluster.kubeconfig import Access, Token, TokenFile
from holdfast.cluster.transport import Limits, Transport
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.kit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytest_plugins = ("tests.support.kube_fixtures",)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Server:
    """Answers each connection's requests from a list of scripts; `b""` hangs up instead."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.connections = list(connections)
        self.heads: list[str] = []

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[Access]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield Access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.connections.pop(0) if self.connections else []
        for answer in script:
            with contextlib.suppress(asyncio.IncompleteReadError):
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer)
        writer.close()


@contextlib.asynccontextmanager
async def _transport(access: Access, limits: Limits | None = None) -> AsyncIterator[Transport]:
    transport = Transport(access, SystemClock(), limits)
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_refused_token_is_read_again_and_the_request_repeated(
    any_access: Access, tmp_path: Path
) -> None:
    assert isinstance(any_access.sign_in, Token)
    path = tmp_path / "token"
    path.write_text("expired")
    access = replace(any_access, sign_in=TokenFile(path), client_cert=None, client_key=None)
    async with _transport(access) as transport:
        assert (await transport.request("GET", "/api/v1/namespaces")).status == 401
        path.write_text(any_access.sign_in.value)
        assert (await transport.request("GET", "/api/v1/namespaces")).status == 200
        path.write_text("expired again")
        stream = await transport.open_stream("/api/v1/namespaces")
        assert stream.status == 200
        assert b"NamespaceList" in await stream.read_all()
        stream.close()


@pytest.mark.parametrize(
    ("repeatable", "answered"),
    [pytest.param(True, True, id="repeatable"), pytest.param(False, False, id="not repeatable")],
)
async def test_a_connection_that_was_closing_is_no_failure_of_a_repeatable_request(
    repeatable: bool, answered: bool
) -> None:
    server = _Server([OK, b""], [OK])
    async with server.run() as access, _transport(access) as transport:
        await transport.request("GET", "/first")
        attempt = transport.request("PATCH", "/second", b"{}", repeatable=repeatable)
        if answered:
            assert (await attempt).body == b"ok"
        else:
            with pytest.raises(ClusterError) as caught:
                await attempt
            assert caught.value.code == "HF2001"


async def test_a_post_is_never_sent_twice() -> None:
    server = _Server([OK, b""], [OK])
    async with server.run() as access, _transport(access) as transport:
        await transport.request("GET", "/first")
        with pytest.raises(ClusterError):
            await transport.request("POST", "/second", b"{}")
    assert sum(head.startswith("POST") for head in server.heads) == 1


async def test_an_answer_that_breaks_off_is_unreachable() -> None:
    server = _Server([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
    async with server.run() as access, _transport(access) as transport:
        with pytest.raises(ClusterError) as caught:
            await transport.request("GET", "/")
    assert caught.value.code == "HF2001"


async def test_names_are_sent_as_they_are_quoted() -> None:
    server = _Server([OK])
    async with server.run() as access, _transport(access) as transport:
        await transport.request("GET", "/x/system%3Anode?labelSelector=a%3Db%2Cc")
    assert server.heads[0].startswith("GET /x/system%3Anode?labelSelector=a%3Db%2Cc HTTP/1.1")


async def test_a_stream_has_a_limit_of_silence() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    access = Access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, _transport(access) as transport:
        stream = await transport.open_stream("/", silence_s=0.2)
        assert await stream.read() == b"ok"
        with pytest.raises(ClusterError, match="in time"):
            await stream.read()
        stream.close()


async def test_a_certificate_that_is_none_says_where_it_stands() -> None:
    access = Access("https://127.0.0.1:1", ca=b"no pem", origin="config, context one")
    async with _transport(access) as transport:
        with pytest.raises(ConfigurationError) as caught:
            await transport.request("GET", "/")
    assert caught.value.code == "HF3001"
    assert "config, context one" in caught.value.message


async def test_streams_never_take_the_place_of_requests() -> None:
    forever = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(forever if b"watch" in head else OK)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    access = Access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, _transport(access, Limits(connections=1)) as transport:
        streams = [await transport.open_stream("/watch") for _ in range(5)]
        assert (await transport.request("GET", "/")).status == 200
        for stream in streams:
            stream.close()
