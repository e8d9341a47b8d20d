"""Types of built-in kinds and of custom resources."""

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON
from holdfast.schema.kinds import builtin_kinds, find_builtin_kind
from holdfast.schema.types import (
    ANY,
    UNSET,
    Field,
    ListKind,
    ScalarType,
    Shape,
    Type,
    find_type,
    type_from_crd_schema,
)

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")


def at(kind: Type | None, *path: str) -> Field:
    """Return the field at a path; `*` steps into the items of a list."""
    assert kind is not None
    found = Field(kind)
    for name in path:
        if name == "*":
            assert found.type.items is not None
            found = Field(found.type.items)
        else:
            found = found.type.fields[name]
    return found


POD_SPEC = ("spec", "template", "spec")


def test_every_built_in_kind_has_a_type_and_it_can_be_decoded_whole() -> None:
    seen: set[int] = set()

    def walk(kind: Type) -> None:
        if id(kind) not in seen:
            seen.add(id(kind))
            for part in (kind.items, kind.values, *(f.type for f in kind.fields.values())):
                if part is not None and (part.name == "" or part.name not in names):
                    names.add(part.name)
                    walk(part)

    names: set[str] = set()
    for kind in builtin_kinds():
        found = find_type(kind.gvk)
        assert found is not None, kind
        walk(found)
    assert len(names) > 300


def test_an_unknown_kind_or_version_has_no_type() -> None:
    assert find_type(GroupVersionKind("apps", "v1beta1", "Deployment")) is None
    assert find_type(GroupVersionKind("apps", "v1", "Pod")) is None
    assert find_type(GroupVersionKind("", "kinds", "Pod")) is None
    assert find_type(GroupVersionKind("core", "v1", "Pod")) is None


def test_a_list_knows_its_keys_and_their_defaults() -> None:
    ports = at(find_type(DEPLOYMENT), *POD_SPEC, "containers", "*", "ports").type
    assert (ports.list_kind, ports.keys) == (ListKind.MAP, ("containerPort", "protocol"))
    assert ports.key_default("protocol") == "TCP"
    env = at(find_type(DEPLOYMENT), *POD_SPEC, "containers", "*", "env").type
    assert env.key_default("value") is UNSET


def test_a_field_knows_how_strategic_merge_treats_it() -> None:
    assert at(find_type(DEPLOYMENT), *POD_SPEC, "containers").merge_key == "name"
    volumes = at(find_type(DEPLOYMENT), *POD_SPEC, "volumes")
    assert volumes.patch_strategies == ("merge", "retainKeys")
    assert at(find_type(DEPLOYMENT), "spec", "strategy").patch_strategies == ("retainKeys",)


def test_atomic_sets_quantities_and_int_or_string_are_told() -> None:
    deployment = find_type(DEPLOYMENT)
    assert at(deployment, "spec", "selector").type.atomic
    assert at(deployment, "metadata", "finalizers").type.list_kind is ListKind.SET
    limits = at(deployment, *POD_SPEC, "containers", "*", "resources", "limits").type
    assert limits.shape is Shape.MAP
    assert limits.values is not None
    assert limits.values.scalar is ScalarType.QUANTITY
    surge = at(deployment, "spec", "strategy", "rollingUpdate", "maxSurge").type
    assert surge.scalar is ScalarType.INT_OR_STRING


def test_an_optional_scalar_says_whether_an_explicit_zero_is_stored() -> None:
    assert at(find_type(DEPLOYMENT), "spec", "replicas").pointer
    assert not at(find_type(DEPLOYMENT), "spec", "minReadySeconds").pointer


def test_types_that_contain_themselves_can_be_walked() -> None:
    crd = find_type(GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
    schema = at(crd, "spec", "versions", "*", "schema", "openAPIV3Schema").type
    inner = schema.fields["properties"].type.values
    assert inner is not None
    assert inner.fields["properties"].type.values is inner


def test_kinds_know_their_names_verbs_and_subresources() -> None:
    deployment = find_builtin_kind(DEPLOYMENT)
    assert deployment is not None
    assert (deployment.plural, deployment.short_names) == ("deployments", ("deploy",))
    assert deployment.namespaced
    assert "watch" in deployment.verbs
    scale = next(sub for sub in deployment.subresources if sub.name == "scale")
    assert scale.kind == GroupVersionKind("autoscaling", "v1", "Scale")
    status = next(sub for sub in deployment.subresources if sub.name == "status")
    assert status.kind == DEPLOYMENT


def test_one_version_of_a_group_is_preferred() -> None:
    versions = {k.gvk.version: k.preferred for k in builtin_kinds() if k.gvk.group == "autoscaling"}
    assert versions == {"v2": True, "v1": False}


CRD_SCHEMA: JSON = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "default": 3},
                "port": {"x-kubernetes-int-or-string": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "template": {"type": "object", "x-kubernetes-embedded-resource": True},
                "note": {"type": "string", "nullable": True},
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                },
                "rules": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "proto": {"type": "string", "default": "TCP"},
                        },
                    },
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name", "proto"],
                },
            },
        }
    },
}


def test_a_crd_schema_gives_the_same_kind_of_type() -> None:
    spec = at(type_from_crd_schema(CRD_SCHEMA), "spec").type.fields
    assert spec["size"].default == 3
    assert spec["port"].type.scalar is ScalarType.INT_OR_STRING
    assert spec["note"].type.nullable
    assert spec["free"].type.values is ANY
    assert spec["labels"].type.values is not None
    assert spec["template"].type.embedded
    assert set(spec["template"].type.fields) == {"apiVersion", "kind", "metadata"}
    assert spec["tags"].type.list_kind is ListKind.SET
    assert spec["rules"].type.keys == ("name", "proto")
    assert spec["rules"].type.key_default("proto") == "TCP"


def test_a_custom_resource_has_the_metadata_of_any_object() -> None:
    made = type_from_crd_schema(CRD_SCHEMA)
    assert made.fields["metadata"].type.name.endswith("ObjectMeta")
    assert made.find_child("unknown") is None


@pytest.mark.parametrize("schema", [None, {}, {"x-kubernetes-preserve-unknown-fields": True}])
def test_a_crd_without_a_schema_takes_anything(schema: JSON) -> None:
    made = type_from_crd_schema(schema)
    assert made.find_child("anything") is ANY
    assert made.fields["kind"].type.scalar is ScalarType.STRING
