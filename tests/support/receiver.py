"""A receiver of webhooks on the loopback: keeps what it got, answers as it was told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Listens while the block runs.

    Attributes:
        answers: Status lines with headers for the next requests; then `200 OK`.
        got: Everything that came.
    """

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.got: list[Got] = []
        self._new: asyncio.Queue[Got] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.silent = False

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/hook"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def next(self, seconds: float = 30.0) -> Got:
        """Waits for the next request."""
        async with asyncio.timeout(seconds):
            return await self._new.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        got = Got(head[0].split()[1], headers, body)
        self.got.append(got)
        self._new.put_nowait(got)
        if self.silent:
            await reader.read()  # until the other side hangs up
        else:
            answer = self.answers.pop(0) if self.answers else "200 OK"
            writer.write(
                f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        writer.close()
