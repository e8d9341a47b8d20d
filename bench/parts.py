"""The parts of the benchmark. Each returns its figures; each has a control plane of its own."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.api import Api, Tree, deployment, load_server
from bench.firsts import bare_applies, first_sync, make_namespaces, wait_synced
from bench.heal import Place, disturb, observing, summaries, take_turns
from bench.loads import (
    big_objects,
    crowd_template,
    under_pod_updates,
    under_render_and_list,
    watched_pod,
)
from bench.memory import Peak, cpu_s_by_process, pss_mb_by_process, tree_pss_mb
from bench.plane import real_plane
from bench.process import Program, start_bare, start_holdfast, wait_ready
from bench.rest import at_rest, until_calm
from bench.storm import storm
from bench.streams import under_streams
from bench.workload import APPLICATIONS, OBJECTS_EACH, application, make_repository, objects

# So many Deployments has the one Application of the series of 1, and the bare loop: enough that
# none is healed so often that patience begins.
_FEW = 40
_SETTLE_S = 4.0
_CALM_S = 10.0  # what stays is measured when work has been over for a while
_UNDER_LOAD_S = 15.0


@dataclass
class Bench:
    """One control plane with Holdfast and the bare loop on it."""

    api: Api
    kubeconfig: Path
    folder: Path
    names: list[str]
    holdfast: Program
    bare: Program
    bare_places: list[Place]
    peak: Peak

    @property
    def places(self) -> list[Place]:
        """The Deployments that Holdfast looks after."""
        if len(self.names) == 1:
            return [(self.names[0], f"web-{number:03d}") for number in range(_FEW)]
        return [(name, "web") for name in self.names]


async def measure_size(apps: int, rounds: int, wanted: set[str]) -> Tree:
    """Measure what is wanted of `sync`, `cpu`, `heal`, `storm`, `streams`, `loads`, `restart`."""
    names = [f"bench-{number:04d}" for number in range(apps)]
    figures: Tree = {"applications": apps, "objects": _objects_of(names)}
    if "sync" in wanted and apps > 1:
        figures["bare_apply_s"] = round(await _bare_apply_alone(names), 2)
    async with _bench(names, figures, apps if "storm" in wanted else _FEW) as bench:
        await until_calm(bench.holdfast.pid, 5.0)  # Events wait for the end of a big sync
        await asyncio.sleep(_CALM_S)
        figures["memory_steady_mb"] = round(tree_pss_mb(bench.holdfast.pid), 1)
        figures["memory_by_process_mb"] = pss_mb_by_process(bench.holdfast.pid)
        if "cpu" in wanted:
            figures["rest"] = await at_rest(bench.holdfast.pid)
        if "heal" in wanted:
            count = min(rounds, max(_FEW, apps))
            figures["heal"] = summaries(
                await take_turns(bench.api, bench.places, bench.bare_places, count)
            )
        if "storm" in wanted and apps > 1:
            figures["storm_bare_s"] = round(await storm(bench.api, bench.bare_places[:apps]), 2)
            figures["storm_s"] = round(await storm(bench.api, bench.places), 2)
        if "streams" in wanted:
            figures["streams"] = await under_streams(
                bench.api, bench.places, bench.bare_places, bench.holdfast.pid, names
            )
        if "loads" in wanted:
            figures["loads"] = await _loads(bench)
        if "restart" in wanted:
            figures["restart"] = await _restart(bench)
        figures["memory_peak_mb"] = round(bench.peak.highest_mb, 1)
        bench.holdfast.check()
    return figures


async def _loads(bench: Bench) -> Tree:
    """Measure heals under pod updates, and under a big render and a long list."""
    await make_namespaces(bench.api, ["churn", "crowd"])
    repository = bench.folder / "repository"
    await bench.api.request("POST", APPLICATIONS, application("pods", repository, "churn"))
    await wait_synced(bench.api, {"pods"})
    half = max(1, len(bench.places) // 2)
    updates = await under_pod_updates(
        bench.api,
        bench.places[:half],
        bench.bare_places[: _FEW // 2],
        bench.holdfast.pid,
        _UNDER_LOAD_S,
    )
    reading = await under_render_and_list(
        bench.api, bench.places[-half:], bench.bare_places[_FEW // 2 :], repository
    )
    return {
        "applications": len(bench.names),
        "pod_updates": updates,
        "render_and_list": reading,
    }


async def _bare_apply_alone(names: list[str]) -> float:
    """Apply the same objects on a plane of the same kind, with nothing else on it."""
    with real_plane() as kubeconfig:
        api = Api(load_server(kubeconfig))
        try:
            await make_namespaces(api, names)
            return await bare_applies(api, names)
        finally:
            await api.close()


@asynccontextmanager
async def _bench(names: list[str], figures: Tree, bare_count: int) -> AsyncIterator[Bench]:
    """Bring everything up and sync it; fill in `idle` memory and the first sync."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-") as scratch,
        real_plane() as kubeconfig,
    ):
        folder = Path(scratch)
        repository = folder / "repository"
        make_repository(repository, _files(names))
        api = Api(load_server(kubeconfig))
        programs: list[Program] = []
        try:
            await make_namespaces(api, [*names, "bare"])
            bare_places = await _prepare_bare(api, max(_FEW, bare_count))
            programs.append(start_holdfast(kubeconfig, folder))
            await wait_ready(api, programs[0])
            await asyncio.sleep(_SETTLE_S)
            figures["memory_idle_mb"] = round(tree_pss_mb(programs[0].pid), 1)
            peak = Peak(programs[0].pid)
            sampling = asyncio.ensure_future(peak.run())
            before = cpu_s_by_process(programs[0].pid)
            figures["first_sync_s"] = round(await first_sync(api, names, repository), 2)
            figures["first_sync_cpu_s"] = {
                name: round(used - before.get(name, 0.0), 2)
                for name, used in cpu_s_by_process(programs[0].pid).items()
            }
            programs.append(start_bare(kubeconfig, "bare", folder))
            ours, bare = programs
            yield Bench(api, kubeconfig, folder, names, ours, bare, bare_places, peak)
            sampling.cancel()
        except BaseException:
            for program in programs:
                print(program.tail(), file=sys.stderr)
            raise
        finally:
            for program in programs:
                program.stop()
            await api.close()


async def _restart(bench: Bench) -> Tree:
    """Kill it, delete a Deployment, start it again: seconds until it is back and all is calm."""
    bench.holdfast.kill()
    async with observing(bench.api) as observer:
        waiting = asyncio.ensure_future(disturb(bench.api, observer, bench.places[-1], "delete"))
        await asyncio.sleep(1.0)
        program = start_holdfast(bench.kubeconfig, bench.folder)
        began = time.perf_counter()
        bench.holdfast.process, bench.peak.pid = program.process, program.pid
        await waiting
        healed = time.perf_counter() - began
    calm = await until_calm(program.pid) - began
    return {
        "healed_s": round(healed, 2),
        "calm_s": round(calm, 2),
        "memory_mb": round(tree_pss_mb(program.pid), 1),
    }


async def _prepare_bare(api: Api, count: int) -> list[Place]:
    places = [("bare", f"web-{number:04d}") for number in range(count)]
    for namespace, name in places:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        await api.apply(path, deployment(namespace, name), "bare")
    return places


def _files(names: list[str]) -> dict[str, list[Tree]]:
    files = {name: objects(name) for name in names}
    if len(names) == 1:
        more = [deployment(names[0], f"web-{number:03d}") for number in range(_FEW)]
        files[names[0]] += more
    files["pods"] = [watched_pod("churn")]
    files["big"] = big_objects("crowd")
    files["crowd"] = [crowd_template("crowd-00000")]
    return files


def _objects_of(names: list[str]) -> int:
    return len(names) * OBJECTS_EACH + (_FEW if len(names) == 1 else 0)
