"""Pauses cannot be read: there may be one, so nothing is healed until they can (DESIGN §4.4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from tests.support.bad_network import has_data
from tests.support.controlled import install
from tests.support.person import Person, Ref
from tests.support.roles import EVERYTHING, RBAC, allow, kubeconfig_of
from tests.support.site import Site, config_map, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane

ALL_BUT_PAUSES = ["", "apps", "argoproj.io", "coordination.k8s.io", "events.k8s.io"]


async def test_nothing_is_healed_while_pauses_cannot_be_read_and_all_once_they_can(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    control = new_control()
    user = f"holdfast-{control}"
    role = Ref(RBAC, "Role", control, user)
    async with Person(real_plane.kubeconfig) as person:
        await install(person, control)
        await allow(person, control, user, EVERYTHING)
        kubeconfig = await asyncio.to_thread(kubeconfig_of, real_plane, tmp_path, user)
        process = await asyncio.to_thread(start, kubeconfig, tmp_path, control)
        site = Site(real_plane.kubeconfig, tmp_path, control, person, process)
        try:
            await asyncio.to_thread(process.is_leading)
            namespace = await site.new_namespace()
            await allow(person, namespace, user, EVERYTHING)
            app = await site.make(
                "web", {"a.yaml": config_map("a", color="blue")}, namespace=namespace
            )
            await app.synced()
            await asyncio.to_thread(process.kill)
            await person.patch(role, {"rules": [{**EVERYTHING, "apiGroups": ALL_BUT_PAUSES}]})

            site.process = await asyncio.to_thread(start, kubeconfig, tmp_path, control)
            await asyncio.to_thread(site.process.is_leading)
            await person.patch(app.place("a"), {"data": {"color": "red"}})
            journal = Journal(parse_dsn(str(tmp_path / "data" / "journal.db")))

            async def says_why() -> bool:
                found = await journal.episodes(EpisodeFilter(open_only=True))
                said = [made.detail for episode in found for made in episode.decisions]
                return any("pauses cannot be read" in text for text in said)

            await eventually(says_why)
            assert (await person.get(app.place("a")))["data"] == {"color": "red"}

            await person.patch(role, {"rules": [EVERYTHING]})
            await has_data(app, "a", {"color": "blue"}, seconds=60.0)
            await app.synced()
            await site.clean_up()
            await person.delete(Ref("v1", "Namespace", "", control))
        finally:
            await asyncio.to_thread(site.process.kill)
