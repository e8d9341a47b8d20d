"""The network between Holdfast and the API server fails in the middle of things; nothing is lost.

Each test runs on the real control plane, through a proxy that does the harm.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tests.support.bad_network import TOO_MANY, has_data, is_back, through_a_bad_network
from tests.support.kube import CutAt
from tests.support.site import config_map
from tests.support.waiting import quiet_for, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.kube import Proxy
    from tests.support.plane import RealPlane
    from tests.support.site import SiteApp

SEED = 20_261_124
STORM_S = 3.0
RED = {"data": {"color": "red"}}


async def test_watches_that_are_cut_at_random_bytes_lose_no_event(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    names = [f"c-{number}" for number in range(8)]
    files = {f"{name}.yaml": config_map(name, color="blue") for name in names}
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", files)
        # From the middle of the head of an answer to the middle of its third or fourth event.
        proxy.watches.extend(CutAt(rng.randrange(1, 4000)) for _ in range(400))
        proxy.cut_all()
        for turn in range(3):
            uids = await app.uids(*names)
            for name in names:
                # Another manager each time: the same one three times would be a fight.
                await site.person.patch(app.place(name), RED, manager=f"person-{turn}")
            gone = rng.sample(names, 3)
            for name in gone:
                await site.person.delete(app.place(name))
            for name in names:
                await has_data(app, name, {"color": "blue"}, seconds=60.0)
            for name in gone:
                await is_back(app, name, uids[name], seconds=60.0)
        assert proxy.cuts > 10, "hardly anything was cut"
        proxy.watches.clear()
        await app.refresh()
        await app.synced()


async def test_a_storm_of_429_is_waited_out_with_few_requests_and_all_drift_is_healed(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    names = [f"c-{number}" for number in range(20)]
    files = {f"{name}.yaml": config_map(name, color="blue") for name in names}
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", files)
        uids = await app.uids(*names)
        proxy.requests.clear()
        proxy.calls.extend([TOO_MANY] * 10_000)
        proxy.watches.extend([TOO_MANY] * 10_000)
        for name in names[:10]:
            await site.person.delete(app.place(name))
        for name in names[10:]:
            await site.person.patch(app.place(name), RED)
        await quiet_for(STORM_S, why="requests in this time are what is counted")
        asked = len(proxy.requests)
        proxy.calls.clear()
        proxy.watches.clear()
        for name in names[:10]:
            await is_back(app, name, uids[name])
        for name in names[10:]:
            await has_data(app, name, {"color": "blue"})
        await app.synced()
        # Once a second for each object and for what else goes on: the Lease, the Application.
        assert asked <= (len(names) + 10) * (STORM_S + 2), proxy.requests[:asked]


async def test_our_own_events_that_come_late_are_not_taken_for_drift(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    async with through_a_bad_network(real_plane.kubeconfig, tmp_path) as (site, proxy):
        app = await site.deploy("web", {"web.yaml": config_map("web", value="0")})
        proxy.watch_delay_s = 0.3
        proxy.cut_all()
        await _watches_again(proxy)
        seen = await _values_while(app, lambda: _commit_and_edit(app))
        # A late event of an older value must never bring that value back.
        ours = [int(value) for value in seen if value != "edited"]
        assert ours == sorted(ours), seen
        writes = [
            path
            for verb, path in proxy.requests
            if verb == "PATCH" and "/configmaps/web" in path and "dryRun" not in path
        ]
        # The first sync, six commits, three heals: nothing was applied twice.
        assert len(writes) == 10, writes
        await app.synced()
        assert (await site.person.get(app.place("web")))["data"] == {"value": "6"}


async def _watches_again(proxy: Proxy) -> None:
    """Waits until the watch of ConfigMaps was asked for again."""
    before = len(proxy.requests)
    await until(
        lambda: any(
            "/configmaps?" in path and "watch=true" in path for _, path in proxy.requests[before:]
        )
    )


async def _commit_and_edit(app: SiteApp) -> None:
    """Commits six values, each at once after the last was live, and edits some of them by hand."""
    for number in range(1, 7):
        app.commit({"web.yaml": config_map("web", value=str(number))})
        await app.refresh()
        await has_data(app, "web", {"value": str(number)})
        if number % 2 == 0:
            await app.site.person.patch(app.place("web"), {"data": {"value": "edited"}})
            await has_data(app, "web", {"value": str(number)})


async def _values_while(app: SiteApp, act: Callable[[], Awaitable[None]]) -> list[str]:
    """The values that the object had, one after the other."""
    ref = app.place("web")
    seen: list[str] = []
    version = (await app.site.person.get(ref))["metadata"]["resourceVersion"]
    async with app.site.person.watch(ref, version) as events:

        async def read() -> None:
            async for event in events:
                seen.append(event.object["data"]["value"])  # noqa: PERF401 - cancelled half way

        reader = asyncio.create_task(read())
        try:
            await act()
            await app.synced()
        finally:
            reader.cancel()
            await asyncio.wait([reader])
    return seen
