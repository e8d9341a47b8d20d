"""Moving ownership (apply.md A1, A6)."""

from typing import Any

from holdfast.domain.manifest import Manifest
from holdfast.healing.take_over import follow_previous_managers, parents_of, take_over
from holdfast.schema.field_path import field_path

ROOT = {"apiVersion": "apps/v1", "kind": "Deployment"}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> Any:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def live(*entries: Any, **spec: Any) -> Manifest:
    metadata = {"name": "web", "namespace": "prod", "managedFields": list(entries)}
    return Manifest({**ROOT, "metadata": metadata, "spec": spec})


def owners(fields: list[Any] | None) -> dict[str, Any]:
    assert fields is not None
    return {f"{item['manager']}/{item['operation']}": item["fieldsV1"] for item in fields}


def test_the_parent_of_a_drifted_field_is_the_struct_above_it() -> None:
    found = parents_of(live(replicas=4), [field_path("spec", "replicas")])
    assert found == {field_path("spec")}


def test_where_a_branch_is_gone_it_is_the_parent_of_the_topmost_missing_step() -> None:
    gone = field_path("spec", "strategy", "rollingUpdate", "maxSurge")
    assert parents_of(live(replicas=1), [gone]) == {field_path("spec")}
    assert parents_of(live(strategy={}), [gone]) == {field_path("spec", "strategy")}


def test_a_top_level_field_has_no_parent_to_take() -> None:
    assert parents_of(live(), [field_path("spec")]) == frozenset()


def test_what_lies_under_the_parent_becomes_ours_and_nothing_else() -> None:
    seen = live(
        entry("holdfast", {"f:spec": {"f:replicas": {}}}, "Apply", time="2026-01-01T00:00:00Z"),
        entry("kubectl-edit", {"f:spec": {"f:paused": {}}, "f:metadata": {"f:labels": {}}}),
        replicas=1,
        paused=True,
    )
    fields = take_over(seen, [field_path("spec")])
    assert owners(fields) == {
        "holdfast/Apply": {"f:spec": {"f:paused": {}, "f:replicas": {}}},
        "kubectl-edit/Update": {"f:metadata": {"f:labels": {}}},
    }


def test_an_entry_that_loses_everything_goes() -> None:
    seen = live(entry("kubectl-edit", {"f:spec": {"f:paused": {}}}), paused=True)
    assert list(owners(take_over(seen, [field_path("spec")]))) == ["holdfast/Apply"]


def test_a_subresource_keeps_its_fields() -> None:
    scale = entry("hpa", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    seen = live(scale, entry("kubectl-edit", {"f:spec": {"f:paused": {}}}), replicas=3, paused=True)
    fields = take_over(seen, [field_path("spec")])
    assert fields is not None
    assert scale in fields


def test_an_entry_of_another_version_is_left_alone() -> None:
    other = entry("kubectl-edit", {"f:spec": {"f:paused": {}}})
    other["apiVersion"] = "apps/v1beta1"
    assert take_over(live(other, paused=True), [field_path("spec")]) is None


def test_nothing_to_move_is_none() -> None:
    seen = live(entry("kubectl-edit", {"f:metadata": {"f:labels": {}}}))
    assert take_over(seen, [field_path("spec")]) is None
    assert take_over(seen, []) is None


def test_earlier_appliers_are_followed_before_our_first_write() -> None:
    seen = live(
        entry("argocd-controller", {"f:spec": {"f:replicas": {}}}),
        entry("kubectl-client-side-apply", {"f:spec": {"f:paused": {}}}),
        entry("kubectl-edit", {"f:spec": {"f:minReadySeconds": {}}}),
    )
    assert owners(follow_previous_managers(seen)) == {
        "holdfast/Apply": {"f:spec": {"f:paused": {}, "f:replicas": {}}},
        "kubectl-edit/Update": {"f:spec": {"f:minReadySeconds": {}}},
    }


def test_they_are_followed_once_only() -> None:
    """After that, a `kubectl apply` is a person's, whose undeclared fields we must not delete."""
    seen = live(
        entry("holdfast", {"f:spec": {"f:replicas": {}}}, "Apply"),
        entry("kubectl-client-side-apply", {"f:spec": {"f:paused": {}}}),
    )
    assert follow_previous_managers(seen) is None


def test_the_manager_that_the_application_names_is_followed_too() -> None:
    seen = live(entry("flux", {"f:spec": {"f:replicas": {}}}))
    assert follow_previous_managers(seen) is None
    assert "holdfast/Apply" in owners(follow_previous_managers(seen, "flux"))


def test_status_entries_of_earlier_appliers_are_not_followed() -> None:
    seen = live(entry("argocd-controller", {"f:status": {}}, subresource="status"))
    assert follow_previous_managers(seen) is None
