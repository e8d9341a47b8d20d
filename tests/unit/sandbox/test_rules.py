"""Small rules of the sandbox: ages, versions, rolling updates, patches, paths, schedules."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.sandbox.controllers.cron_jobs import next_time
from holdfast.sandbox.controllers.deployments import bare_template, template_hash
from holdfast.sandbox.controllers.rollout import Limits, grow_to, may_remove, scaled
from holdfast.sandbox.kinds.paths import Target, parse_target
from holdfast.sandbox.kinds.registry import Registry, version_priority
from holdfast.sandbox.kinds.resource import Resource, ResourceId
from holdfast.sandbox.statuses import StatusError
from holdfast.sandbox.tables.cells import human_duration
from holdfast.sandbox.tables.columns import json_path
from holdfast.sandbox.verbs.json_patch import json_patch


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 60, "5h1m"),
        (47 * 3600, "47h"),
        (50 * 3600, "2d2h"),
        (9 * 86400, "9d"),
        (800 * 86400, "2y70d"),
        (3000 * 86400, "8y"),
    ],
)
def test_an_age_has_two_digits_of_meaning(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


def test_versions_are_ordered_as_kubernetes_does() -> None:
    names = ["v1alpha1", "v1", "v2beta1", "v2", "v1beta2", "foo", "v10"]
    ordered = sorted(names, key=version_priority, reverse=True)
    assert ordered == ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/namespaces/n/pods/p/log", Target("", "v1", "pods", "n", "p", "log")),
        ("/api/v1/namespaces/n", Target("", "v1", "namespaces", "", "n")),
        ("/api/v1/namespaces/n/status", Target("", "v1", "namespaces", "", "n", "status")),
        ("/apis/apps/v1/deployments", Target("apps", "v1", "deployments")),
        (
            "/apis/apps/v1/namespaces/n/deployments/d/scale",
            Target("apps", "v1", "deployments", "n", "d", "scale"),
        ),
        ("/apis/apps", None),
        ("/version", None),
    ],
)
def test_a_path_names_its_target(path: str, target: Target | None) -> None:
    assert parse_target(path) == target


def test_a_percentage_is_rounded_in_favour_of_serving() -> None:
    assert scaled("25%", 3, up=True) == 1
    assert scaled("25%", 3, up=False) == 0
    assert scaled(2, 10, up=True) == 2


@given(
    replicas=st.integers(1, 20),
    surge=st.integers(0, 5),
    unavailable=st.integers(0, 5),
    old=st.integers(0, 25),
)
def test_a_rolling_update_ends_and_stays_within_its_bounds(
    replicas: int, surge: int, unavailable: int, old: int
) -> None:
    """Every pod becomes available at once here; the bounds hold at each step."""
    limits = Limits.of(replicas, surge, unavailable)
    new, steps = 0, 0
    while (new, old) != (replicas, 0):
        before = (new, old)
        new = replicas if not old else grow_to(limits, new, new + old)
        assert new + old <= max(limits.replicas + limits.surge, before[0] + before[1])
        gone = min(old, may_remove(limits, new + old, new, new))
        old -= gone
        assert gone == 0 or new + old >= limits.replicas - limits.unavailable
        steps += 1
        assert steps < 100


def test_the_hash_of_a_template_forgets_the_hash_itself() -> None:
    plain = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": []}}
    marked = {
        "metadata": {"labels": {"app": "x", "pod-template-hash": "abc"}},
        "spec": {"containers": []},
    }
    assert bare_template(marked) == bare_template(plain)
    assert template_hash(bare_template(marked)) == template_hash(bare_template(plain))


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2]}),
        ([{"op": "remove", "path": "/a/1"}], {"a": [1]}),
        ([{"op": "replace", "path": "/a", "value": {}}], {"a": {}}),
        ([{"op": "copy", "from": "/a/0", "path": "/b"}], {"a": [1, 2], "b": 1}),
        ([{"op": "move", "from": "/a", "path": "/b~1c"}], {"b/c": [1, 2]}),
        ([{"op": "test", "path": "/a/0", "value": 1}], {"a": [1, 2]}),
    ],
)
def test_a_json_patch_is_carried_out(operations: Any, result: Any) -> None:
    tree = {"a": [1, 2]}
    assert json_patch(tree, operations) == result
    assert tree == {"a": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a/0", "value": 2},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "nonsense", "path": "/a"},
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
def test_an_operation_that_does_not_apply_is_refused(operation: Any) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch({"a": [1, 2]}, [operation])
    assert caught.value.code == 422


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", [3]),
        (".spec.parts[0].name", ["a"]),
        (".spec.parts[*].name", ["a", "b"]),
        ('.spec.parts[?(@.name=="b")].n', [2]),
        (".metadata.labels['x.y/z']", ["v"]),
        (r".metadata.labels.x\.y/z", ["v"]),
        (".spec.nothing", []),
    ],
)
def test_a_printer_column_reads_its_path(path: str, found: list[Any]) -> None:
    parts = [{"name": "a", "n": 1}, {"name": "b", "n": 2}]
    tree = {"spec": {"size": 3, "parts": parts}, "metadata": {"labels": {"x.y/z": "v"}}}
    assert json_path(tree, path) == found


def test_a_schedule_follows_its_time_zone() -> None:
    owner = {"spec": {"schedule": "0 9 * * *", "timeZone": "Europe/Berlin"}}
    after = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
    expected = datetime.datetime(2026, 7, 2, 7, tzinfo=datetime.UTC)
    assert next_time(owner, after) == expected
    assert next_time({"spec": {"schedule": "nonsense"}}, after) is None


def _custom(version: str, storage: str) -> Resource:
    return Resource(
        group="x.example",
        version=version,
        plural="things",
        kind="Thing",
        singular="thing",
        namespaced=True,
        verbs=("get",),
        storage_version=storage,
        custom=True,
    )


def test_custom_kinds_come_and_go() -> None:
    registry = Registry(())
    before = registry.revision
    registry.set_custom("things.x.example", (_custom("v1beta1", "v1"), _custom("v1", "v1")))
    assert registry.revision > before
    assert registry.group_versions() == [("x.example", ["v1", "v1beta1"])]
    found = registry.find_id(ResourceId("x.example", "things"))
    assert found is not None
    assert found.version == "v1"
    registry.set_custom("things.x.example", ())
    assert registry.find("x.example", "v1", "things") is None
    assert not registry.serves_group("x.example")
