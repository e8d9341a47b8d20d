"""What is deleted by hand comes back; what is deleted on purpose, or must not come back, does not.

Rules: docs/internals/argocd/apply.md A3.
"""

from __future__ import annotations

import asyncio
import functools
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled, essence
from tests.support.person import Ref
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]


def ref_in(world: World, tree: Tree) -> Ref:
    return Ref(tree["apiVersion"], tree["kind"], world.namespace, tree["metadata"]["name"])


def uid_of(tree: Tree) -> str:
    return str(tree["metadata"]["uid"])


def is_another(old: Tree, tree: Tree) -> bool:
    return uid_of(tree) != uid_of(old)


async def comes_back(world: World, ref: Ref, old: Tree) -> Tree:
    return await world.has(ref, functools.partial(is_another, old))


async def is_gone(world: World, ref: Ref) -> bool:
    return await world.person.find(ref) is None


async def stays_gone(world: World, ref: Ref) -> None:
    await world.at_rest(ref)
    assert await world.person.find(ref) is None, f"{ref} came back"


def widget_crd(group: str) -> Tree:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return d.thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"widgets.{group}",
        spec={
            "group": group,
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    )


def widget(group: str, **spec: Any) -> Tree:
    return d.thing(f"{group}/v1", "Widget", "w", spec=spec or {"size": 1})


def unique_group() -> str:
    return f"g{uuid.uuid4().hex[:8]}.example"


@pytest.mark.parametrize(
    "declare",
    [
        pytest.param(d.deployment, id="a deployment"),
        pytest.param(d.stateful_set, id="a stateful set"),
        pytest.param(d.daemon_set, id="a daemon set"),
        pytest.param(d.config_map, id="a config map"),
        pytest.param(d.secret, id="a secret"),
        pytest.param(d.ingress, id="an ingress"),
        pytest.param(d.network_policy, id="a network policy"),
        pytest.param(d.role_binding, id="a role binding"),
        pytest.param(d.service_account, id="a service account"),
        pytest.param(d.autoscaler, id="an autoscaler"),
        pytest.param(d.cron_job, id="a cron job"),
        pytest.param(d.job, id="a job that still runs"),
    ],
)
@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_what_is_deleted_by_hand_comes_back_as_it_was(
    declare: Callable[[], Tree], propagation: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        tree = declare()
        await world.deploy(tree)
        ref = ref_in(world, tree)
        before = await world.settled(ref)

        await world.person.delete(ref, propagation)
        await comes_back(world, ref, before)

        after = await world.settled(ref)
        if tree["kind"] != "Job":  # its labels and selector name its own uid
            assert essence(after) == essence(before)
        assert len(world.find(ref).memory.recent) == 1


async def test_a_service_that_comes_back_with_another_address_is_in_sync_and_healed_once(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.service(type="NodePort"))
        ref = Ref("v1", "Service", world.namespace, "web")
        before = await world.person.get(ref)
        await world.person.delete(ref)
        back = await comes_back(world, ref, before)
        await app.synced()

        assert await world.settled(ref) == back
        assert len(world.find(ref).memory.recent) == 1


async def test_many_objects_deleted_at_once_all_come_back_once(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        refs = [Ref("v1", "ConfigMap", world.namespace, f"c-{number}") for number in range(60)]
        await world.deploy(*[d.config_map(ref.name) for ref in refs])
        before = {ref: await world.person.get(ref) for ref in refs}
        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(world.person.delete(ref))
        for ref in refs:
            await comes_back(world, ref, before[ref])
        await world.at_rest(*refs)
        assert [len(world.find(ref).memory.recent) for ref in refs] == [1] * len(refs)


async def test_five_deletions_are_healed_at_once_and_the_sixth_after_two_seconds(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        took = []
        for _ in range(6):
            before = await world.person.get(ref)
            began = time.monotonic()
            await world.person.delete(ref)
            await comes_back(world, ref, before)
            took.append(time.monotonic() - began)
        assert max(took[:5]) < 1.5 < took[5] < 6.0, took


# --- namespaces ------------------------------------------------------------------------------


async def test_a_deleted_namespace_comes_back_with_its_objects_when_the_application_creates_it(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(
            d.config_map(), d.deployment(), d.service(), options=("CreateNamespace=true",)
        )
        refs = [
            Ref("v1", "ConfigMap", world.namespace, "settings"),
            Ref("apps/v1", "Deployment", world.namespace, "web"),
            Ref("v1", "Service", world.namespace, "web"),
        ]
        before = {ref: await world.person.get(ref) for ref in refs}

        await world.person.delete(Ref("v1", "Namespace", "", world.namespace))
        for ref in refs:
            await comes_back(world, ref, before[ref])
        await app.synced()


async def test_a_deleted_namespace_that_git_declares_comes_back_with_its_objects(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        name = f"t-{uuid.uuid4().hex[:10]}"
        namespace = d.thing("v1", "Namespace", name, metadata={"labels": {"team": "a"}})
        config = d.config_map()
        config["metadata"]["namespace"] = name
        app = await world.deploy(namespace, config)
        ref = Ref("v1", "ConfigMap", name, "settings")
        before = await world.person.get(ref)

        await world.person.delete(Ref("v1", "Namespace", "", name))
        await comes_back(world, ref, before)

        back = await world.person.get(Ref("v1", "Namespace", "", name))
        assert back["metadata"]["labels"]["team"] == "a"
        await app.synced()
        await app.set_policy(None)
        await world.person.delete(Ref("v1", "Namespace", "", name))


async def test_objects_wait_for_a_namespace_that_nobody_creates_and_come_back_with_it(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), d.deployment())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        home = Ref("v1", "Namespace", "", world.namespace)
        before = await world.person.get(ref)

        await world.person.delete(home)
        await eventually(lambda: is_gone(world, home))
        await app.until(lambda tree: tree["status"]["health"]["status"] == "Missing")
        await stays_gone(world, home)
        assert len(world.find(ref).memory.recent) == 0, "waiting is no attempt"

        await world.person.create(d.thing("v1", "Namespace", world.namespace))
        await comes_back(world, ref, before)
        await app.synced()


# --- custom resources ------------------------------------------------------------------------


async def test_a_deleted_definition_comes_back_and_then_its_objects(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        group = unique_group()
        app = await world.deploy(widget_crd(group), widget(group))
        ref = ref_in(world, widget(group))
        before = await world.person.get(ref)
        definition = Ref(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}"
        )

        await world.person.delete(definition)
        await comes_back(world, ref, before)
        await app.synced()

        await world.person.patch(ref, {"spec": {"size": 2}})
        await world.has(ref, lambda tree: tree["spec"] == {"size": 1})
        await app.set_policy(None)
        await world.person.delete(definition)


async def test_objects_wait_for_their_definition_and_come_back_with_it(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        group = unique_group()
        definition = Ref(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}"
        )
        await world.person.create(widget_crd(group))
        await eventually(lambda: is_served(world, group))
        app = await world.deploy(widget(group))
        ref = ref_in(world, widget(group))
        before = await world.person.get(ref)

        await world.person.delete(definition)
        await eventually(lambda: is_gone(world, definition))
        await until(lambda: world.find(ref).waits_for is not None)
        await world.person.create(widget_crd(group))
        await comes_back(world, ref, before)
        await app.synced()
        await app.set_policy(None)
        await world.person.delete(definition)


async def is_served(world: World, group: str) -> bool:
    return (await world.person.send("GET", f"/apis/{group}/v1/widgets")).status == 200


# --- deleting on purpose ---------------------------------------------------------------------


async def test_an_object_that_is_being_deleted_is_left_alone_until_it_is_gone(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.patch(ref, {"metadata": {"finalizers": ["team.example/wait"]}})
        before = await world.settled(ref)

        await world.person.delete(ref)
        await world.person.patch(ref, {"data": {"a": "x"}})
        dying = await world.settled(ref)
        assert dying["data"]["a"] == "x", "somebody wrote an object that is being deleted"
        assert dying["metadata"]["deletionTimestamp"]

        await world.person.patch(ref, {"metadata": {"finalizers": None}})
        back = await comes_back(world, ref, before)
        assert back["data"]["a"] == "1"


async def test_a_finished_job_is_not_run_again(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.job("once", "true"), d.config_map())
        ref = Ref("batch/v1", "Job", world.namespace, "once")
        await world.has(ref, is_complete)

        await world.person.delete(ref)
        await eventually(lambda: is_gone(world, ref))
        await stays_gone(world, ref)
        await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")


async def test_a_job_that_cleans_itself_up_is_not_run_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        world.repository.write(
            "app/all.json", d.job("once", "true", ttlSecondsAfterFinished=0), d.config_map()
        )
        world.repository.commit()
        ref = Ref("batch/v1", "Job", world.namespace, "once")
        listed = (await world.person.send("GET", ref.collection)).tree
        async with world.person.watch(ref, listed["metadata"]["resourceVersion"]) as events:
            await world.create_app()
            async with asyncio.timeout(20):  # it may be gone before anybody could ask for it
                first = await anext(events)
        assert first.type == "ADDED"
        await eventually(lambda: is_gone(world, ref))
        await stays_gone(world, ref)


def is_complete(tree: Tree) -> bool:
    conditions = tree.get("status", {}).get("conditions", [])
    return any(item["type"] == "Complete" and item["status"] == "True" for item in conditions)


async def test_what_git_dropped_is_pruned_and_stays_gone(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map("keep"), d.config_map("drop"))
        await world.commit(app, d.config_map("keep"))
        ref = Ref("v1", "ConfigMap", world.namespace, "drop")
        await eventually(lambda: is_gone(world, ref))
        await stays_gone(world, ref)


# --- switches --------------------------------------------------------------------------------


async def deleted_and_missing(world: World, app: App, ref: Ref) -> None:
    await world.person.delete(ref)
    await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
    await stays_gone(world, ref)


async def test_nothing_comes_back_while_self_heal_is_off_and_all_when_it_goes_on(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.deployment(), self_heal=False)
        ref = Ref("apps/v1", "Deployment", world.namespace, "web")
        await deleted_and_missing(world, app, ref)
        status = await app.status()
        assert status["health"]["status"] == "Missing"

        await app.set_policy({"automated": {"selfHeal": True}})
        await world.has(ref, lambda _tree: True)
        await app.synced()


async def test_nothing_comes_back_while_automatic_sync_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        await app.set_policy(None)
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await deleted_and_missing(world, app, ref)


async def test_nothing_comes_back_while_skip_reconcile_is_set_and_all_when_it_goes(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        key = "argocd.argoproj.io/skip-reconcile"
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await app.annotate(key, "true")
        await world.person.delete(ref)
        await stays_gone(world, ref)

        await app.annotate(key, None)
        await world.has(ref, lambda _tree: True)
        await app.synced()
