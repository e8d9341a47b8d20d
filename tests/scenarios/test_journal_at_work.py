"""The journal of a running Holdfast: one row for each thing, and what it means to a restart."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from holdfast.journal.engines import Engine, parse_dsn
from holdfast.journal.tables import CLOSINGS, DRIFTS, HEALS, SYNCS
from tests.support.loaded import type_holdfast
from tests.support.site import at_work, config_map, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

BLUE = {"color": "blue"}


def rows(site: Site, table: str) -> list[Any]:
    engine = Engine(parse_dsn(str(site.folder / "data" / "journal.db")), reads_only=True)
    with engine.transaction() as transaction:
        return transaction.rows(f"SELECT * FROM {table}")


async def heals(site: Site, count: int) -> list[Any]:
    """Waits until so many heals are written."""

    async def look() -> list[Any]:
        found = await asyncio.to_thread(rows, site, HEALS)
        return found if len(found) >= count else []

    return await eventually(look)


async def paint(app: SiteApp, color: str) -> None:
    await app.site.person.patch(app.place("web"), {"data": {"color": color}})


async def is_blue(app: SiteApp) -> None:
    async def look() -> bool:
        return bool((await app.site.person.get(app.place("web")))["data"] == BLUE)

    await eventually(look)


async def test_one_episode_for_each_drift_and_one_row_for_each_heal_and_sync(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("rows", {"web.yaml": config_map("web", **BLUE)})
        for color in ("red", "green"):  # a third time would be a fight
            await paint(app, color)
            await is_blue(app)
        await site.person.delete(app.place("web"))
        await heals(site, 3)
        # What is no drift: a label of another's, and a write that changes nothing.
        await site.person.patch(app.place("web"), {"metadata": {"labels": {"of": "another"}}})
        await site.person.patch(app.place("web"), {"data": BLUE})
        app.commit({"web.yaml": config_map("web", color="white")})
        await app.refresh()
        await app.synced()
        await asyncio.to_thread(site.process.stop)  # writes what is left
        tables = (DRIFTS, CLOSINGS, HEALS, SYNCS)
        drifts, closings, healed, syncs = [
            await asyncio.to_thread(rows, site, table) for table in tables
        ]
        assert [row.what for row in drifts].count("changed") == 2
        assert [row.what for row in drifts].count("missing") == 1
        assert [row.outcome for row in healed] == ["healed"] * 3
        assert sorted(row.episode for row in healed) == sorted(row.id for row in drifts)
        assert sorted(row.episode for row in closings) == sorted(row.id for row in drifts)
        # *Behind git* is no drift: a new commit has a sync of its own and no episode.
        assert [row.phase for row in syncs] == ["Succeeded", "Succeeded"]


async def test_a_restart_in_the_middle_of_a_backoff_goes_on_waiting(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("pace", {"web.yaml": config_map("web", **BLUE)})
        for _ in range(6):  # five at once, the sixth after 2 s; the seventh waits 6 s
            await site.person.delete(app.place("web"))
            await eventually(lambda: site.person.find(app.place("web")))
        sixth = (await heals(site, 6))[-1]
        await asyncio.to_thread(site.process.kill)
        await site.person.delete(app.place("web"))
        site.process = start(plane.kubeconfig, tmp_path, site.control)
        await asyncio.to_thread(site.process.is_leading)
        await eventually(lambda: site.person.find(app.place("web")))
        seventh = (await heals(site, 7))[-1]
        assert (sixth.step, seventh.step) == (1, 2)
        assert (seventh.at - sixth.at).total_seconds() >= 5.9


async def test_a_journal_that_breaks_costs_rows_and_says_so_and_healing_goes_on(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("lost", {"web.yaml": config_map("web", **BLUE)})
        journal = tmp_path / "data" / "journal.db"
        for path in journal.parent.glob("journal.db*"):
            path.unlink()
        journal.mkdir()  # no database can be opened here
        await paint(app, "red")
        await is_blue(app)

        async def status() -> dict[str, Any]:
            done = await asyncio.to_thread(
                type_holdfast, "status", "-o", "json",
                "--kubeconfig", str(plane.kubeconfig), "--namespace", site.control,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            found: dict[str, Any] = json.loads(done.stdout)
            return found if "lost" in found["journal"] else {}

        said = (await eventually(status, explain=app.status))["journal"]
        assert said.startswith("loses rows")
        assert site.process.has_said("HF3012 the journal at .* does not take rows")
