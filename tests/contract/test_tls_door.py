"""A port with TLS: who comes without is led there, and nobody is held up by who says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from holdfast.assembly.listeners import Certificate, serving
from holdfast.assembly.tls_door import HttpsOnly, strict_hosts
from holdfast.cli.root import run
from holdfast.cli.session import Session
from tests.support.certificates import write_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"{scope['scheme']} {scope['path']}")(scope, receive, send)


class Door:
    """An open port, and who comes to it."""

    def __init__(self, outer: HttpsOnly, port: int, trust: ssl.SSLContext) -> None:
        self.outer, self.port, self._trust = outer, port, trust

    async def ask(self, path: str, *, tls: bool, host: str = "localhost") -> str:
        """The whole answer to a GET."""
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        return (await self.send(head.encode(), tls=tls)).decode()

    async def send(self, content: bytes, *, tls: bool = False) -> bytes:
        context = self._trust if tls else None
        name = "localhost" if tls else None
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=context, server_hostname=name
            )
            writer.write(content)
            found = await reader.read()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return found


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    await asyncio.to_thread(write_certificates, tmp_path)
    certificate = Certificate(str(tmp_path / "server.crt"), str(tmp_path / "server.key"))
    trust = await asyncio.to_thread(ssl.create_default_context, cafile=str(tmp_path / "ca.crt"))
    outer = HttpsOnly(application)
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    async with serving(outer, listener, certificate):
        yield Door(outer, port, trust)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_plain_http_is_led_to_the_same_place_by_tls(door: Door) -> None:
    path = "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fa?appProject=x%20y&z"
    said = await door.ask(path, tls=False, host="holdfast.example:8443")
    assert said.startswith("HTTP/1.1 307 ")
    assert f"location: https://holdfast.example:8443{path}\r\n" in said
    assert (await door.ask("/x", tls=True)).endswith("https /x")


async def test_a_command_that_comes_without_tls_is_told_which_flag_to_leave_out(
    door: Door, tmp_path: Path
) -> None:
    def typed() -> tuple[int, str]:
        err = io.StringIO()
        session = Session(out=io.StringIO(), err=err, stdin=io.StringIO(), environ={})
        where = ("--server", f"127.0.0.1:{door.port}", "--config", str(tmp_path / "none"))
        words = ["app", "list", *where, "--plaintext", "--auth-token", "a.b.c"]
        return run(words, session), err.getvalue()

    code, said = await asyncio.to_thread(typed)
    assert (code, "HF2001" in said) == (20, True), said
    assert "leave --plaintext out" in said.partition("hint: ")[2], said


@pytest.mark.parametrize("host", ["", "a b", "a/../b", "a@evil.example", "a?b", "[::1", "a:b"])
async def test_a_host_that_is_none_leads_nowhere(door: Door, host: str) -> None:
    said = await door.ask("//evil.example/x", tls=False, host=host)
    assert said.startswith("HTTP/1.1 400 ")
    assert "location" not in said.lower()


async def test_who_says_nothing_or_nonsense_holds_nobody(door: Door) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(50)]
    nonsense = b"\x16\x03\x01\x00\x05hello"
    assert b"HTTP" not in await door.send(nonsense)
    assert (await door.ask("/x", tls=True)).endswith("https /x")
    for _, writer in silent:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    assert (await door.ask("/x", tls=True)).endswith("https /x")


async def test_plain_http_passes_where_a_proxy_has_tls(door: Door) -> None:
    door.outer.takes_plain = True
    assert (await door.ask("/x", tls=False)).endswith("http /x")
    assert (await door.ask("/x", tls=True)).endswith("https /x")


async def test_a_browser_is_bound_to_tls_only_at_an_address_of_our_own(door: Door) -> None:
    header = "strict-transport-security: max-age=31536000"
    assert header not in await door.ask("/x", tls=True)
    door.outer.strict_hosts = strict_hosts(
        ["https://cd.example.com/", "https://cd.example.com:8443", "http://plain.example.com"]
    )
    assert header in await door.ask("/x", tls=True, host="CD.example.com")
    for other in ("plain.example.com", "localhost", "cd.example.com:8443"):
        assert header not in await door.ask("/x", tls=True, host=other), other
    door.outer.takes_plain = True
    assert header not in await door.ask("/x", tls=True, host="cd.example.com")
