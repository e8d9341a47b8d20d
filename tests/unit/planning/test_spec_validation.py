"""Conditions of an unusable spec, word by word (controller.md §1.4)."""

from typing import Any

import pytest

from holdfast.domain.condition import Condition, ConditionType
from holdfast.planning.validate import KnownCluster, validate_spec
from tests.support.applications import application, project

SERVER = "https://kubernetes.default.svc"
HERE = (
    f"; set spec.destination to server {SERVER} (name in-cluster), with a namespace: "
    "no other cluster is known"
)
REPO = "https://git.example/team/apps"
INCOMPLETE = "spec.source.repoURL and either spec.source.path or spec.source.chart are required"


@pytest.mark.parametrize(
    ("spec", "limits", "message"),
    [
        pytest.param({"source": {"repoURL": REPO}}, {}, INCOMPLETE, id="no path and no chart"),
        pytest.param({"source": {"path": "a"}}, {}, INCOMPLETE, id="no repository"),
        pytest.param({"source": None}, {}, INCOMPLETE, id="no source"),
        pytest.param(
            {"sources": [{"repoURL": REPO, "name": "base"}]},
            {},
            "spec.source.repoURL and either source.path, source.chart, or source.ref are required "
            "for source base",
            id="one of several sources has no place",
        ),
        pytest.param(
            {"source": {"repoURL": REPO, "chart": "web"}},
            {},
            "spec.source.targetRevision is required if the manifest source is a helm chart",
            id="chart without version",
        ),
        pytest.param(
            {},
            {"sourceRepos": ["https://other/*"]},
            f"application repo {REPO} is not permitted in project 'default'",
            id="repository not permitted",
        ),
        pytest.param(
            {},
            {"destinations": [{"server": "*", "namespace": "dev"}]},
            f"application destination server '{SERVER}' and namespace 'prod' do not match any of "
            "the allowed destinations in project 'default'",
            id="destination not permitted",
        ),
        pytest.param(
            {"destination": {"server": SERVER, "name": "in-cluster"}},
            {},
            "application destination can't have both name and server defined: "
            f"in-cluster {SERVER}{HERE}",
            id="server and name",
        ),
        pytest.param(
            {"destination": {"namespace": "prod"}},
            {},
            f"Destination server missing from app spec{HERE}",
            id="neither server nor name",
        ),
        pytest.param(
            {"destination": {"name": "east"}},
            {},
            f"there are no clusters with this name: east{HERE}",
            id="unknown name",
        ),
        pytest.param(
            {
                "source": None,
                "sourceHydrator": {
                    "drySource": {"repoURL": "https://ok/dry"},
                    "syncSource": {"repoURL": "https://bad/sync", "path": "a"},
                },
            },
            {"sourceRepos": ["https://ok/*"]},
            "sync source repo https://bad/sync is not permitted in project 'default'",
            id="hydrator pushes to a repository that is not permitted",
        ),
    ],
)
def test_an_unusable_spec_is_named(
    spec: dict[str, Any], limits: dict[str, Any], message: str
) -> None:
    app = application(spec)
    found = validate_spec(app, project(**limits), "argocd")
    assert found == (Condition(ConditionType.INVALID_SPEC_ERROR, message),)


def test_a_usable_spec_has_no_condition() -> None:
    assert validate_spec(application(), project(), "argocd") == ()


def test_a_slash_at_the_end_of_the_server_does_not_matter() -> None:
    app = application({"destination": {"server": f"{SERVER}/", "namespace": "prod"}})
    assert validate_spec(app, project(), "argocd") == ()


def test_an_unknown_project_is_named() -> None:
    found = validate_spec(application({"project": "ghost"}), None, "argocd")
    assert [condition.message for condition in found] == [
        "Application referencing project ghost which does not exist"
    ]


def test_two_clusters_of_one_name_are_an_error() -> None:
    clusters = (KnownCluster("https://a", "east"), KnownCluster("https://b", "east"))
    found = validate_spec(
        application({"destination": {"name": "east"}}), project(), "argocd", clusters
    )
    assert [condition.message for condition in found] == [
        "there are 2 clusters with the same name: [https://a https://b]"
    ]


@pytest.mark.parametrize(
    ("namespaces", "usable"),
    [([], False), (["team-*"], True), (["/^team-[a-z]$/"], True), (["other"], False)],
)
def test_a_project_says_which_namespaces_may_use_it(namespaces: list[str], usable: bool) -> None:
    app = application(namespace="team-a")
    found = validate_spec(app, project(sourceNamespaces=namespaces), "argocd")
    message = "application 'web' in namespace 'team-a' is not permitted to use project 'default'"
    expected = () if usable else (Condition(ConditionType.UNKNOWN_ERROR, message),)
    assert found == expected
