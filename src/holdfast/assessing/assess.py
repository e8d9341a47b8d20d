"""Health of one live object (controller.md §5.2).

First matching rule wins:
  1. being deleted, and no hook is kept for its result -> Progressing, `Pending deletion`
  2. a table for the kind                              -> its answer
  3. the table does not know the version               -> Unknown, `unsupported <Kind> GVK: …`
  4. otherwise                                         -> None: the object has no health

ConfigMap, Secret, Namespace, roles, and notably argoproj.io/Application have none (appendix B 12).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from holdfast.assessing.autoscaling import assess_autoscaler, assess_disruption_budget
from holdfast.assessing.definitions import assess_api_service, assess_definition
from holdfast.assessing.jobs import assess_cron_job, assess_job, assess_workflow
from holdfast.assessing.networking import assess_ingress, assess_service
from holdfast.assessing.pods import assess_pod
from holdfast.assessing.reading import progressing, unknown
from holdfast.assessing.stateful import assess_claim, assess_stateful_set
from holdfast.assessing.workloads import (
    assess_daemon_set,
    assess_deployment,
    assess_replica_set,
)
from holdfast.domain.health import Health
from holdfast.domain.hooks import HOOK_FINALIZER
from holdfast.domain.identity import GroupKind
from holdfast.domain.manifest import Manifest

_Rule: TypeAlias = Callable[[Manifest], Health]


@dataclass(frozen=True, slots=True)
class _Table:
    """A rule and the versions it knows; empty for any (the rule itself may look)."""

    rule: _Rule
    versions: frozenset[str] = frozenset({"v1"})


_ANY: frozenset[str] = frozenset()

_TABLES: dict[GroupKind, _Table] = {
    GroupKind("", "PersistentVolumeClaim"): _Table(assess_claim),
    GroupKind("", "Pod"): _Table(assess_pod),
    GroupKind("", "Service"): _Table(assess_service),
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _Table(assess_definition, _ANY),
    GroupKind("apiregistration.k8s.io", "APIService"): _Table(
        assess_api_service, frozenset({"v1", "v1beta1"})
    ),
    GroupKind("apps", "DaemonSet"): _Table(assess_daemon_set),
    GroupKind("apps", "Deployment"): _Table(assess_deployment),
    GroupKind("apps", "ReplicaSet"): _Table(assess_replica_set),
    GroupKind("apps", "StatefulSet"): _Table(assess_stateful_set),
    GroupKind("argoproj.io", "Workflow"): _Table(assess_workflow, _ANY),
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): _Table(assess_autoscaler, _ANY),
    GroupKind("batch", "CronJob"): _Table(assess_cron_job, _ANY),
    GroupKind("batch", "Job"): _Table(assess_job),
    GroupKind("extensions", "Ingress"): _Table(assess_ingress, _ANY),
    GroupKind("networking.k8s.io", "Ingress"): _Table(assess_ingress, _ANY),
    GroupKind("policy", "PodDisruptionBudget"): _Table(assess_disruption_budget, _ANY),
}


def assess(live: Manifest) -> Health | None:
    """Return the health of a live object, or None when it has none."""
    if live.is_terminating and HOOK_FINALIZER not in live.finalizers:
        return progressing("Pending deletion")
    table = _TABLES.get(GroupKind(live.group, live.kind))
    if table is None:
        return None
    if table.versions and live.version not in table.versions:
        return unknown(f"unsupported {live.kind} GVK: {_go_gvk(live)}")
    return table.rule(live)


def _go_gvk(live: Manifest) -> str:
    return f"{live.group}/{live.version}, Kind={live.kind}"
