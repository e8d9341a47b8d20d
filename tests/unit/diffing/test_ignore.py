"""Ignore rules: pointers, jq paths, globs (controller.md §4.4)."""

from typing import Any

import pytest

from holdfast.diffing.ignore import (
    Each,
    Wanted,
    find_jq_path,
    ignored_paths,
    unsupported_paths,
    values_at,
    without_ignored,
)
from holdfast.domain.application import IgnoreRule, parse_ignore_rule
from holdfast.domain.manifest import Manifest
from tests.support.builders import annotated, config_map, deployment


def rule(**members: Any) -> IgnoreRule:
    return parse_ignore_rule({"group": "*", "kind": "*", **members})


def left(tree: dict[str, Any], *rules: IgnoreRule) -> dict[str, Any]:
    manifest = Manifest(tree)
    return without_ignored(manifest, ignored_paths(manifest, rules)).tree


def test_a_pointer_removes_its_field() -> None:
    tree = deployment(replicas=3)
    assert "replicas" not in left(tree, rule(jsonPointers=["/spec/replicas"]))["spec"]
    assert tree["spec"]["replicas"] == 3, "the manifest itself is left alone"


def test_a_pointer_to_nothing_is_no_error() -> None:
    tree = deployment()
    manifest = Manifest(tree)
    nothing = ignored_paths(manifest, [rule(jsonPointers=["/spec/replicas", "/a/b/c"])])
    assert without_ignored(manifest, nothing) is manifest


def test_a_pointer_may_name_keys_with_slashes_and_list_places() -> None:
    tree = annotated(deployment(), **{"example.com/x": "1", "b": "2"})
    pointers = ["/metadata/annotations/example.com~1x", "/spec/template/spec/containers/0/image"]
    result = left(tree, rule(jsonPointers=pointers))
    assert result["metadata"]["annotations"] == {"b": "2"}
    assert result["spec"]["template"]["spec"]["containers"] == [{"name": "web"}]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (".spec.replicas", ("spec", "replicas")),
        ('.metadata.annotations["a/b"]', ("metadata", "annotations", "a/b")),
        ('.metadata.annotations."a/b"', ("metadata", "annotations", "a/b")),
        (".spec.ports[0].nodePort", ("spec", "ports", 0, "nodePort")),
        (".spec.ports[]?.nodePort", ("spec", "ports", Each(), "nodePort")),
        (
            ".webhooks[] | .clientConfig | .caBundle",
            ("webhooks", Each(), "clientConfig", "caBundle"),
        ),
        ('.a[] | select(.name == "web") | .image', ("a", Each((Wanted("name", "web"),)), "image")),
        (".a[] | select(.port == 80)", ("a", Each((Wanted("port", 80),)))),
        (
            ".a[] | select(.x == 1 and .y == true)",
            ("a", Each((Wanted("x", 1), Wanted("y", True)))),
        ),
        (
            '.a[] | select((.protocol // "TCP") == "TCP") | .b',
            ("a", Each((Wanted("protocol", "TCP", "TCP"),)), "b"),
        ),
        ('.a[] | select(. == "x")', ("a", Each((Wanted("", "x"),)))),
        ('.a[] | select(.["b/c"] == "\\"d")', ("a", Each((Wanted("b/c", '"d'),)))),
    ],
)
def test_the_jq_paths_that_people_write_are_understood(text: str, steps: tuple[Any, ...]) -> None:
    assert find_jq_path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spec.replicas",
        ".a | keys",
        '.a[] | select(.name | startswith("x"))',
        ".a[] | select(.x == 1 or .y == 2)",
        '.a["\\(.b)"]',
        '.a | select(.kind == "b")',
        "..",
        ".a[1:2]",
        "del(.a)",
        ".a + .b",
    ],
)
def test_what_needs_an_interpreter_is_reported_and_never_guessed(text: str) -> None:
    assert find_jq_path(text) is None
    assert unsupported_paths([rule(jqPathExpressions=[text])]) == (text,)


def test_a_selected_item_loses_its_field_and_the_others_do_not() -> None:
    tree = deployment()
    tree["spec"]["template"]["spec"]["containers"].append({"name": "log", "image": "log:1"})
    text = '.spec.template.spec.containers[] | select(.name == "log") | .image'
    items = left(tree, rule(jqPathExpressions=[text]))["spec"]["template"]["spec"]["containers"]
    assert items == [{"name": "web", "image": "web:1"}, {"name": "log"}]


@pytest.mark.parametrize(
    ("members", "applies"),
    [
        ({"group": "apps", "kind": "Deployment"}, True),
        ({"group": "*", "kind": "Deploy*"}, True),
        ({"group": "", "kind": "Deployment"}, False),
        ({"group": "apps", "kind": "StatefulSet"}, False),
        ({"group": "apps", "kind": "Deployment", "name": "web"}, True),
        ({"group": "apps", "kind": "Deployment", "name": "w*"}, False),
        ({"group": "apps", "kind": "Deployment", "namespace": "prod"}, True),
        ({"group": "apps", "kind": "Deployment", "namespace": "dev"}, False),
    ],
)
def test_group_and_kind_are_globs_name_and_namespace_are_exact(
    members: dict[str, str], applies: bool
) -> None:
    one = parse_ignore_rule({**members, "jsonPointers": ["/spec/replicas"]})
    assert bool(ignored_paths(Manifest(deployment()), [one])) is applies


def test_managers_are_kept_for_the_comparison() -> None:
    found = ignored_paths(Manifest(config_map()), [rule(managedFieldsManagers=["hpa"])])
    assert found.managers == ("hpa",)
    assert found


def test_the_places_that_a_path_reaches_are_concrete() -> None:
    tree = {"a": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]}
    assert values_at(tree, ("a", Each(), "v")) == [(("a", 0, "v"), 1), (("a", 1, "v"), 2)]
    assert values_at(tree, ("a", Each((Wanted("n", "y"),)), "v")) == [(("a", 1, "v"), 2)]
