"""What people ask of healing in annotations, and what is never pruned without their word.

The annotations of docs/reference/annotations.md (demand N2, N8, N17, N21, N22, N23), each met by a
running controller on both planes.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.loaded import type_holdfast
from tests.support.person import Ref
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
SELF_HEAL = "holdfast.dev/self-heal"
OBSERVE = "holdfast.dev/observe"
DELAY = "holdfast.dev/heal-delay"
WINDOWS = "holdfast.dev/heal-windows"
OBJECT_POLICY = "holdfast.dev/allow-object-policy"
EDIT = {"data": {"a": "x"}}


def config(world: World, name: str = "settings") -> Ref:
    return Ref("v1", "ConfigMap", world.namespace, name)


def project(world: World) -> Ref:
    return Ref("argoproj.io/v1alpha1", "AppProject", world.control, "default")


async def has_a(world: World, ref: Ref, value: str) -> Tree:
    return await world.has(ref, lambda tree: tree["data"]["a"] == value)


async def is_held(world: World, ref: Ref, reason: str) -> None:
    """Waits until the journal would say why nothing is done."""

    def holds() -> bool:
        episode = world.find(ref).episode
        return episode is not None and episode.decision == ("hold", reason)

    await until(holds)


async def is_out_of_sync(app: App) -> Tree:
    def differs(tree: Tree) -> bool:
        found: Tree = tree.get("status", {}).get("sync", {})
        return found.get("status") == "OutOfSync"

    return await app.until(differs)


async def test_without_automatic_sync_the_revision_that_was_synced_last_is_held(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        ref = config(world)
        world.repository.write("app/all.json", d.config_map(a="1"))
        world.repository.commit()
        app = await world.create_app(automated=False, annotations={SELF_HEAL: "last-synced"})
        await is_out_of_sync(app)
        await app.run()
        await app.synced()
        await world.person.patch(ref, EDIT)
        before = await has_a(world, ref, "1")

        # A new commit waits for a person; what is healed meanwhile is what was synced.
        world.repository.write("app/all.json", d.config_map(a="2"))
        revision = world.repository.commit()
        app.refresh()
        await is_out_of_sync(app)
        await world.person.delete(ref)
        uid = before["metadata"]["uid"]
        await world.has(ref, lambda tree: tree["metadata"]["uid"] != uid)
        assert (await world.settled(ref))["data"] == {"a": "1"}

        await app.run()
        await app.synced(revision)
        await world.person.patch(ref, EDIT)
        await has_a(world, ref, "2")

        await app.annotate(SELF_HEAL, None)
        await world.person.patch(ref, EDIT)
        assert (await world.settled(ref))["data"] == {"a": "x"}


async def test_a_failed_sync_does_not_switch_healing_off(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1"))
        bad = {**d.config_map("bad"), "data": {"no key": "x"}}
        world.repository.write("app/all.json", d.config_map(a="1"), bad)
        revision = world.repository.commit()
        # Not tried again by itself, so that nothing but the heal lane is left.
        await app.set_policy(
            {"automated": {"selfHeal": True, "prune": True}, "retry": {"limit": 0}}
        )
        app.refresh()

        def has_failed(tree: Tree) -> bool:
            state = tree["status"]["operationState"]
            found = (state.get("syncResult", {}).get("revision"), state.get("phase"))
            return bool(found == (revision, "Failed"))

        await app.until(has_failed)
        await world.person.patch(config(world), EDIT)
        await has_a(world, config(world), "1")


async def test_drift_of_what_the_application_names_is_reported_and_not_healed(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(
            d.config_map("seen", a="1"),
            d.config_map("healed", a="1"),
            annotations={OBSERVE: "apps/*, ConfigMap:seen"},
        )
        await world.person.patch(config(world, "seen"), EDIT)
        await world.person.patch(config(world, "healed"), EDIT)
        await has_a(world, config(world, "healed"), "1")
        await is_held(world, config(world, "seen"), "observed")
        await is_out_of_sync(app)
        assert (await world.settled(config(world, "seen")))["data"] == {"a": "x"}

        await app.annotate(OBSERVE, None)
        await has_a(world, config(world, "seen"), "1")


async def test_an_object_speaks_for_itself_only_where_its_project_lets_it(
    plane: AnyPlane, tmp_path: Path
) -> None:
    declared = d.config_map(a="1")
    declared["metadata"]["annotations"] = {OBSERVE: "true"}
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(declared)
        ref = config(world)
        await world.person.patch(ref, EDIT)
        await has_a(world, ref, "1")

        await world.person.patch(
            project(world), {"metadata": {"annotations": {OBJECT_POLICY: "true"}}}
        )
        projects = world.controller.registry.projects
        await until(lambda: projects["default"].manifest.annotation(OBJECT_POLICY))
        await world.person.patch(ref, EDIT)
        await is_held(world, ref, "observed")
        assert (await world.settled(ref))["data"] == {"a": "x"}


async def test_within_the_heal_delay_somebody_may_delete_and_create_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map(a="1"), annotations={DELAY: "1500ms"})
        ref = config(world)
        theirs = d.config_map(a="theirs")
        theirs["metadata"]["namespace"] = world.namespace
        began = time.monotonic()
        await world.person.delete(ref)
        made = await world.person.create(theirs)  # AlreadyExists, if the heal were faster
        back = await has_a(world, ref, "1")
        assert time.monotonic() - began >= 1.5
        assert back["metadata"]["uid"] == made["metadata"]["uid"]


@pytest.mark.parametrize("where", ["Application", "AppProject"])
async def test_at_the_end_of_a_heal_window_what_drifted_is_healed_by_itself(
    plane: AnyPlane, tmp_path: Path, where: str
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1"))
        ref = config(world)
        now = datetime.now(UTC)
        # It began with this minute and is over in four seconds.
        window = {
            "kind": "deny",
            "schedule": f"{now.minute} {now.hour} * * *",
            "duration": f"{now.second + 5}s",
        }
        text = json.dumps([window])
        if where == "Application":
            await app.annotate(WINDOWS, text)
        else:
            await world.person.patch(project(world), {"metadata": {"annotations": {WINDOWS: text}}})
            projects = world.controller.registry.projects
            await until(lambda: projects["default"].manifest.annotation(WINDOWS))
        await world.person.patch(ref, EDIT)
        await is_held(world, ref, "heal-window")
        assert (await world.person.get(ref))["data"] == {"a": "x"}
        await has_a(world, ref, "1")
        assert (datetime.now(UTC) - now).total_seconds() >= 4.0


async def test_an_annotation_that_is_not_understood_is_named_until_it_is(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """Windows that cannot be read close healing: nobody must have to guess why."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1"))
        ref = config(world)
        await app.annotate(WINDOWS, '[{"kind": "deny", "schedule": "at night", "duration": "2h"}]')
        tree = await app.until(_misread)
        assert "'at night'" in _misread(tree)
        assert "nothing is healed until it can be read" in _misread(tree)
        await world.person.patch(ref, EDIT)
        await is_held(world, ref, "heal-window")
        assert _misread(tree) in await holdfast(plane, app, "app", "get", app.key.name)

        await app.annotate(WINDOWS, None)
        await has_a(world, ref, "1")
        await app.until(lambda tree: not _misread(tree))


def _misread(tree: Tree) -> str:
    conditions = tree["status"].get("conditions") or []
    found = [one["message"] for one in conditions if one["type"] == "MisreadAnnotationWarning"]
    return "".join(found)


# --- the prune budget --------------------------------------------------------------------------


async def holdfast(plane: AnyPlane, app: App, *words: str) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
    environ |= {"KUBECONFIG": str(plane.kubeconfig), "HOLDFAST_NAMESPACE": app.key.namespace}
    done = await asyncio.to_thread(type_holdfast, *words, env=environ, is_one_stream=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("stay", "words"),
    [
        pytest.param(2, ("app", "confirm-deletion"), id="most objects, confirmed"),
        pytest.param(2, ("app", "sync", "--prune"), id="most objects, by a sync that prunes"),
        pytest.param(0, ("app", "confirm-deletion"), id="an empty render, confirmed"),
    ],
)
async def test_too_large_a_share_is_pruned_only_after_the_word_of_a_person(
    plane: AnyPlane, tmp_path: Path, stay: int, words: tuple[str, ...]
) -> None:
    trees = [d.config_map(f"c-{number}", a="1") for number in range(7)]
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(*trees)
        refs = [config(world, tree["metadata"]["name"]) for tree in trees]
        if stay:
            world.repository.write("app/all.json", *trees[:stay])
        else:
            world.repository.remove("app/all.json")
            world.repository.write_text("app/README", "nothing here")
        revision = world.repository.commit()
        app.refresh()

        def said(tree: Tree) -> str:
            conditions = tree["status"].get("conditions") or []
            return "".join(one["message"] for one in conditions if one["type"] == "SyncError")

        error = said(await app.until(said))
        assert f"app confirm-deletion {app.key.name}" in error
        assert f"app sync {app.key.name} --prune" in error
        await world.at_rest(*refs)
        for ref in refs:
            assert await world.person.find(ref), "pruned without asking"

        await leads(world)
        await holdfast(plane, app, *words, app.key.name)
        for ref in refs[stay:]:
            await eventually(lambda ref=ref: is_gone(world, ref))  # type: ignore[misc]
        await app.synced(revision)
        for ref in refs[:stay]:
            assert await world.person.find(ref)
        assert not said(await app.tree())


async def is_gone(world: World, ref: Ref) -> bool:
    return await world.person.find(ref) is None


async def leads(world: World) -> None:
    """A controller leads, as far as the command line can see."""
    spec = {
        "holderIdentity": "one",
        "leaseDurationSeconds": 3600,
        "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
    }
    await world.person.create(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "holdfast", "namespace": world.control},
            "spec": spec,
        }
    )
