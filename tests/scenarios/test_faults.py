"""What fails around the controller: the API server, the network, the process itself.

No event is lost, nothing is asked in a busy loop, and no operation stays unfinished.
What is promised in seconds is in `test_fault_timed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.bad_network import (
    POD_TEMPLATE,
    TOO_MANY,
    has_data,
    is_back,
    through_a_bad_network,
)
from tests.support.kube import Answer, CutAfter
from tests.support.process import HoldfastProcess
from tests.support.site import AUTOMATED, SiteApp, at_work, config_map, start
from tests.support.waiting import eventually, quiet_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane

Tree = dict[str, Any]

KILLS = 20
SEED = 20_261_123


# --- the API server --------------------------------------------------------------------------


async def test_drift_during_an_outage_that_outlasts_the_lease_is_healed_after_it(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": POD_TEMPLATE})
        ref = app.place("web", "PodTemplate")
        uid = (await site.person.get(ref))["metadata"]["uid"]
        proxy.is_away = True
        proxy.cut_all()
        await site.person.delete(ref)
        await asyncio.to_thread(site.process.wait_for, "the lease was lost", seconds=30)
        proxy.is_away = False
        # Everything is built up anew: some 25 requests, one after the other.
        await is_back(app, "web", uid, kind="PodTemplate", seconds=60.0)
        await app.synced()


async def test_an_api_server_that_is_away_is_not_hammered(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", color="blue")})
        watches = len(
            {path.partition("?")[0] for _, path in proxy.requests if "watch=true" in path}
        )
        proxy.requests.clear()
        proxy.watches.extend(Answer(503) for _ in range(10_000))
        proxy.calls.extend(Answer(503) for _ in range(10_000))
        proxy.cut_all()
        await quiet_for(5.0, why="requests of this time are what is counted")
        asked = len(proxy.requests)
        proxy.watches.clear()
        proxy.calls.clear()
        await app.refresh()
        await app.synced()
        # Each watch a few times with growing pauses, and the lease once a second.
        assert asked <= 8 * watches + 10, proxy.requests[:asked]


async def test_nothing_runs_without_an_api_server_and_the_error_names_its_address(
    tmp_path: Path,
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "current-context": "c",
            }
        )
    )
    process = HoldfastProcess.run(kubeconfig, "argocd", tmp_path / "data")
    assert await asyncio.to_thread(process.wait) == 20
    assert "HF2001" in process.text
    assert "The API server https://127.0.0.1:1 cannot be reached" in process.text
    assert "Traceback" not in process.text


# --- the network -----------------------------------------------------------------------------


async def test_a_watch_that_is_cut_in_the_middle_of_a_line_loses_no_event(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", color="blue")})
        asked = len(proxy.requests)
        proxy.watches.extend(CutAfter(b'"color":"re') for _ in range(20))
        proxy.cut_all()

        async def watches_again() -> bool:
            return any("/configmaps?" in path for _, path in proxy.requests[asked:])

        await eventually(watches_again)
        await site.person.patch(app.place("web"), {"data": {"color": "red"}})
        await has_data(app, "web", {"color": "blue"})
        await app.synced()


async def test_a_version_that_is_gone_is_answered_with_a_new_list(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", color="blue")})
        uid = (await app.uids("web"))["web"]
        proxy.is_away = True
        proxy.cut_all()
        await site.person.delete(app.place("web"))
        status = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410}
        proxy.watches.extend(Answer(410, json.dumps(status).encode()) for _ in range(12))
        proxy.is_away = False
        await is_back(app, "web", uid)
        await app.synced()


async def test_too_many_requests_waits_as_long_as_the_server_asks(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", color="blue")})
        uid = (await app.uids("web"))["web"]
        proxy.requests.clear()
        proxy.calls_about = "/configmaps/web"  # an Event of the sync may still be on its way
        proxy.calls.extend([TOO_MANY] * 3)
        began = time.monotonic()
        await site.person.delete(app.place("web"))
        await is_back(app, "web", uid)
        assert time.monotonic() - began >= 0.9
        assert len(proxy.requests) < 40, proxy.requests
        await app.synced()


async def test_a_conflict_does_not_keep_an_object_from_being_healed(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", color="blue")})
        status = {"kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409}
        proxy.calls_about = "/configmaps/web"
        proxy.calls.extend([Answer(409, json.dumps(status).encode())] * 2)
        await site.person.patch(app.place("web"), {"data": {"color": "red"}})
        await has_data(app, "web", {"color": "blue"})
        await app.synced()


# --- the process -----------------------------------------------------------------------------


def _wave(number: int) -> str:
    return f'  annotations: {{argocd.argoproj.io/sync-wave: "{number}"}}\n'


def _release(number: int, *, is_bad: bool) -> dict[str, str | bytes | None]:
    """Two waves of three objects; one object that only even releases have; some are refused."""
    files: dict[str, str | bytes | None] = {}
    for wave in (0, 1):
        for place in range(3):
            name = f"part-{wave}-{place}"
            text = config_map(name, release=str(number))
            files[f"{name}.yaml"] = text.replace("\ndata:", f"\n{_wave(wave)}data:")
    bad = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {"a b": "c"}\n'
    files["bad.yaml"] = bad if is_bad else None
    files["even.yaml"] = config_map("even") if number % 2 == 0 else None
    return files


async def _kill_at(app: SiteApp, version: str, rng: random.Random) -> bool:
    """Kills the controller after so many changes of the Application, and a moment more.

    Returns whether an operation was under way.
    """
    # Four changes of the Application end an operation; fewer are in the middle of it.
    count, pause_s = rng.randrange(1, 4), rng.uniform(0.0, 0.25)
    async with app.site.person.watch(app.ref, version) as events:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4.0):
                for _ in range(count):
                    await anext(events)
    await quiet_for(pause_s, why="the moment of the kill is what is random")
    await asyncio.to_thread(app.site.process.kill)
    return "operation" in await app.tree()


@pytest.mark.timeout(420)
async def test_an_operation_ends_whenever_the_process_is_killed(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    policy = {**AUTOMATED, "retry": {"limit": 0}}
    async with at_work(real_plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("waves", _present(_release(0, is_bad=False)), policy=policy)
        before, interrupted = _release(0, is_bad=False), 0
        for number in range(1, KILLS + 1):
            is_bad = number % 5 == 0
            files = _release(number, is_bad=is_bad)
            version = (await app.tree())["metadata"]["resourceVersion"]
            sha = app.commit(_changes(before, files))
            before = files
            interrupted += await _kill_at(app, version, rng)
            site.process = start(site.kubeconfig, site.folder, site.control)
            await asyncio.to_thread(site.process.is_leading)
            await _check_outcome(app, sha, number, is_bad=is_bad)
        assert interrupted >= KILLS // 2, "most kills missed the operation"


def _present(files: dict[str, str | bytes | None]) -> dict[str, str | bytes | None]:
    return {path: text for path, text in files.items() if text is not None}


def _changes(
    old: dict[str, str | bytes | None], new: dict[str, str | bytes | None]
) -> dict[str, str | bytes | None]:
    """Files to add, change or remove; a missing file is not removed twice."""
    return {path: text for path, text in new.items() if text is not None or old.get(path)}


async def _check_outcome(app: SiteApp, sha: str, number: int, *, is_bad: bool) -> None:
    def is_over(tree: Tree) -> bool:
        state = tree.get("status", {}).get("operationState", {})
        over = "operation" not in tree and state.get("phase") in ("Succeeded", "Failed", "Error")
        return over and state.get("syncResult", {}).get("revision") == sha

    tree = await app.until(is_over)
    state = tree["status"]["operationState"]
    assert state["phase"] == ("Failed" if is_bad else "Succeeded"), state
    if is_bad:
        return
    await app.synced()
    collection = f"/api/v1/namespaces/{app.namespace}/configmaps"
    found = (await app.site.person.send("GET", collection)).tree["items"]
    live = {
        item["metadata"]["name"]: item.get("data", {}).get("release")
        for item in found
        if item["metadata"]["name"] != "kube-root-ca.crt"
    }
    wanted: dict[str, str | None] = {
        f"part-{wave}-{place}": str(number) for wave in (0, 1) for place in range(3)
    }
    if number % 2 == 0:
        wanted["even"] = None
    assert live == wanted
