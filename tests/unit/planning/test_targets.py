"""From rendered manifests to targets (controller.md §3.8)."""

import pytest

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.identity import GroupKind
from holdfast.domain.manifest import Manifest
from holdfast.planning.exclusions import KindFilter, ResourceFilter
from holdfast.planning.targets import Targets, TargetSettings, build_targets
from tests.support.applications import definition, find_kind, thing

ID = "argocd.argoproj.io/tracking-id"
SETTINGS = TargetSettings("web", "prod", "https://kubernetes.default.svc")


def targets_of(*manifests: Manifest, namespace: str = "prod") -> Targets:
    settings = TargetSettings("web", namespace, SETTINGS.server)
    return build_targets(manifests, find_kind, settings)


def test_the_destination_namespace_is_filled_in_before_tracking() -> None:
    (target,) = targets_of(thing(namespace="")).manifests
    assert target.namespace == "prod"
    assert target.annotation(ID) == "web:/ConfigMap:prod/web"


def test_a_written_namespace_stays() -> None:
    (target,) = targets_of(thing(namespace="dev")).manifests
    assert target.namespace == "dev"
    assert target.annotation(ID) == "web:/ConfigMap:dev/web"


def test_a_cluster_scoped_object_loses_its_namespace() -> None:
    (target,) = targets_of(thing("ClusterRole", namespace="dev")).manifests
    assert target.namespace == ""
    assert target.annotation(ID) == "web:/ClusterRole:prod/web"


def test_a_kind_that_comes_with_its_definition_takes_the_scope_from_there() -> None:
    order = thing("Order", namespace="", api_version="shop.example/v1")
    found = targets_of(definition("Order", scope="Cluster"), order)
    assert found.manifests[1].namespace == ""
    assert targets_of(definition("Order"), order).manifests[1].namespace == "prod"


def test_an_unknown_kind_counts_as_namespaced() -> None:
    (target,) = targets_of(thing("Order", namespace="", api_version="shop.example/v1")).manifests
    assert target.namespace == "prod"


def test_the_last_of_several_objects_with_one_identity_stays() -> None:
    found = targets_of(thing(data={"a": "1"}), thing(namespace="", data={"a": "2"}), thing())
    (target,) = found.manifests
    assert "data" not in target.tree
    message = "Resource /ConfigMap/prod/web appeared 3 times among application resources."
    assert found.conditions == (Condition(ConditionType.REPEATED_RESOURCE, message),)


def test_objects_with_generated_names_are_never_duplicates() -> None:
    job = thing("Job", api_version="batch/v1")
    job = job.with_metadata(name=None, generateName="run-")
    found = targets_of(job, job)
    assert len(found.manifests) == 2
    assert found.conditions == ()


def test_excluded_kinds_are_left_out_with_a_warning() -> None:
    found = targets_of(thing("Endpoints"), thing())
    assert [target.kind for target in found.manifests] == ["ConfigMap"]
    message = "Resource /Endpoints web is excluded in the settings"
    assert found.conditions == (Condition(ConditionType.EXCLUDED_RESOURCE, message),)


def test_a_namespaced_object_without_any_namespace_is_an_error_and_the_rest_goes_on() -> None:
    deployment = thing("Deployment", namespace="", api_version="apps/v1")
    found = targets_of(deployment, thing("ClusterRole", "reader"), namespace="")
    assert len(found.manifests) == 2
    message = "Namespace for web apps/v1, Kind=Deployment is missing."
    assert found.conditions == (Condition(ConditionType.INVALID_SPEC_ERROR, message),)


@pytest.mark.parametrize(
    ("exclusions", "inclusions", "kind", "excluded"),
    [
        pytest.param(None, None, GroupKind("", "Endpoints"), True, id="shipped list"),
        pytest.param([], None, GroupKind("", "Endpoints"), False, id="list emptied"),
        pytest.param([], None, GroupKind("", "Event"), True, id="events are always excluded"),
        pytest.param(
            [{"apiGroups": ["*.example"]}], None, GroupKind("shop.example", "A"), True, id="glob"
        ),
        pytest.param(
            [{"kinds": ["A"], "clusters": ["https://other"]}],
            None,
            GroupKind("x", "A"),
            False,
            id="another cluster",
        ),
        pytest.param([], [{"apiGroups": ["apps"]}], GroupKind("apps", "A"), False, id="included"),
        pytest.param([], [{"apiGroups": ["apps"]}], GroupKind("x", "A"), True, id="not included"),
        pytest.param(
            [],
            [{"apiGroups": ["apps"], "clusters": ["https://other"]}],
            GroupKind("x", "A"),
            False,
            id="inclusions of another cluster do not matter",
        ),
    ],
)
def test_kinds_are_filtered_by_exclusions_and_inclusions(
    exclusions: object, inclusions: object, kind: GroupKind, excluded: bool
) -> None:
    rules = ResourceFilter.parse(exclusions, inclusions)
    assert rules.is_excluded(kind, SETTINGS.server) is excluded


def test_an_empty_filter_entry_matches_every_kind() -> None:
    assert KindFilter().matches(GroupKind("a", "B"), "https://any")
