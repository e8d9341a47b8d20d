"""Time to heal: from deleting (or changing) a Deployment to its being back.

One process measures for both: it sends the request, and an independent watch says when the object
is back. Ours and the bare loop take turns, so that a noisy machine is noisy for both.
"""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field

from bench.api import Api, Tree

_BACK_S = 20.0


@dataclass
class Series:
    """Measured seconds of one kind of event."""

    name: str
    seconds: list[float] = field(default_factory=list)

    def summary(self) -> Tree:
        """Return p50, p90, p99 and max in milliseconds."""
        ordered = sorted(self.seconds)
        cut = statistics.quantiles(ordered, n=100, method="inclusive")
        return {
            "n": len(ordered),
            "p50_ms": round(cut[49] * 1000, 2),
            "p90_ms": round(cut[89] * 1000, 2),
            "p99_ms": round(cut[98] * 1000, 2),
            "max_ms": round(ordered[-1] * 1000, 2),
        }


class Observer:
    """Watches all Deployments and tells when one is back."""

    def __init__(self, api: Api) -> None:
        """Watch nothing before `run`."""
        self._api = api
        self._waiting: dict[tuple[str, str], tuple[asyncio.Future[float], Tree]] = {}
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        path = "/apis/apps/v1/deployments"
        _, found = await self._api.request("GET", path)
        self.ready.set()
        async for event in self._api.watch(path, found["metadata"]["resourceVersion"]):
            self._see(event)

    def expect(self, namespace: str, name: str, wanted: Tree) -> "asyncio.Future[float]":
        """Return a future with the moment at which the object is as wanted again."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[(namespace, name)] = (future, wanted)
        return future

    def _see(self, event: Tree) -> None:
        live = event["object"]
        key = (live["metadata"].get("namespace", ""), live["metadata"].get("name", ""))
        waiting = self._waiting.get(key)
        if waiting is None or event["type"] == "DELETED":
            return
        future, wanted = waiting
        if live["metadata"]["uid"] == wanted.get("not_uid"):
            return
        image = live["spec"]["template"]["spec"]["containers"][0]["image"]
        if wanted.get("not_version") and (
            image != wanted["image"]
            or int(live["metadata"]["resourceVersion"]) <= int(wanted["not_version"])
        ):
            return
        del self._waiting[key]
        if not future.done():
            future.set_result(time.perf_counter())


async def delete_once(api: Api, observer: Observer, namespace: str, name: str) -> float:
    """Delete a Deployment; return the seconds until it is back."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    _, live = await api.request("GET", path)
    back = observer.expect(namespace, name, {"not_uid": live["metadata"]["uid"]})
    began = time.perf_counter()
    status, answer = await api.request("DELETE", f"{path}?propagationPolicy=Background")
    if status >= 300:
        raise RuntimeError(f"delete {namespace}/{name}: {status} {answer.get('message')}")
    return await asyncio.wait_for(back, _BACK_S) - began


async def change_once(api: Api, observer: Observer, namespace: str, name: str) -> float:
    """Change the image; return the seconds until it is put back."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    _, live = await api.request("GET", path)
    image = live["spec"]["template"]["spec"]["containers"][0]["image"]
    patch = {
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "changed:1"}]}}}
    }
    began = time.perf_counter()
    wanted = {"not_version": live["metadata"]["resourceVersion"], "image": image}
    back = observer.expect(namespace, name, wanted)
    status, answer = await api.request(
        "PATCH",
        f"{path}?fieldManager=kubectl-edit",
        patch,
        "application/strategic-merge-patch+json",
    )
    if status >= 300:
        raise RuntimeError(f"patch {namespace}/{name}: {status} {answer.get('message')}")
    return await asyncio.wait_for(back, _BACK_S) - began


async def take_turns(
    api: Api, ours: list[tuple[str, str]], bare: list[tuple[str, str]], rounds: int
) -> dict[str, Series]:
    """Measure deletes and changes, ours and bare by turns, each object seldom."""
    observer = Observer(api)
    task = asyncio.ensure_future(observer.run())
    await observer.ready.wait()
    series = {
        name: Series(name) for name in ("ours_delete", "bare_delete", "ours_change", "bare_change")
    }
    rng = random.Random(7)
    for number in range(rounds):
        for who, objects in (("ours", ours), ("bare", bare)):
            # Each object is used once in a while only: backoff is not what is measured here.
            namespace, name = objects[number % len(objects)]
            act = delete_once if rng.random() < 0.5 or number % 2 else change_once
            kind = "delete" if act is delete_once else "change"
            series[f"{who}_{kind}"].seconds.append(await act(api, observer, namespace, name))
            await asyncio.sleep(0.01)
    task.cancel()
    return series
