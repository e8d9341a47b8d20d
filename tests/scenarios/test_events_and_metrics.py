"""What a drift leaves outside of the journal: Events on the Application, and true numbers."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.support.site import at_work, config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
FILES: dict[str, str | bytes | None] = {
    name: config_map(name[0], color="blue") for name in ("a.yaml", "b.yaml", "c.yaml")
}
OBSERVED = {"metadata": {"annotations": {"holdfast.dev/observe": "ConfigMap:c"}}}
LISTEN = ("--metrics-listen", "127.0.0.1:0")


async def numbers(site: Site) -> dict[str, float]:
    """The metrics without labels, and with them, by their whole name."""
    address = (await asyncio.to_thread(site.process.wait_for, r"metrics=(127\S+)"))[1]

    def scrape() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
            return str(response.read().decode())

    lines = [line for line in (await asyncio.to_thread(scrape)).splitlines() if line[:1] != "#"]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def events(app: SiteApp, reason: str) -> list[Tree]:
    """Waits for Events of this reason."""

    async def look() -> list[Tree]:
        path = f"/api/v1/namespaces/{app.site.control}/events"
        listed = (await app.site.person.send("GET", path)).tree["items"]
        return [
            event
            for event in listed
            if event["reason"] == reason and event["involvedObject"]["name"] == app.name
        ]

    return await eventually(look)


async def paint(app: SiteApp, name: str, color: str, manager: str = "kubectl-edit") -> None:
    await app.site.person.edit(
        app.place(name), lambda tree: tree["data"].update(color=color), manager
    )


async def is_blue(app: SiteApp, name: str) -> None:
    async def look() -> bool:
        return bool((await app.site.person.get(app.place(name)))["data"]["color"] == "blue")

    await eventually(look)


async def test_drift_heals_refusals_and_fights_are_events_on_the_application(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path, *LISTEN) as site:
        app = await site.deploy("told", FILES)
        await app.patch(OBSERVED)
        await paint(app, "a", "red")
        await is_blue(app, "a")
        healed = (await events(app, "DriftHealed"))[-1]
        assert healed["type"] == "Normal"
        assert f"ConfigMap {app.namespace}/a was healed in" in healed["message"]
        assert healed["message"].endswith("data.color changed by kubectl-edit")
        uid = (await app.tree())["metadata"]["uid"]
        assert healed["involvedObject"]["uid"] == uid

        await paint(app, "c", "red")
        detected = (await events(app, "DriftDetected"))[-1]
        assert detected["type"] == "Warning"
        assert f"ConfigMap {app.namespace}/c drifted: data.color" in detected["message"]
        assert "Not healed: " in detected["message"]
        found = await numbers(site)
        assert found["holdfast_drift_open"] == 1.0

        await site.person.edit(
            app.place("b"),
            lambda tree: (tree["data"].update(color="red"), tree.update(immutable=True)),
            "kubectl-edit",
        )
        refused = (await events(app, "HealRefused"))[-1]
        assert refused["type"] == "Warning"
        assert "immutable" in refused["message"]
        # It is tried again after 2 s and after 6 s; that is told once.
        for _ in range(3):
            await paint(app, "a", "black", "a-controller")
            await is_blue(app, "a")
        fight = (await events(app, "FightDetected"))[-1]
        assert "a-controller" in fight["message"]
        assert len(await events(app, "HealRefused")) == 1


async def test_the_time_to_heal_is_from_the_event_to_the_accepted_apply(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path, *LISTEN) as site:
        app = await site.deploy("timed", FILES)

        async def synced() -> list[float]:
            rows = labelled(await numbers(site), "argocd_app_sync_total", app.name)
            assert all('phase="Succeeded"' in text and 'dry_run="false"' in text for text in rows)
            return list(rows.values())

        assert await eventually(synced) == [1.0]  # counted once its end is written
        took = 0.0
        for name in ("a", "b", "c"):
            began = time.monotonic()
            await paint(app, name, "red")
            await is_blue(app, name)
            took += time.monotonic() - began

        # A heal is counted when it is accepted; what is apart and out of sync, at the next look.
        async def counted() -> dict[str, float]:
            found = await numbers(site)
            at_rest = (
                found["holdfast_drift_open"] == 0.0
                and found["holdfast_apps_drifted"] == 0.0
                and any('sync_status="Synced"' in text for text in info_of(found))
            )
            return found if at_rest and found["holdfast_time_to_heal_seconds_count"] == 3.0 else {}

        def info_of(found: dict[str, float]) -> dict[str, float]:
            return labelled(found, "argocd_app_info", app.name)

        found = await eventually(counted, explain=lambda: numbers(site))
        total = found["holdfast_time_to_heal_seconds_sum"]
        # A part of what a person sees from before the edit to after the heal, and no less than a
        # request over a socket takes.
        assert 3 * 0.0005 < total < took
        assert found['holdfast_heals_total{outcome="healed",reason="changed"}'] == 3.0
        assert found["holdfast_apps_behind"] == 0.0
        # What Argo CD's dashboards read.
        # The heals of a second are one self-heal there.
        [count] = await synced()
        assert 1.0 <= count <= 4.0
        [info] = info_of(found)
        assert 'health_status="' in info
        assert sum(labelled(found, "argocd_app_reconcile_count", site.control).values()) >= 1.0


def labelled(found: dict[str, float], metric: str, value: str) -> dict[str, float]:
    """The series of a metric that have a label of this value."""
    return {
        text: number
        for text, number in found.items()
        if text.startswith(f"{metric}{{") and f'"{value}"' in text
    }


async def test_the_lag_of_the_watches_grows_when_the_cluster_is_silent_and_falls_with_an_event(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path, *LISTEN) as site:
        app = await site.deploy("lag", FILES)
        first = (await numbers(site))["holdfast_watch_lag_seconds"]

        async def grown() -> float:
            lag = (await numbers(site))["holdfast_watch_lag_seconds"]
            return lag if lag > first else 0.0

        lag = await eventually(grown)
        assert 0.0 <= first < lag < 120.0  # a bookmark comes each minute
        assert (await app.status())["sync"]["status"] == "Synced"
