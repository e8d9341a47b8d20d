"""Reading Applications, projects and operations (controller.md §1)."""

from typing import Any

import pytest

from holdfast.domain.application import Application
from holdfast.domain.condition import ConditionType
from holdfast.domain.health import HealthCode
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import Operation, Phase, RetryPolicy, parse_duration_s
from holdfast.domain.project import Project
from tests.support.applications import application, project


def test_an_empty_object_reads_as_defaults() -> None:
    app = Application.parse(Manifest({}))
    assert (app.project, app.history_limit, app.sources) == ("default", 10, ())
    assert app.sync_policy.automated is None
    assert app.operation is None
    assert not app.self_heals


@pytest.mark.parametrize(
    ("automated", "on"),
    [(None, False), ({}, True), ({"enabled": True}, True), ({"enabled": False}, False)],
)
def test_automatic_sync_is_on_when_the_block_is_there(automated: Any, on: bool) -> None:
    app = application({"syncPolicy": {"automated": automated}})
    assert (app.sync_policy.automated is not None) is on


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        pytest.param({}, ["web"], id="single"),
        pytest.param({"sources": [{"path": "a"}, {"path": "b"}]}, ["a", "b"], id="several win"),
        pytest.param({"sources": []}, ["web"], id="an empty list does not"),
        pytest.param(
            {
                "sources": [{"path": "a"}],
                "sourceHydrator": {
                    "drySource": {"repoURL": "r"},
                    "syncSource": {"path": "hydrated", "targetBranch": "env"},
                },
            },
            ["hydrated"],
            id="the hydrator wins over all",
        ),
    ],
)
def test_the_effective_sources(spec: dict[str, Any], paths: list[str]) -> None:
    assert [source.path for source in application(spec).sources] == paths


@pytest.mark.parametrize(("limit", "kept"), [(None, 10), (0, 0), (-3, 0), (5, 5)])
def test_a_negative_history_limit_counts_as_zero(limit: int | None, kept: int) -> None:
    assert application({"revisionHistoryLimit": limit}).history_limit == kept


def test_self_heal_needs_automatic_sync() -> None:
    healing = {"selfHeal": True}
    assert application({"syncPolicy": {"automated": healing}}).self_heals
    off = {**healing, "enabled": False}
    assert not application({"syncPolicy": {"automated": off}}).self_heals


@pytest.mark.parametrize(
    ("finalizers", "propagation"),
    [
        ([], None),
        (["other"], None),
        (["resources-finalizer.argocd.argoproj.io"], "Foreground"),
        (["resources-finalizer.argocd.argoproj.io/background"], "Background"),
    ],
)
def test_the_first_finalizer_decides_how_objects_go(
    finalizers: list[str], propagation: str | None
) -> None:
    assert application(finalizers=finalizers).cascade_propagation == propagation


@pytest.mark.parametrize(("value", "skips"), [("true", True), ("1", True), ("no", False)])
def test_reconciling_is_skipped_on_request(value: str, skips: bool) -> None:
    app = application(annotations={"argocd.argoproj.io/skip-reconcile": value})
    assert app.skips_reconcile is skips


@pytest.mark.parametrize(
    ("sync", "field", "value"),
    [
        ({}, "uses_hooks", True),
        ({"syncStrategy": {"hook": {"force": True}}}, "force", True),
        ({"syncStrategy": {"apply": {}}}, "uses_hooks", False),
        ({"syncStrategy": {"apply": {"force": True}}}, "force", True),
        ({"manifests": []}, "manifests", None),
        ({"autoHealAttemptsCount": 3}, "heal_attempts", 3),
        ({"resources": [{"kind": "A", "name": "b"}]}, "is_selective", True),
    ],
)
def test_an_operation_is_read(sync: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(Operation.parse({"sync": sync}), field) == value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("3m", 180), ("1h30m", 5400), ("300ms", 0.3), ("7", 7), ("-1", -1), ("1.5h", 5400)],
)
def test_durations_are_gos_or_bare_seconds(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 s", "s", "5d"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration_s(text)


def test_retries_wait_longer_each_time_up_to_the_cap() -> None:
    policy = RetryPolicy(limit=9)
    assert [policy.wait_s(count) for count in range(7)] == [5, 10, 20, 40, 80, 160, 180]
    assert RetryPolicy(max_duration="0").wait_s(10) == 5 * 2**10


def test_phases_that_are_over() -> None:
    assert {phase for phase in Phase if phase.is_completed} == {
        Phase.FAILED,
        Phase.ERROR,
        Phase.SUCCEEDED,
    }


def test_a_missing_namespace_whitelist_is_not_an_empty_one() -> None:
    assert project().namespace_whitelist is None
    assert project(namespaceResourceWhitelist=[]).namespace_whitelist == ()


def test_a_project_without_spec_allows_nothing() -> None:
    empty = Project.parse(Manifest({"metadata": {"name": "p"}}))
    assert (empty.source_repos, empty.destinations, empty.cluster_whitelist) == ((), (), ())


def test_health_codes_are_ordered_from_best_to_worst() -> None:
    names = [code.value for code in sorted(HealthCode, key=lambda code: code.rank)]
    assert names == ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]
    assert HealthCode.UNKNOWN.is_worse_than(HealthCode.DEGRADED)
    assert not HealthCode.HEALTHY.is_worse_than(HealthCode.HEALTHY)


def test_every_condition_says_by_its_name_whether_it_is_an_error() -> None:
    for condition in ConditionType:
        assert condition.value.endswith("Error" if condition.is_error else "Warning")
