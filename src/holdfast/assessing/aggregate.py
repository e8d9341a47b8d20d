"""Health of an Application from the health of its objects (controller.md §5.4).

    entry                                               | counts as
    ----------------------------------------------------+-----------------------------------------
    hook, garbage hook, sole `Skip`                     | nothing at all
    live says `ignore-healthcheck: "true"`              | present, without health
    no live object                                      | declared; Missing, the rest decides
    the Application itself; an object without health    | present, without health
    a child Application that is Missing or Unknown      | present, without health
    anything else                                       | its health; the worst one wins

Objects are declared but none is live: at least Missing. No objects at all: Healthy.
The message always describes the present state (unlike Argo CD's, appendix B 21).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.domain.application import APPLICATION
from holdfast.domain.health import Health, HealthCode
from holdfast.domain.identity import AppKey, ResourceKey

IGNORE_HEALTH_ANNOTATION = "argocd.argoproj.io/ignore-healthcheck"
MAX_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Member:
    """One object of an Application, as far as its health matters.

    Attributes:
        key: Identity.
        is_live: Whether it stands in the cluster.
        health: Its health; None when it has none or is not live.
        ignores_health: Whether the live object opts out.
    """

    key: ResourceKey
    is_live: bool
    health: Health | None = None
    ignores_health: bool = False


def aggregate(members: Iterable[Member], app: AppKey) -> Health:
    """Return the health of an Application.

    Args:
        members: Every declared or live object, hooks and skipped ones left out.
        app: The Application; an object of its own name does not count.
    """
    worst, causes = HealthCode.HEALTHY, list[ResourceKey]()
    is_declared = is_any_live = False
    for member in members:
        is_declared = True
        is_any_live = is_any_live or member.is_live
        code = _effective_code(member, app)
        if code is None:
            continue
        if code.is_worse_than(worst):
            worst, causes = code, [member.key]
        elif code is worst and code is not HealthCode.HEALTHY:
            causes.append(member.key)
    if is_declared and not is_any_live and HealthCode.MISSING.is_worse_than(worst):
        return Health(HealthCode.MISSING)
    return Health(worst, _describe(causes))


def _effective_code(member: Member, app: AppKey) -> HealthCode | None:
    if not member.is_live or member.health is None or member.ignores_health:
        return None
    code = member.health.code
    if (member.key.group, member.key.kind) == (APPLICATION.group, APPLICATION.kind):
        is_itself = (member.key.namespace, member.key.name) == (app.namespace, app.name)
        if is_itself or code in (HealthCode.MISSING, HealthCode.UNKNOWN):
            return None
    return code


def _describe(causes: list[ResourceKey]) -> str:
    if not causes:
        return ""
    named = ", ".join(_name(key) for key in causes[:MAX_CAUSES])
    more = f" and {len(causes) - MAX_CAUSES} more" if len(causes) > MAX_CAUSES else ""
    return f"Caused by {named}{more}"


def _name(key: ResourceKey) -> str:
    where = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return f"{key.group_kind}:{where}"
