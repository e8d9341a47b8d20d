"""A manifest never loses a field."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.application import Application
from holdfast.domain.manifest import Manifest
from holdfast.domain.project import Project
from holdfast.planning.tracking import Tracking, TrackingMethod, with_tracking

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
NAMES = st.text("abcdef", min_size=1, max_size=4)
MAPS = st.dictionaries(NAMES, NAMES, max_size=3)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    metadata = {"name": draw(NAMES), "namespace": draw(NAMES), "annotations": draw(MAPS)}
    known = {"apiVersion": "v1", "kind": draw(st.sampled_from(("ConfigMap", "Application")))}
    unknown = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    metadata.update(draw(st.dictionaries(st.sampled_from(("x", "y")), VALUES)))
    return {**unknown, **known, "metadata": metadata, "spec": draw(VALUES)}


@given(trees())
def test_reading_changes_nothing(tree: dict[str, Any]) -> None:
    before = deepcopy(tree)
    manifest = Manifest(tree)
    Application.parse(manifest)
    Project.parse(manifest)
    assert json.dumps(manifest.tree, sort_keys=True) == json.dumps(before, sort_keys=True)


@given(trees(), NAMES, NAMES)
def test_a_change_touches_only_what_it_names(tree: dict[str, Any], key: str, value: str) -> None:
    before = deepcopy(tree)
    changed = Manifest(tree).with_annotation(key, value)
    assert tree == before
    assert changed.annotation(key) == value
    original = Manifest(before).annotation(key)
    restored = changed.with_annotation(key, original)
    assert restored.annotations == Manifest(before).annotations
    assert _without_annotations(changed.tree) == _without_annotations(before)


@given(trees(), st.sampled_from(list(TrackingMethod)))
def test_tracking_touches_only_annotations_and_labels(
    tree: dict[str, Any], method: TrackingMethod
) -> None:
    tracked = with_tracking(Manifest(tree), "web", "prod", Tracking(method))
    assert _without_annotations(tracked.tree) == _without_annotations(tree)


@given(trees(), st.sampled_from(list(TrackingMethod)))
def test_tracking_twice_is_tracking_once(tree: dict[str, Any], method: TrackingMethod) -> None:
    once = with_tracking(Manifest(tree), "web", "prod", Tracking(method))
    assert with_tracking(once, "web", "prod", Tracking(method)) == once


def _without_annotations(tree: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in tree["metadata"].items() if k not in ("annotations", "labels")}
    return {**tree, "metadata": metadata}
