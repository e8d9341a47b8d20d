"""Objects meet what happens to them in real clusters: webhooks, finalizers, other people.

Each test runs on the real control plane: what the sandbox does about it proves nothing.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import logging
import random
from typing import TYPE_CHECKING, Any

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref
from tests.support.waiting import eventually, until
from tests.support.webhook import RefusingWebhook

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from holdfast.domain.events import Happening
    from tests.support.controlled import World
    from tests.support.plane import RealPlane

Tree = dict[str, Any]
SEED = 20_261_125
FINALIZER = "team.example/wait"


class Kept:
    """A listener that keeps what happens."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []

    def take(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def count(self, kind: str, name: str = "") -> int:
        """How many of a kind, of objects of a name."""
        return sum(
            1
            for happening in self.happenings
            if type(happening).__name__ == kind and name in ("", _name_of(happening))
        )


def _name_of(happening: Happening) -> str:
    key = getattr(happening, "key", None) or getattr(getattr(happening, "drift", None), "key", None)
    return key.name if key is not None else ""


def uid_of(tree: Tree) -> str:
    return str(tree["metadata"]["uid"])


async def is_another(world: World, ref: Ref, old: Tree) -> Tree:
    """Waits until another object stands in the place of an old one."""
    return await world.has(ref, lambda tree: uid_of(tree) != uid_of(old))


async def test_a_heal_that_a_webhook_refuses_succeeds_once_it_is_allowed(
    real_plane: RealPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    kept = Kept()
    async with controlled(real_plane.kubeconfig, tmp_path, listeners=(kept,)) as world:
        app = await world.deploy(d.config_map("gone"), d.config_map("edited"))
        gone, edited = (Ref("v1", "ConfigMap", world.namespace, n) for n in ("gone", "edited"))
        # Edited first: the webhook refuses everybody's writes.
        async with RefusingWebhook(world.person, world.namespace, "no config maps today") as hook:
            asked = hook.asked
            await world.person.delete(gone)
            await until(lambda: world.find(gone).memory.refusal)
            assert "no config maps today" in world.find(gone).memory.refusal
            assert hook.asked - asked <= 3, "a refusal was asked about again and again"
            await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
        await world.has(gone, lambda _tree: True)
        await world.person.patch(edited, {"data": {"a": "x"}})
        await world.has(edited, lambda tree: tree["data"]["a"] == "1")
        await app.synced()
    assert kept.count("DriftOpened", "gone") == 1
    assert kept.count("DriftClosed", "gone") == 1


async def test_an_object_deleted_in_the_foreground_comes_back_once_with_children_of_its_own(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    kept = Kept()
    async with controlled(real_plane.kubeconfig, tmp_path, listeners=(kept,)) as world:
        plain = d.deployment(d.container(), pod={"terminationGracePeriodSeconds": 0})
        app = await world.deploy(plain)
        ref = Ref("apps/v1", "Deployment", world.namespace, "web")
        ready = await world.has(ref, lambda o: o.get("status", {}).get("readyReplicas") == 2)

        await world.person.delete(ref, "Foreground")
        back = await is_another(world, ref, ready)
        await world.has(ref, lambda o: o.get("status", {}).get("readyReplicas") == 2)
        await app.synced()

        path = f"/apis/apps/v1/namespaces/{world.namespace}/replicasets"
        sets = (await world.person.send("GET", path)).tree["items"]
        owners = {owner["uid"] for item in sets for owner in item["metadata"]["ownerReferences"]}
        assert owners == {uid_of(back)}
        await world.at_rest(ref)
    assert kept.count("DriftOpened") == 1
    assert kept.count("HealAttempted") == 1


async def test_nothing_is_written_into_a_namespace_while_it_terminates(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    kept = Kept()
    async with controlled(real_plane.kubeconfig, tmp_path, listeners=(kept,)) as world:
        app = await world.deploy(
            d.config_map("held"), d.config_map("free"), options=("CreateNamespace=true",)
        )
        held, free = (Ref("v1", "ConfigMap", world.namespace, n) for n in ("held", "free"))
        await world.person.patch(held, {"metadata": {"finalizers": [FINALIZER]}})
        before = {ref: await world.person.get(ref) for ref in (held, free)}
        home = Ref("v1", "Namespace", "", world.namespace)

        await world.person.delete(home)
        await eventually(lambda: is_gone(world, free))
        await world.at_rest(held, free)
        assert kept.count("HealAttempted") == 0
        dying = await world.person.get(home)
        assert dying["metadata"]["deletionTimestamp"]

        await world.person.patch(held, {"metadata": {"finalizers": None}})
        for ref in (held, free):
            await is_another(world, ref, before[ref])
        await app.synced()
    for name in ("held", "free"):
        assert kept.count("DriftOpened", name) == 1


async def is_gone(world: World, ref: Ref) -> bool:
    return await world.person.find(ref) is None


async def test_what_another_deletes_and_creates_again_ends_as_git_says(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    """Thirty objects; where the other is faster than the heal, its object stays and is healed."""
    rng = random.Random(SEED)
    names = [f"c-{number}" for number in range(30)]
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(*[d.config_map(name) for name in names])
        refs = [Ref("v1", "ConfigMap", world.namespace, name) for name in names]
        old = {ref: await world.person.get(ref) for ref in refs}
        theirs: dict[Ref, str] = {}

        async def delete_and_create(ref: Ref) -> None:
            for _ in range(rng.randrange(3)):
                await world.person.send("GET", ref.path)  # some are slower than others
            tree = d.config_map(ref.name, a="another's")
            tree["metadata"]["namespace"] = ref.namespace
            await world.person.delete(ref)
            answer = await world.person.send("POST", ref.collection, tree)
            if answer.status == 201:
                theirs[ref] = uid_of(answer.tree)
            else:
                assert answer.status == 409, answer  # the heal was faster

        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(delete_and_create(ref))
        await app.synced()
        await world.at_rest(*refs)
        for ref in refs:
            live = await world.person.get(ref)
            assert live["data"] == {"a": "1", "b": "2"}, (ref, SEED)
            assert uid_of(live) != uid_of(old[ref])
            if ref in theirs:
                assert uid_of(live) == theirs[ref], "a heal never deletes"
        assert theirs, "nobody was ever faster than a heal"


async def test_what_another_creates_with_other_list_elements_is_healed_without_leftovers(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    """Two ports of one name are refused; two containers would both run."""
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        service, workload = d.service(), d.deployment(d.container())
        app = await world.deploy(service, workload)
        refs = [
            Ref("v1", "Service", world.namespace, "web"),
            Ref("apps/v1", "Deployment", world.namespace, "web"),
        ]
        theirs = [copy.deepcopy(service), copy.deepcopy(workload)]
        theirs[0]["spec"]["ports"][0]["port"] = 1234
        theirs[1]["spec"]["template"]["spec"]["containers"][0]["name"] = "another"
        await app.set_policy({"automated": {"selfHeal": False}})
        for ref, tree in zip(refs, theirs, strict=True):
            tree["metadata"]["namespace"] = ref.namespace
            await world.person.delete(ref)
            await eventually(functools.partial(is_gone, world, ref))
            await world.person.create(tree)
        await app.set_policy({"automated": {"selfHeal": True}})
        await app.synced()
        await world.at_rest(*refs)
        ports = (await world.person.get(refs[0]))["spec"]["ports"]
        assert [port["port"] for port in ports] == [p["port"] for p in service["spec"]["ports"]]
        pod = (await world.person.get(refs[1]))["spec"]["template"]["spec"]
        assert [container["name"] for container in pod["containers"]] == ["web"]
