"""Custom resources: CRDs, what they serve, and what their schemas do to objects."""

from __future__ import annotations

import copy
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubectl import Kubectl, Said

SCHEMA: Any = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1},
                "colour": {"type": "string", "default": "red"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
                    },
                },
            },
        },
        "status": {
            "type": "object",
            "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}},
        },
    },
}


def definition(group: str) -> Any:
    """A CRD with everything that is served of one."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Colour", "type": "string", "jsonPath": ".spec.colour", "priority": 1},
        ],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.size",
                "statusReplicasPath": ".status.size",
                "labelSelectorPath": ".status.selector",
            },
        },
        "selectableFields": [{"jsonPath": ".spec.colour"}],
    }
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def widget(group: str, name: str = "w", **spec: Any) -> Any:
    """A custom resource."""
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": 3} | spec,
    }


@pytest.fixture
def group(kube: Kubectl) -> Iterator[str]:
    """The API group of a CRD of the test's own, which is served."""
    name = f"g{uuid.uuid4().hex[:8]}.example.com"
    kube("create", "-f", "-", stdin=json.dumps(definition(name)))
    kube("wait", "--for=condition=Established", f"crd/widgets.{name}", "--timeout=20s")
    path = kube.path("widgets", group=f"{name}/v1")
    eventually_now(lambda: kube.rest.send("GET", path).status == 200)
    yield name
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{name}"
    kube.rest.send("DELETE", path)


def test_a_crd_is_established_and_discovered(kube: Kubectl, group: str) -> None:
    status = kube.json("get", "crd", f"widgets.{group}")["status"]
    conditions = {row["type"]: (row["status"], row["reason"]) for row in status["conditions"]}
    assert conditions == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert status["storedVersions"] == ["v1"]
    names = status["acceptedNames"]
    assert (names["kind"], names["listKind"], names["singular"]) == (
        "Widget",
        "WidgetList",
        "widget",
    )
    rows = [line.split() for line in kube("api-resources", f"--api-group={group}").lines]
    assert ["widgets", "wd", f"{group}/v1", "true", "Widget"] in rows


def test_defaults_are_set_and_unknown_fields_pruned(kube: Kubectl, group: str) -> None:
    tree = widget(group, unknown=1, free={"kept": {"deep": [1]}})
    kube("create", "-f", "-", "--validate=false", stdin=json.dumps(tree))
    spec = kube.json("get", f"widgets.{group}", "w")["spec"]
    assert spec == {"size": 3, "colour": "red", "free": {"kept": {"deep": [1]}}}


def test_unknown_fields_are_refused_when_validated(kube: Kubectl, group: str) -> None:
    said = kube.try_run("create", "-f", "-", stdin=json.dumps(widget(group, unknown=1)))
    assert 'strict decoding error: unknown field "spec.unknown"' in said.err


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"size": 0}, "spec.size in body should be greater than or equal to 1"),
        ({"size": "big"}, 'spec.size: Invalid value: "string"'),
        ({"size": None}, "spec.size: Required value"),
    ],
)
def test_a_schema_refuses_what_it_does_not_allow(
    kube: Kubectl, group: str, spec: Any, words: str
) -> None:
    said = kube.try_run("create", "-f", "-", stdin=json.dumps(widget(group, **spec)))
    assert words in said.err


def test_printer_columns_are_printed(kube: Kubectl, group: str) -> None:
    kube.apply(widget(group))
    assert kube("get", f"widgets.{group}").lines[0].split() == ["NAME", "SIZE"]
    wide = kube("get", f"widgets.{group}", "-o", "wide").lines
    assert wide[0].split() == ["NAME", "SIZE", "COLOUR"]
    assert wide[1].split() == ["w", "3", "red"]


def test_selectable_fields_select(kube: Kubectl, group: str) -> None:
    kube.apply(widget(group, "a"), widget(group, "b", colour="blue"))
    said = kube("get", f"widgets.{group}", "--field-selector=spec.colour=blue", "-o", "name")
    assert said.lines == [f"widget.{group}/b"]


def test_status_is_written_apart(kube: Kubectl, group: str) -> None:
    tree = widget(group)
    tree["status"] = {"size": 7}
    kube.apply(tree)
    live = kube.json("get", f"widgets.{group}", "w")
    assert "status" not in live
    assert live["metadata"]["generation"] == 1
    kube("patch", f"widgets.{group}", "w", "--subresource=status", "--type=merge", "-p",
         '{"status":{"size":7},"spec":{"size":9}}')  # fmt: skip
    live = kube.json("get", f"widgets.{group}", "w")
    assert live["status"] == {"size": 7}
    assert live["spec"]["size"] == 3
    assert live["metadata"]["generation"] == 1
    kube("patch", f"widgets.{group}", "w", "--type=merge", "-p", '{"spec":{"size":9}}')
    assert kube.json("get", f"widgets.{group}", "w")["metadata"]["generation"] == 2


def test_scale_reads_and_writes_the_paths(kube: Kubectl, group: str) -> None:
    kube.apply(widget(group))
    kube("scale", f"widgets.{group}/w", "--replicas=5")
    assert kube.json("get", f"widgets.{group}", "w")["spec"]["size"] == 5
    scale = kube.rest.send("GET", kube.path("widgets", "w", group=f"{group}/v1") + "/scale").body
    assert (scale["kind"], scale["spec"]["replicas"]) == ("Scale", 5)


def test_apply_merges_lists_by_the_keys_of_the_schema(kube: Kubectl, group: str) -> None:
    one = widget(group, parts=[{"name": "a", "n": 1}])
    two = widget(group, parts=[{"name": "b", "n": 2}])
    kube.apply(one, options=("--server-side", "--field-manager=one"))
    kube.apply(two, options=("--server-side", "--field-manager=two"))
    live = kube.json("get", f"widgets.{group}", "w")
    assert live["spec"]["parts"] == [{"name": "a", "n": 1}, {"name": "b", "n": 2}]
    one["spec"]["parts"] = []
    kube.apply(one, options=("--server-side", "--field-manager=one"))
    live = kube.json("get", f"widgets.{group}", "w")
    assert live["spec"]["parts"] == [{"name": "b", "n": 2}]


def test_explain_knows_the_schema(kube: Kubectl, group: str) -> None:
    def explained() -> Said:
        return kube.try_run("explain", "widgets.spec", f"--api-version={group}/v1")

    eventually_now(lambda: explained().code == 0)
    assert "size\t<integer> -required-" in explained().out


def test_deleting_a_crd_takes_its_objects_and_its_kind(kube: Kubectl, group: str) -> None:
    kube.apply(widget(group))
    kube("delete", "crd", f"widgets.{group}", "--timeout=30s")
    path = kube.path("widgets", group=f"{group}/v1")
    # Not a Status: clients that look for one meet plain text here.
    plain = {"message": "404 page not found\n"}
    eventually_now(lambda: kube.rest.send("GET", path).body == plain)
    answer = kube.rest.send("GET", path)
    assert (answer.status, answer.body) == (404, plain)


def test_a_terminating_crd_takes_no_new_objects(kube: Kubectl, group: str) -> None:
    held = widget(group)
    held["metadata"]["finalizers"] = ["tests.example/hold"]
    kube.apply(held)
    kube("delete", "crd", f"widgets.{group}", "--wait=false")
    path = kube.path("widgets", group=f"{group}/v1")

    def is_refused() -> bool:
        # The object's own name: nothing is made where the refusal is late.
        answer = kube.rest.send("POST", path, widget(group, "late"), dryRun="All")
        words = "create not allowed while custom resource definition is terminating"
        return answer.status == 403 and words in answer.message

    eventually_now(is_refused)
    free = {"metadata": {"finalizers": None}}
    kube.rest.send("PATCH", f"{path}/w", free, "application/merge-patch+json")
    crd = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    eventually_now(lambda: kube.rest.send("GET", crd).status == 404)
    assert kube.try_run("get", f"widgets.{group}", "w").code == 1


def test_a_crd_that_contradicts_itself_is_refused(kube: Kubectl) -> None:
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    wrong = definition("wrong.example.com")
    wrong["metadata"]["name"] = "other.wrong.example.com"
    refused = kube.rest.send("POST", root, wrong)
    assert refused.status == 422
    assert 'must be spec.names.plural+"."+spec.group' in refused.message
    wrong = copy.deepcopy(definition("wrong.example.com"))
    del wrong["spec"]["versions"][0]["schema"]
    refused = kube.rest.send("POST", root, wrong)
    assert refused.status == 422
    assert "schema.openAPIV3Schema: Required value" in refused.message
