"""From the health of objects to the health of an Application (controller.md §5.4)."""

import pytest

from holdfast.assessing.aggregate import Member, aggregate
from holdfast.domain.health import Health, HealthCode
from holdfast.domain.identity import AppKey, ResourceKey

APP = AppKey("argocd", "parent")
HEALTHY, PROGRESSING = HealthCode.HEALTHY, HealthCode.PROGRESSING
DEGRADED, SUSPENDED = HealthCode.DEGRADED, HealthCode.SUSPENDED
MISSING, UNKNOWN = HealthCode.MISSING, HealthCode.UNKNOWN


def live(name: str, code: HealthCode | None, **flags: bool) -> Member:
    health = Health(code) if code is not None else None
    return Member(ResourceKey("apps", "Deployment", "prod", name), True, health, **flags)


def absent(name: str) -> Member:
    return Member(ResourceKey("", "Namespace", "", name), is_live=False)


def child(name: str, code: HealthCode, namespace: str = "argocd") -> Member:
    key = ResourceKey("argoproj.io", "Application", namespace, name)
    return Member(key, True, Health(code))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([], Health(HEALTHY), id="nothing declared"),
        pytest.param([live("a", HEALTHY), live("b", None)], Health(HEALTHY), id="all well"),
        pytest.param(
            [live("a", PROGRESSING), live("b", DEGRADED), live("c", SUSPENDED)],
            Health(DEGRADED, "Caused by apps/Deployment:prod/b"),
            id="the worst wins and resets the causes",
        ),
        pytest.param(
            [live(name, DEGRADED) for name in "abcde"],
            Health(
                DEGRADED,
                "Caused by apps/Deployment:prod/a, apps/Deployment:prod/b, "
                "apps/Deployment:prod/c and 2 more",
            ),
            id="three causes are named",
        ),
        pytest.param(
            [live("a", HEALTHY), absent("b")],
            Health(HEALTHY),
            id="a missing object does not matter beside a live one (B 11)",
        ),
        pytest.param([absent("a"), absent("b")], Health(MISSING), id="nothing is live (B 11)"),
        pytest.param([live("a", DEGRADED, ignores_health=True)], Health(HEALTHY), id="opted out"),
        pytest.param([live("a", None)], Health(HEALTHY), id="an object without health"),
        pytest.param(
            [live("a", UNKNOWN), live("b", DEGRADED)],
            Health(UNKNOWN, "Caused by apps/Deployment:prod/a"),
            id="unknown is the worst",
        ),
        pytest.param([child("parent", DEGRADED)], Health(HEALTHY), id="the Application itself"),
        pytest.param(
            [child("parent", DEGRADED, "elsewhere")],
            Health(DEGRADED, "Caused by argoproj.io/Application:elsewhere/parent"),
            id="a namesake in another namespace counts",
        ),
        pytest.param([child("kid", UNKNOWN)], Health(HEALTHY), id="an unknown child"),
        pytest.param([child("kid", MISSING)], Health(HEALTHY), id="a missing child"),
        pytest.param(
            [child("kid", DEGRADED)],
            Health(DEGRADED, "Caused by argoproj.io/Application:argocd/kid"),
            id="a degraded child, when a script gives children health",
        ),
        pytest.param(
            [Member(ResourceKey("", "Node", "", "n"), True, Health(PROGRESSING))],
            Health(PROGRESSING, "Caused by Node:n"),
            id="core and cluster-scoped kinds print bare",
        ),
    ],
)
def test_the_worst_object_decides(members: list[Member], expected: Health) -> None:
    assert aggregate(members, APP) == expected
