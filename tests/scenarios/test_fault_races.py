"""Something is switched in the same instant as an object is deleted; what may follow is defined.

*The same instant* is two requests sent together; which is first, the API server's versions say.

| switched               | when the switch was first         | when the deletion was first      |
|------------------------|-----------------------------------|----------------------------------|
| self-heal off          | the object stays gone             | it is back once, or stays gone   |
| the Application's path | the end is what the new path says | the same                         |
| a pause begins         | it is back once, or stays gone    | the same                         |

A pause holds from the moment it was seen, which is milliseconds after it was made: what is deleted
after that stays gone.
Whatever stays gone is said (OutOfSync) and comes back when the switch is undone.
"""

from __future__ import annotations

import asyncio
import functools
import random
import uuid
from typing import TYPE_CHECKING, Any

from holdfast.domain.pause import pause_tree
from holdfast.schema.own_crds import own_crd_manifests
from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref, ref_of
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.person import WatchEvent
    from tests.support.plane import RealPlane

Tree = dict[str, Any]
SEED, TIMES = 20_261_127, 60


async def together(rng: random.Random, *acts: Coroutine[Any, Any, Any]) -> None:
    """Sends all at once, in random order."""
    mixed = list(acts)
    rng.shuffle(mixed)
    async with asyncio.TaskGroup() as group:
        for act in mixed:
            group.create_task(act)


async def many(world: World, *, count: int = TIMES) -> tuple[list[App], list[Ref]]:
    """Applications of one ConfigMap each, and the ConfigMaps."""
    for number in range(count):
        for path, value in (("app", "1"), ("other", "2")):
            world.repository.write(
                f"{path}-{number}/all.json", d.config_map(f"c-{number}", a=value)
            )
    world.repository.commit()
    apps = [await world.create_app(path=f"app-{number}") for number in range(count)]
    for app in apps:
        await app.synced()
    return apps, [Ref("v1", "ConfigMap", world.namespace, f"c-{n}") for n in range(count)]


async def note_deletions(events: AsyncIterator[WatchEvent], into: dict[str, int]) -> None:
    """Notes the version at which each object was deleted first."""
    async for event in events:
        if event.type == "DELETED":
            metadata = event.object["metadata"]
            into.setdefault(metadata["name"], int(metadata["resourceVersion"]))


async def test_self_heal_that_goes_off_as_an_object_is_deleted_is_obeyed_from_then_on(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    off_at: dict[int, int] = {}
    gone_at: dict[str, int] = {}
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        apps, refs = await many(world)
        before = {ref: (await world.person.get(ref))["metadata"]["uid"] for ref in refs}
        version = (await world.person.send("GET", refs[0].collection)).tree["metadata"]

        async def switch_off(number: int) -> None:
            tree = await world.person.patch(
                apps[number].ref, {"spec": {"syncPolicy": {"automated": {"selfHeal": False}}}}
            )
            off_at[number] = int(tree["metadata"]["resourceVersion"])

        async with (
            world.person.watch(refs[0], version["resourceVersion"], every=True) as events,
            asyncio.TaskGroup() as group,
        ):
            reader = group.create_task(note_deletions(events, gone_at))
            for number, ref in enumerate(refs):
                await together(rng, switch_off(number), world.person.delete(ref))
            await until(lambda: len(gone_at) == len(refs))
            reader.cancel()
        await world.at_rest(*refs)

        first = [n for n in range(TIMES) if off_at[n] < gone_at[refs[n].name]]
        assert 5 < len(first) < TIMES, f"the race was never run: {len(first)}"
        for number in range(TIMES):
            live = await world.person.find(refs[number])
            if number in first:
                assert live is None, f"seed {SEED}: {refs[number]} was healed against the switch"
            if live is None:
                await apps[number].until(lambda t: t["status"]["sync"]["status"] == "OutOfSync")
            else:
                assert live["metadata"]["uid"] != before[refs[number]]
                assert len(world.find(refs[number]).memory.recent) == 1
        for app in apps:
            await app.set_policy({"automated": {"selfHeal": True, "prune": True}})
        for ref in refs:
            await world.has(ref, lambda tree: tree["data"] == {"a": "1"})


async def test_an_application_that_changes_as_its_object_is_deleted_ends_as_it_says_last(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    rng = random.Random(SEED + 1)
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        apps, refs = await many(world)
        for number, (app, ref) in enumerate(zip(apps, refs, strict=True)):
            change = {"spec": {"source": {"path": f"other-{number}"}}}
            await together(rng, world.person.patch(app.ref, change), world.person.delete(ref))
        for ref in refs:
            await world.has(ref, lambda tree: tree["data"] == {"a": "2"})
        for app in apps:
            await app.synced()
        await world.at_rest(*refs)
        for ref in refs:
            assert (await world.person.get(ref))["data"] == {"a": "2"}, f"seed {SEED + 1}"


async def test_a_pause_that_begins_as_an_object_is_deleted_holds_once_it_was_seen(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    rng = random.Random(SEED + 2)
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        await _install_pauses(world)
        apps, refs = await many(world)
        before = {ref: (await world.person.get(ref))["metadata"]["uid"] for ref in refs}
        pauses: list[Ref] = []

        async def pause(app: App) -> None:
            tree = _pause(world, app)
            await world.person.create(tree)
            pauses.append(ref_of(tree))

        for app, ref in zip(apps, refs, strict=True):
            await together(rng, pause(app), world.person.delete(ref))
        await until(lambda: len(world.controller.registry.pauses or {}) == len(apps))
        await world.at_rest(*refs)
        held = [ref for ref in refs if await world.person.find(ref) is None]
        assert held, "no pause was ever in time"
        # All pauses are known by now: what is deleted under one stays gone.
        for ref in refs:
            await world.person.delete(ref)
        await world.at_rest(*refs)
        for ref in refs:
            assert await world.person.find(ref) is None, f"seed {SEED + 2}: {ref} was healed"
            assert len(world.find(ref).memory.recent) <= 1
        for place in pauses:
            await world.person.delete(place)
        for ref in refs:
            await world.has(ref, functools.partial(_is_new, before[ref]))


def _is_new(old_uid: str, tree: Tree) -> bool:
    return bool(tree["metadata"]["uid"] != old_uid)


def _pause(world: World, app: App) -> Tree:
    spec = {
        "scope": "Application",
        "target": app.key.name,
        "reason": "INC-1",
        "author": "ann",
        "until": "2099-01-01T00:00:00Z",
    }
    return pause_tree(f"p-{uuid.uuid4().hex[:8]}", world.control, spec)


async def _install_pauses(world: World) -> None:
    """The CRD, for planes on which no `holdfast run` has made it; and the controller knows it."""
    for crd in own_crd_manifests():
        answer = await world.person.send("POST", ref_of(crd).collection, crd)
        assert answer.status in (201, 409), answer
    probe = f"/apis/holdfast.dev/v1alpha1/namespaces/{world.control}/pauses"

    async def is_served() -> bool:
        return (await world.person.send("GET", probe)).status == 200

    await eventually(is_served)
    await until(lambda: world.controller.registry.pauses is not None, seconds=60)
