"""Custom resources and bad input: the same shape, problems and words as a real API server."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.decoding import find_decode_error, refusal, strict_reason, unknown_fields
from holdfast.schema.structural import shape_custom
from holdfast.schema.types import find_type
from holdfast.schema.validation import joined, validate_custom
from tests.support.kube_rest import KubeRest, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON
    from tests.support.plane import RealPlane

TEXT: JSON = {"type": "string"}
AB: JSON = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
PROPERTIES: dict[str, JSON] = {
    "enum": {"type": "string", "enum": ["a", "b"]},
    "numbers": {"type": "integer", "enum": [1, 2]},
    "pattern": {"type": "string", "pattern": "^a$"},
    "range": {"type": "integer", "minimum": 1, "maximum": 3},
    "open": {
        "type": "number",
        "minimum": 1,
        "exclusiveMinimum": True,
        "maximum": 3,
        "exclusiveMaximum": True,
    },
    "even": {"type": "integer", "multipleOf": 2},
    "length": {"type": "string", "minLength": 2, "maxLength": 3},
    "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
    "map": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 2,
        "additionalProperties": TEXT,
    },
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "small": {"type": "integer", "format": "int32"},
    "byte": {"type": "string", "format": "byte"},
    "uuid": {"type": "string", "format": "uuid"},
    "ipv4": {"type": "string", "format": "ipv4"},
    "duration": {"type": "string", "format": "duration"},
    "any": {**AB, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "one": {**AB, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "all": {**AB, "allOf": [{"required": ["a"]}, {"properties": {"b": {"pattern": "^x"}}}]},
    "not": {**AB, "not": {"required": ["a"]}},
    "nullable": {"type": "string", "nullable": True},
    "strict": {"type": "object", "required": ["r"], "properties": {"r": TEXT, "s": TEXT}},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "port": {"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+%$"},
    "whole": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
    "free": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"known": AB},
    },
    "tags": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
    "rules": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "proto"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": TEXT, "proto": {"type": "string", "default": "TCP"}},
        },
    },
    "defaulted": {
        "type": "object",
        "default": {"x": 1},
        "properties": {"x": {"type": "integer", "default": 7}, "y": {"type": "string"}},
    },
    "empty": {"type": "object"},
}
SCHEMA: JSON = {
    "type": "object",
    "required": ["spec"],
    "properties": {"spec": {"type": "object", "properties": PROPERTIES}},
}
GROUP = "rules.holdfast.dev"
CRD: JSON = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"rules.{GROUP}"},
    "spec": {
        "group": GROUP,
        "names": {"kind": "Rule", "plural": "rules"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
        ],
    },
}
SPECS: list[JSON] = [
    {"enum": "c"},
    {"enum": 1},
    {"numbers": 5},
    {"pattern": "b"},
    {"range": 0},
    {"range": 4},
    {"range": 1.5},
    {"open": 1},
    {"open": 3.0},
    {"even": 3},
    {"length": "a"},
    {"length": "abcd"},
    {"length": 5},
    {"items": []},
    {"items": [1, 2, 3]},
    {"items": [None]},
    {"items": ["x"]},
    {"items": {}},
    {"map": {}},
    {"map": {"a": "", "b": "", "c": ""}},
    {"map": {"a": 1}},
    {"time": "x"},
    {"time": "2026-11-23T16:00:00Z"},
    {"date": "x"},
    {"date": "2026-11-23"},
    {"small": 99999999999},
    {"byte": "%"},
    {"uuid": "x"},
    {"ipv4": "x"},
    {"ipv4": "10.0.0.1"},
    {"duration": "x"},
    {"duration": "5m"},
    {"any": {}},
    {"any": {"b": ""}},
    {"one": {}},
    {"one": {"a": "", "b": ""}},
    {"one": {"a": ""}},
    {"all": {"b": "y"}},
    {"all": {"a": "", "b": "y"}},
    {"not": {"a": "x"}},
    {"nullable": None},
    {"strict": {}},
    {"strict": {"r": None}},
    {"strict": {"r": "", "s": None}},
    {"strict": []},
    {"number": "x"},
    {"number": 1},
    {"flag": 1},
    {"port": True},
    {"port": "x"},
    {"port": 5},
    {"whole": {"apiVersion": "v1"}},
    {"whole": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "q": 1}, "w": {}}},
    {"free": {"a": {"b": [1]}, "known": {"a": "", "z": 1}}},
    {"tags": ["a", "a"]},
    {"rules": [{"name": "a"}, {"name": "a"}]},
    {"rules": [{"name": "a"}, {"name": "a", "proto": "UDP", "z": 1}]},
    {"rules": [{}]},
    {"defaulted": {"y": "z"}},
    {"defaulted": None},
    {"defaulted": {"x": None}},
    {"empty": {"a": 1}, "unknown": {"b": 2}},
    {"enum": "c", "pattern": "b", "range": 0},
    {},
    "x",
    None,
]


@pytest.fixture(scope="module")
def rest(real_plane: RealPlane) -> Iterator[KubeRest]:
    client = KubeRest.open(real_plane.kubeconfig)
    client.install_crd(CRD)
    yield client
    client.close()


@pytest.mark.parametrize("spec", SPECS, ids=json.dumps)
def test_a_custom_resource_is_shaped_and_validated_as_on_the_server(
    rest: KubeRest, spec: JSON
) -> None:
    tree = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Rule",
        "metadata": {"name": "x", "namespace": "default", "labels": {"a": None}},
        "spec": spec,
    }
    answer = rest.send("POST", path_of(tree, "rules", named=False), tree, dryRun="All")
    before = copy.deepcopy(tree)
    shaped = shape_custom(tree, SCHEMA)
    assert tree == before
    problems = validate_custom(shaped.tree, SCHEMA)
    if problems:
        assert answer.status == 422, problems
        told = {(c["reason"], c["field"], c["message"]) for c in answer.body["details"]["causes"]}
        assert {(p.reason, p.field, p.message) for p in problems} == told
        if len(problems) == 1:
            assert answer.message == f'Rule.{GROUP} "x" is invalid: {joined(problems)}'
    else:
        assert answer.status == 201, answer
        assert shaped.tree["spec"] == answer.body["spec"]
        assert shaped.tree["metadata"]["labels"] == answer.body["metadata"]["labels"]


def test_unknown_fields_of_a_custom_resource_are_named_as_on_the_server(rest: KubeRest) -> None:
    spec = {
        "unknown": 1,
        "rules": [{"name": "a", "z": 1}],
        "whole": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "q": 1}, "w": {}},
        "free": {"any": 1, "known": {"z": 1}},
        "empty": {"a": 1},
    }
    metadata = {"name": "x", "namespace": "default", "what": 1}
    tree = {"apiVersion": f"{GROUP}/v1", "kind": "Rule", "metadata": metadata, "spec": spec, "z": 1}
    path = path_of(tree, "rules", named=False)
    answer = rest.send("POST", path, tree, dryRun="All", fieldValidation="Strict")
    reason = strict_reason(list(shape_custom(tree, SCHEMA).dropped))
    assert (answer.status, answer.message) == (400, refusal(f"{GROUP}/v1", "Rule", reason))


def test_metadata_that_cannot_be_read_is_refused_as_on_the_server(rest: KubeRest) -> None:
    metadata = {"name": "x", "namespace": "default", "labels": {"a": 1}}
    tree = {"apiVersion": f"{GROUP}/v1", "kind": "Rule", "metadata": metadata, "spec": {}}
    answer = rest.send("POST", path_of(tree, "rules", named=False), tree, dryRun="All")
    reason = shape_custom(tree, SCHEMA).error or ""
    assert (answer.status, answer.message) == (400, refusal(f"{GROUP}/v1", "Rule", reason))


def pod_spec(**spec: JSON) -> JSON:
    return {"spec": {"template": {"spec": spec}}}


BAD_DEPLOYMENTS: list[JSON] = [
    {"spec": {"replicas": "x"}},
    {"spec": {"replicas": 1.5}},
    {"spec": {"replicas": 99999999999}},
    {"spec": {"paused": "x"}},
    {"spec": "x"},
    {"spec": []},
    pod_spec(containers="x"),
    pod_spec(containers=["x"]),
    pod_spec(containers=[{"name": "c", "image": 5}]),
    pod_spec(containers=[{"name": "c", "args": [5]}]),
    pod_spec(containers=[{"name": "c", "resources": {"limits": {"cpu": "1x"}}}]),
    pod_spec(containers=[{"name": "c", "resources": {"limits": {"cpu": True}}}]),
    pod_spec(nodeSelector={"a": 1}),
    pod_spec(nodeSelector=[]),
    {"spec": {"strategy": {"rollingUpdate": {"maxSurge": True}}}},
    {"spec": {"strategy": {"rollingUpdate": {"maxSurge": {}}}}},
    {"spec": {"strategy": []}},
    {"metadata": {"labels": {"a": 1}}},
    {"metadata": {"creationTimestamp": "x"}},
    {"metadata": {"ownerReferences": [{"controller": "x"}]}},
]


@pytest.mark.parametrize("body", BAD_DEPLOYMENTS, ids=json.dumps)
def test_what_a_built_in_type_cannot_hold_is_refused_as_on_the_server(
    rest: KubeRest, body: JSON
) -> None:
    metadata = {"name": "x", "namespace": "default"} | body.get("metadata", {})
    tree = {"apiVersion": "apps/v1", "kind": "Deployment", **body, "metadata": metadata}
    kind = find_type(GroupVersionKind("apps", "v1", "Deployment"))
    assert kind is not None
    answer = rest.send("POST", path_of(tree, "deployments", named=False), tree, dryRun="All")
    reason = find_decode_error(tree, kind) or ""
    assert (answer.status, answer.message) == (400, refusal("apps/v1", "Deployment", reason))


def test_unknown_fields_of_a_built_in_kind_are_named_as_on_the_server(rest: KubeRest) -> None:
    tree: JSON = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "default", "bogus": 1},
        "spec": {
            "foo": 1,
            "template": {"spec": {"bar": 2, "containers": [{"name": "c", "baz": 1}, {"qux": 1}]}},
        },
        "top": 1,
    }
    kind = find_type(GroupVersionKind("apps", "v1", "Deployment"))
    assert kind is not None
    path = path_of(tree, "deployments", named=False)
    answer = rest.send("POST", path, tree, dryRun="All", fieldValidation="Strict")
    reason = strict_reason(unknown_fields(tree, kind))
    assert (answer.status, answer.message) == (400, refusal("apps/v1", "Deployment", reason))
