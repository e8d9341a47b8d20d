"""The wall clock steps while Holdfast works: pauses, windows and waits keep what they promise."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.domain.pause import pause_tree
from holdfast.kit.clock import SystemClock
from holdfast.schema.own_crds import own_crd_manifests
from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref, ref_of
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.plane import RealPlane

Tree = dict[str, Any]
HOUR = timedelta(hours=1)


class SteppingClock(SystemClock):
    """The machine's clock, whose wall time can be set."""

    def __init__(self) -> None:
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.set_by


async def pause(world: World, app: App, length: timedelta) -> Ref:
    """Pauses an Application, by the clock as it stands, and waits until the controller knows."""
    for crd in own_crd_manifests():
        answer = await world.person.send("POST", ref_of(crd).collection, crd)
        assert answer.status in (201, 409), answer
    await until(lambda: world.controller.registry.pauses is not None, seconds=60)
    until_text = (datetime.now(UTC) + length).isoformat(timespec="seconds")
    spec = {
        "scope": "Application",
        "target": app.key.name,
        "reason": "INC-1",
        "author": "ann",
        "until": until_text.replace("+00:00", "Z"),
    }
    tree = pause_tree("p-clock", world.control, spec)

    async def is_made() -> bool:
        answer = await world.person.send("POST", ref_of(tree).collection, tree)
        return answer.status in (201, 409)

    await eventually(is_made)
    await until(lambda: world.controller.registry.pauses)
    return ref_of(tree)


def is_another(uid: str, tree: Tree) -> bool:
    return bool(tree["metadata"]["uid"] != uid)


async def test_a_pause_that_a_step_forward_ends_ends_within_seconds(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    clock = SteppingClock()
    async with controlled(real_plane.kubeconfig, tmp_path, clock=clock) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await pause(world, app, HOUR)
        await world.person.patch(ref, {"data": {"a": "x"}})
        await until(lambda: world.find(ref).was_paused)
        clock.set_by = 2 * HOUR
        await world.has(ref, lambda tree: tree["data"]["a"] == "1")
        await app.synced()


async def test_a_pause_holds_on_after_a_step_back_and_ends_when_people_read_its_end(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    clock = SteppingClock()
    async with controlled(real_plane.kubeconfig, tmp_path, clock=clock) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await pause(world, app, timedelta(seconds=3))
        clock.set_by = -HOUR
        began = clock.monotonic()
        await world.person.patch(ref, {"data": {"a": "x"}})
        # Its end passes by the monotonic clock, and nothing happens.
        await until(lambda: clock.monotonic() > began + 4.0)
        assert (await world.person.get(ref))["data"]["a"] == "x"
        clock.set_by = timedelta(0)
        await world.has(ref, lambda tree: tree["data"]["a"] == "1")
        await app.synced()


async def test_a_heal_window_that_a_step_closes_or_opens_is_obeyed_within_seconds(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    clock = SteppingClock()
    soon = datetime.now(UTC) + HOUR
    windows = [{"kind": "deny", "schedule": f"{soon.minute} {soon.hour} * * *", "duration": "2h"}]
    note = {"holdfast.dev/heal-windows": json.dumps(windows)}
    async with controlled(real_plane.kubeconfig, tmp_path, clock=clock) as world:
        app = await world.deploy(d.config_map(), annotations=note)
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.patch(ref, {"data": {"a": "x"}}, manager="one")
        await world.has(ref, lambda tree: tree["data"]["a"] == "1")
        clock.set_by = 2 * HOUR
        await world.person.patch(ref, {"data": {"a": "x"}}, manager="two")
        await until(lambda: world.find(ref).episode is not None)
        episode = world.find(ref).episode
        assert episode is not None
        assert episode.decision == ("hold", "heal-window")
        clock.set_by = timedelta(0)
        await world.has(ref, lambda tree: tree["data"]["a"] == "1")
        await app.synced()


async def test_steps_of_the_clock_neither_skip_nor_lengthen_the_backoff_of_heals(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    clock = SteppingClock()
    async with controlled(real_plane.kubeconfig, tmp_path, clock=clock) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        took = []
        for turn in range(6):
            clock.set_by = HOUR * (-1 if turn % 2 else 1)
            uid = (await world.person.get(ref))["metadata"]["uid"]
            began = clock.monotonic()
            await world.person.delete(ref)
            await world.has(ref, functools.partial(is_another, uid))
            took.append(clock.monotonic() - began)
        assert max(took[:5]) < 1.5, took
        assert 1.0 < took[5] < 8.0, took
        await app.synced()
