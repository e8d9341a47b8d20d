"""An installation that may act in a few namespaces and see nothing else (apply.md B4)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from holdfast.kit.yamlio import load_one
from tests.support.controlled import install
from tests.support.person import Person, Ref
from tests.support.site import Site, config_map, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane

Tree = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
CONFIG_MAPS = {
    "apiGroups": [""],
    "resources": ["configmaps"],
    "verbs": ["get", "list", "watch", "create", "patch", "delete"],
}


async def allow(person: Person, namespace: str, user: str, rule: Tree) -> None:
    """A Role and its binding; nothing for the whole cluster."""
    place = {"name": user, "namespace": namespace}
    await person.create({"apiVersion": RBAC, "kind": "Role", "metadata": place, "rules": [rule]})
    await person.create(
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": place,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }
    )


def kubeconfig_of(plane: RealPlane, folder: Path, user: str) -> Path:
    """The plane's kubeconfig, as another user."""
    tree = load_one(plane.kubeconfig.read_text())
    for entry in tree["users"]:
        entry["user"]["as"] = user
    path = folder / "role-only.yaml"
    path.write_text(json.dumps(tree))
    return path


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
