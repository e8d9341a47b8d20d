"""The thirteen rows of docs/internals/argocd/apply.md A5, each by name, on both servers.

Of each: after the sync nobody writes, although git is read and synced again and other managers
write beside us; another process, that has no echo, writes nothing either; and what a row says of
an edit holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support import generated
from tests.support.controlled import controlled, running
from tests.support.counted import counted, writes
from tests.support.person import MERGE, Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
CLUSTER_SCOPED = ("ClusterRole", "CustomResourceDefinition")


@dataclass
class Deployed:
    """One row at work."""

    world: World
    app: App
    trees: list[Tree]
    made: list[Ref] = field(default_factory=list)

    def ref(self, place: int = 0) -> Ref:
        tree = self.trees[place]
        namespace = "" if tree["kind"] in CLUSTER_SCOPED else self.world.namespace
        return Ref(tree["apiVersion"], tree["kind"], namespace, tree["metadata"]["name"])

    @property
    def refs(self) -> list[Ref]:
        return [self.ref(place) for place in range(len(self.trees))]

    async def live(self, place: int = 0) -> Tree:
        """The object; the storage of a definition that changed is not there at once (429)."""

        async def look() -> Tree:
            answer = await self.world.person.send("GET", self.ref(place).path)
            return answer.tree if answer.status == 200 else {}

        return await eventually(look)

    async def heals(self, change: Callable[[Tree], object], place: int = 0) -> None:
        """A person edits; the whole substance comes back."""
        before = _substance(await self.live(place))
        edited = await self.world.person.edit(self.ref(place), change)
        assert _substance(edited) != before

        async def is_back() -> bool:
            return _substance(await self.live(place)) == before

        await eventually(is_back, explain=lambda: self.live(place))

    async def leaves(
        self, change: Callable[[Tree], object], manager: str, place: int = 0, *, heals: int = 0
    ) -> None:
        """Somebody writes; it stays, and it costs so many heals."""
        edited = await self.world.person.edit(self.ref(place), change, manager=manager)
        await self.world.at_rest(*self.refs)
        assert _substance(await self.live(place)) == _substance(edited)
        assert len(self.world.find(self.ref(place)).memory.recent) == heals


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        trees: What git declares.
        shows: What else the row says.
    """

    trees: Callable[[], list[Tree]]
    shows: Callable[[Deployed], Awaitable[None]] | None = None


def _substance(tree: Tree) -> Tree:
    kept = {key: value for key, value in tree.items() if key not in ("metadata", "status")}
    metadata = tree["metadata"]
    return {
        **kept,
        "metadata": {
            "labels": metadata.get("labels", {}),
            "annotations": {
                key: text
                for key, text in metadata.get("annotations", {}).items()
                if "deployment.kubernetes.io" not in key
            },
        },
    }


def one(tree: Tree) -> Tree:
    """The first container."""
    found: Tree = tree["spec"]["template"]["spec"]["containers"][0]
    return found


# --- what each row says beside "nobody writes" ------------------------------------------------


async def a_changed_or_removed_key_comes_back(row: Deployed) -> None:
    await row.heals(lambda tree: tree["data"].update(a="aGFuZA=="))
    await row.heals(lambda tree: tree["data"].pop("a"))
    less = {**row.trees[0], "stringData": {"b": "2"}}
    await row.world.commit(row.app, less)
    assert set((await row.live())["data"]) == {"b"}


async def what_is_empty_in_git_is_put_back_or_left(row: Deployed) -> None:
    """A person's value goes; a controller's stays."""
    await row.heals(lambda tree: one(tree).update(args=["--debug"]))
    await row.heals(lambda tree: tree["spec"]["template"]["spec"].update(nodeSelector={"a": "b"}))
    await row.heals(lambda tree: tree["spec"].update(loadBalancerIP="10.1.1.1"), 1)
    heals = len(row.world.find(row.ref(1)).memory.recent)
    filled = {"loadBalancerIP": "10.1.1.2"}
    await row.leaves(lambda tree: tree["spec"].update(filled), "lb-controller", 1, heals=heals)
    # Applied anew for other reasons, a heal and a commit, it still has what the controller gave.
    await row.heals(lambda tree: tree["spec"].update(sessionAffinity="ClientIP"), 1)
    assert (await row.live(1))["spec"]["loadBalancerIP"] == "10.1.1.2"
    port = {"port": 81, "name": "more"}
    await row.world.commit(
        row.app, row.trees[0], d.service(**{**row.trees[1]["spec"], "ports": [port]})
    )
    assert (await row.live(1))["spec"]["loadBalancerIP"] == "10.1.1.2"


async def others_may_fill_an_empty_map(row: Deployed) -> None:
    await row.leaves(lambda tree: tree.update(data={"a": "1"}), "kubectl-edit", 1)
    await row.leaves(lambda tree: tree["data"].update(b="2"), "kubectl-edit", 1)
    annotated = {"team.example/seen": "yes"}
    await row.leaves(lambda t: t["metadata"]["annotations"].update(annotated), "a-controller")
    # Applied anew for another reason, it is still no drift: what is in it is theirs.
    less = {**row.trees[1], "immutable": False}
    await row.world.commit(row.app, row.trees[0], less)
    await row.leaves(lambda tree: tree["data"].update(c="3"), "kubectl-edit", 1)
    await row.leaves(lambda tree: tree.pop("data"), "kubectl-edit", 1)


async def another_object_has_other_numbers(row: Deployed) -> None:
    """A new uid is no drift and no fight."""
    before = await row.live()
    await row.world.person.delete(row.ref())

    def is_new(tree: Tree) -> bool:
        return bool(tree["metadata"]["uid"] != before["metadata"]["uid"])

    await row.world.has(row.ref(), is_new)
    await row.world.at_rest(*row.refs)
    assert len(row.world.find(row.ref()).memory.recent) == 1
    assert row.world.find(row.ref()).undos == ()


async def the_aggregated_rules_stay(row: Deployed) -> None:
    part, role = row.trees[1], row.ref()
    assert (await row.world.has(role, lambda tree: tree.get("rules")))["rules"] == part["rules"]
    version = (await row.live())["metadata"]["resourceVersion"]
    await row.app.run({"revision": row.world.repository.head})
    await row.app.finished()
    await row.world.at_rest(*row.refs)
    assert (await row.live())["metadata"]["resourceVersion"] == version


async def the_generation_stands(row: Deployed) -> None:
    for _ in range(2):
        await row.app.run({"revision": row.world.repository.head})
        await row.app.finished()
    assert [(await row.live(place))["metadata"]["generation"] for place in range(3)] == [1, 1, 1]


async def another_order_comes_back(row: Deployed) -> None:
    await row.heals(lambda tree: one(tree)["env"].reverse())
    pod = ("spec", "template", "spec")
    await row.heals(lambda tree: tree[pod[0]][pod[1]][pod[2]]["initContainers"].reverse())


async def an_edit_in_the_other_version_comes_back(row: Deployed) -> None:
    newer = Ref("autoscaling/v2", "HorizontalPodAutoscaler", row.world.namespace, "web")
    before = (await row.world.person.get(newer))["spec"]

    def change(tree: Tree) -> None:
        tree["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] = 90

    await row.world.person.edit(newer, change)
    await row.world.has(newer, lambda tree: tree["spec"] == before)


async def a_new_default_inside_a_list_is_nobodys_drift(row: Deployed) -> None:
    definition, live = row.ref(), (await row.live(1))["spec"]
    assert live["items"] == [{"a": 1, "b": 7}]
    newer = definition_with_default(row.trees[0]["metadata"]["name"], 9)
    await row.world.commit(row.app, newer, row.trees[1])
    await row.live(1)
    assert items_of(await row.world.person.get(definition))["b"]["default"] == 9
    await row.world.at_rest(*row.refs)
    assert (await row.live(1))["spec"] == live
    assert row.world.find(row.ref(1)).memory.recent == ()


# --- what git declares ------------------------------------------------------------------------


def nulls() -> list[Tree]:
    tree = d.deployment()
    tree["metadata"].update(creationTimestamp=None, annotations=None)
    tree["spec"]["template"]["metadata"]["creationTimestamp"] = None
    tree["spec"]["template"]["spec"]["affinity"] = None
    secret = d.thing("v1", "Secret", "n", data={"k": None, "x": "eA=="})
    return [tree, d.thing("v1", "ConfigMap", "n", data={"k": None}), secret]


def empties() -> list[Tree]:
    one = d.container(args=[], env=[], resources={})
    tree = d.deployment(one, pod={"nodeSelector": {}, "tolerations": []}, replicas=0)
    spec = {"loadBalancerIP": "", "externalIPs": [], "sessionAffinity": "None"}
    return [tree, d.service(type="LoadBalancer", **spec)]


def empty_maps() -> list[Tree]:
    tree = d.deployment(d.container(), pod={"volumes": [{"name": "a", "emptyDir": {}}]})
    tree["metadata"]["annotations"] = {}
    return [tree, d.thing("v1", "ConfigMap", "n", data={})]


def aggregated() -> list[Tree]:
    key, version = d.word(), "rbac.authorization.k8s.io/v1"
    selector = {"clusterRoleSelectors": [{"matchLabels": {"into": key}}]}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    return [
        d.thing(version, "ClusterRole", f"all-{key}", aggregationRule=selector, rules=[]),
        d.thing(
            version, "ClusterRole", f"part-{key}", metadata={"labels": {"into": key}}, rules=rules
        ),
    ]


def policies() -> list[Tree]:
    found = []
    for name, spec in {
        "except": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": []}}]}]},
        "labels": {"podSelector": {"matchLabels": {}}},
        "ingress": {"ingress": []},
    }.items():
        tree = d.network_policy()
        tree["metadata"]["name"] = name
        tree["spec"].update(spec)
        found.append(tree)
    return found


def ordered() -> list[Tree]:
    env = [{"name": "Z", "value": "1"}, {"name": "A", "value": "$(Z)"}]
    first = [d.container("second-in-the-alphabet"), d.container("first")]
    return [d.deployment(d.container(env=env), pod={"initContainers": first}, replicas=0)]


def old_autoscaler() -> list[Tree]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    limits = {"minReplicas": 2, "maxReplicas": 5, "targetCPUUtilizationPercentage": 60}
    spec = {"scaleTargetRef": target, **limits}
    return [d.thing("autoscaling/v1", "HorizontalPodAutoscaler", "web", spec=spec)]


def with_status() -> list[Tree]:
    definition = generated.widget_definition(f"{d.word()}.example")
    status = {"acceptedNames": {"kind": "", "plural": ""}, "conditions": [], "storedVersions": []}
    return [{**definition, "status": status}, {**d.service(), "status": {"loadBalancer": {}}}]


def numbers() -> list[Tree]:
    group = f"{d.word()}.example"
    spec = {"number": 1.0, "parts": [{"name": "a", "size": 2.0}], "whole": {"x": 3.0}}
    return [
        generated.widget_definition(group),
        d.thing(f"{group}/v1", "Widget", "w", spec=spec),
    ]


def definition_with_default(name: str, default: int) -> Tree:
    plural, _, group = name.partition(".")
    tree = generated.widget_definition(group)
    assert tree["metadata"]["name"] == f"{plural}.{group}"
    number = {"type": "integer"}
    item = {"type": "object", "properties": {"a": number, "b": {**number, "default": default}}}
    schema = tree["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    schema["properties"]["items"] = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "atomic",
    }
    return tree


def items_of(definition: Tree) -> Tree:
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: Tree = schema["properties"]["spec"]["properties"]["items"]["items"]["properties"]
    return found


def defaulted() -> list[Tree]:
    group = f"{d.word()}.example"
    definition = definition_with_default(f"widgets.{group}", 7)
    return [definition, d.thing(f"{group}/v1", "Widget", "w", spec={"items": [{"a": 1}]})]


ROWS = {
    "Secret stringData": Row(
        lambda: [d.secret(stringData={"a": "1", "b": "2"})], a_changed_or_removed_key_comes_back
    ),
    "base64 with white space": Row(lambda: [d.secret(data={"a": "aGVsbG8g\nd29ybGQ=\n"})]),
    "creationTimestamp: null, other nulls": Row(nulls),
    "declared empty values that the server drops": Row(
        empties, what_is_empty_in_git_is_put_back_or_left
    ),
    "an empty granular map": Row(empty_maps, others_may_fill_an_empty_map),
    "nodePort: 0, clusterIP empty": Row(
        lambda: [d.service(type="NodePort", clusterIP="", ports=[{"port": 80, "nodePort": 0}])],
        another_object_has_other_numbers,
    ),
    "aggregated ClusterRole": Row(aggregated, the_aggregated_rules_stay),
    "NetworkPolicy with empty lists": Row(policies, the_generation_stands),
    "order of env and initContainers": Row(ordered, another_order_comes_back),
    "HPA in git as autoscaling/v1": Row(old_autoscaler, an_edit_in_the_other_version_comes_back),
    "status in the manifest": Row(with_status),
    "1.0 in a CR": Row(numbers),
    "CRD gets a new default inside an atomic list": Row(
        defaulted, a_new_default_inside_a_list_is_nobodys_drift
    ),
}


def test_there_are_thirteen_rows() -> None:
    assert len(ROWS) == 13


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
async def test_a_row_of_a5_holds(row: Row, plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        trees = row.trees()
        deployed = Deployed(world, await world.deploy(*trees), trees)
        try:
            await _nobody_writes(deployed, tmp_path)
            if row.shows is not None:
                await row.shows(deployed)
        finally:
            await deployed.app.set_policy(None)  # what is removed here must not come back
            for ref in deployed.refs:
                if not ref.namespace:
                    await world.person.delete(ref)


async def _renew(world: World, ref: Ref, note: Tree) -> None:
    """The storage of a new kind is not there at once: 429 until it is."""

    async def is_written() -> bool:
        answer = await world.person.send("PATCH", ref.path, note, MERGE, fieldManager="leader")
        return answer.status == 200

    await eventually(is_written)


async def _nobody_writes(row: Deployed, folder: Path) -> None:
    world = row.world
    await world.at_rest(*row.refs)
    with counted(world.connection) as sent:
        for place, ref in enumerate(row.refs):
            note = {"metadata": {"annotations": {"leader.example/renewed": str(place)}}}
            await _renew(world, ref, note)
        await row.app.run({"revision": world.repository.head})
        assert (await row.app.finished())["phase"] == "Succeeded"
        await world.at_rest(*row.refs)
    assert writes(sent) == []
    async with running(world, folder) as other:
        with counted(other.connection) as sent:

            async def is_known() -> bool:
                known = other.controller.registry.apps.get(row.app.key)
                return known is not None and known.desired is not None and known.is_loaded

            await eventually(is_known)
            await other.at_rest(*row.refs)
            found = {ref: str(other.find(ref).sync) for ref in row.refs}
        assert writes(sent) == []
    assert set(found.values()) == {"Synced"}, found
