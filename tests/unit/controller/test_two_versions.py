"""One kind that git declares in two versions: each object is compared in its own (apply.md A5)."""

from typing import Any

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.types import find_type
from tests.support.builders import HEALING, app
from tests.support.rig import Rig, controlling, key_of

Tree = dict[str, Any]
KIND = "HorizontalPodAutoscaler"
CPU = "targetCPUUtilizationPercentage"


def autoscaler(name: str, version: str) -> Tree:
    tree: Tree = {
        "apiVersion": f"autoscaling/{version}",
        "kind": KIND,
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            CPU: 60,
        },
    }
    return as_served(tree, GroupVersionKind("autoscaling", version, KIND))


def as_served(tree: Tree, gvk: GroupVersionKind) -> Tree:
    """What an API server makes of an autoscaler in the other version."""
    if gvk.kind != KIND:
        return tree
    spec = dict(tree["spec"])
    if gvk.version == "v2" and CPU in spec:
        target = {"type": "Utilization", "averageUtilization": spec.pop(CPU)}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    elif gvk.version == "v1" and "metrics" in spec:
        spec[CPU] = spec.pop("metrics")[0]["resource"]["target"]["averageUtilization"]
    return {**tree, "apiVersion": gvk.api_version, "spec": spec}


for _version in ("v1", "v2"):  # read here: on the loop it would block
    find_type(GroupVersionKind("autoscaling", _version, KIND))
OLD, NEW = autoscaler("old", "v1"), autoscaler("new", "v2")


async def deployed(rig: Rig) -> None:
    rig.cluster.as_served = as_served
    rig.git.commit(OLD, NEW)
    await rig.settle()
    assert rig.sync() == "Synced", rig.status()


async def test_a_cold_start_asks_and_writes_nothing_for_a_kind_in_two_versions() -> None:
    async with controlling(app(automated=HEALING)) as first:
        await deployed(first)
    first.cluster.requests.clear()
    async with controlling(cluster=first.cluster, git=first.git) as rig:
        await rig.settle(60)
        assert rig.sync() == "Synced"
        assert {r.verb for r in rig.cluster.requests if r.key.kind == KIND} <= {"get"}
        assert rig.cluster.writes() == []


async def test_an_edit_that_is_seen_in_both_versions_is_healed_once() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await deployed(rig)
        rig.cluster.requests.clear()
        for tree in (OLD, NEW):
            rig.cluster.edit(key_of(tree), lambda live: live["spec"].update(maxReplicas=9))
        await rig.settle(30)
        spec = [rig.cluster.objects[key_of(tree)]["spec"]["maxReplicas"] for tree in (OLD, NEW)]
        assert spec == [5, 5]
        assert len(rig.cluster.writes()) == 2
