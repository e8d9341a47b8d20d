"""What quotas and disruption budgets say in their status."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.quotas import QUOTAS, used_by_namespace
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.conditions import set_condition
from holdfast.sandbox.controllers.engine import Wakes, own_key
from holdfast.sandbox.controllers.replicas import is_active, is_ready
from holdfast.sandbox.controllers.rollout import scaled
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Change, Key
from holdfast.sandbox.store.selectors import selector_matches

BUDGETS = ResourceId("policy", "poddisruptionbudgets")


def _namespace(change: Change) -> Iterable[Key]:
    """A namespace in which an object came, went or ended."""
    namespace = change.key[0]
    if not namespace or change.resource == ResourceId("", "events"):
        return
    if change.type != "MODIFIED" or change.resource == PODS:
        yield namespace, ""


@dataclass(slots=True)
class Quotas:
    """Reconciles ResourceQuotas: `(namespace, "")` all of a namespace."""

    name: str = "resourcequota"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {QUOTAS: own_key, None: _namespace}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Say how much is used."""
        for quota in access.all_of(QUOTAS, key[0]):
            if key[1] not in {"", quota["metadata"]["name"]}:
                continue
            hard: Tree = value(quota, "spec", "hard", default={})
            used = used_by_namespace(access.plane, quota, hard)
            shown = {name: amount.canonical for name, amount in used.items()}
            access.set_status(QUOTAS, quota, {"hard": hard, "used": shown})
        return None


@dataclass(slots=True)
class Budgets:
    """Reconciles PodDisruptionBudgets: `(namespace, "")` all of a namespace."""

    name: str = "disruption"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {BUDGETS: own_key, PODS: lambda change: [(change.key[0], "")]}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Say how many pods may be disrupted."""
        for budget in access.all_of(BUDGETS, key[0]):
            if key[1] in {"", budget["metadata"]["name"]}:
                self._report(access, budget)
        return None

    @staticmethod
    def _report(access: Access, budget: Tree) -> None:
        selector = value(budget, "spec", "selector")
        pods = [
            pod
            for pod in access.all_of(PODS, budget["metadata"]["namespace"])
            if is_active(pod) and selector_matches(selector, pod["metadata"].get("labels") or {})
        ]
        healthy = sum(1 for pod in pods if is_ready(pod))
        least, most = value(budget, "spec", "minAvailable"), value(budget, "spec", "maxUnavailable")
        if least is not None:
            wanted = scaled(least, len(pods), up=True)
        else:
            wanted = len(pods) - scaled(most if most is not None else 1, len(pods), up=True)
        allowed = max(0, healthy - wanted) if pods else 0
        row: Tree = {
            "type": "DisruptionAllowed",
            "status": "True" if allowed else "False",
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        conditions = value(budget, "status", "conditions")
        status: Tree = {
            "observedGeneration": budget["metadata"].get("generation", 1),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": max(wanted, 0),
            "expectedPods": len(pods),
            "conditions": set_condition(conditions, row, access.plane.now()),
        }
        access.set_status(BUDGETS, budget, status)
