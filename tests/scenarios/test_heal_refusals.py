"""What the server refuses is held and said, one try per step of the backoff, never a busy loop."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from holdfast.config.settings import HealSettings
from tests.support import declared as d
from tests.support.at_rest import key_of
from tests.support.controlled import controlled
from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.controlled import World
    from tests.support.plane import RealPlane
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
BASE_S = HealSettings().base_s


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if "heal refused" in r.getMessage()]


async def recreate(world: World, ref: Ref, tree: Tree) -> None:
    """Deletes an object and creates another of its name before a heal can: self-heal is off."""
    app = world.apps[0]
    await app.set_policy(None)
    await world.person.delete(ref)
    tree = {**tree, "metadata": {**tree["metadata"], "namespace": ref.namespace}}

    async def is_free() -> bool:
        return await world.person.find(ref) is None

    await eventually(is_free)
    await world.person.create(tree)
    await app.set_policy({"automated": {"selfHeal": True}})


async def is_held(world: World, ref: Ref, caplog: pytest.LogCaptureFixture, words: str) -> None:
    """The refusal is remembered with the server's words, and the next try is planned.

    Neither the answer nor a look at git is a reason to try again before.
    """
    state = world.find(ref)

    async def has_refusal() -> bool:
        return bool(state.memory.refusal)

    await eventually(has_refusal)
    assert words in state.memory.refusal
    assert await next_try_s(world, ref) >= BASE_S
    await world.apps[0].worked()
    assert await next_try_s(world, ref) >= BASE_S
    assert refusals(caplog)


async def next_try_s(world: World, ref: Ref) -> float:
    """How many seconds after the last try the next one is planned."""

    async def planned() -> float:
        look, last = world.controller.lane._looks.get(key_of(ref)), world.find(ref).memory.last_end
        return 0.0 if look is None or last is None else look - last

    return await eventually(planned)


async def test_a_binding_that_was_recreated_with_another_role_is_held(
    plane: AnyPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.role(), d.role_binding())
        ref = Ref("rbac.authorization.k8s.io/v1", "RoleBinding", world.namespace, "reader")
        await recreate(world, ref, d.role_binding("writer"))
        await is_held(world, ref, caplog, "cannot change roleRef")
        app = world.apps[0]
        await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")


async def test_a_deployment_that_was_recreated_with_another_selector_is_held(
    plane: AnyPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment())
        ref = Ref("apps/v1", "Deployment", world.namespace, "web")
        other = d.deployment(selector={"matchLabels": {"app": "web", "x": "y"}})
        other["spec"]["template"]["metadata"]["labels"]["x"] = "y"
        await recreate(world, ref, other)
        await is_held(world, ref, caplog, "field is immutable")


async def test_a_config_map_that_was_changed_and_made_immutable_is_held(
    plane: AnyPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.edit(ref, lambda o: (o["data"].update(a="x"), o.update(immutable=True)))
        await is_held(world, ref, caplog, "immutable")


async def test_another_commit_is_tried_at_once_although_the_last_was_refused(
    plane: AnyPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.person.edit(ref, lambda o: (o["data"].update(a="x"), o.update(immutable=True)))
        await is_held(world, ref, caplog, "immutable")
        tree = d.config_map(a="x", b="2")
        tree["immutable"] = True
        await world.commit(app, tree)
        assert (await world.person.get(ref))["data"] == {"a": "x", "b": "2"}

        await world.person.edit(ref, lambda o: o["metadata"]["labels"].update(tier="back"))
        await world.has(ref, lambda o: o["metadata"]["labels"]["tier"] == "front")


async def test_a_heal_that_a_quota_refuses_waits_and_succeeds_when_there_is_room(
    plane: AnyPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        quota = d.thing("v1", "ResourceQuota", "q", spec={"hard": {"configmaps": "1"}})
        quota["metadata"]["namespace"] = world.namespace
        await world.person.create(quota)
        limits = Ref("v1", "ResourceQuota", world.namespace, "q")
        await world.has(limits, lambda o: "used" in o.get("status", {}))

        await world.person.delete(ref)

        await is_held(world, ref, caplog, "exceeded quota")
        await world.person.delete(limits)
        await world.has(ref, lambda _tree: True)


async def test_a_heal_that_a_policy_refuses_is_held_and_tried_again_later(
    real_plane: RealPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        name = f"refuse-{uuid.uuid4().hex[:8]}"
        policy, binding = admission_policy(name, world.namespace)
        await world.person.create(policy)
        await world.person.create(binding)
        group = "admissionregistration.k8s.io/v1"

        async def refuses() -> bool:
            tree = d.config_map("probe")
            path = f"/api/v1/namespaces/{world.namespace}/configmaps"
            answer = await world.person.send(
                "POST", path, tree, fieldManager="holdfast", dryRun="All"
            )
            return answer.status == 422 or answer.status == 403

        await eventually(refuses)
        await world.person.delete(ref)
        await is_held(world, ref, caplog, "not today")
        await world.person.delete(Ref(group, "ValidatingAdmissionPolicyBinding", "", name))
        await world.person.delete(Ref(group, "ValidatingAdmissionPolicy", "", name))
        await world.has(ref, lambda _tree: True)


def admission_policy(name: str, namespace: str) -> tuple[Tree, Tree]:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = d.thing(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        name,
        spec={
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "not today"}],
        },
    )
    binding = d.thing(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        name,
        spec={
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    )
    return policy, binding
