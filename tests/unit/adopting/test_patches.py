"""Patches for kustomize: names as the overlay's patches see them, and what they can say."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest

from holdfast.adopting.edit_tree import Change, with_changes
from holdfast.adopting.patches import (
    build_json_patch,
    build_strategic,
    find_original,
    find_transformer,
    fold,
    patch_entry,
    patch_file_name,
)
from holdfast.domain.manifest import Manifest
from holdfast.schema.field_path import FieldName, ListKey, Path, SetValue, field_path
from holdfast.schema.projection import MISSING

Tree = dict[str, Any]
CONTAINERS = field_path("spec", "template", "spec", "containers")
WEB = (*CONTAINERS, ListKey((("name", "web"),)))


def thing(name: str, namespace: str = "", kind: str = "Deployment") -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return Manifest({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata})


@pytest.mark.parametrize(
    ("rendered", "originals", "found"),
    [
        (thing("prod-web", "shop"), [thing("web"), thing("api")], "web"),
        (thing("web", "shop"), [thing("web")], "web"),
        (thing("prod-web", "a"), [thing("web", "a"), thing("web", "b")], "web"),
        (thing("prod-web", "c"), [thing("web", "a"), thing("web", "b")], None),
        (thing("prod-prod-web"), [thing("prod-web"), thing("prod-prod-web")], "prod-web"),
        (thing("other"), [thing("web")], None),
    ],
    ids=["its prefix undone", "a kind without prefix", "by namespace", "two fit", "twice", "none"],
)
def test_the_object_below_the_overlay_is_found(
    rendered: Manifest, originals: list[Manifest], found: str | None
) -> None:
    original = find_original(rendered, originals, "prod-", "")
    assert (original.name if original else None) == found


def test_a_strategic_patch_says_changes_and_removals() -> None:
    changes = [
        Change(field_path("spec", "replicas"), 2, 5),
        Change((*WEB, FieldName("image")), "a", "b"),
        Change((*WEB, FieldName("env"), ListKey((("name", "OLD"),))), {}, MISSING),
        Change(field_path("metadata", "labels", "tier"), "x", MISSING),
    ]
    env = [{"name": "OLD", "$patch": "delete"}]
    assert build_strategic(thing("web", "shop"), changes, merges_lists=True) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"tier": None}},
        "spec": {
            "replicas": 5,
            "template": {"spec": {"containers": [{"name": "web", "image": "b", "env": env}]}},
        },
    }


@pytest.mark.parametrize(
    ("path", "merges_lists"),
    [(WEB, False), ((*field_path("metadata", "finalizers"), SetValue("x")), True)],
    ids=["lists of a custom resource", "a scalar of a set"],
)
def test_what_a_strategic_patch_cannot_say_it_does_not(path: Path, *, merges_lists: bool) -> None:
    change = Change(path, {}, MISSING)
    assert build_strategic(thing("web"), [change], merges_lists=merges_lists) is None


def test_a_json_patch_makes_the_same_changes_as_the_live_object_has() -> None:
    declared = {
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "web"}]}}},
    }
    changes = [
        Change(field_path("spec", "replicas"), 2, 5),
        Change(field_path("metadata", "labels", "a/b~c"), MISSING, "x"),
        Change(
            (*WEB, FieldName("env"), ListKey((("name", "A"),)), FieldName("value")), MISSING, ""
        ),
        Change((*CONTAINERS, ListKey((("name", "side"),)), FieldName("image")), MISSING, "s"),
        Change(field_path("spec", "gone"), MISSING, MISSING),
    ]
    steps = build_json_patch(declared, changes)
    assert jsonpatch.apply_patch(declared, steps) == with_changes(declared, changes)
    assert {"op": "add", "path": "/metadata/labels", "value": {"a/b~c": "x"}} in steps


def test_a_second_patch_is_folded_into_the_first() -> None:
    first = {"spec": {"replicas": 5, "containers": [{"name": "a", "image": "1"}]}}
    second = {"spec": {"replicas": 7, "containers": [{"name": "a", "tty": True}, {"name": "b"}]}}
    assert fold(first, second) == {
        "spec": {
            "replicas": 7,
            "containers": [{"name": "a", "image": "1", "tty": True}, {"name": "b"}],
        }
    }


def test_entries_and_names_of_patches() -> None:
    name = patch_file_name(thing("web"), ["adopted-deployment-web.yaml"])
    assert name == "adopted-deployment-web-1.yaml"
    assert patch_entry(name, thing("web"), is_json=False) == {"path": name}
    assert patch_entry(name, thing("web", "shop"), is_json=True)["target"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": "shop",
    }


def test_what_sets_a_field_after_all_patches_is_named() -> None:
    kustomization = {"images": [{}], "commonLabels": {"a": "b"}, "replicas": [{}]}
    assert find_transformer(kustomization, (*WEB, FieldName("image"))) == "images"
    assert find_transformer(kustomization, field_path("spec", "replicas")) == "replicas"
    labels = field_path("metadata", "labels", "a")
    assert find_transformer(kustomization, labels) == "commonLabels"
    assert find_transformer(kustomization, field_path("spec", "paused")) == ""
