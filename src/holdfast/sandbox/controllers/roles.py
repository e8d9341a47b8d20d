"""Aggregated ClusterRoles: their rules are the rules of the roles that they select."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.controllers.engine import Wakes
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Change, Key
from holdfast.sandbox.store.selectors import selector_matches

ROLES = ResourceId("rbac.authorization.k8s.io", "clusterroles")
MANAGER = "clusterrole-aggregation-controller"


def _all(change: Change) -> Iterable[Key]:
    del change
    yield "", ""


@dataclass(slots=True)
class AggregatedRoles:
    """Reconciles all ClusterRoles together; there are few."""

    name: str = "clusterrole-aggregation"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=lambda: {ROLES: _all})

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Write the rules of every role that aggregates."""
        del key
        roles = access.all_of(ROLES)
        for role in roles:
            if role.get("aggregationRule") is None:
                continue
            rules = _union(role, roles)
            if (role.get("rules") or []) != rules:
                access.apply(ROLES, ("", role["metadata"]["name"]), {"rules": rules}, MANAGER)
        return None


def _union(role: Tree, roles: list[Tree]) -> list[Tree]:
    selectors = role["aggregationRule"].get("clusterRoleSelectors") or []
    rules: list[Tree] = []
    for other in roles:
        if other["metadata"]["name"] == role["metadata"]["name"]:
            continue
        labels = other["metadata"].get("labels") or {}
        if any(selector_matches(selector, labels) for selector in selectors):
            rules += [rule for rule in other.get("rules") or [] if rule not in rules]
    return rules
