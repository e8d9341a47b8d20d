"""To Argo CD and back: `holdfast handover` (apply.md A6, DESIGN §2.6).

Argo CD is imitated by what it runs: kubectl's own client-side apply, as its field manager, and its
server-side apply.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from holdfast.healing.hand_over import LAST_APPLIED
from tests.support import declared as d
from tests.support.controlled import controlled, essence
from tests.support.loaded import type_holdfast
from tests.support.person import Ref, ref_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
ARGO_CD = "argocd-controller"
TRACKING = "argocd.argoproj.io/tracking-id"


def objects() -> list[Tree]:
    return [
        d.deployment(),
        d.config_map(),
        d.secret(stringData={"a": "1", "b": "2"}),
        d.service(),
        d.ingress(),
        d.network_policy(),
        d.role(),
        d.autoscaler(),
        d.service_account(),
    ]


def refs(world: World) -> list[Ref]:
    return [
        Ref(tree["apiVersion"], tree["kind"], world.namespace, tree["metadata"]["name"])
        for tree in objects()
    ]


def values(tree: Tree) -> Tree:
    """All that is not bookkeeping of managers."""
    found = essence(tree)
    found["metadata"]["annotations"].pop(LAST_APPLIED, None)
    return found


def managers(tree: Tree) -> set[str]:
    entries = tree["metadata"]["managedFields"]
    return {e["manager"] for e in entries if not e.get("subresource")}


async def handover(plane: AnyPlane, app: App, *words: str, code: int = 0) -> str:
    return await holdfast(plane, app, "handover", app.key.name, *words, code=code)


async def holdfast(plane: AnyPlane, app: App, *words: str, code: int = 0) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
    environ |= {"KUBECONFIG": str(plane.kubeconfig), "HOLDFAST_NAMESPACE": app.key.namespace}
    done = await asyncio.to_thread(type_holdfast, *words, env=environ, is_one_stream=True)
    assert done.returncode == code, done.stdout
    return done.stdout


async def argo_applies(world: World, kubectl: Path, tree: Tree) -> None:
    """Argo CD's default: a client-side apply by kubectl's code."""
    tree = copy.deepcopy(tree)
    tree["metadata"]["namespace"] = world.namespace
    process = await asyncio.create_subprocess_exec(
        str(kubectl),
        "--kubeconfig",
        str(world.person.kubeconfig),
        "apply",
        f"--field-manager={ARGO_CD}",
        "-f",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(json.dumps(tree).encode())
    assert process.returncode == 0, said
    assert b"Warning" not in said, said


def without_a_field(tree: Tree) -> Tree:
    """The object after git dropped something."""
    tree = copy.deepcopy(tree)
    match tree["kind"]:
        case "Deployment":
            spec = tree["spec"]["template"]["spec"]
            del spec["containers"][0]["env"][1], spec["terminationGracePeriodSeconds"]
            del tree["metadata"]["labels"]
        case "ConfigMap":
            del tree["data"]["b"]
        case "Secret":
            del tree["stringData"]["b"]
        case "Service":
            del tree["spec"]["ports"][1]
        case "ServiceAccount":
            del tree["imagePullSecrets"]
        case _:
            pass
    return tree


async def test_what_git_drops_goes_after_a_handover_to_argo_cd(
    plane: AnyPlane, kubectl: Path, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(*objects())
        await app.set_policy(None)
        before = {ref: await world.person.get(ref) for ref in refs(world)}

        said = await handover(plane, app)
        assert said.count("handed over") == len(before), said

        for ref, tree in before.items():
            after = await world.person.get(ref)
            assert values(after) == values(tree)
            assert ARGO_CD in managers(after)
            assert "holdfast" not in managers(after)
        for tree in objects():
            tracking = before[_ref(world, tree)]["metadata"]["annotations"]
            less = without_a_field(tree)
            annotations = less["metadata"].setdefault("annotations", {})
            annotations[TRACKING] = tracking[TRACKING]
            await argo_applies(world, kubectl, less)
        now = {ref.kind: await world.person.get(ref) for ref in before}
        spec = now["Deployment"]["spec"]["template"]["spec"]
        assert [one["name"] for one in spec["containers"][0]["env"]] == ["A", "C"]
        assert spec["terminationGracePeriodSeconds"] == 30
        assert "labels" not in now["Deployment"]["metadata"]
        assert now["ConfigMap"]["data"] == {"a": "1"}
        assert now["Secret"]["data"] == {"a": "MQ=="}
        assert [one["name"] for one in now["Service"]["spec"]["ports"]] == ["http"]
        assert "imagePullSecrets" not in now["ServiceAccount"]
        for kind in ("Ingress", "NetworkPolicy", "Role", "HorizontalPodAutoscaler"):
            (ref,) = (ref for ref in before if ref.kind == kind)
            assert values(now[kind]) == values(before[ref])


async def test_what_git_drops_goes_by_server_side_apply_as_well(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), options=("ServerSideApply=true",))
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await app.set_policy({"automated": None, "syncOptions": ["ServerSideApply=true"]})
        await handover(plane, app)
        tree = without_a_field(d.config_map())
        tree["metadata"]["namespace"] = world.namespace
        await world.person.apply(tree, ARGO_CD)
        assert (await world.person.get(ref))["data"] == {"a": "1"}


async def test_there_and_back_leaves_no_difference_and_removals_work_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """From Argo CD to Holdfast, back, and to Holdfast once more."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        trees = objects()
        for tree in trees:
            placed = copy.deepcopy(tree)
            placed["metadata"]["namespace"] = world.namespace
            placed["metadata"].setdefault("annotations", {})[LAST_APPLIED] = json.dumps(tree)
            await world.person.create(placed, ARGO_CD)
        created = {ref: await world.person.get(ref) for ref in refs(world)}
        app = await world.deploy(*objects())
        for _ in range(2):
            await app.set_policy(None)
            await handover(plane, app)
            await app.set_policy({"automated": {"selfHeal": True, "prune": True}})
            await app.worked()
            await world.at_rest(*created)
        for ref, tree in created.items():
            now = values(await world.person.get(ref))
            now["metadata"]["annotations"].pop(TRACKING, None)
            assert now == values(tree)
        await world.commit(app, *(without_a_field(tree) for tree in trees))
        found = await world.person.get(Ref("v1", "ConfigMap", world.namespace, "settings"))
        assert found["data"] == {"a": "1"}


async def test_a_dry_run_writes_nothing_and_a_second_handover_finds_nothing(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        await app.set_policy(None)
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        before = await world.person.get(ref)
        assert "would be handed over" in await handover(plane, app, "--dry-run")
        assert await world.person.get(ref) == before
        await handover(plane, app)
        once = await world.person.get(ref)
        assert "unchanged" in await handover(plane, app)
        assert await world.person.get(ref) == once


async def test_a_secrets_values_are_not_written_into_the_annotation(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.secret(stringData={"password": "correct horse"}))
        await app.set_policy(None)
        await handover(plane, app)
        tree = await world.person.get(Ref("v1", "Secret", world.namespace, "keys"))
        noted = json.loads(tree["metadata"]["annotations"][LAST_APPLIED])
        assert noted["data"] == {"password": ""}


async def test_what_others_put_into_an_empty_map_of_ours_is_not_ours_to_remove(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        tree = d.thing("v1", "ConfigMap", "settings", data={}, metadata={"annotations": {}})
        app = await world.deploy(tree)
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.patch(ref, {"data": {"theirs": "1"}})
        await app.set_policy(None)
        await handover(plane, app)
        live = await world.person.get(ref)
        noted = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
        assert noted.get("data", {}) == {}
        assert live["data"] == {"theirs": "1"}


async def test_a_handover_is_refused_while_healing_would_take_the_objects_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await _lead(world)
        said = await handover(plane, app, code=20)
        assert "would take its objects again" in said
        assert f"holdfast app pause {app.key.name}" in said
        assert "holdfast" in managers(await world.person.get(ref))

        await app.annotate("argocd.argoproj.io/skip-reconcile", "true")
        await handover(plane, app)
        await world.at_rest(ref)
        assert "holdfast" not in managers(await world.person.get(ref))


async def test_a_pause_that_holds_lets_a_handover_through_and_nothing_is_taken_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await _lead(world)
        name = app.key.name
        await holdfast(plane, app, "app", "pause", name, "--for", "30m", "--reason", "to Argo CD")
        await eventually(lambda: _knows_pause(world))
        assert "handed over" in await handover(plane, app)
        await world.at_rest(ref)
        assert "holdfast" not in managers(await world.person.get(ref))


async def _knows_pause(world: World) -> bool:
    return bool(world.controller.registry.pauses)


def _ref(world: World, tree: Tree) -> Ref:
    return ref_of({**tree, "metadata": {**tree["metadata"], "namespace": world.namespace}})


async def _lead(world: World) -> None:
    """A controller leads: its Lease is held."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    spec = {"holderIdentity": "one", "leaseDurationSeconds": 3600, "renewTime": now}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "holdfast", "namespace": world.control},
        "spec": spec,
    }
    await world.person.create(lease)
