"""The journal's disk is full or its database gone: heals go on, the loss is counted and said."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from tests.support.bad_network import has_data
from tests.support.postgres import Postgres, find_programs
from tests.support.site import at_work, config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane
    from tests.support.site import Site, SiteApp

BLUE = {"web.yaml": config_map("web", color="blue")}
DROPPED = re.compile(r"^holdfast_journal_rows_total\{[^}]*dropped[^}]*\} (\S+)", re.MULTILINE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def drift(app: SiteApp, number: int) -> None:
    """Makes a drift and waits until it is healed."""
    place = app.place("web")
    await app.site.person.patch(place, {"data": {"color": "red"}}, manager=f"person-{number}")
    await has_data(app, "web", {"color": "blue"})


async def dropped_rows(port: int) -> float:
    """What the metrics say was lost."""

    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    found = DROPPED.search(await asyncio.to_thread(ask))
    return float(found[1]) if found else 0.0


async def loses_and_recovers(site: Site, app: SiteApp, port: int, mend: Any) -> None:
    """Heals go on although the journal is broken; it says so, and when it works again."""
    await drift(app, 1)
    await asyncio.to_thread(site.process.wait_for, "HF3012 the journal at .* does not take rows")
    await drift(app, 2)

    async def is_counted() -> bool:
        return await dropped_rows(port) > 0

    await eventually(is_counted)
    await asyncio.to_thread(mend)
    number = iter(range(3, 100))

    async def recovers() -> bool:
        await drift(app, next(number))
        return site.process.has_said(r"the journal takes rows again; \d+ were lost")

    await eventually(recovers, seconds=60)
    await app.synced()


async def test_a_full_disk_stops_no_heal_and_what_is_lost_is_counted_and_said(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    port = free_port()
    options = ("--metrics-listen", f"127.0.0.1:{port}")
    async with at_work(real_plane.kubeconfig, tmp_path, *options) as site:
        app = await site.deploy("web", BLUE)
        pid = site.process.process.pid
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        # No file of this process can grow: what SQLite sees is a write that fails.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
        await loses_and_recovers(
            site, app, port, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        )


async def test_a_journal_whose_files_are_removed_is_begun_anew(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    journal = tmp_path / "journal" / "journal.db"
    async with at_work(real_plane.kubeconfig, tmp_path, "--journal", str(journal)) as site:
        app = await site.deploy("web", BLUE)
        await drift(app, 1)

        async def is_there() -> bool:
            return await asyncio.to_thread(journal.exists)

        await eventually(is_there)
        reader = Journal(parse_dsn(str(journal)))
        await eventually(lambda: reader.episodes(EpisodeFilter()))  # its files are in use
        for name in await asyncio.to_thread(os.listdir, journal.parent):
            await asyncio.to_thread((journal.parent / name).unlink)
        await drift(app, 2)
        await eventually(is_there)
        await app.synced()


async def test_a_database_that_goes_away_stops_no_heal_and_is_used_again_when_it_is_back(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (initdb, pg_ctl, postgres)")
    server = await asyncio.to_thread(Postgres.start, programs)
    try:
        port = free_port()
        dsn = await asyncio.to_thread(server.new_database)
        options = ("--metrics-listen", f"127.0.0.1:{port}", "--journal", dsn)
        async with at_work(real_plane.kubeconfig, tmp_path, *options) as site:
            app = await site.deploy("web", BLUE)
            await asyncio.to_thread(server.end)
            await loses_and_recovers(site, app, port, server.begin)
    finally:
        await asyncio.to_thread(server.stop)
