"""What drifted while nobody watched comes back at the next start, git or no git."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from tests.support import declared as d
from tests.support.bad_network import has_data, is_back
from tests.support.rewriting import MIRROR, RewritingWebhook
from tests.support.site import at_work, config_map, start
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane
    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

HINTS = "applied.hints"
Tree = dict[str, Any]


def is_noted(site: Site, app: SiteApp) -> bool:
    """Whether the file of hints has this Application in its first line."""
    path = site.folder / "data" / HINTS
    if not path.exists():
        return False
    first = path.read_bytes().partition(b"\n")[0]
    return f'"{app.name}"'.encode() in first


async def test_drift_in_the_gap_is_healed_while_git_cannot_be_read(
    plane: AnyPlane, tmp_path: Path
) -> None:
    files = {f"{name}.yaml": config_map(name, color="blue") for name in ("gone", "edited")}
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("web", files)
        await until(lambda: is_noted(site, app), seconds=20)
        uid = (await app.uids("gone"))["gone"]
        await asyncio.to_thread(site.process.kill)
        repository = site.folder / app.name
        away = repository.with_name("elsewhere")
        await asyncio.to_thread(repository.rename, away)
        await site.person.delete(app.place("gone"))
        await site.person.patch(app.place("edited"), {"data": {"color": "red"}})
        site.process = start(site.kubeconfig, site.folder, site.control)
        await is_back(app, "gone", uid)
        await has_data(app, "edited", {"color": "blue"})
        await asyncio.to_thread(away.rename, repository)
        await app.refresh("hard")
        await app.synced()


async def test_what_an_admission_webhook_rewrote_is_no_drift_after_a_restart(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    """The sandbox calls no webhooks."""
    files = {"web.json": json.dumps(d.deployment(replicas=0))}
    async with at_work(real_plane.kubeconfig, tmp_path) as site:
        namespace = await site.new_namespace()
        async with RewritingWebhook(site.person, namespace):
            app = await site.deploy("web", files, namespace=namespace)
            place = app.place("web", "Deployment", "apps/v1")
            before = await site.person.get(place)
            assert before["spec"]["template"]["spec"]["containers"][0]["image"].startswith(MIRROR)
            await until(lambda: is_noted(site, app), seconds=20)
            await asyncio.to_thread(site.process.kill)

            site.process = start(site.kubeconfig, site.folder, site.control)
            await asyncio.to_thread(site.process.wait_for, r"known from the last run objects=1\b")
            # An edit is healed as one: the restart has brought the heal lane to where it was.
            await site.person.patch(place, {"spec": {"replicas": 3}}, manager="kubectl-edit")
            await eventually(lambda: has_replicas(app, 0))
            await app.refresh("hard")
            await app.synced()

            async def is_journaled() -> list[Tree]:
                journal = Journal(parse_dsn(str(tmp_path / "data" / "journal.db")))
                found = await journal.episodes(EpisodeFilter())
                return [episode.to_tree() for episode in found if not episode.is_open]

            (episode,) = await eventually(is_journaled)
            assert [change["path"] for change in episode["changes"]] == ["spec.replicas"]
            assert [heal["outcome"] for heal in episode["heals"]] == ["healed"]


async def has_replicas(app: SiteApp, count: int) -> bool:
    live = await app.site.person.get(app.place("web", "Deployment", "apps/v1"))
    return bool(live["spec"]["replicas"] == count)
