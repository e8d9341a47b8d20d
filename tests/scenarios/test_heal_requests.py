"""What a heal costs: one request; what changes nothing costs none (DESIGN §4.1, issue 4 part 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.counted import about_objects, counted
from tests.support.person import MERGE, Ref

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
LEADER = "control-plane.alpha.kubernetes.io/leader"


async def test_a_heal_of_a_change_is_one_request(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment(replicas=0))
        ref = Ref("apps/v1", "Deployment", world.namespace, "web")
        await world.at_rest(ref)
        with counted(world.connection) as sent:
            await world.person.patch(ref, {"spec": {"replicas": 1}})
            await world.has(ref, lambda tree: tree["spec"]["replicas"] == 0)
            await world.at_rest(ref)
        assert [one.method for one in about_objects(sent)] == ["PATCH"]


async def test_what_changes_nothing_that_matters_is_no_request(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """Status, managedFields, a new resourceVersion, a leader that renews its annotation."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment(replicas=0), d.config_map())
        web = Ref("apps/v1", "Deployment", world.namespace, "web")
        settings = Ref("v1", "ConfigMap", world.namespace, "settings")
        await world.at_rest(web, settings)
        with counted(world.connection) as sent:
            for turn in range(5):
                status = {"status": {"observedGeneration": 100 + turn}}
                path = f"{web.path}/status"
                await world.person.send("PATCH", path, status, MERGE, fieldManager="watcher")
                renewed = {"metadata": {"annotations": {LEADER: f"turn {turn}"}}}
                await world.person.patch(settings, renewed, manager="leader")
                same = {"data": {"a": "1"}}
                await world.person.patch(settings, same, manager=f"writer-{turn}")
            await world.at_rest(web, settings)
        assert about_objects(sent) == []
