"""Somebody at the API over the network: signs in as `admin`, asks, and keeps all that was said."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.person import Person

Tree = dict[str, Any]


@dataclass
class Online:
    """A session as `admin`; `heard` is every answer, by path."""

    session: aiohttp.ClientSession
    base: str
    token: str = ""
    heard: dict[str, bytes] = field(default_factory=dict)

    async def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, bytes]:
        """Sends a request; returns status and body."""
        sent = {"Content-Type": "application/json", **headers}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        async with self.session.request(
            method, f"{self.base}{path}", data=data, headers=sent, allow_redirects=False
        ) as answer:
            content = await answer.read()
            told = "".join(f"{name}: {value}\n" for name, value in answer.headers.items()).encode()
        self.heard[f"{method} {path}"] = told + content
        return answer.status, content

    async def listen(self, path: str, messages: int = 1, seconds: float = 1.0) -> None:
        """Reads the beginning of a stream, for a moment."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url, content = f"{self.base}{path}", b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self.session.get(url, headers=headers) as answer:
                for _ in range(messages):
                    content += await answer.content.readline()
        self.heard[f"STREAM {path}"] = content


@contextlib.asynccontextmanager
async def signed_in_online(person: Person, control: str, base: str) -> AsyncIterator[Online]:
    """Waits until the first password is made, and signs `admin` in with it."""
    first = Ref("v1", "Secret", control, "argocd-initial-admin-secret")

    async def password() -> str:
        answer = await person.send("GET", first.path)
        data = answer.body.get("data", {}) if answer.status == 200 else {}
        return base64.b64decode(data.get("password", "")).decode()

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        online = Online(session, base)
        body = {"username": "admin", "password": await eventually(password)}

        async def token() -> str:
            with contextlib.suppress(aiohttp.ClientError):
                status, content = await online.send("POST", "/api/v1/session", body)
                return str(orjson.loads(content)["token"]) if status == 200 else ""
            return ""

        online.token = await eventually(token)
        online.heard.clear()
        yield online
