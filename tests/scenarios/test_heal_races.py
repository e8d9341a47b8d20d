"""What happens at the same moment must not be confused (docs/internals/argocd/apply.md A2, A3)."""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import JSON_PATCH, Ref
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.person import WatchEvent
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
TIMES = 200
CASCADE = "resources-finalizer.argocd.argoproj.io"


async def collect(events: AsyncIterator[WatchEvent], into: list[Tree]) -> None:
    async for event in events:
        into.append(event.object)  # noqa: PERF401 - cancelled half way


async def commit_values(world: World, ref: Ref, tree: Tree, place: str) -> list[Tree]:
    """Commits 200 values, one as soon as the one before is live; returns the object's events."""
    app = await world.deploy(tree)
    before = await world.settled(ref)
    seen: list[Tree] = []
    async with (
        world.person.watch(ref, before["metadata"]["resourceVersion"]) as events,
        asyncio.TaskGroup() as group,
    ):
        reader = group.create_task(collect(events, seen))
        for number in range(1, TIMES + 1):
            tree["metadata"].setdefault("annotations", {})[place] = str(number)
            world.repository.write("app/all.json", tree)
            world.repository.commit()
            app.refresh()

            async def is_live(value: str = str(number)) -> bool:
                return bool(seen) and seen[-1]["metadata"]["annotations"].get(place) == value

            await eventually(is_live)
        await app.synced(world.repository.head)
        await world.settled(ref)
        reader.cancel()
    return seen


async def test_each_of_200_commits_is_one_write_and_none_restores_an_older_one(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")

        seen = await commit_values(world, ref, d.config_map(), "value")

        values = [int(tree["metadata"]["annotations"]["value"]) for tree in seen]
        assert values == list(range(1, TIMES + 1))


async def test_no_commit_is_undone_while_another_manager_writes_the_object_all_the_time(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")

        async def disturb() -> None:
            await world.has(ref, lambda _tree: True)
            for number in itertools.count():
                patch = {"metadata": {"annotations": {"noise": str(number)}}}
                await world.person.patch(ref, patch, manager="noise")

        async with asyncio.TaskGroup() as group:
            noise = group.create_task(disturb())
            app_done = group.create_task(_commit_fifty(world, ref))
            values = await app_done
            noise.cancel()

        assert values == sorted(values), "an older value came back"
        assert set(values) == set(range(1, 51))
        state = world.find(ref)
        assert len(state.memory.recent) == 0, "a heal happened, although nobody changed our fields"


async def _commit_fifty(world: World, ref: Ref) -> list[int]:
    tree = d.config_map()
    app = await world.deploy(tree)
    before = await world.person.get(ref)
    seen: list[Tree] = []
    async with (
        world.person.watch(ref, before["metadata"]["resourceVersion"]) as events,
        asyncio.TaskGroup() as group,
    ):
        reader = group.create_task(collect(events, seen))
        for number in range(1, 51):
            tree["data"]["value"] = str(number)
            world.repository.write("app/all.json", tree)
            world.repository.commit()
            app.refresh()

            async def is_live(value: str = str(number)) -> bool:
                return bool(seen) and seen[-1]["data"].get("value") == value

            await eventually(is_live)
        await app.synced(world.repository.head)
        reader.cancel()
    return [int(tree["data"]["value"]) for tree in seen if "value" in tree["data"]]


@pytest.mark.parametrize("finalizer", ["", CASCADE], ids=["left alone", "cascade"])
async def test_no_orphan_is_left_when_application_and_object_are_deleted_in_the_same_instant(
    finalizer: str, plane: AnyPlane, tmp_path: Path
) -> None:
    """200 times. What counts is the server's order: an object that is deleted while its
    Application is there still comes back, rightly; with a cascade it goes again at once."""
    chance = random.Random(11)
    finalizers = (finalizer,) if finalizer else ()
    async with controlled(plane.kubeconfig, tmp_path) as world:
        for number in range(TIMES):
            world.repository.write(f"app-{number}/all.json", d.config_map(f"c-{number}"))
        world.repository.commit()
        apps = [
            await world.create_app(path=f"app-{number}", finalizers=finalizers)
            for number in range(TIMES)
        ]
        for app in apps:
            await app.synced(seconds=60)  # 200 at once are not the subject
        refs = [Ref("v1", "ConfigMap", world.namespace, f"c-{number}") for number in range(TIMES)]
        went: dict[str, int] = {}
        version = (await world.person.get(apps[0].ref))["metadata"]["resourceVersion"]
        async with (
            world.person.watch(apps[0].ref, version, every=True) as of_apps,
            world.person.watch(refs[0], version, every=True) as of_objects,
            asyncio.TaskGroup() as group,
        ):
            readers = [
                group.create_task(_note_deletions(events, went)) for events in (of_apps, of_objects)
            ]
            for number in chance.sample(range(TIMES), TIMES):
                both = [
                    world.person.delete(apps[number].ref),
                    world.person.delete(refs[number]),
                ]
                chance.shuffle(both)
                async with asyncio.TaskGroup() as pair:
                    for one in both:
                        pair.create_task(one)
            await eventually(lambda: _all_gone(world, apps), seconds=60)
            names = {app.key.name for app in apps} | {ref.name for ref in refs}
            await until(lambda: names <= set(went), seconds=60)
            await world.at_rest(*refs)
            for reader in readers:
                reader.cancel()

        left = await world.person.send("GET", refs[0].collection)
        names = {item["metadata"]["name"] for item in left.tree["items"]}
        orphans = [number for number in range(TIMES) if f"c-{number}" in names]
        if finalizer:
            assert orphans == []
        first = [n for n in range(TIMES) if went[apps[n].key.name] < went[f"c-{n}"]]
        assert len(first) > 20, "the race was never run"
        assert [number for number in orphans if number in first] == []


async def _note_deletions(events: AsyncIterator[WatchEvent], into: dict[str, int]) -> None:
    """Notes at which version of the cluster each object was deleted first (or began to be)."""
    async for event in events:
        metadata = event.object["metadata"]
        if event.type == "DELETED" or metadata.get("deletionTimestamp"):
            into.setdefault(metadata["name"], int(metadata["resourceVersion"]))


async def _all_gone(world: World, apps: list[App]) -> bool:
    left = await world.person.send("GET", apps[0].ref.collection)
    return not left.tree["items"]


@pytest.mark.parametrize("finalizer", ["", CASCADE], ids=["left alone", "cascade"])
async def test_what_is_deleted_with_its_application_stays_deleted(
    finalizer: str, plane: AnyPlane, tmp_path: Path
) -> None:
    finalizers = (finalizer,) if finalizer else ()
    async with controlled(plane.kubeconfig, tmp_path) as world:
        trees = [d.config_map(f"c-{number}") for number in range(20)]
        app = await world.deploy(*trees, finalizers=finalizers)
        refs = [Ref("v1", "ConfigMap", world.namespace, f"c-{number}") for number in range(20)]

        await world.person.delete(app.ref)
        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(world.person.delete(ref))

        async def is_gone() -> bool:
            return await world.person.find(app.ref) is None

        await eventually(is_gone)
        await world.at_rest(*refs)
        assert [await world.person.find(ref) for ref in refs] == [None] * 20


async def test_a_heal_of_a_change_does_not_create_what_was_deleted_for_good(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """The uid in the body of a heal refuses to create (A3); self-heal goes off in between."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(*[d.config_map(f"c-{number}") for number in range(30)])
        refs = [Ref("v1", "ConfigMap", world.namespace, f"c-{number}") for number in range(30)]
        await app.set_policy({"automated": {"selfHeal": True}})

        async def change_and_delete(ref: Ref) -> None:
            await world.person.patch(ref, {"data": {"a": "x"}})
            await world.person.delete(ref)

        await world.person.delete(app.ref)
        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(change_and_delete(ref))
        await world.at_rest(*refs)

        assert [ref.name for ref in refs if await world.person.find(ref)] == []


async def test_an_object_that_is_changed_and_deleted_at_once_comes_back_as_git_says(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        refs = [Ref("v1", "ConfigMap", world.namespace, f"c-{number}") for number in range(50)]
        await world.deploy(*[d.config_map(ref.name) for ref in refs])
        old = {ref: (await world.person.get(ref))["metadata"]["uid"] for ref in refs}

        async def change_and_delete(ref: Ref) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(world.person.send("PATCH", ref.path, SET_A, JSON_PATCH))
                group.create_task(world.person.delete(ref))

        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(change_and_delete(ref))

        for ref in refs:
            await world.has(ref, functools.partial(_is_new, old[ref]))


def _is_new(old_uid: str, tree: Tree) -> bool:
    return bool(tree["metadata"]["uid"] != old_uid) and tree["data"] == {"a": "1", "b": "2"}


SET_A = [{"op": "add", "path": "/data/a", "value": "x"}]
