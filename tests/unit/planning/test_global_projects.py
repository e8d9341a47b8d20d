"""Projects inherit limits from global projects (controller.md §1.8)."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.manifest import Manifest
from holdfast.domain.project import Project
from holdfast.planning.global_projects import parse_global_projects, with_inherited

POD = {"group": "", "kind": "Pod"}
ROLE = {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole"}


def project(name: str, labels: dict[str, str] | None = None, **spec: Any) -> Project:
    return Project.parse(
        Manifest(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AppProject",
                "metadata": {"name": name, "labels": labels or {}},
                "spec": spec,
            }
        )
    )


BASE = project(
    "base",
    sourceRepos=["https://base/*"],
    destinations=[{"server": "https://b", "namespace": "b"}],
    clusterResourceWhitelist=[ROLE],
    namespaceResourceBlacklist=[POD],
    syncWindows=[{"kind": "deny"}],
)


def inherited(own: Project, *entries: Any) -> Project:
    known = {item.name: item for item in (BASE, own)}
    return with_inherited(own, known, parse_global_projects(list(entries)))


def test_the_lists_of_the_global_project_are_appended() -> None:
    own = project("shop", sourceRepos=["https://shop/*"])
    found = inherited(own, {"projectName": "base"})
    assert found.source_repos == ("https://shop/*", "https://base/*")
    assert [item.namespace for item in found.destinations] == ["b"]
    assert [item.kind for item in found.cluster_whitelist] == ["ClusterRole"]
    assert [item.kind for item in found.namespace_blacklist] == ["Pod"]
    assert found.has_sync_windows
    assert found.namespace_whitelist is None, "all kinds stay allowed"
    assert found.name == "shop"


def test_a_list_of_allowed_kinds_limits_who_had_none() -> None:
    strict = project("strict", namespaceResourceWhitelist=[POD])
    entries = parse_global_projects([{"projectName": "strict"}])
    found = with_inherited(project("shop"), {"strict": strict}, entries)
    assert [item.kind for item in found.namespace_whitelist or ()] == ["Pod"]


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({"matchLabels": {"team": "shop"}}, True),
        ({"matchLabels": {"team": "web"}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["shop"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["shop"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
        (
            {
                "matchLabels": {"team": "shop"},
                "matchExpressions": [{"key": "x", "operator": "Exists"}],
            },
            False,
        ),
    ],
)
def test_labels_decide_who_inherits(selector: dict[str, Any], matches: bool) -> None:
    own = project("shop", {"team": "shop"})
    found = inherited(own, {"projectName": "base", "labelSelector": selector})
    assert (found is not own) is matches


def test_a_global_project_that_is_not_there_or_is_the_project_itself_gives_nothing() -> None:
    own = project("shop")
    assert inherited(own, {"projectName": "gone"}, {"projectName": "shop"}) is own


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"projectName": "base"}, "no list"),
        ([{"labelSelector": {}}], "entry 1 names no project"),
        (
            [{"projectName": "a", "labelSelector": {"matchExpressions": [{"operator": "Like"}]}}],
            "no operator 'Like'",
        ),
    ],
)
def test_what_cannot_be_read_is_said(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_global_projects(value)
