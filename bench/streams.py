"""Heals while two hundred people look on: half at the list of Applications, half at a tree.

The readers are a process of their own (`python -m bench.streams URL COUNT NAME…`, the token on its
first line of input), so that the one that measures reads none of it.
"""

import asyncio
import base64
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bench.api import Api, Tree
from bench.heal import KINDS, Place, Series, summaries, take_turns
from bench.process import ROOT
from bench.workload import CONTROL

STREAMS = 200
_ROUNDS = 25  # of each kind and block: 200 heals with, and as many without
_LISTEN = "0A"
_FIRST_S = 120.0


async def under_streams(
    api: Api, ours: list[Place], bare: list[Place], pid: int, names: list[str]
) -> Tree:
    """Heal without and with open streams, by turns; return both series."""
    base, token = await _front(api, pid)
    found = {"without": dict[str, Series](), "with": dict[str, Series]()}
    for block, which in enumerate(("without", "with", "with", "without")):
        async with contextlib.AsyncExitStack() as stack:
            if which == "with":
                await stack.enter_async_context(_readers(base, token, names))
            at = block * len(ours) // 4
            series = await take_turns(api, ours[at:] + ours[:at], bare, _ROUNDS, KINDS)
        for name, one in series.items():
            found[which].setdefault(name, Series()).seconds.extend(one.seconds)
    return {"streams": STREAMS, **{name: summaries(one) for name, one in found.items()}}


async def _front(api: Api, pid: int) -> tuple[str, str]:
    """Return the address of the page of a running Holdfast, and a token of `admin`."""
    path = f"/api/v1/namespaces/{CONTROL}/secrets/argocd-initial-admin-secret"
    async with asyncio.timeout(_FIRST_S), aiohttp.ClientSession() as session:
        while True:
            status, secret = await api.request("GET", path)
            for port in listening_ports(pid) if status == 200 else ():
                password = base64.b64decode(secret["data"]["password"]).decode()
                body = {"username": "admin", "password": password}
                base = f"http://127.0.0.1:{port}"
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.post(f"{base}/api/v1/session", json=body) as answer:
                        if answer.status == 200:
                            return base, (await answer.json())["token"]
            await asyncio.sleep(0.5)


def listening_ports(pid: int) -> list[int]:
    """Return the TCP ports on which a process listens on the loopback."""
    inodes = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(file.readlink()).removeprefix("socket:[").removesuffix("]"))
    ports = []
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        cells = line.split()
        if cells[3] == _LISTEN and cells[9] in inodes:
            ports.append(int(cells[1].partition(":")[2], 16))
    return ports


@asynccontextmanager
async def _readers(base: str, token: str, names: list[str]) -> AsyncIterator[None]:
    """Keep the streams open while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.streams", base, str(STREAMS), *names[:STREAMS]],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{token}\n".encode())
        process.stdin.flush()
        if not await asyncio.to_thread(process.stdout.readline):
            raise RuntimeError("the streams did not open")
        yield
    finally:
        process.kill()
        process.wait(10)


async def _read(base: str, token: str, path: str, opened: asyncio.Semaphore) -> None:
    url = urlsplit(base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    if not (await reader.readline()).startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{path} was refused")
    while (await reader.readline()).strip():
        pass
    await reader.readline()  # the length of the first chunk, or the chunk itself
    opened.release()
    while await reader.read(2**16):
        pass
    raise RuntimeError(f"{path} ended")


async def _read_all(base: str, count: int, names: list[str]) -> None:
    token = sys.stdin.readline().strip()
    opened = asyncio.Semaphore(0)
    async with asyncio.timeout(None), asyncio.TaskGroup() as group:
        for number in range(count):
            path = "/api/v1/stream/applications"
            if number % 2:
                path += f"/{names[number % len(names)]}/resource-tree"
            group.create_task(_read(base, token, path, opened))
        for _ in range(count):
            await opened.acquire()
        print("open", flush=True)


if __name__ == "__main__":
    asyncio.run(_read_all(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
