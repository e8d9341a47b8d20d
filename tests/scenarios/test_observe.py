"""Who writes, and when: `--observe`, one leader at a time, Argo CD next door.

What was sent is read from the API server's own audit log, never from what we think we sent.
"""

from __future__ import annotations

import asyncio
import signal
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.support.audit_log import lines_of, our_requests
from tests.support.person import Person, Ref
from tests.support.process import OBSERVING, WAITING, HoldfastProcess
from tests.support.site import Site, at_work, config_map, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.plane import RealPlane

Tree = dict[str, Any]

READS = {"get", "list", "watch"}
LEASE_S = 15.0
NOT_RUN_OUT_S = 9.0
"""What was renewed less than 5 s ago runs out in 10 s at the earliest."""
FILES: dict[str, str | bytes | None] = {
    "changed.yaml": config_map("changed", color="blue"),
    "deleted.yaml": config_map("deleted", color="blue"),
    "kept.yaml": config_map("kept", color="blue"),
}


def _scrape(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        return str(response.read().decode())


def _sign_in(link: str) -> str:
    """Open a one-time link as a browser does; return the page that it leads to."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link, timeout=30) as response:
        return str(response.read().decode())


async def _drift(site: Site, app: Any) -> None:
    await site.person.patch(app.place("changed"), {"data": {"color": "red"}})
    await site.person.delete(app.place("deleted"))


async def test_observe_reports_drift_and_sends_no_write_at_all(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    plane = await asyncio.to_thread(start_plane, audit=True)
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("web", FILES)
        assert await asyncio.to_thread(site.process.stop) == 0
        await _drift(site, app)
        before = await asyncio.to_thread(lines_of, plane)
        site.process = start(
            site.kubeconfig,
            site.folder,
            site.control,
            "--observe",
            "--metrics-listen",
            "127.0.0.1:0",
            "--listen",
            "127.0.0.1:0",
        )
        await asyncio.to_thread(site.process.wait_for, OBSERVING)
        link = (await asyncio.to_thread(site.process.wait_for, r"open (http://127\S+)"))[1]
        assert "Applications" in await asyncio.to_thread(_sign_in, link)
        address = (await asyncio.to_thread(site.process.wait_for, r"metrics=(127\S+)"))[1]
        # What was there drifted before it began; what comes now drifts under its eyes.
        said = rf"observed app=\S+/{app.name} sync=OutOfSync .*differs=ConfigMap/changed"
        await asyncio.to_thread(site.process.wait_for, said)
        fresh = await site.make("fresh", FILES)
        said = rf"observed app=\S+/{fresh.name} sync=OutOfSync health=Missing"
        await asyncio.to_thread(site.process.wait_for, said)
        await site.person.delete(app.place("kept"))
        await asyncio.to_thread(site.process.wait_for, r"differs=.*ConfigMap/kept")
        metrics = await asyncio.to_thread(_scrape, address)
        assert "holdfast_drift_open 3.0" in metrics
        info = next(line for line in metrics.splitlines() if f'name="{app.name}"' in line)
        assert 'sync_status="OutOfSync"' in info
        await app.refresh()
        app.commit({"more.yaml": config_map("more")})
        await asyncio.to_thread(site.process.wait_for, r"differs=.*ConfigMap/more")
        assert await asyncio.to_thread(site.process.stop) == 0
        sent = await asyncio.to_thread(our_requests, plane, before)
        assert sent, "the audit log holds none of our requests"
        writes = [f"{event['verb']} {event['requestURI']}" for event in sent]
        assert [write for write in writes if write.split()[0] not in READS] == []


async def test_observe_needs_the_definitions_and_says_how_to_get_them(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    plane = await asyncio.to_thread(start_plane, audit=True)
    process = start(plane.kubeconfig, tmp_path, "argocd", "--observe")
    assert await asyncio.to_thread(process.wait) == 20
    assert "HF3010" in process.text
    assert "holdfast install --crds-only | kubectl apply" in process.text
    sent = await asyncio.to_thread(our_requests, plane)
    assert {event["verb"] for event in sent} <= READS


def _second(site: Site) -> HoldfastProcess:
    """Another process that may read the same repositories; a stranger to the first."""
    return HoldfastProcess.run(
        site.kubeconfig, site.control, site.folder / "second", repositories=str(site.folder)
    )


async def test_a_second_process_waits_and_takes_over_when_the_first_is_killed(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with at_work(real_plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("web", FILES)
        first = site.process
        second = _second(site)
        try:
            await asyncio.to_thread(second.wait_for, WAITING)
            uid = (await app.uids("kept"))["kept"]
            await asyncio.to_thread(first.kill)
            began = time.monotonic()
            await site.person.delete(app.place("kept"))
            await asyncio.to_thread(second.is_leading)
            assert time.monotonic() - began < LEASE_S + 2.0

            async def is_back() -> bool:
                found = await site.person.find(app.place("kept"))
                return found is not None and found["metadata"]["uid"] != uid

            await eventually(is_back, explain=app.status)
        finally:
            await asyncio.to_thread(second.kill)


async def test_a_clean_stop_hands_over_at_once(real_plane: RealPlane, tmp_path: Path) -> None:
    async with at_work(real_plane.kubeconfig, tmp_path) as site:
        second = _second(site)
        try:
            await asyncio.to_thread(second.wait_for, WAITING)
            assert not second.has_said("leading as")
            site.process.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert await asyncio.to_thread(site.process.wait) == 0
            await asyncio.to_thread(second.is_leading)
            assert time.monotonic() - began < NOT_RUN_OUT_S
            assert await asyncio.to_thread(second.stop) == 0
        finally:
            await asyncio.to_thread(second.kill)


async def test_it_refuses_to_start_beside_argo_cds_controller_unless_it_takes_over(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    control = new_control()
    async with Person(real_plane.kubeconfig) as person:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": control}}
        await person.create(namespace)
        await person.create(_argo_controller(control))
        refused = start(real_plane.kubeconfig, tmp_path, control)
        assert await asyncio.to_thread(refused.wait) == 20
        assert "HF3002" in refused.text
        assert "--take-over" in refused.text
        assert "--observe" in refused.text
        project = Ref("argoproj.io/v1alpha1", "AppProject", control, "default")
        assert await person.find(project) is None
        taking = start(real_plane.kubeconfig, tmp_path, control, "--take-over")
        try:
            await asyncio.to_thread(taking.is_leading)
        finally:
            await asyncio.to_thread(taking.stop)
        await person.delete(Ref("v1", "Namespace", "", control))


def _argo_controller(namespace: str) -> Tree:
    labels = {"app.kubernetes.io/name": "argocd-application-controller"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "argocd-application-controller", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "serviceName": "argocd-application-controller",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "registry.example/argocd:3.6"}]},
            },
        },
    }
