"""HorizontalPodAutoscaler and PodDisruptionBudget (controller.md §5.3, §5.5)."""

import json
from collections.abc import Mapping

from holdfast.assessing.reading import (
    conditions,
    degraded,
    healthy,
    mappings,
    member,
    progressing,
    unknown,
)
from holdfast.domain.health import Health
from holdfast.domain.manifest import JSON, Manifest

CONDITIONS_ANNOTATION = "autoscaling.alpha.kubernetes.io/conditions"

_DEGRADED = {
    "AbleToScale": frozenset({"FailedGetScale", "FailedUpdateScale"}),
    "ScalingActive": frozenset(
        {
            "FailedGetResourceMetric",
            "FailedGetObjectMetric",
            "FailedGetPodsMetric",
            "FailedGetExternalMetric",
            "FailedComputeMetricsReplicas",
            "InvalidSelector",
        }
    ),
}
_HEALTHY = ("AbleToScale", "ScalingLimited")


def assess_autoscaler(live: Manifest) -> Health:
    """Assess a HorizontalPodAutoscaler of autoscaling/v1 or autoscaling/v2."""
    if live.version == "v2":
        return _assess_conditions(conditions(live))
    if live.version != "v1":
        return unknown(f"unsupported HPA GVK: {live.api_version}, Kind={live.kind}")
    written = live.annotation(CONDITIONS_ANNOTATION)
    try:
        return _assess_conditions(mappings(json.loads(written)) if written else ())
    except ValueError as error:
        return unknown(f"annotation {CONDITIONS_ANNOTATION} is no JSON: {error}")


def _assess_conditions(found: tuple[Mapping[str, JSON], ...]) -> Health:
    for item in found:
        if item.get("reason") in _DEGRADED.get(member(item, "type"), frozenset()):
            return degraded(member(item, "message"))
    for item in found:
        if item.get("type") in _HEALTHY and item.get("status") == "True":
            return healthy(member(item, "message"))
    return progressing("Waiting to Autoscale")


def assess_disruption_budget(live: Manifest) -> Health:
    """Assess a policy/v1 PodDisruptionBudget."""
    found = conditions(live)
    if not found:
        return progressing("Waiting for status")
    for item in found:
        if item.get("status") == "False" and item.get("reason") != "InsufficientPods":
            return degraded(f"PodDisruptionBudget has {member(item, 'reason')}")
    return healthy(f"PodDisruptionBudget has {member(found[-1], 'reason')}")
