"""What cannot be applied is left out of a target, and a condition names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.condition import ConditionType
from holdfast.domain.manifest import Manifest
from holdfast.planning.fitting import fit, needs_type, unknown_type
from holdfast.planning.targets import TargetSettings, build_targets
from holdfast.schema.types import Type, type_from_crd_schema
from tests.support import builders
from tests.support.applications import find_kind

if TYPE_CHECKING:
    from holdfast.domain.identity import GroupVersionKind

LENIENT = {"argocd.argoproj.io/sync-options": "Prune=false, Validate=false"}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "tags": {
                    "type": "array",
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string"},
                }
            },
        }
    },
}


def config_map(**members: Any) -> Manifest:
    return Manifest({**builders.config_map(), **members})


def gear(*tags: str, **spec: Any) -> Manifest:
    meta = {"name": "g", "namespace": "prod"}
    spec["tags"] = list(tags)
    return Manifest({"apiVersion": "x.example/v1", "kind": "Gear", "metadata": meta, "spec": spec})


def gear_type(gvk: GroupVersionKind) -> Type | None:
    return type_from_crd_schema(SCHEMA) if gvk.kind == "Gear" else None


def test_an_ordinary_object_is_left_alone() -> None:
    manifest = config_map()
    assert fit(manifest, unknown_type, lenient=False) == (manifest, ())
    assert not needs_type(manifest, lenient=False)


@pytest.mark.parametrize("lenient", [False, True])
def test_unknown_fields_go_where_validation_is_off(lenient: bool) -> None:
    fitted, said = fit(config_map(datta={"x": "1"}), unknown_type, lenient=lenient)
    assert ("datta" in fitted.tree) is not lenient
    assert [item.type for item in said] == [ConditionType.REDUCED_MANIFEST] * lenient


def test_the_annotation_of_an_object_holds_for_it_alone() -> None:
    tree = config_map(datta={}).tree
    tree["metadata"]["annotations"] = LENIENT
    fitted, (said,) = fit(Manifest(tree), unknown_type, lenient=False)
    assert "datta" not in fitted.tree
    assert said.message == (
        "ConfigMap prod/web is applied in part: "
        "not in the schema, left out because of Validate=false: datta"
    )


def test_many_fields_are_counted() -> None:
    _, (said,) = fit(config_map(a=1, b=2, c=3, d=4), unknown_type, lenient=True)
    assert said.message.endswith(": a, b, c and 1 more")


def test_a_custom_resource_is_fitted_to_its_definition() -> None:
    fitted, (said,) = fit(gear("a", "b", "a", size=1), gear_type, lenient=False)
    assert fitted.at("spec") == {"tags": ["b", "a"], "size": 1}
    assert 'declared more than once, the last one counts: spec.tags[="a"]' in said.message


def test_without_a_definition_the_server_judges() -> None:
    manifest = gear("a", "a", size=1)
    assert needs_type(manifest, lenient=False)
    assert fit(manifest, unknown_type, lenient=True) == (manifest, ())


def test_targets_are_fitted() -> None:
    settings = TargetSettings("web", "prod", "", lenient=True)
    targets = build_targets([config_map(datta={})], find_kind, settings)
    assert "datta" not in targets.manifests[0].tree
    assert [item.type for item in targets.conditions] == [ConditionType.REDUCED_MANIFEST]
