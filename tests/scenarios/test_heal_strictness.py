"""What nobody declared: `holdfast.dev/strictness` (N14, apply.md D3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]


@pytest.mark.parametrize(
    ("strictness", "kept"),
    [
        ("declared", {"person", "controller", "plane"}),
        ("owned", {"controller", "plane"}),
        ("exact", {"plane"}),
    ],
)
async def test_what_nobody_declared_stays_or_goes_as_strictness_says(
    strictness: str, kept: set[str], plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(
            d.config_map(), annotations={"holdfast.dev/strictness": strictness}
        )
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        for key, manager in (
            ("plane", "kube-controller-manager"),
            ("controller", "somebody"),
            ("person", "kubectl-edit"),
        ):
            await world.person.patch(ref, {"data": {key: "1"}}, manager=manager)

        def is_left(tree: Tree) -> bool:
            return set(tree["data"]) == {"a", "b"} | kept

        await world.has(ref, is_left)
        assert is_left(await world.settled(ref))
        await app.synced()


async def test_exact_spares_what_an_ignored_manager_owns(plane: AnyPlane, tmp_path: Path) -> None:
    rule = {"group": "", "kind": "ConfigMap", "managedFieldsManagers": ["somebody"]}
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(
            d.config_map(),
            annotations={"holdfast.dev/strictness": "exact"},
            ignoreDifferences=[rule],
        )
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.patch(ref, {"data": {"theirs": "1"}}, manager="somebody")
        await world.person.patch(ref, {"data": {"other": "1"}}, manager="another")
        live = await world.has(ref, lambda tree: "other" not in tree["data"])
        assert live["data"]["theirs"] == "1"
        await app.synced()
