"""Writing and reading tracking data (controller.md §2)."""

import pytest

from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Manifest
from holdfast.planning.tracking import (
    Tracking,
    TrackingId,
    TrackingMethod,
    instance_to_app_text,
    is_root,
    is_self_referencing,
    owner_of,
    with_tracking,
)
from tests.support.applications import definition, thing

ID = "argocd.argoproj.io/tracking-id"
INSTALLATION = "argocd.argoproj.io/installation-id"
LABEL = "app.kubernetes.io/instance"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (thing("Service"), "web:/Service:prod/web"),
        (thing("Deployment", api_version="apps/v1"), "web:apps/Deployment:prod/web"),
        (
            thing(
                "ClusterRole",
                "reader",
                namespace="",
                api_version="rbac.authorization.k8s.io/v1",
            ),
            "web:rbac.authorization.k8s.io/ClusterRole:prod/reader",
        ),
    ],
)
def test_the_tracking_id_names_application_kind_and_place(target: Manifest, text: str) -> None:
    tracked = with_tracking(target, "web", "prod", Tracking())
    assert tracked.annotation(ID) == text
    assert tracked.label(LABEL) is None
    assert owner_of(tracked, Tracking()) == "web"


def test_custom_resource_definitions_are_never_tracked() -> None:
    crd = definition("Order")
    for method in TrackingMethod:
        assert with_tracking(crd, "web", "prod", Tracking(method)) == crd


def test_the_label_method_writes_the_label_alone() -> None:
    tracked = with_tracking(thing(), "web", "prod", Tracking(TrackingMethod.LABEL))
    assert tracked.label(LABEL) == "web"
    assert tracked.annotation(ID) is None
    assert owner_of(tracked, Tracking(TrackingMethod.LABEL)) == "web"


def test_the_label_is_shortened_to_a_valid_value_beside_the_annotation() -> None:
    tracking = Tracking(TrackingMethod.ANNOTATION_AND_LABEL)
    name = "a" * 62 + "-" + "b" * 10
    tracked = with_tracking(thing(), name, "prod", tracking)
    assert tracked.label(LABEL) == "a" * 62
    assert owner_of(tracked, tracking) == name


def test_an_instance_name_without_any_valid_character_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="No label value"):
        with_tracking(thing(), "---", "prod", Tracking(TrackingMethod.ANNOTATION_AND_LABEL))


def test_the_legacy_label_reaches_pod_templates() -> None:
    label = "applications.argoproj.io/app-name"
    target = thing("Deployment", api_version="apps/v1", spec={"template": {"spec": {}}})
    tracked = with_tracking(target, "web", "prod", Tracking(TrackingMethod.LABEL, label))
    assert tracked.at("spec", "template", "metadata", "labels") == {label: "web"}
    assert target.at("spec", "template") == {"spec": {}}


def test_an_installation_id_is_written_and_demanded() -> None:
    ours = Tracking(installation_id="east")
    tracked = with_tracking(thing(), "web", "prod", ours)
    assert tracked.annotation(INSTALLATION) == "east"
    assert owner_of(tracked, ours) == "web"
    assert owner_of(tracked, Tracking(installation_id="west")) is None
    assert owner_of(tracked, Tracking()) == "web"


def test_a_foreign_installation_id_in_git_is_removed() -> None:
    target = thing(annotations={INSTALLATION: "other"})
    assert with_tracking(target, "web", "prod", Tracking()).annotation(INSTALLATION) is None


@pytest.mark.parametrize(
    "text", [None, "", "web", "web:apps/Deployment", "web:Deployment:prod/web", "web:a/b:c/d/e"]
)
def test_a_malformed_tracking_id_means_untracked(text: str | None) -> None:
    assert TrackingId.find(text) is None


@pytest.mark.parametrize(
    ("live", "target", "ours"),
    [
        pytest.param(None, thing(), True, id="no live object"),
        pytest.param(thing(), thing(), True, id="same identity"),
        pytest.param(thing(namespace=""), thing(), True, id="live has no namespace"),
        pytest.param(
            thing("Ingress", api_version="extensions/v1beta1"),
            thing("Ingress", api_version="networking.k8s.io/v1"),
            False,
            id="target in another group",
        ),
        pytest.param(thing(), None, True, id="no tracking id, no target"),
        pytest.param(thing(annotations={ID: "web:/ConfigMap:prod/web"}), None, True, id="own id"),
        pytest.param(
            thing(name="copy", annotations={ID: "web:/ConfigMap:prod/web"}),
            None,
            False,
            id="annotations copied to another object",
        ),
    ],
)
def test_copied_tracking_data_does_not_make_an_object_ours(
    live: Manifest | None, target: Manifest | None, ours: bool
) -> None:
    assert is_self_referencing(live, target, Tracking()) is ours


def test_the_label_method_never_doubts_an_object() -> None:
    live = thing(name="copy", annotations={ID: "web:/ConfigMap:prod/web"})
    assert is_self_referencing(live, None, Tracking(TrackingMethod.LABEL))


@pytest.mark.parametrize(
    ("live", "root"),
    [
        pytest.param(thing(), True, id="plain"),
        pytest.param(thing(metadata={"ownerReferences": [{"uid": "1"}]}), False, id="owned"),
        pytest.param(thing("Endpoints"), False, id="endpoints of a service"),
        pytest.param(
            thing(
                "Secret",
                type="kubernetes.io/service-account-token",
                annotations={
                    "kubernetes.io/service-account.name": "a",
                    "kubernetes.io/service-account.uid": "b",
                },
            ),
            False,
            id="token of a service account",
        ),
        pytest.param(thing("Secret", type="Opaque"), True, id="secret"),
    ],
)
def test_an_object_with_an_owner_is_no_root(live: Manifest, root: bool) -> None:
    assert is_root(live) is root


def test_instance_names_print_as_namespace_and_name() -> None:
    assert instance_to_app_text("web", "argocd") == "argocd/web"
    assert instance_to_app_text("team-a_web", "argocd") == "team-a/web"
