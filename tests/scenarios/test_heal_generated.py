"""No false drift, for manifests that nobody thought of (apply.md A5, demand N3).

Hypothesis makes over 200 objects of all the usual kinds; each batch is one Application on the real
plane, applied by a commit. Then, for every object:
  * the comparison says equal, and goes on saying so while controllers write status and scale pods;
  * an event that changes nothing that matters costs no request at all;
  * a second sync sends no write;
  * another process, that knows no echo, finds it equal, by the cheap rule or by a dry run (C3).

HOLDFAST_SEED=n makes other examples.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support import generated
from tests.support.controlled import controlled, running
from tests.support.counted import about_objects, counted, writes
from tests.support.person import MERGE, Ref, ref_of
from tests.support.rewriting import MIRROR, RewritingWebhook
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import World
    from tests.support.plane import RealPlane

Tree = dict[str, Any]
SEED = int(os.environ.get("HOLDFAST_SEED", "1"))
NOW = "2026-11-23T16:00:00Z"
REWRITTEN = "whose images a webhook rewrites"
SIZES = {"of all kinds": 176, REWRITTEN: 160}
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
STATUS = {"Deployment", "StatefulSet", "DaemonSet", "Service", "PodDisruptionBudget", "Widget"}


def examples(count: int, world: World) -> list[Tree]:
    """As many objects of all kinds, with names that nothing else on the plane has."""
    found: list[Tree] = []
    drawn: list[tuple[Tree, ...]] = []

    @seed(SEED)
    @settings(
        max_examples=count // 16 + 1,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(generated.one_of_each())
    def draw(trees: tuple[Tree, ...]) -> None:
        drawn.append(trees)

    draw()
    for number, trees in enumerate(drawn):
        found += generated.numbered(trees, f"{world.namespace[2:8]}{number}")
    return found


def place(tree: Tree, world: World) -> Ref:
    namespace = "" if generated.is_cluster_scoped(tree) else world.namespace
    return Ref(tree["apiVersion"], tree["kind"], namespace, tree["metadata"]["name"])


async def _compared(world: World, refs: list[Ref]) -> None:
    """Every object is equal, and nothing was ever healed."""
    await world.at_rest(*refs)
    wrong = {
        ref: (state.sync, state.comparison)
        for ref in refs
        if (state := world.find(ref)).sync != "Synced" or state.memory.recent
    }
    assert not wrong


async def _disturb(world: World, refs: list[Ref]) -> None:
    """What controllers and leaders do all day: status, managedFields, a new resourceVersion."""
    for ref in refs:
        if ref.kind in STATUS:
            condition = {"type": "Seen", "status": "True", "lastTransitionTime": NOW, "reason": "A"}
            path = f"{ref.path}/status"
            body = {"status": {"conditions": [{**condition, "message": ""}]}}
            answer = await world.person.send("PATCH", path, body, MERGE, fieldManager="watcher")
            assert answer.status == 200, (ref, answer.message)
        note = {"metadata": {"annotations": {"leader.example/renewed": str(len(ref.name))}}}
        await world.person.patch(ref, note, manager="leader")


async def _holds(world: World, folder: Path, trees: list[Tree]) -> int:
    """Shows all that the module's text says; returns how many dry runs a stranger needed."""
    refs = [place(tree, world) for tree in trees]
    app = await world.deploy(*trees)
    await _compared(world, refs)

    with counted(world.connection) as sent:
        await _disturb(world, refs)
        await _compared(world, refs)
    assert about_objects(sent) == []

    with counted(world.connection) as sent:
        await app.run({"revision": world.repository.head})
        state = await app.finished()
        assert state["phase"] == "Succeeded", state
        await _compared(world, refs)
    assert writes(sent) == []
    return await _is_found_equal_by_a_stranger(world, folder, refs)


async def _is_found_equal_by_a_stranger(world: World, folder: Path, refs: list[Ref]) -> int:
    """A second controller, started from nothing beside the first."""
    async with running(world, folder) as other:
        with counted(other.connection) as sent:
            (app,) = world.apps

            async def is_known() -> bool:
                known = other.controller.registry.apps.get(app.key)
                return known is not None and known.desired is not None and known.is_loaded

            await eventually(is_known)
            await _compared(other, refs)
        assert writes(sent) == []
    assert len([one for one in sent if one.is_dry_run]) <= len(refs)
    return len([one for one in sent if one.is_dry_run])


@pytest.mark.parametrize("size", SIZES.values(), ids=list(SIZES))
async def test_no_drift_is_seen_in_generated_objects(
    size: int, real_plane: RealPlane, tmp_path: Path
) -> None:
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        await _define_widgets(world)
        trees = await asyncio.to_thread(examples, size, world)
        assert len(trees) >= size
        try:
            if size == SIZES[REWRITTEN]:
                async with RewritingWebhook(world.person, world.namespace):
                    trees = [tree for tree in trees if tree["kind"] in WORKLOADS]
                    await _holds(world, tmp_path, trees)
                    await _images_are_rewritten(world, trees)
            else:
                asked = await _holds(world, tmp_path, trees)
                assert asked < len(trees) / 2, "the cheap rule accepts most (C3)"
        finally:
            for app in world.apps:
                await app.set_policy(None)  # what is removed here must not come back
            for tree in trees:
                if generated.is_cluster_scoped(tree):
                    await world.person.delete(place(tree, world))


async def _images_are_rewritten(world: World, trees: list[Tree]) -> None:
    for tree in trees:
        text = json.dumps((await world.person.get(place(tree, world)))["spec"])
        assert text.count('"image": "') == text.count(f'"image": "{MIRROR}') > 0


async def _define_widgets(world: World) -> None:
    tree = generated.widget_definition()
    answer = await world.person.send("POST", ref_of(tree).collection, tree)
    assert answer.status in (201, 409), answer.message

    async def is_served() -> bool:
        path = f"/apis/{generated.WIDGETS}/v1/widgets"
        return (await world.person.send("GET", path)).status == 200

    await eventually(is_served)
    await world.connection.kinds.refresh()
