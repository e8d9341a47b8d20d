"""What a project permits: sources, destinations, kinds (controller.md §1.8)."""

from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.plan import Authorized, Purpose, Refused, Verb
from holdfast.planning.authorize import WriteScope, authorize_write
from holdfast.planning.permits import (
    is_destination_permitted,
    is_kind_permitted,
    is_live_permitted,
    is_source_permitted,
    normalize_repo_url,
)
from tests.support.applications import find_kind, project, thing

SERVER = "https://kubernetes.default.svc"
DEPLOYMENT = ResourceKey("apps", "Deployment", "prod", "web")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "reader")


@pytest.mark.parametrize(
    ("repos", "url", "permitted"),
    [
        pytest.param([], "https://h/a", False, id="no entry permits nothing"),
        pytest.param(["*"], "https://h/a/b/c", True, id="a star permits everything"),
        pytest.param(["https://h/*"], "https://h/a", True, id="a star stands for one part"),
        pytest.param(["https://h/*"], "https://h/a/b", False, id="a star does not cross a slash"),
        pytest.param(["https://h/**"], "https://h/a/b", True, id="two stars cross slashes"),
        pytest.param(["https://H/A.git"], "https://h/a", True, id="case and .git do not matter"),
        pytest.param(["git@h:a/b"], "ssh://git@h/a/b.git", True, id="both ssh forms are one"),
        pytest.param(["*", "!https://h/x"], "https://h/x", False, id="a denial wins"),
        pytest.param(["!https://h/x", "*"], "https://h/x", False, id="a denial wins when first"),
        pytest.param(["!https://h/x"], "https://h/y", True, id="only denials permit the rest"),
        pytest.param(["https://h/[a"], "https://h/[a", False, id="a broken glob permits nothing"),
    ],
)
def test_a_source_is_permitted_by_globs(repos: list[str], url: str, permitted: bool) -> None:
    assert is_source_permitted(project(sourceRepos=repos), url) is permitted


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://Host/Team/App.git", "https://host/team/app"),
        ("git@host:team/app.git", "git@host/team/app"),
        ("ssh://git@host/team/app", "git@host/team/app"),
        (" https://host/app/ ", "https://host/app"),
        ("/srv/git/app.git", "/srv/git/app"),
        ("*", "*"),
    ],
)
def test_repository_urls_have_one_form_for_comparison(url: str, normal: str) -> None:
    assert normalize_repo_url(url) == normal


@pytest.mark.parametrize(
    ("destinations", "name", "namespace", "permitted"),
    [
        pytest.param([], "in-cluster", "prod", False, id="no entry permits nothing"),
        pytest.param([{"server": "*", "namespace": "*"}], "", "prod", True, id="stars"),
        pytest.param([{"server": SERVER, "namespace": "prod"}], "", "prod", True, id="exact"),
        pytest.param([{"server": SERVER, "namespace": "prod"}], "", "dev", False, id="other ns"),
        pytest.param([{"name": "in-*", "namespace": "*"}], "in-cluster", "x", True, id="by name"),
        pytest.param([{"name": "*", "namespace": "*"}], "", "x", False, id="a name must be known"),
        pytest.param(
            [{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-system"}],
            "",
            "kube-system",
            False,
            id="a denied namespace",
        ),
        pytest.param(
            [{"server": "*", "namespace": "!kube-system"}], "", "prod", True, id="all but one"
        ),
        pytest.param(
            [{"server": "*", "namespace": "*"}, {"server": f"!{SERVER}", "namespace": "*"}],
            "",
            "prod",
            False,
            id="a denied server",
        ),
        pytest.param(
            [{"server": "*", "namespace": "*"}, {"name": "!in-cluster", "namespace": "x"}],
            "in-cluster",
            "prod",
            False,
            id="a denied name counts in every namespace",
        ),
    ],
)
def test_a_destination_is_permitted_by_globs(
    destinations: list[dict[str, str]], name: str, namespace: str, permitted: bool
) -> None:
    limits = project(destinations=destinations)
    assert is_destination_permitted(limits, SERVER, name, namespace) is permitted


def test_a_denial_that_cannot_be_read_denies() -> None:
    """Its author meant to forbid something: better too much than too little."""
    assert not is_source_permitted(project(sourceRepos=["*", "![a"]), "https://h/a")
    everywhere = {"server": "*", "namespace": "*"}
    limits = project(destinations=[everywhere, {"server": "*", "namespace": "![a"}])
    assert not is_destination_permitted(limits, SERVER, "", "prod")


def test_a_project_of_scoped_clusters_permits_no_other_cluster() -> None:
    limits = project(permitOnlyProjectScopedClusters=True)
    assert not is_destination_permitted(limits, SERVER, "in-cluster", "prod")
    scoped = frozenset({SERVER})
    assert is_destination_permitted(limits, SERVER, "in-cluster", "prod", scoped_servers=scoped)


@pytest.mark.parametrize(
    ("lists", "key", "permitted"),
    [
        pytest.param({}, DEPLOYMENT, True, id="no whitelist allows namespaced kinds"),
        pytest.param({"namespaceResourceWhitelist": []}, DEPLOYMENT, False, id="empty whitelist"),
        pytest.param(
            {"namespaceResourceWhitelist": [{"group": "apps", "kind": "*"}]},
            DEPLOYMENT,
            True,
            id="whitelisted",
        ),
        pytest.param(
            {"namespaceResourceBlacklist": [{"group": "*", "kind": "Deploy*"}]},
            DEPLOYMENT,
            False,
            id="blacklisted",
        ),
        pytest.param({"clusterResourceWhitelist": []}, ROLE, False, id="cluster kinds need a list"),
        pytest.param(
            {"clusterResourceWhitelist": [{"group": "rbac*", "kind": "ClusterRole"}]},
            ROLE,
            True,
            id="cluster kind listed",
        ),
        pytest.param(
            {"clusterResourceWhitelist": [{"group": "*", "kind": "ClusterRole", "name": "team-*"}]},
            ROLE,
            False,
            id="cluster kind listed under other names",
        ),
        pytest.param(
            {"clusterResourceBlacklist": [{"group": "*", "kind": "ClusterRole"}]},
            ROLE,
            False,
            id="cluster kind blacklisted",
        ),
    ],
)
def test_a_kind_is_permitted_by_its_lists(
    lists: dict[str, Any], key: ResourceKey, permitted: bool
) -> None:
    limits = project(**lists)
    assert is_kind_permitted(limits, key, namespaced=bool(key.namespace)) is permitted
    assert is_live_permitted(limits, key, SERVER, "in-cluster") is permitted


def test_a_live_object_outside_the_destinations_is_invisible() -> None:
    limits = project(destinations=[{"server": "*", "namespace": "dev"}])
    assert not is_live_permitted(limits, DEPLOYMENT, SERVER, "in-cluster")


@pytest.mark.parametrize(
    ("spec", "target", "message"),
    [
        pytest.param(
            {"namespaceResourceWhitelist": []},
            thing("Deployment", api_version="apps/v1"),
            "resource apps:Deployment is not permitted in project default",
            id="kind",
        ),
        pytest.param(
            {"clusterResourceWhitelist": []},
            thing("Namespace", namespace=""),
            "resource :Namespace is not permitted in project default",
            id="core cluster kind",
        ),
        pytest.param(
            {"destinations": [{"server": "*", "namespace": "dev"}]},
            thing(),
            "namespace prod is not permitted in project 'default'",
            id="namespace",
        ),
        pytest.param(
            {},
            thing("Order", api_version="shop.example/v1"),
            "failed to get API resource info for shop.example/Order",
            id="unknown kind",
        ),
    ],
)
def test_a_write_outside_the_project_is_refused_in_argo_cds_words(
    spec: dict[str, Any], target: Any, message: str
) -> None:
    scope = WriteScope(AppKey("argocd", "web"), project(**spec), SERVER, "in-cluster")
    answer = authorize_write(scope, target.key, Verb.APPLY, Purpose.SYNC, find_kind(target.gvk))
    assert answer == Refused(target.key, message)


def test_a_permitted_write_names_object_verb_purpose_and_application() -> None:
    app = AppKey("argocd", "web")
    scope = WriteScope(app, project(), SERVER, "in-cluster")
    target = thing()
    answer = authorize_write(scope, target.key, Verb.DELETE, Purpose.PRUNE, find_kind(target.gvk))
    assert answer == Authorized(target.key, Verb.DELETE, Purpose.PRUNE, app)


def test_only_the_gate_builds_permissions() -> None:
    """A second place that builds `Authorized` would be a write without limits (DESIGN §8.5)."""
    root = Path(holdfast.__file__).parent
    builders = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        if "Authorized(" in path.read_text(encoding="utf-8")
    ]
    assert builders == ["planning/authorize.py"]
