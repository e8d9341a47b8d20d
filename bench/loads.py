"""Heals while much else goes on: pods that report, a big render, a long list (facts/apply C1)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.api import Api, Tree
from bench.firsts import each, wait_synced
from bench.heal import Place, Series, disturb, observing, summaries
from bench.memory import tree_cpu_s
from bench.rest import until_calm
from bench.workload import APPLICATIONS, application

PODS = 100
UPDATES_A_SECOND = 300
LISTED_OBJECTS = 20_000
RENDERED_BYTES = 10_000_000
_CHURN = "churn"
_CROWD = "crowd"
_MERGE = "application/merge-patch+json"


async def under_pod_updates(
    api: Api, ours: list[Place], bare: list[Place], pid: int, seconds: float
) -> Tree:
    """Heal while pods of a watched kind report 300 times a second; say what it costs.

    The caller has made an Application that declares `watched_pod()`, so that Pods are watched.
    CPU is measured three times as long: at the updates alone, at heals alone, at both.
    """
    await each(lambda number: _create_pod(api, number), range(PODS))
    await until_calm(pid)
    alone, healing, both = [0], [0], [0]
    async with _measured(pid, alone) as updates_alone, _while(_report(api, alone)):
        await asyncio.sleep(seconds)
    async with _measured(pid, healing) as heals_alone:
        await _heal_for(api, ours, bare, seconds)
    async with _measured(pid, both) as together, _while(_report(api, both)):
        series = await _heal_for(api, ours, bare, seconds)
    return {
        **together,
        "updates_alone": updates_alone,
        "heals_alone_cpu_percent": heals_alone["cpu_percent"],
        **summaries(series),
    }


async def under_render_and_list(
    api: Api, ours: list[Place], bare: list[Place], repository: Path
) -> Tree:
    """Heal while 10 MB are rendered and a kind of 20,000 objects is listed for the first time.

    `big` and `crowd` are folders of the repository: 10 MB of ConfigMaps, and one PodTemplate,
    of whose kind 20,000 are there. Neither is synced: what is measured is reading them.
    """
    await each(lambda number: _create_template(api, number), range(LISTED_OBJECTS))
    began = time.perf_counter()

    async def read() -> None:
        for name in ("big", "crowd"):
            body = application(name, repository, _CROWD, automated=False)
            await api.request("POST", APPLICATIONS, body)
        await wait_synced(api, {"big", "crowd"}, history=False)

    done = asyncio.ensure_future(read())
    series = await _heal_for(api, ours, bare, 2.0, until=done)
    await done
    return {"seconds": round(time.perf_counter() - began, 1), **summaries(series)}


def watched_pod(namespace: str) -> Tree:
    """Return a Pod for an Application: its kind is watched from then on."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "declared", "namespace": namespace},
        "spec": _POD_SPEC,
    }


def big_objects(namespace: str) -> list[Tree]:
    """Return 10 MB of manifests: 2,500 of 4 KB."""
    lines = "".join(f"key-{number}: some-value-of-{number}\n" for number in range(130))
    one: Tree = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"settings.yaml": lines}}
    count = RENDERED_BYTES // (len(lines) + 150)
    return [
        {**one, "metadata": {"name": f"big-{number:05d}", "namespace": namespace}}
        for number in range(count)
    ]


def crowd_template(name: str) -> Tree:
    """Return a PodTemplate: a kind that nobody acts upon."""
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": name, "namespace": _CROWD},
        "template": {"metadata": {"labels": {"app": name}}, "spec": _POD_SPEC},
    }


@asynccontextmanager
async def _measured(pid: int, sent: list[int]) -> AsyncIterator[Tree]:
    """Fill in, at the end, the CPU that was used meanwhile and how many updates were sent."""
    figures: Tree = {}
    began, before = time.perf_counter(), tree_cpu_s(pid)
    yield figures
    took = time.perf_counter() - began
    figures["updates_a_second"] = round(sent[0] / took, 1)
    figures["cpu_percent"] = round(100 * (tree_cpu_s(pid) - before) / took, 1)


async def _heal_for(
    api: Api,
    ours: list[Place],
    bare: list[Place],
    seconds: float,
    until: "asyncio.Future[None] | None" = None,
) -> dict[str, Series]:
    """Delete by turns for a while, and until something is done; at least ten times each."""
    series = {"ours_delete": Series(), "bare_delete": Series()}
    end = time.monotonic() + seconds
    number = 0
    async with observing(api) as observer:
        while number < 10 or time.monotonic() < end or (until is not None and not until.done()):
            for who, places in (("ours", ours), ("bare", bare)):
                place = places[number % len(places)]
                took = await disturb(api, observer, place, "delete")
                series[f"{who}_delete"].seconds.append(took)
            number += 1
    return series


async def _create_pod(api: Api, number: int) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number:03d}", "namespace": _CHURN},
        # A scheduler that nobody runs: the pod stays where it is, and only we report about it.
        "spec": {**_POD_SPEC, "schedulerName": "nobody"},
    }
    await api.request("POST", f"/api/v1/namespaces/{_CHURN}/pods", body)


async def _create_template(api: Api, number: int) -> None:
    path = f"/api/v1/namespaces/{_CROWD}/podtemplates"
    await api.request("POST", path, crowd_template(f"crowd-{number:05d}"))


async def _report(api: Api, sent: list[int]) -> None:
    """Write pod statuses evenly, for ever."""
    began = time.monotonic()

    async def one(number: int) -> None:
        path = f"/api/v1/namespaces/{_CHURN}/pods/pod-{number % PODS:03d}/status"
        text = f"report {number}"
        condition = {"type": "Reported", "status": "True", "message": text}
        await api.request("PATCH", path, {"status": {"conditions": [condition]}}, _MERGE)
        sent[0] += 1

    async with asyncio.TaskGroup() as group:
        running: set[asyncio.Task[None]] = set()
        number = 0
        while True:
            due = int((time.monotonic() - began) * UPDATES_A_SECOND)
            while number < due and len(running) < 64:
                task = group.create_task(one(number))
                running.add(task)
                task.add_done_callback(running.discard)
                number += 1
            number = max(number, due - UPDATES_A_SECOND)  # what could not be sent is not made up
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _while(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


_POD_SPEC: Tree = {
    "containers": [
        {
            "name": "main",
            "image": "registry.example/app:1",
            "env": [{"name": f"NAME_{number}", "value": "some value"} for number in range(5)],
            "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
        }
    ]
}
