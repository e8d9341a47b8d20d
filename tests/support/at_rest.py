"""Shows that a controller leaves things as they are, without waiting to see whether it will.

The controller of a `World` lives in the process of the test. What it decides on an event is decided
at once, and what it means to do later stands somewhere: a task, an entry of its queue, a timer. So
it is at rest when it has seen what is in the cluster, has looked at git once more, and has nothing
on its hands or in its calendar.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.planning.refresh import Level
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from holdfast.controller.state import ObjectState
    from tests.support.controlled import World
    from tests.support.person import Ref, Tree

CALENDAR_S = 30.0
"""Seconds in which nothing is planned; the next look at git by time is minutes away."""


async def come_to_rest(world: World, *refs: Ref) -> None:
    """Waits until the controller has seen these objects as they are now and plans nothing."""

    async def has_seen() -> bool:
        return await _has_seen_apps(world) and await _has_seen(world, refs)

    async def rests() -> bool:
        return await has_seen() and not plans(world)

    async def explain() -> object:
        return {"plans": plans(world), "seen": await has_seen()}

    await eventually(has_seen, explain=explain)
    for key in world.controller.registry.apps:
        world.controller.refresh(key, Level.LATEST_FORCED)
    await eventually(rests, explain=explain)


def plans(world: World) -> list[str]:
    """What the controller does now or will do soon of its own accord."""
    controller, queue = world.controller, world.controller._queue
    soon, now = asyncio.get_running_loop().time() + CALENDAR_S, time.monotonic()
    tasks = [name for name in world.supervisor._tasks if name.startswith(("heal ", "kinds"))]
    work = [f"work {key}" for key in {*queue._waiting, *queue.busy}]
    timers = [f"round {key}" for key, (due, *_) in queue._timers.items() if due < soon]
    looks = controller.lane._looks.items()
    return tasks + work + timers + [f"look {key}" for key, at in looks if at < now + CALENDAR_S]


async def has_worked(world: World, key: AppKey) -> None:
    """Lets the controller work on an Application once more, and waits for the end of it."""
    queue = world.controller._queue
    world.controller.refresh(key, Level.LATEST_FORCED)

    async def is_done() -> bool:
        return key not in queue._waiting and key not in queue.busy

    await eventually(is_done)


async def has_heard(world: World, key: AppKey, version: int) -> None:
    """Waits until the controller's watch has brought this version of an Application."""

    async def look() -> bool:
        return _heard_version(world, key) >= version

    await eventually(look)


def key_of(ref: Ref) -> ResourceKey:
    """Its key as the controller has it."""
    group = ref.api_version.rpartition("/")[0]
    return ResourceKey(group, ref.kind, ref.namespace, ref.name)


def _heard_version(world: World, key: AppKey) -> int:
    heard = world.controller.observer._seen_apps.get(key)
    return heard.unpack().manifest.version_number if heard is not None else 0


async def _has_seen_apps(world: World) -> bool:
    if not world.apps:
        return True
    there = await _list(world, world.apps[0].ref)
    keys = {AppKey(world.control, name): int(m["resourceVersion"]) for name, m in there.items()}
    heard = all(_heard_version(world, key) >= version for key, version in keys.items())
    return heard and set(world.controller.registry.apps) == set(keys)


async def _has_seen(world: World, refs: tuple[Ref, ...]) -> bool:
    found: dict[str, dict[str, Tree]] = {}
    for ref in refs:
        if ref.collection not in found:
            found[ref.collection] = await _list(world, ref)
        state = world.controller.registry.objects.get(key_of(ref))
        if state is None:
            continue  # it belongs to nobody
        live = found[ref.collection].get(ref.name)
        if live is None or state.live is None:
            if live is not None or state.live is not None:
                return False
        elif state.live.uid != live["uid"] or _seen_version(state) < int(live["resourceVersion"]):
            return False
    return True


def _seen_version(state: ObjectState) -> int:
    return max(state.live.version if state.live is not None else 0, state.fence)


async def _list(world: World, ref: Ref) -> dict[str, Tree]:
    """The metadata of what stands beside an object, by name; nothing of a kind that is gone."""
    answer = await world.person.send("GET", ref.collection)
    if answer.status == 404:
        return {}
    return {item["metadata"]["name"]: item["metadata"] for item in answer.tree["items"]}
