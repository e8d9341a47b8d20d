"""Ignore rules hold in a heal, and leaving a field out never resets it (apply.md A4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
REPLICAS = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
IMAGES = [
    {
        "group": "apps",
        "kind": "Deployment",
        "jqPathExpressions": [".spec.template.spec.containers[].image"],
    }
]
RESPECT = ("RespectIgnoreDifferences=true",)


def place(world: World) -> Ref:
    return Ref("apps/v1", "Deployment", world.namespace, "web")


def image(tree: Tree, number: int = 0) -> str:
    return str(tree["spec"]["template"]["spec"]["containers"][number]["image"])


async def scale(world: World, replicas: int) -> None:
    """As the autoscaler does: an update of the scale subresource."""
    await world.person.patch(
        place(world),
        {"spec": {"replicas": replicas}},
        manager="kube-controller-manager",
        subresource="scale",
    )


async def test_a_heal_leaves_ignored_replicas_as_an_autoscaler_set_them(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(replicas=4), ignoreDifferences=REPLICAS)
        await scale(world, 6)
        await world.at_rest(place(world))
        assert (await world.person.get(place(world)))["spec"]["replicas"] == 6
        assert len(world.find(place(world)).memory.recent) == 0
        await app.synced()

        await world.person.edit(place(world), lambda o: o["metadata"]["labels"].update(tier="x"))
        healed = await world.has(
            place(world), lambda tree: tree["metadata"]["labels"]["tier"] == "front"
        )
        assert healed["spec"]["replicas"] == 6
        await scale(world, 3)
        assert (await world.settled(place(world)))["spec"]["replicas"] == 3


async def test_a_heal_does_not_reset_ignored_replicas_that_are_still_ours(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """argo-cd#28590: replicas fell from 4 to 1."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment(replicas=4), ignoreDifferences=REPLICAS)
        for _ in range(2):
            await world.person.edit(
                place(world), lambda o: o["metadata"]["labels"].update(tier="x")
            )
            healed = await world.has(
                place(world), lambda tree: tree["metadata"]["labels"]["tier"] == "front"
            )
            assert healed["spec"]["replicas"] == 4
        await scale(world, 6)
        assert (await world.settled(place(world)))["spec"]["replicas"] == 6


async def test_a_sync_that_respects_ignored_fields_never_resets_them(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(
            d.deployment(replicas=4), ignoreDifferences=REPLICAS, options=RESPECT
        )
        tree = d.deployment(replicas=2)
        tree["metadata"]["labels"]["tier"] = "back"
        await world.commit(app, tree)
        live = await world.person.get(place(world))
        assert live["metadata"]["labels"]["tier"] == "back"
        assert live["spec"]["replicas"] == 4

        await scale(world, 7)
        tree["metadata"]["labels"]["tier"] = "middle"
        await world.commit(app, tree)
        live = await world.person.get(place(world))
        assert live["metadata"]["labels"]["tier"] == "middle"
        assert live["spec"]["replicas"] == 7


async def test_a_sync_sets_ignored_fields_when_they_are_not_respected(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(replicas=4), ignoreDifferences=REPLICAS)
        await scale(world, 7)
        tree = d.deployment(replicas=4)
        tree["metadata"]["labels"]["tier"] = "back"
        await world.commit(app, tree)
        assert (await world.person.get(place(world)))["spec"]["replicas"] == 4


async def test_ignored_images_are_kept_by_heals_and_declared_when_the_object_comes_back(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment(), ignoreDifferences=IMAGES)
        await world.person.edit(
            place(world),
            lambda o: o["spec"]["template"]["spec"]["containers"][0].update(image="other:1"),
            manager="image-updater",
        )
        await world.at_rest(place(world))
        assert image(await world.person.get(place(world))) == "other:1"

        await world.person.edit(place(world), lambda o: o["spec"].update(replicas=9))
        healed = await world.has(place(world), lambda tree: tree["spec"]["replicas"] == 2)
        assert image(healed) == "other:1"
        assert image(healed, 1) == "registry.example/web:1"

        old = healed["metadata"]["uid"]
        await world.person.delete(place(world))
        back = await world.has(place(world), lambda tree: tree["metadata"]["uid"] != old)
        assert image(back) == "registry.example/web:1"


async def test_an_ignored_item_of_an_atomic_list_keeps_its_live_value(
    plane: AnyPlane, tmp_path: Path
) -> None:
    rule = [
        {
            "group": "rbac.authorization.k8s.io",
            "kind": "RoleBinding",
            "jqPathExpressions": ['.subjects[] | select(.name == "bob") | .kind'],
        }
    ]
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.role(), d.role_binding(), ignoreDifferences=rule)
        ref = Ref("rbac.authorization.k8s.io/v1", "RoleBinding", world.namespace, "reader")
        await world.person.edit(ref, lambda o: o["subjects"][1].update(kind="Group"))
        await world.at_rest(ref)
        assert (await world.person.get(ref))["subjects"][1]["kind"] == "Group"

        await world.person.edit(ref, lambda o: o["subjects"][0].update(name="eve"))
        healed = await world.has(ref, lambda tree: tree["subjects"][0]["name"] == "ada")
        assert healed["subjects"][1] == {
            "kind": "Group",
            "apiGroup": "rbac.authorization.k8s.io",
            "name": "bob",
        }


async def test_what_an_ignored_manager_owns_is_no_drift_and_is_kept(
    plane: AnyPlane, tmp_path: Path
) -> None:
    rule = [{"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["autoscaler"]}]
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(), ignoreDifferences=rule, options=RESPECT)
        await world.person.edit(
            place(world), lambda o: o["spec"].update(replicas=8), manager="autoscaler"
        )
        await world.at_rest(place(world))
        assert (await world.person.get(place(world)))["spec"]["replicas"] == 8
        await app.synced()

        await world.person.edit(place(world), lambda o: o["metadata"]["labels"].update(tier="x"))
        healed = await world.has(
            place(world), lambda tree: tree["metadata"]["labels"]["tier"] == "front"
        )
        assert healed["spec"]["replicas"] == 8
        tree = d.deployment()
        tree["metadata"]["labels"]["tier"] = "back"
        await world.commit(app, tree)
        assert (await world.person.get(place(world)))["spec"]["replicas"] == 8
