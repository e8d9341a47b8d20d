"""Fields of the form: what is typed stands where Argo CD reads it, and the rest stays."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.api.page.create_fields import (
    IN_CLUSTER,
    REST,
    SOURCE,
    field_at,
    overlay,
    read_all,
)
from tests.unit.requests.given import app

Tree = dict[str, Any]
FIELDS = (*SOURCE, *REST)


@pytest.mark.parametrize(
    ("typed", "spec"),
    [
        ({"automated": "on"}, {"syncPolicy": {"automated": {}}}),
        ({"automated": "on", "prune": "on"}, {"syncPolicy": {"automated": {"prune": True}}}),
        ({"prune": "on"}, {"syncPolicy": {"automated": {"enabled": False, "prune": True}}}),
        ({"images": "a\nb"}, {"source": {"kustomize": {"images": ["a", "b"]}}}),
        ({"recurse": "on"}, {"source": {"directory": {"recurse": True}}}),
        ({"cluster": "name:other"}, {"destination": {"name": "other"}}),
        ({"option-PruneLast": "on"}, {"syncPolicy": {"syncOptions": ["PruneLast=true"]}}),
    ],
)  # fmt: skip
def test_what_is_typed_stands_where_argo_cd_reads_it(typed: Tree, spec: Tree) -> None:
    changed, wrong = overlay(FIELDS, {"metadata": {}, "spec": {}}, typed)
    assert (changed["spec"], wrong) == (spec, {})
    back = dict.fromkeys(typed, "")
    assert overlay(FIELDS, changed, back)[0]["spec"].get("source", {}) == {}


def test_turning_automatic_sync_off_keeps_what_it_was_set_to() -> None:
    tree = app({"syncPolicy": {"automated": {"prune": True, "allowEmpty": True}}})
    off, _ = overlay(FIELDS, tree, {"automated": ""})
    assert off["spec"]["syncPolicy"]["automated"] == {
        "prune": True, "allowEmpty": True, "enabled": False
    }  # fmt: skip
    on, _ = overlay(FIELDS, off, {"automated": "on"})
    assert on == tree


def test_finalizers_and_options_of_others_stay() -> None:
    tree = app(
        {"syncPolicy": {"syncOptions": ["A=1", "CreateNamespace=false"]}},
        metadata={"finalizers": ["x/y"]},
    )
    changed, _ = overlay(FIELDS, tree, {"cascade": "on", "option-CreateNamespace": "on"})
    assert changed["metadata"]["finalizers"] == ["x/y", "resources-finalizer.argocd.argoproj.io"]
    assert changed["spec"]["syncPolicy"]["syncOptions"] == ["A=1", "CreateNamespace=true"]
    back, _ = overlay(FIELDS, changed, {"cascade": ""})
    assert back["metadata"]["finalizers"] == ["x/y"]


def test_the_own_cluster_is_one_by_name_and_by_address() -> None:
    for destination in ({"name": "in-cluster"}, {"server": "https://kubernetes.default.svc/"}):
        assert read_all(FIELDS, app({"destination": destination}))[0]["cluster"] == IN_CLUSTER


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("spec.source.path", "path"),
        ("spec.source.kustomize.images", "images"),
        ("spec.source.kustomize.images[0]", "images"),
        ("spec.destination.namespace", "namespace"),
        ("spec.destination.server", "cluster"),
        ("spec.syncPolicy.automated.prune", "prune"),
        ("spec.sorce", ""),
        ("objects", ""),
    ],
)
def test_a_mistake_belongs_to_the_field_of_its_place(place: str, field: str) -> None:
    assert field_at(FIELDS, place) == field
