"""What Argo CD applies and server-side apply cannot express is applied in part (apply.md A7)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]

WEB = 'spec.template.spec.containers[name="web"]'
LENIENT = {"argocd.argoproj.io/sync-options": "Validate=false"}


def twice() -> Tree:
    """A Deployment with list keys that occur twice."""
    container = {
        **d.container(),
        "env": [
            {"name": "A", "value": "1"},
            {"name": "B", "value": "2"},
            {"name": "A", "value": "3"},
        ],
        "ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}],
    }
    return d.deployment(container, pod={"volumes": []})


def misspelt(**annotations: str) -> Tree:
    """A ConfigMap with a field that no ConfigMap has."""
    tree = {**d.config_map(a="1"), "datta": {"x": "1"}}
    if annotations:
        tree["metadata"] = {**tree["metadata"], "annotations": annotations}
    return tree


def widget_crd(group: str) -> Tree:
    """A kind with a strict schema and a keyed list."""
    port = {
        "type": "object",
        "required": ["port"],
        "properties": {"port": {"type": "integer"}, "name": {"type": "string"}},
    }
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port"],
        "items": port,
    }
    tags = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"ports": ports, "tags": tags, "size": {"type": "integer"}},
            }
        },
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return d.thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"widgets.{group}",
        spec={
            "group": group,
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "scope": "Namespaced",
            "versions": [version],
        },
    )


def warnings(app: Tree) -> list[str]:
    conditions = app["status"].get("conditions") or []
    return [item["message"] for item in conditions if item["type"] == "ReducedManifestWarning"]


async def synced_by_hand(app: App, *options: str) -> Tree:
    """Asks for a sync once there is something to sync; returns how it ended."""
    await app.until(lambda tree: tree.get("status", {}).get("sync", {}).get("status"))
    await app.run({"syncOptions": list(options)})
    return await app.finished()


async def version_at_rest(world: World, ref: Ref) -> str:
    await world.at_rest(ref)
    return str((await world.person.get(ref))["metadata"]["resourceVersion"])


async def test_of_list_items_with_one_key_the_last_is_applied_and_healed(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(twice())
        [text] = warnings(await app.tree())
        assert f'{WEB}.env[name="A"]' in text
        assert f'{WEB}.ports[containerPort=80,protocol="TCP"]' in text

        ref = Ref("apps/v1", "Deployment", world.namespace, "web")

        def is_reduced(tree: Tree) -> bool:
            [container] = tree["spec"]["template"]["spec"]["containers"]
            values = [(item["name"], item.get("value")) for item in container["env"]]
            names = [item["name"] for item in container["ports"]]
            return values == [("B", "2"), ("A", "3")] and names == ["b"]

        live = await world.has(ref, is_reduced)
        generation = live["metadata"]["generation"]
        await version_at_rest(world, ref)
        assert (await world.person.get(ref))["metadata"]["generation"] == generation

        await world.person.patch(ref, {"spec": {"replicas": 7}})
        await world.has(ref, lambda tree: tree["spec"]["replicas"] != 7 and is_reduced(tree))
        await app.synced()


@pytest.mark.parametrize("where", ["the Application", "the object", "the operation"])
async def test_an_unknown_field_is_left_out_without_validation_on(
    where: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        tree = misspelt(**LENIENT) if where == "the object" else misspelt()
        world.repository.write("app/all.json", tree)
        world.repository.commit()
        options = ("Validate=false",) if where == "the Application" else ()
        by_hand = where == "the operation"
        app = await world.create_app(options=options, automated=not by_hand)
        if by_hand:
            assert (await synced_by_hand(app, "Validate=false"))["phase"] == "Succeeded"
        else:
            [text] = warnings(await app.synced())
            assert "datta" in text
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")
        live = await world.person.get(ref)
        assert live["data"] == {"a": "1"}
        assert "datta" not in live
        if not by_hand:
            before = await version_at_rest(world, ref)
            await world.person.patch(ref, {"data": {"a": "by hand"}})
            await world.has(ref, lambda tree: tree["data"] == {"a": "1"})
            assert await version_at_rest(world, ref) != before
            await app.synced()


async def test_an_unknown_field_is_refused_by_name_where_fields_are_validated(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        world.repository.write("app/all.json", misspelt())
        world.repository.commit()
        app = await world.create_app(automated=False)
        state = await synced_by_hand(app)
        assert state["phase"] == "Failed"
        assert "datta" in state["message"]


async def test_custom_resources_are_reduced_by_their_definition(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        group = f"g{uuid.uuid4().hex[:8]}.example"
        spec = {
            "size": 1,
            "ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}],
            "tags": ["x", "y", "x"],
            "sizze": 2,
        }
        widget = d.thing(f"{group}/v1", "Widget", "w", spec=spec)
        widget["metadata"]["annotations"] = dict(LENIENT)
        # Definition and object come with one sync: the schema is read from git.
        app = await world.deploy(widget_crd(group), widget)
        [text] = warnings(await app.tree())
        for name in ("spec.ports[port=80]", 'spec.tags[="x"]', "spec.sizze"):
            assert name in text
        ref = Ref(f"{group}/v1", "Widget", world.namespace, "w")
        reduced = {"size": 1, "ports": [{"port": 80, "name": "b"}], "tags": ["y", "x"]}
        assert (await world.person.get(ref))["spec"] == reduced

        # And from the cluster, once git has only the object.
        await app.set_policy({"automated": {"prune": False, "selfHeal": True}})
        widget["spec"] = {**spec, "size": 3}
        world.repository.write("app/all.json", widget)
        world.repository.commit()
        app.refresh()
        await world.has(ref, lambda tree: tree["spec"] == {**reduced, "size": 3})
        await app.set_policy(None)
        kind = Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}")
        await world.person.delete(kind)


async def test_a_value_of_the_wrong_type_cannot_be_reduced_and_the_error_says_so(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        wrong = {**d.config_map(), "data": {"a": {"b": "c"}}}
        world.repository.write("app/all.json", wrong)
        world.repository.commit()
        app = await world.create_app(automated=False)
        state = await synced_by_hand(app, "Validate=false")
        assert state["phase"] == "Failed"
        assert ".data.a: expected string" in state["message"]
        assert "a value of the wrong type" in state["message"]
