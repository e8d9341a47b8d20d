"""Reading and changing manifests."""

import pytest

from holdfast.domain.identity import AppKey, GroupVersionKind, ResourceKey
from holdfast.domain.manifest import Manifest, walk_items


def test_identity_has_no_version() -> None:
    old = Manifest({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}})
    new = Manifest({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}})
    assert old.key == new.key == ResourceKey("apps", "Deployment", "", "a")
    assert old.gvk != new.gvk


@pytest.mark.parametrize(
    ("api_version", "group", "version"),
    [("v1", "", "v1"), ("apps/v1", "apps", "v1"), ("a.b/v1beta1", "a.b", "v1beta1"), ("", "", "")],
)
def test_the_core_group_has_no_name(api_version: str, group: str, version: str) -> None:
    manifest = Manifest({"apiVersion": api_version, "kind": "A"})
    assert (manifest.group, manifest.version) == (group, version)
    assert GroupVersionKind.parse(api_version, "A") == manifest.gvk
    assert manifest.gvk.api_version == api_version


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"annotations": None, "labels": 3, "finalizers": "x"}},
        {"apiVersion": 1, "kind": None, "metadata": {"name": 5, "generation": "x"}},
    ],
)
def test_reading_a_malformed_object_never_raises(tree: dict[str, object]) -> None:
    manifest = Manifest(tree)
    assert (manifest.name, manifest.kind, manifest.generation) == ("", "", 0)
    assert manifest.annotation("a") is manifest.label("a") is None
    assert manifest.finalizers == ()
    assert manifest.owner_references == manifest.managed_fields == ()
    assert manifest.at("spec", "replicas") is None
    assert not manifest.is_terminating


def test_a_path_that_ends_early_is_nothing() -> None:
    manifest = Manifest({"spec": {"replicas": 0, "list": [1]}})
    assert manifest.at("spec", "replicas") == 0
    assert manifest.at("spec", "list", "0") is None
    assert manifest.at("spec", "replicas", "deeper") is None


def test_a_change_gives_another_manifest_and_leaves_the_first_alone() -> None:
    first = Manifest({"metadata": {"name": "a", "annotations": {"x": "1"}}})
    second = first.with_annotation("y", "2").with_label("l", "v").with_namespace("prod")
    assert first.tree == {"metadata": {"name": "a", "annotations": {"x": "1"}}}
    assert second.annotations == {"x": "1", "y": "2"}
    assert (second.label("l"), second.namespace) == ("v", "prod")


def test_removing_the_last_member_removes_the_block() -> None:
    manifest = Manifest({"metadata": {"name": "a", "annotations": {"x": "1"}, "namespace": "n"}})
    assert manifest.with_annotation("x", None).with_namespace("").tree == {
        "metadata": {"name": "a"}
    }


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        pytest.param({"kind": "A", "metadata": {"name": "a"}}, ["a"], id="an object is itself"),
        pytest.param(
            {"kind": "List", "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]},
            ["a", "b"],
            id="a list",
        ),
        pytest.param(
            {"items": [{"items": [{"metadata": {"name": "a"}}]}]}, ["a"], id="a list of lists"
        ),
        pytest.param({"kind": "List", "items": []}, [], id="an empty list"),
        pytest.param({"kind": "List", "items": None}, [], id="a list of null"),
        pytest.param(
            {"kind": "A", "spec": {}, "items": None, "metadata": {"name": "a"}},
            ["a"],
            id="an object that happens to have items",
        ),
    ],
)
def test_lists_give_their_items(tree: dict[str, object], names: list[str]) -> None:
    assert [item["metadata"]["name"] for item in walk_items(tree)] == names


def test_the_instance_name_names_the_namespace_only_elsewhere() -> None:
    assert AppKey("argocd", "web").instance_name("argocd") == "web"
    assert AppKey("team", "web").instance_name("argocd") == "team_web"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (ResourceKey("apps", "Deployment", "prod", "web"), "apps/Deployment prod/web"),
        (ResourceKey("", "Node", "", "n1"), "Node n1"),
    ],
)
def test_an_object_has_one_form_in_messages(key: ResourceKey, text: str) -> None:
    assert str(key) == text
