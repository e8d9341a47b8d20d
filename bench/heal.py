"""Time to heal: from a deletion, or an edit, of a Deployment to its being as it was.

One process measures for both: it sends the request, and an independent watch says when the object
is back. Ours and the bare loop take turns, so that a noisy machine is noisy for both.

Each Deployment is deleted once and edited once in each way, as long as there are as many as rounds:
what is measured is a heal, not the patience that follows many of them (healing/decide.py).
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.api import Api, Tree, form_of

KINDS = ("delete", "change", "label", "scale")
_BACK_S = 60.0
_STRATEGIC = "application/strategic-merge-patch+json"
_MERGE = "application/merge-patch+json"
_PATCHES: dict[str, tuple[str, str, Tree]] = {
    "change": (
        "kubectl-edit",
        _STRATEGIC,
        {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "changed:1"}]}}}},
    ),
    "label": ("kubectl-label", _MERGE, {"metadata": {"labels": {"bench": "no"}}}),
    "scale": ("kubectl-scale", _MERGE, {"spec": {"replicas": 1}}),
}

Place = tuple[str, str]


@dataclass
class Series:
    """Measured seconds of one kind of event."""

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
        self._waiting: dict[Place, tuple[asyncio.Future[float], Tree]] = {}
        self._newest: dict[Place, tuple[Tree, float]] = {}
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        path = "/apis/apps/v1/deployments"
        _, found = await self._api.request("GET", path)
        version = found["metadata"]["resourceVersion"]
        self.ready.set()
        while True:
            async for event in self._api.watch(path, version):
                version = event["object"]["metadata"]["resourceVersion"]
                self._see(event)

    def expect(self, place: Place, before: Tree, *, anew: bool) -> "asyncio.Future[float]":
        """Return a future with the moment at which the object has its old form again.

        Args:
            place: Namespace and name.
            before: The object before the request.
            anew: It must be another object, with another uid; else the same, written since.
        """
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        metadata = before["metadata"]
        wanted = {
            "form": form_of(before),
            "not_uid": metadata["uid"] if anew else "",
            "after": int(metadata["resourceVersion"]),
        }
        self._waiting[place] = (future, wanted)
        return future

    def _see(self, event: Tree) -> None:
        live = event["object"]
        metadata = live["metadata"]
        place = (metadata.get("namespace", ""), metadata.get("name", ""))
        waiting = self._waiting.get(place)
        if waiting is None or event["type"] == "DELETED":
            return
        future, wanted = waiting
        is_old = metadata["uid"] == wanted["not_uid"]
        is_old = is_old or int(metadata["resourceVersion"]) <= wanted["after"]
        if is_old or form_of(live) != wanted["form"]:
            return
        del self._waiting[place]
        if not future.done():
            future.set_result(time.perf_counter())


@asynccontextmanager
async def observing(api: Api) -> AsyncIterator[Observer]:
    """Give an observer that watches."""
    observer = Observer(api)
    task = asyncio.ensure_future(observer.run())
    await observer.ready.wait()
    try:
        yield observer
    finally:
        task.cancel()


async def disturb(api: Api, observer: Observer, place: Place, kind: str) -> float:
    """Delete or edit a Deployment; return the seconds until it is as it was."""
    namespace, name = place
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    _, live = await api.request("GET", path)
    back = observer.expect(place, live, anew=kind == "delete")
    began = time.perf_counter()
    if kind == "delete":
        status, answer = await api.request("DELETE", f"{path}?propagationPolicy=Background")
    else:
        manager, content_type, patch = _PATCHES[kind]
        where = f"{path}?fieldManager={manager}"
        status, answer = await api.request("PATCH", where, patch, content_type)
    if status >= 300:
        raise RuntimeError(f"{kind} {namespace}/{name}: {status} {answer.get('message')}")
    try:
        return await asyncio.wait_for(back, _BACK_S) - began
    except TimeoutError:
        raise TimeoutError(f"{kind} {namespace}/{name}: not back in {_BACK_S:g} s") from None


async def take_turns(
    api: Api, ours: list[Place], bare: list[Place], rounds: int, kinds: tuple[str, ...] = KINDS
) -> dict[str, Series]:
    """Measure each kind of event so many times, ours and bare by turns."""
    series = {f"{who}_{kind}": Series() for kind in kinds for who in ("ours", "bare")}
    async with observing(api) as observer:
        for number in range(rounds * len(kinds)):
            kind = kinds[number % len(kinds)]
            for who, places in (("ours", ours), ("bare", bare)):
                # Neighbours in time are different objects, and each kind meets each object once.
                turn = number // len(kinds) + (number % len(kinds)) * len(places) // len(kinds)
                place = places[turn % len(places)]
                seconds = await disturb(api, observer, place, kind)
                series[f"{who}_{kind}"].seconds.append(seconds)
                await asyncio.sleep(0.005)
    return series


def summaries(series: dict[str, Series]) -> Tree:
    """Return the figures of each series, and of all kinds together."""
    found: Tree = {}
    for who in ("ours", "bare"):
        own = {name: one for name, one in series.items() if name.startswith(f"{who}_")}
        found.update({name: one.summary() for name, one in own.items()})
        every = Series([second for one in own.values() for second in one.seconds])
        found[f"{who}_all"] = every.summary()
    return found
