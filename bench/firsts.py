"""First sync: from the first Application to the last one that shows Synced, and its bare limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from bench.api import Api, Tree
from bench.workload import APPLICATIONS, application, objects, path_of

Item = TypeVar("Item")

_IN_FLIGHT = 16  # the API server's sweet spot on two cores (facts/apply, What holds)
_SYNC_S = 900.0


async def make_namespaces(api: Api, names: list[str]) -> None:
    """Create namespaces and wait until their ServiceAccount `default` is there."""
    await each(lambda name: _namespace(api, name), names)
    async with asyncio.timeout(300):
        for kind in ("serviceaccounts", "configmaps"):
            while await _count(api, f"/api/v1/{kind}?limit=1") < len(names):  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def bare_applies(api: Api, names: list[str]) -> float:
    """Return the seconds that the applies of all objects alone take, 16 in flight."""

    async def one(item: Tree) -> None:
        await _checked(api.apply(path_of(item), item, "bench"), path_of(item))

    began = time.perf_counter()
    await each(one, [item for name in names for item in objects(name)])
    return time.perf_counter() - began


async def first_sync(api: Api, names: list[str], repository: Path) -> float:
    """Create one Application for each name; return the seconds until all are Synced."""

    async def create(name: str) -> None:
        body = application(name, repository, name)
        await _checked(api.request("POST", APPLICATIONS, body), name)

    began = time.perf_counter()
    await each(create, names)
    await wait_synced(api, set(names))
    return time.perf_counter() - began


async def wait_synced(api: Api, missing: set[str], *, history: bool = True) -> None:
    """Wait until every Application is Synced, as a person would see it."""
    _, found = await api.request("GET", APPLICATIONS)
    for item in found["items"]:
        _discard_synced(item, missing, history=history)
    if not missing:
        return
    async with asyncio.timeout(_SYNC_S):
        async for event in api.watch(APPLICATIONS, found["metadata"]["resourceVersion"]):
            _discard_synced(event["object"], missing, history=history)
            if not missing:
                return


def _discard_synced(app: Tree, missing: set[str], *, history: bool) -> None:
    status = app.get("status") or {}
    synced = (status.get("sync") or {}).get("status")
    if (synced == "Synced" and status.get("history")) or (synced and not history):
        missing.discard(app["metadata"]["name"])


async def _namespace(api: Api, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await _checked(api.apply(f"/api/v1/namespaces/{name}", body, "bench"), name)


async def _count(api: Api, path: str) -> int:
    _, found = await api.request("GET", path)
    return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))


async def _checked(request: Awaitable[tuple[int, Tree]], what: str) -> None:
    status, answer = await request
    if status >= 300:
        raise RuntimeError(f"{what}: {status} {answer.get('message')}")


async def each(work: Callable[[Item], Awaitable[object]], items: Iterable[Item]) -> None:
    """Do some work for each item, 16 at a time."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(worker())
