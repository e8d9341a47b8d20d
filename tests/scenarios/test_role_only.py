"""An installation that may act in a few namespaces and see nothing else (apply.md B4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.support.controlled import install
from tests.support.person import Person, Ref
from tests.support.roles import EVERYTHING, allow, kubeconfig_of
from tests.support.site import Site, config_map, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane

Tree = dict[str, Any]
CONFIG_MAPS = {
    "apiGroups": [""],
    "resources": ["configmaps"],
    "verbs": ["get", "list", "watch", "create", "patch", "delete"],
}


def _said(tree: Tree) -> str:
    conditions = tree["status"].get("conditions") or []
    return " ".join(str(one["message"]) for one in conditions)


async def test_drift_is_healed_where_nothing_but_roles_is_given(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    control = new_control()
    user = f"holdfast-{control}"
    async with Person(real_plane.kubeconfig) as person:
        await install(person, control)
        await allow(person, control, user, EVERYTHING)
        kubeconfig = await asyncio.to_thread(kubeconfig_of, real_plane, tmp_path, user)
        process = await asyncio.to_thread(start, kubeconfig, tmp_path, control)
        site = Site(real_plane.kubeconfig, tmp_path, control, person, process)
        try:
            await asyncio.to_thread(process.is_leading)
            namespace = await site.new_namespace()
            await allow(person, namespace, user, CONFIG_MAPS)
            files = {"a.yaml": config_map("a", color="blue")}
            app = await site.make("roles", files, namespace=namespace)
            await app.synced()
            place = app.place("a")
            await person.patch(place, {"data": {"color": "red"}})

            async def is_blue() -> bool:
                return bool((await person.get(place))["data"]["color"] == "blue")

            await eventually(is_blue)
            # A kind that it may not see is said to be so; it is never taken for missing.
            more = '{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"b"}}'
            app.commit({**files, "b.yaml": more})
            await app.refresh()
            await app.until(lambda tree: "ServiceAccount" in _said(tree))
            assert await person.find(app.place("b", "ServiceAccount")) is None
            await site.clean_up()
            await person.delete(Ref("v1", "Namespace", "", control))
        finally:
            await asyncio.to_thread(site.process.kill)
