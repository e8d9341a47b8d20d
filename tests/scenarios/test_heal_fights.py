"""Somebody undoes our heals again and again: named, and ended by the rule that is said (N6)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from holdfast.kit.yamlio import load_one
from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
MANAGER = "opinionated-controller"


def place(world: World) -> Ref:
    return Ref("apps/v1", "Deployment", world.namespace, "web")


def replicas(tree: Tree) -> int:
    return int(tree["spec"]["replicas"])


async def undo(world: World, times: int) -> None:
    """A controller that wants another number, and says so after each heal."""
    for _ in range(times):
        await world.person.patch(place(world), {"spec": {"replicas": 3}}, manager=MANAGER)
        await world.has(place(world), lambda tree: replicas(tree) == 0)


async def warned(app: App) -> str:
    """The words of the condition."""

    def has_warning(tree: Tree) -> bool:
        return bool(_warnings(tree))

    return "\n".join(_warnings(await app.until(has_warning)))


def _warnings(tree: Tree) -> list[str]:
    found = tree.get("status", {}).get("conditions") or []
    return [one["message"] for one in found if one["type"] == "FightWarning"]


async def test_a_fight_is_named_and_the_rule_that_is_said_ends_it(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(replicas=0))
        await undo(world, 3)
        said = await warned(app)
        assert MANAGER in said
        assert "replicas" in said
        assert "/spec/replicas" in said

        # The entry is YAML, to be pasted.
        rule = load_one(said[said.index("{") : said.rindex("}") + 1])
        await world.person.patch(app.ref, {"spec": {"ignoreDifferences": [rule]}})
        await app.until(lambda tree: not _warnings(tree))
        await world.person.patch(place(world), {"spec": {"replicas": 3}}, manager=MANAGER)
        assert replicas(await world.settled(place(world))) == 3
        await app.synced()


def image(tree: Tree) -> str:
    return str(tree["spec"]["template"]["spec"]["containers"][1]["image"])


async def test_one_entry_ends_a_fight_over_several_fields_of_lists_too(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(replicas=0))
        own = image(await world.person.get(place(world)))

        def unlike(tree: Tree) -> None:
            tree["spec"]["replicas"] = 3
            tree["spec"]["template"]["spec"]["containers"][1]["image"] = "another:1"

        def is_healed(tree: Tree) -> bool:
            return (replicas(tree), image(tree)) == (0, own)

        for _ in range(3):
            await world.person.edit(place(world), unlike, manager=MANAGER)
            await world.has(place(world), is_healed)

        def names_both(tree: Tree) -> bool:
            return any("replicas" in text and "image" in text for text in _warnings(tree))

        (said,) = _warnings(await app.until(names_both))
        rule = load_one(said[said.index("{") : said.rindex("}") + 1])
        await world.person.patch(app.ref, {"spec": {"ignoreDifferences": [rule]}})
        await app.until(lambda tree: not _warnings(tree))
        await world.person.edit(place(world), unlike, manager=MANAGER)
        settled = await world.settled(place(world))
        assert (replicas(settled), image(settled)) == (3, "another:1")
        await app.synced()


async def test_the_rest_of_the_object_is_healed_at_full_speed_during_a_fight(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(replicas=0))
        await undo(world, 3)
        await warned(app)
        # The field backs off: its value stands while the label comes back at once.
        await world.person.patch(place(world), {"spec": {"replicas": 3}}, manager=MANAGER)
        loop = asyncio.get_running_loop()
        for _ in range(3):
            await world.person.edit(
                place(world), lambda tree: tree["metadata"]["labels"].update(tier="x")
            )
            began = loop.time()
            await world.has(place(world), lambda t: t["metadata"]["labels"]["tier"] == "front")
            assert loop.time() - began < 10


async def test_a_deletion_is_no_fight(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        for _ in range(4):
            uid = (await world.person.get(ref))["metadata"]["uid"]
            await world.person.delete(ref)
            await world.has(ref, _is_another(uid))
        await app.worked()
        assert _warnings(await app.tree()) == []


def _is_another(uid: str) -> Callable[[Tree], bool]:
    def is_another(tree: Tree) -> bool:
        return bool(tree["metadata"]["uid"] != uid)

    return is_another
