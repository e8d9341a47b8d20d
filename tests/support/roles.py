"""A user of the real control plane with Roles alone: nothing for the whole cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast.kit.yamlio import load_one

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.person import Person
    from tests.support.plane import RealPlane

Tree = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
EVERYTHING: Tree = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


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
