"""Who may do what: each rule of docs/internals/argocd/api.md §3 is a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.api.access.grammar import PolicyError, parse_policy, parse_role_policy
from holdfast.api.access.projects import ProjectRoles, read_roles
from holdfast.api.access.roles import PolicyRoles, project_of
from holdfast.api.caller import ANONYMOUS, TRUSTED, Caller
from holdfast.api.news import News

if TYPE_CHECKING:
    from collections.abc import Coroutine

SHOP = {
    "metadata": {"name": "shop"},
    "spec": {
        "roles": [
            {
                "name": "ci",
                "policies": [
                    "p, proj:shop:ci, applications, sync, shop/*, allow",
                    "p, proj:shop:ci, applications, sync, shop/till, deny",
                ],
                "groups": ["shop-people"],
            },
            {"name": "look", "policies": ["p, proj:shop:look, logs, get, shop/*, allow"]},
        ]
    },
}


class FakeSettings:
    def __init__(self, csv: str = "", cm: dict[str, str] | None = None, **rbac: str) -> None:
        self.data = {"policy.csv": csv, **{key.replace("_", "."): v for key, v in rbac.items()}}
        self.config = cm or {}

    def rbac(self) -> dict[str, str]:
        return dict(self.data)

    def switch(self, key: str, *, default: bool = False) -> bool:
        return self.config.get(key, str(default)).lower() == "true"


def never(_name: str, coroutine: Coroutine[Any, Any, object]) -> None:
    coroutine.close()


async def loaded(settings: FakeSettings, *projects: dict[str, Any]) -> PolicyRoles:
    found = ProjectRoles()
    roles = PolicyRoles(settings, found, News(), never)
    await roles.load()
    for tree in projects:
        found.take(tree)
    return roles


def local(name: str) -> Caller:
    return Caller(name, name, issuer="argocd")


def outside(name: str, *groups: str) -> Caller:
    return Caller(name, name, groups, issuer="https://login.example.com")


ANN = "g, ann, role:readonly\n"


@pytest.mark.parametrize(
    ("csv", "caller", "asked", "expected"),
    [
        pytest.param("", local("admin"), "applications sync shop/web", True, id="admin-may-sync"),
        pytest.param("", local("admin"), "applications action/apps/Deployment/restart shop/web",
                     True, id="admin-may-run-any-action"),
        pytest.param("", local("admin"), "applications delete/apps/Deployment/ns/web shop/web",
                     True, id="admin-may-delete-objects"),
        pytest.param("", local("admin"), "certificates create ", True,
                     id="a-star-matches-the-empty-object"),
        pytest.param("", local("admin"), "accounts update ann", True, id="admin-updates-accounts"),
        pytest.param("", local("admin"), "exec create shop/web", True, id="admin-may-exec"),
        pytest.param("", local("admin"), "extensions invoke x", False,
                     id="extensions-are-in-no-built-in-role"),
        pytest.param("", local("ann"), "applications get shop/web", False,
                     id="nobody-has-rights-by-himself"),
        pytest.param(ANN, local("ann"), "applications get shop/web", True,
                     id="readonly-reads-applications"),
        pytest.param(ANN, local("ann"), "applications get shop/other/web", True,
                     id="a-star-crosses-slashes"),
        pytest.param(ANN, local("ann"), "logs get shop/web", True, id="readonly-reads-logs"),
        pytest.param(ANN, local("ann"), "applications sync shop/web", False,
                     id="readonly-does-not-sync"),
        pytest.param(ANN, local("ann"), "exec create shop/web", False, id="readonly-has-no-exec"),
        pytest.param("g, ann, role:a\ng, role:a, role:b\np, role:b, projects, get, x, allow",
                     local("ann"), "projects get x", True, id="roles-are-inherited"),
        pytest.param("p, ann, applications, *, shop/*, allow\np, ann, applications, delete, "
                     "shop/*, deny", local("ann"), "applications delete shop/web", False,
                     id="a-deny-wins-over-an-allow-of-the-same-subject"),
        pytest.param("p, ann, applications, delete, shop/*, deny\np, ann, applications, *, "
                     "shop/*, allow", local("ann"), "applications delete shop/web", False,
                     id="a-deny-wins-wherever-it-stands"),
        pytest.param("p, ann, applications, delete/*, shop/*, deny\np, ann, applications, *, "
                     "shop/*, allow", local("ann"), "applications delete//Pod/ns/x shop/web",
                     False, id="a-deny-of-objects-overrides"),
        pytest.param("p, ann, applications, delete, shop/*, allow", local("ann"),
                     "applications delete//Pod/ns/x shop/web", False,
                     id="delete-alone-does-not-delete-objects"),
        pytest.param("p, ann, applications, update/apps/*, shop/*, allow", local("ann"),
                     "applications update/apps/Deployment/ns/web shop/web", True,
                     id="objects-of-a-group-may-be-updated"),
        pytest.param("p, ann, applications, sync, shop/*, allow", local("ann"),
                     "applications rollback shop/web", True, id="rollback-is-sync"),
        pytest.param("p, ann, applications, sync, shop/*, allow", local("ann"),
                     "applications override shop/web", False, id="override-is-not-sync"),
        pytest.param('p, ann, applications, get, "shop/{a,b}[12]?", allow', local("ann"),
                     "applications get shop/b2x", True, id="globs-know-braces-and-classes"),
        pytest.param('p, ann, applications, get, "shop/{a,b}[12]?", allow', local("ann"),
                     "applications get shop/b3x", False, id="globs-refuse-others"),
        pytest.param('p, "ann" , applications ,get,"shop/*", allow', local("ann"),
                     "applications get shop/web", True, id="quotes-and-spaces"),
        pytest.param("# nothing\n\np, ann, projects, get, x, allow", local("ann"),
                     "projects get x", True, id="comments-and-empty-lines"),
        pytest.param("p, ops, projects, get, x, allow", outside("u1", "ops"), "projects get x",
                     False, id="a-group-that-no-grant-names-is-skipped"),
        pytest.param("g, ops, role:readonly", outside("u1", "ops"), "projects get x", True,
                     id="a-group-with-a-grant-counts"),
        pytest.param("g, a, role:a\ng, b, role:b\np, role:a, projects, get, x, deny\n"
                     "p, role:b, projects, get, x, allow", outside("u1", "a", "b"),
                     "projects get x", True, id="a-deny-of-one-group-spares-another"),
        pytest.param("p, u1, projects, get, x, deny\ng, b, role:readonly", outside("u1", "b"),
                     "projects get x", True, id="a-deny-of-the-subject-spares-its-groups"),
        pytest.param("", outside("u1", "role:admin"), "projects get x", False,
                     id="a-provider-cannot-name-our-roles"),
        pytest.param("", outside("admin"), "projects get x", False,
                     id="a-provider-cannot-name-our-admin"),
        pytest.param("", outside("u1", "admin"), "projects get x", False,
                     id="nor-by-a-group-of-that-name"),
        pytest.param("g, admin, role:admin", outside("u1", "admin"), "projects get x", True,
                     id="unless-somebody-wrote-it"),
        pytest.param("", outside("proj:shop:ci"), "applications sync shop/web", False,
                     id="a-provider-cannot-name-a-role-of-a-project"),
        pytest.param("p, , projects, get, x, allow", ANONYMOUS, "projects get x", True,
                     id="the-empty-subject-is-everybody"),
        pytest.param("p, , projects, get, x, allow", local("ann"), "projects get x", True,
                     id="and-counts-for-who-is-signed-in"),
        pytest.param("", ANONYMOUS, "projects get x", False, id="anonymous-has-nothing"),
        pytest.param("", TRUSTED, "extensions invoke x", True, id="switched-off-is-all"),
    ],
)  # fmt: skip
async def test_a_rule_of_the_policy(csv: str, caller: Caller, asked: str, expected: bool) -> None:
    resource, action, target = asked.split(" ")
    roles = await loaded(FakeSettings(csv), SHOP)
    assert roles.allows(caller, resource, action, target) is expected
    assert roles.allows(caller, resource, action, target) is expected, "the remembered one"


CI = Caller("proj:shop:ci", issuer="argocd")


@pytest.mark.parametrize(
    ("caller", "asked", "expected"),
    [
        pytest.param(CI, "applications sync shop/web", True, id="its-rule"),
        pytest.param(CI, "applications sync shop/till", False, id="its-deny"),
        pytest.param(CI, "applications sync other/web", False, id="another-project"),
        pytest.param(CI, "projects get shop", True, id="every-role-may-get-its-project"),
        pytest.param(CI, "projects get other", False, id="but-no-other"),
        pytest.param(CI, "logs get shop/web", False, id="another-role-of-the-project"),
        pytest.param(CI, "clusters get https://kubernetes.default.svc", False, id="no-project"),
        pytest.param(outside("u1", "shop-people"), "applications sync shop/web", True,
                     id="groups-of-a-role"),
        pytest.param(outside("u1", "shop-people"), "applications sync other/web", False,
                     id="groups-only-in-the-project"),
        pytest.param(outside("u1", "others"), "applications sync shop/web", False,
                     id="other-groups"),
    ],
)  # fmt: skip
async def test_a_role_of_a_project(caller: Caller, asked: str, expected: bool) -> None:
    roles = await loaded(FakeSettings("g, others, role:none"), SHOP)
    assert roles.allows(caller, *asked.split(" ")) is expected


async def test_nothing_can_take_away_what_the_default_role_gives() -> None:
    csv = "p, ann, projects, get, x, deny"
    roles = await loaded(FakeSettings(csv, policy_default="role:readonly"))
    assert roles.allows(local("ann"), "projects", "get", "x")
    assert roles.allows(ANONYMOUS, "projects", "get", "x")
    assert not roles.allows(ANONYMOUS, "projects", "delete", "x")


async def test_further_policies_are_read_after_the_main_one() -> None:
    settings = FakeSettings("p, ann, projects, get, x, allow")
    settings.data["policy.more.csv"] = "p, ann, projects, get, y, allow"
    roles = await loaded(settings)
    assert [roles.allows(local("ann"), "projects", "get", name) for name in "xyz"] == [
        True, True, False,
    ]  # fmt: skip


async def test_regular_expressions_are_not_anchored_and_the_built_in_rules_still_count() -> None:
    csv = "p, ann, applications, get, shop/w.b, allow"
    roles = await loaded(FakeSettings(csv, policy_matchMode="regex"))
    assert roles.allows(local("ann"), "applications", "get", "my-shop/web-2")
    assert not roles.allows(local("ann"), "applications", "get", "shop/till")
    assert roles.allows(local("admin"), "applications", "action/apps/Deployment/x", "shop/till")


async def test_an_expression_that_would_take_for_ever_takes_no_time() -> None:
    csv = "p, ann, applications, get, shop/(a+)+$, allow"
    roles = await loaded(FakeSettings(csv, policy_matchMode="regex"))
    assert not roles.allows(local("ann"), "applications", "get", "shop/" + "a" * 5000 + "!")


async def test_a_pattern_that_cannot_be_read_allows_nothing_and_denies_all() -> None:
    csv = "p, ann, applications, get, shop/(, allow\np, bob, applications, get, .*, allow\n"
    csv += "p, bob, applications, get, shop/(, deny"
    roles = await loaded(FakeSettings(csv, policy_matchMode="regex"))
    assert not roles.allows(local("ann"), "applications", "get", "shop/(")
    assert not roles.allows(local("bob"), "applications", "get", "till/x")


async def test_rollback_is_asked_by_its_own_name_when_that_is_switched_on() -> None:
    cm = {"server.rbac.rollback.enforce.enable": "true"}
    roles = await loaded(FakeSettings("p, ann, applications, sync, a/*, allow", cm))
    assert not roles.allows(local("ann"), "applications", "rollback", "a/web")


async def test_plain_actions_cover_objects_when_inheritance_is_on() -> None:
    cm = {"server.rbac.disableApplicationFineGrainedRBACInheritance": "false"}
    csv = "p, ann, applications, delete, a/*, allow\np, ann, applications, delete/*, a/*, deny"
    roles = await loaded(FakeSettings(csv, cm))
    assert roles.allows(local("ann"), "applications", "delete/apps/Deployment/ns/web", "a/web")
    assert not roles.allows(local("ann"), "applications", "update//Pod/ns/x", "a/web")


async def test_a_policy_that_cannot_be_read_leaves_the_last_good_one_and_is_said() -> None:
    settings = FakeSettings("p, ann, projects, get, x, allow")
    roles = await loaded(settings)
    settings.data["policy.csv"] = "p, ann, projects, get, y"
    await roles.load()
    assert roles.allows(local("ann"), "projects", "get", "x")
    assert "policy.csv, line 1" in roles.problem
    settings.data["policy.csv"] = "p, ann, projects, get, y, allow"
    await roles.load()
    assert not roles.allows(local("ann"), "projects", "get", "x")
    assert roles.problem == ""


async def test_a_changed_policy_is_read_once_and_everybody_is_told() -> None:
    settings, news, begun = FakeSettings(), News(), []
    roles = PolicyRoles(settings, ProjectRoles(), news, lambda _name, work: begun.append(work))
    await roles.load()
    assert not roles.allows(local("ann"), "projects", "get", "x")
    settings.data["policy.csv"] = ANN
    heard: list[str] = []
    news.listen(lambda: heard.append("a change"))
    roles.settings_changed()
    roles.settings_changed()
    assert len(begun) == 1
    await begun[0]
    assert heard
    assert roles.allows(local("ann"), "projects", "get", "x")


async def test_a_role_that_a_project_loses_is_lost_at_once() -> None:
    projects = ProjectRoles()
    roles = PolicyRoles(FakeSettings(), projects, News(), never)
    projects.take(SHOP)
    assert roles.allows(CI, "applications", "sync", "shop/web")
    projects.take({"metadata": {"name": "shop"}, "spec": {}})
    assert not roles.allows(CI, "applications", "sync", "shop/web")


def test_tokens_of_a_role_stand_in_spec_and_status() -> None:
    tree = {
        "metadata": {"name": "p"},
        "spec": {"roles": [{"name": "r", "jwtTokens": [{"iat": 1, "id": "a"}]}]},
        "status": {"jwtTokensByRole": {"r": {"items": [{"iat": 1, "id": "a"}, {"iat": 2}]}}},
    }
    assert [token.issued_at for token in read_roles(tree)["r"].tokens] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        "p, ann, projects, get, x",
        "p, ann, projects, get, x, allow, more",
        "p, ann, projects, get, x, perhaps",
        "g, ann",
        "g, ann, role:a, more",
        "x, ann, role:a",
        "nonsense",
    ],
)
def test_a_line_of_another_form_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(PolicyError, match=r"policy\.csv, line 2"):
        parse_policy(f"# one\n{line}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("p, proj:shop:other, applications, get, shop/*, allow", "policy subject must be"),
        ("p, proj:shop:ci, projects, get, shop/*, allow", "project resource must be one of"),
        ("p, proj:shop:ci, applications, fly, shop/*, allow", "invalid action"),
        ("p, proj:shop:ci, applications, get, other/*, allow", "object must be of form"),
        ("p, proj:shop:ci, applications, get, shop, allow", "object must be of form"),
        ("g, ann, proj:shop:ci", "must be of the form"),
        ("p, proj:shop:ci, applications, get, shop/*", "a rule is"),
    ],
)
def test_a_role_of_a_project_cannot_reach_beyond_it(line: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        parse_role_policy("shop", "ci", line)


@pytest.mark.parametrize(
    ("resource", "target", "project"),
    [
        ("applications", "shop/web", "shop"),
        ("applications", "shop/ns/web", "shop"),
        ("logs", "shop/web", "shop"),
        ("repositories", "shop/https://git.example.com/a", "shop"),
        ("clusters", "name", ""),
        ("projects", "shop", "shop"),
        ("accounts", "a/b", ""),
    ],
)
def test_the_project_of_an_object(resource: str, target: str, project: str) -> None:
    assert project_of(resource, target) == project
