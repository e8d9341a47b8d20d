"""What drifted while nobody watched comes back at the next start, git or no git."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.support.bad_network import has_data, is_back
from tests.support.site import at_work, config_map, start
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

HINTS = "applied.hints"


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
