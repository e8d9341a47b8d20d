"""The entry that ends a fight: it is pasted as it is printed, and means these fields alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.diffing.ignore import ignored_paths, without_ignored
from holdfast.domain.application import parse_ignore_rule
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.healing.ignore_entry import as_line, ignore_entry
from holdfast.kit import yamlio
from holdfast.schema.field_path import (
    FieldName,
    ListIndex,
    ListKey,
    Path,
    PathElement,
    SetValue,
    find_position,
)

KEY = ResourceKey("apps", "Deployment", "prod", "web")


def at(*elements: str | PathElement) -> Path:
    return tuple(FieldName(item) if isinstance(item, str) else item for item in elements)


def port(number: int, protocol: str = "TCP") -> ListKey:
    return ListKey((("containerPort", number), ("protocol", protocol)))


def named(name: str) -> ListKey:
    return ListKey((("name", name),))


CONTAINERS = ("spec", "template", "spec", "containers")
LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "annotations": {
            "a/b": "1",
            "c.d": "2",
            "e'f": "3",
            'g"h': "4",
            "~": "5",
            "on": "6",
            "ü": "7",
        },
        "finalizers": ["x.example/a", "x.example/b"],
    },
    "spec": {
        "replicas": 4,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "w",
                        "args": ["one", "two"],
                        "ports": [
                            {"containerPort": 53, "hostPort": 1},
                            {"containerPort": 53, "protocol": "UDP", "hostPort": 2},
                            {"containerPort": 80, "hostPort": 3},
                        ],
                    },
                    {"name": 'it\'s "it"', "image": "s", "ports": [{"containerPort": 53}]},
                ]
            }
        },
    },
}
PLACES: list[Path] = [
    at("spec", "replicas"),
    *(at("metadata", "annotations", key) for key in LIVE["metadata"]["annotations"]),
    at("metadata", "finalizers", SetValue("x.example/b")),
    at(*CONTAINERS, named("web"), "image"),
    at(*CONTAINERS, named('it\'s "it"'), "image"),
    at(*CONTAINERS, named("web"), "args", ListIndex(1)),
    at(*CONTAINERS, named("web"), "ports", port(53), "hostPort"),
    at(*CONTAINERS, named("web"), "ports", port(53, "UDP"), "hostPort"),
    at(*CONTAINERS, named("web"), "ports", port(80), "hostPort"),
]


def without(tree: Any, paths: list[Path]) -> Any:
    """Takes the fields out by hand."""
    left = copy.deepcopy(tree)
    for path in paths:
        here, place = left, None
        for number, element in enumerate(path):
            place = element.name if isinstance(element, FieldName) else find_position(here, element)
            if number < len(path) - 1:
                here = here[place]
        del here[place]
    return left


@given(st.lists(st.sampled_from(PLACES), min_size=1, unique=True))
def test_the_entry_as_it_is_printed_takes_these_fields_out_and_nothing_else(
    paths: list[Path],
) -> None:
    entry = ignore_entry(KEY, paths, Manifest(LIVE))
    pasted = yamlio.load_one(f"spec:\n  ignoreDifferences:\n  - {as_line(entry)}\n")
    (read,) = pasted["spec"]["ignoreDifferences"]
    assert read == entry
    manifest = Manifest(LIVE)
    left = without_ignored(manifest, ignored_paths(manifest, [parse_ignore_rule(read)]))
    assert left.tree == without(LIVE, paths)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (at("spec", "replicas"), {"jsonPointers": ["/spec/replicas"]}),
        (at("metadata", "annotations", "a/b"), {"jsonPointers": ["/metadata/annotations/a~1b"]}),
        (
            at(*CONTAINERS, named("web"), "image"),
            {"jqPathExpressions": [
                '.spec.template.spec.containers[] | select(.name == "web") | .image'
            ]},
        ),
        (
            at(*CONTAINERS, named("web"), "ports", port(53), "hostPort"),
            {"jqPathExpressions": [
                '.spec.template.spec.containers[] | select(.name == "web") | .ports[] | '
                'select(.containerPort == 53 and (.protocol // "TCP") == "TCP") | .hostPort'
            ]},
        ),
        (
            at(*CONTAINERS, named("web"), "ports", port(80), "hostPort"),
            {"jqPathExpressions": [
                '.spec.template.spec.containers[] | select(.name == "web") | .ports[] | '
                "select(.containerPort == 80) | .hostPort"
            ]},
        ),
        (
            at("metadata", "finalizers", SetValue("x.example/b")),
            {"jqPathExpressions": ['.metadata.finalizers[] | select(. == "x.example/b")']},
        ),
    ],
)  # fmt: skip
def test_a_field_is_named_as_people_would_write_it(path: Path, said: dict[str, Any]) -> None:
    assert ignore_entry(KEY, [path], Manifest(LIVE)) == {
        "group": "apps", "kind": "Deployment", "name": "web", **said,
    }  # fmt: skip


def test_git_that_leaves_a_default_out_is_meant_as_well() -> None:
    """The rule is applied to what git says, too."""
    path = at(*CONTAINERS, named("web"), "ports", port(53), "hostPort")
    entry = parse_ignore_rule(ignore_entry(KEY, [path], Manifest(LIVE)))
    git = copy.deepcopy(LIVE)
    git["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP"
    manifest = Manifest(git)
    left = without_ignored(manifest, ignored_paths(manifest, [entry]))
    assert left.tree == without(git, [path])
