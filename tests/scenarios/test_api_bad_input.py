"""Hostile clients over the network: forged tokens, raw sockets, a thousand streams."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import resource
import time
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import orjson
import pytest

from tests.support.person import Ref
from tests.support.person_online import signed_in_online
from tests.support.process import HoldfastProcess
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.person_online import Online
    from tests.support.plant import Plant
    from tests.support.site import Site

Tree = dict[str, Any]
STREAMS = 1000
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def served(plant: Plant) -> Iterator[tuple[HoldfastProcess, str]]:
    """`holdfast serve` on the plant's control namespace, and its address."""
    process = HoldfastProcess.start(
        "serve", "--listen", "127.0.0.1:0", "--kubeconfig", str(plant.kubeconfig),
        "--namespace", plant.control, "--journal", "off",
    )  # fmt: skip
    try:
        yield process, process.wait_for(r"serving (http://\S+)")[1]
    finally:
        process.kill()


def unsigned(words: Tree) -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, words)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join((*coded, b"")).decode()


def signed_otherwise(words: Tree, key: str) -> str:
    """A token with the right key and another algorithm than ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the key is short for it
        return jwt.encode(words, key, "HS512")


def forged(key: str) -> dict[str, str]:
    now = int(time.time())
    words = {"iss": "argocd", "sub": "admin:login", "iat": now, "nbf": now, "jti": "a"}
    admin = {**words, "exp": now + 60}
    public = {"kid": "../../../../dev/null", "jku": "http://127.0.0.1:9/keys"}
    return {
        "another key": jwt.encode(admin, "k" * 44, "HS256"),
        "no key": jwt.encode(admin, "0" * 64, "HS256"),
        "a key that it names": jwt.encode(admin, "0" * 64, "HS256", headers=public),
        "no algorithm": unsigned(admin),
        "another algorithm": signed_otherwise(admin, key),
        "expired": jwt.encode({**admin, "exp": now - 1}, key, "HS256"),
        "not yet": jwt.encode({**admin, "nbf": now + 600}, key, "HS256"),
        "another issuer": jwt.encode({**admin, "iss": "https://evil.example"}, key, "HS256"),
        "no account": jwt.encode({**admin, "sub": "ghost:login"}, key, "HS256"),
        "no capability": jwt.encode({**admin, "sub": "admin:root"}, key, "HS256"),
        "a project's role": jwt.encode({**words, "sub": "proj:default:x"}, key, "HS256"),
        "no id": jwt.encode({k: v for k, v in admin.items() if k != "jti"}, key, "HS256"),
        "a long one": jwt.encode(
            {**admin, "sub": "admin:login", "jti": "x" * 5000}, "k" * 44, "HS256"
        ),
        "no token": "a.b.c",
    }


async def test_a_forged_token_is_refused_and_nothing_of_it_is_told(
    site: Site, served: tuple[HoldfastProcess, str]
) -> None:
    process, base = served
    async with signed_in_online(site.person, site.control, base) as online:
        ref = Ref("v1", "Secret", site.control, "argocd-secret")
        data = (await site.person.get(ref))["data"]
        key = base64.b64decode(data["server.secretkey"]).decode()
        good = online.token
        for what, token in forged(key).items():
            cookie = {"Cookie": f"argocd.token={token}"}
            for header in ({"Authorization": f"Bearer {token}"}, cookie):
                online.token = ""
                status, content = await online.send("GET", "/api/v1/applications", **header)
                assert (status, orjson.loads(content)["code"]) == (401, 16), (what, content)
                assert token.encode() not in content
                status, _ = await online.send("GET", "/applications", **header)
                assert status in (302, 303, 401), what
            assert token not in process.text
        online.token = good
        assert (await online.send("GET", "/api/v1/applications"))[0] == 200


async def raw(base: str, content: bytes) -> bytes:
    """Sends bytes as they are; returns what comes until the server closes, or for 2 s."""
    url = urlsplit(base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    found = b""
    try:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(2):
                writer.write(content)
                await writer.drain()
                while part := await reader.read(65536):
                    found += part
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return found


HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"
RAW = {
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
    "a line break in the path": b"GET /api/v1/applications/a%0d%0aSet-Cookie:%20x=y HTTP/1.1\r\n"
    + HOST + b"\r\n",
    "another host's address": b"GET http://evil.example/api/v1/applications HTTP/1.1\r\n"
    + HOST + b"\r\n",
    "out of the folder": b"GET /static/../../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    "out of the folder, coded": b"GET /static/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\n"
    + HOST + b"\r\n",
    "a header without an end": b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    "two lengths": b"POST /api/v1/session HTTP/1.1\r\n" + HOST
    + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}GET /api/v1/account HTTP/1.1\r\n\r\n",
    "a negative length": b"POST /api/v1/session HTTP/1.1\r\n" + HOST
    + b"Content-Length: -1\r\n\r\n{}",
    "a false host": b"GET /auth/login?return_url=https://evil.example HTTP/1.1\r\n"
    b"Host: evil.example\r\nConnection: close\r\n\r\n",
}  # fmt: skip


async def test_raw_bytes_get_an_error_and_nothing_else(
    site: Site, served: tuple[HoldfastProcess, str]
) -> None:
    process, base = served
    async with signed_in_online(site.person, site.control, base) as online:
        for what, content in RAW.items():
            answer = await raw(base, content)
            head = answer.split(b"\r\n\r\n")[0].lower()
            assert not answer or b" 4" in answer[:14] or b" 303 " in answer[:14] or (
                b" 501 " in answer[:14]
            ), (what, answer[:300])  # fmt: skip
            assert b"set-cookie: x" not in head, what
            assert b"root:" not in answer, what
            assert b"location: https://evil" not in head, what
            assert b"\r\n\r\nhttp/1.1 2" not in answer.lower(), "no second request was smuggled in"
            assert (await online.send("GET", "/api/version"))[0] == 200, what
    assert not process.has_said("Traceback"), process.text


async def test_a_thousand_streams_hold_nobody_and_leave_nothing(
    site: Site, served: tuple[HoldfastProcess, str]
) -> None:
    process, base = served
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    app = await site.deploy("web", {"web.yaml": config_map("web", a="1")})
    try:
        async with signed_in_online(site.person, site.control, base) as online:
            url = urlsplit(base)
            request = (
                f"GET /api/v1/stream/applications?name={app.name} HTTP/1.1\r\n"
                f"Host: {url.netloc}\r\nAuthorization: Bearer {online.token}\r\n\r\n"
            ).encode()
            before = open_files(process)
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(STREAMS):
                    _, writer = await asyncio.open_connection(url.hostname, url.port)
                    stack.push_async_callback(left, writer)
                    writer.write(request)  # and nobody ever reads
                await app.patch({"metadata": {"labels": {"seen": "yes"}}})
                for path in ("/api/v1/applications", "/applications", "/api/version"):
                    async with asyncio.timeout(30):
                        assert (await online.send("GET", path, Accept="*/*"))[0] == 200, path
                await holds(online, lambda: open_files(process) >= before + STREAMS)
            await holds(online, lambda: open_files(process) < before + 20)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not process.has_said("Traceback|request failed"), process.text


async def holds(online: Online, condition: Callable[[], bool]) -> None:
    """Waits until something holds; somebody else is answered all the while."""
    async with asyncio.timeout(40):
        while not condition():
            assert (await online.send("GET", "/api/version"))[0] == 200


def open_files(process: HoldfastProcess) -> int:
    """How many files the process holds; the page has a process of its own only under `run`."""
    return len(os.listdir(f"/proc/{process.process.pid}/fd"))


async def left(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
