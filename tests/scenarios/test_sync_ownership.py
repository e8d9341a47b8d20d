"""Who owns which field, so that what git drops goes and what others own stays (apply.md A6, A7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import QUICK_RETRY, controlled
from tests.support.person import Ref

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]


def settings(world: World) -> Ref:
    return Ref("v1", "ConfigMap", world.namespace, "settings")


def here(world: World, tree: Tree) -> Tree:
    return {**tree, "metadata": {**tree["metadata"], "namespace": world.namespace}}


def entries(tree: Tree, manager: str) -> list[str]:
    return [
        entry["operation"]
        for entry in tree["metadata"]["managedFields"]
        if entry["manager"] == manager
    ]


async def make_as(world: World, tree: Tree, how: str) -> None:
    """Makes an object as an earlier tool did."""
    tree = here(world, tree)
    if how == "kubectl apply":
        await world.person.client_side_apply(tree)
    elif how == "Argo CD, client-side":
        await world.person.create(tree, manager="argocd-controller")
    else:
        await world.person.apply(tree, manager="argocd-controller")


@pytest.mark.parametrize("how", ["kubectl apply", "Argo CD, client-side", "Argo CD, server-side"])
async def test_what_git_drops_goes_from_an_object_that_was_applied_by(
    how: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await make_as(world, d.config_map(a="1", b="2"), how)
        app = await world.deploy(d.config_map(a="1", b="3"))
        await world.commit(app, d.config_map(a="1"))
        live = await world.person.get(settings(world))
        assert live["data"] == {"a": "1"}


@pytest.mark.parametrize("how", ["kubectl apply", "Argo CD, client-side", "Argo CD, server-side"])
async def test_what_the_first_commit_lacks_goes_from_an_object_that_was_applied_by(
    how: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await make_as(world, d.config_map(a="1", b="2"), how)
        await world.deploy(d.config_map(a="1"))
        assert (await world.person.get(settings(world)))["data"] == {"a": "1"}


async def test_an_object_that_somebody_created_is_taken_over_and_keeps_what_git_does_not_declare(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.person.create(here(world, d.config_map(a="0", mine="yes")))
        await world.deploy(d.config_map(a="1"))
        assert (await world.person.get(settings(world)))["data"] == {"a": "1", "mine": "yes"}


async def test_the_manager_that_an_annotation_names_is_followed(
    plane: AnyPlane, tmp_path: Path
) -> None:
    annotation = {"argocd.argoproj.io/client-side-apply-migration-manager": "old-tool"}
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.person.create(here(world, d.config_map(a="1", b="2")), manager="old-tool")
        await world.deploy(d.config_map(a="1"), annotations=annotation)
        assert (await world.person.get(settings(world)))["data"] == {"a": "1"}


async def test_nothing_is_followed_when_the_migration_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await make_as(world, d.config_map(a="1", b="2"), "kubectl apply")
        world.repository.write("app/all.json", d.config_map(a="2"))
        world.repository.commit()
        app = await world.create_app(options=("ClientSideApplyMigration=false",), self_heal=False)
        await world.has(settings(world), lambda tree: tree["data"]["a"] == "2")
        await app.until(lambda tree: tree["status"]["sync"]["status"])
        live = await world.person.get(settings(world))
        assert live["data"] == {"a": "2", "b": "2"}
        assert "kubectl-client-side-apply" in {
            entry["manager"] for entry in live["metadata"]["managedFields"]
        }


async def test_what_a_person_applies_later_beside_ours_is_theirs_and_stays(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1", b="2"))
        await world.person.client_side_apply(here(world, d.config_map(mine="yes")))
        await world.settled(settings(world))
        await world.commit(app, d.config_map(a="1"))
        assert (await world.person.get(settings(world)))["data"] == {"a": "1", "mine": "yes"}


async def test_a_field_that_was_edited_by_hand_goes_when_git_drops_it_while_healing_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1", b="2"), self_heal=False)
        await world.person.patch(settings(world), {"data": {"b": "hand"}})
        await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
        await world.commit(app, d.config_map(a="1"))
        assert (await world.person.get(settings(world)))["data"] == {"a": "1"}


async def test_an_object_is_healed_for_one_application_alone_and_the_other_is_warned(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        first = await world.deploy(d.config_map(a="1"))
        world.repository.write("other/all.json", d.config_map(a="2"))
        world.repository.commit()
        second = await world.create_app(path="other", automated=False)

        def is_warned(tree: Tree) -> bool:
            conditions = tree.get("status", {}).get("conditions", [])
            return any(item["type"] == "SharedResourceWarning" for item in conditions)

        await second.until(is_warned)
        await world.settled(settings(world))
        await world.person.patch(settings(world), {"data": {"a": "hand"}})
        await world.has(settings(world), lambda tree: tree["data"]["a"] == "1")
        await first.synced()


async def test_two_applications_that_sync_one_object_do_not_play_ping_pong(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map(a="1"))
        world.repository.write("other/all.json", d.config_map(b="2"))
        world.repository.commit()
        second = await world.create_app(path="other")
        await second.finished()  # its one write is done
        await world.at_rest(settings(world))
        before = await world.person.get(settings(world))
        await world.at_rest(settings(world))
        after = await world.person.get(settings(world))
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_what_git_drops_goes_after_a_replace(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1", b="2"), options=("Replace=true",))
        tree = await world.person.get(settings(world))
        await world.commit(app, d.config_map(a="3", b="2"))
        replaced = await world.person.get(settings(world))
        assert replaced["metadata"]["uid"] == tree["metadata"]["uid"]
        assert entries(replaced, "holdfast") == ["Apply"]
        await app.set_policy({"automated": {"prune": True, "selfHeal": True}})
        await world.commit(app, d.config_map(a="3"))
        assert (await world.person.get(settings(world)))["data"] == {"a": "3"}


async def test_an_immutable_field_is_changed_by_force(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.role(), d.role("Role", "writer"), d.role_binding())
        ref = Ref("rbac.authorization.k8s.io/v1", "RoleBinding", world.namespace, "reader")
        before = await world.person.get(ref)
        binding = d.role_binding("writer")
        binding["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "Force=true"}
        await world.commit(app, d.role(), d.role("Role", "writer"), binding)
        after = await world.person.get(ref)
        assert after["roleRef"]["name"] == "writer"
        assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_an_object_that_a_finalizer_holds_is_created_anew_once_it_is_gone(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.role(), d.role_binding(), syncPolicy=QUICK_RETRY)
        ref = Ref("rbac.authorization.k8s.io/v1", "RoleBinding", world.namespace, "reader")
        held = {"metadata": {"finalizers": ["team.example/wait"]}}
        before = await world.person.patch(ref, held)
        binding = d.role_binding("writer")
        binding["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "Force=true"}
        world.repository.write("app/all.json", d.role(), binding)
        world.repository.commit()
        app.refresh()
        await app.until(lambda tree: "still holds it" in str(tree["status"].get("operationState")))
        dying = await world.person.get(ref)
        assert dying["roleRef"]["name"] == "reader"

        await world.person.patch(ref, {"metadata": {"finalizers": None}})
        after = await world.has(ref, lambda tree: tree["roleRef"]["name"] == "writer")
        assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_an_immutable_field_without_force_is_said_and_nothing_else_is_touched(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.role(), d.role_binding())
        world.repository.write("app/all.json", d.role(), d.role_binding("writer"))
        world.repository.commit()
        app.refresh()
        tree = await app.until(
            lambda tree: "cannot change roleRef" in str(tree["status"].get("operationState"))
        )
        assert tree["status"]["sync"]["status"] == "OutOfSync"
