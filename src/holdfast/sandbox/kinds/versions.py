"""One object in several API versions.

Custom resources differ only in `apiVersion` (conversion strategy `None`). HorizontalPodAutoscalers
and Events have two shapes each.
"""

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.kinds.resource import Resource


def to_version(resource: Resource, tree: Tree) -> Tree:
    """Return a stored object in the version of `resource`."""
    if resource.kind == "HorizontalPodAutoscaler" and resource.version == "v1":
        return _autoscaler_to_v1(tree)
    if resource.group == "events.k8s.io":
        return _event_to_v1(tree)
    return {**tree, "apiVersion": resource.api_version}


def to_storage(resource: Resource, tree: Tree) -> Tree:
    """Return an object that came in the version of `resource` as it is stored."""
    if resource.kind == "HorizontalPodAutoscaler" and resource.version == "v1":
        return _autoscaler_to_v2(tree)
    if resource.group == "events.k8s.io":
        return _event_to_core(tree)
    if tree.get("apiVersion") == resource.storage_api_version:
        return tree
    return {**tree, "apiVersion": resource.storage_api_version}


_CPU = "targetCPUUtilizationPercentage"


def _is_plain_cpu(metric: JSON) -> bool:
    target = (metric.get("resource") or {}).get("target") or {}
    name = (metric.get("resource") or {}).get("name")
    return bool(
        metric.get("type") == "Resource" and name == "cpu" and target.get("averageUtilization")
    )


def _autoscaler_to_v1(tree: Tree) -> Tree:
    spec = dict(tree.get("spec") or {})
    metrics = spec.pop("metrics", None) or []
    spec.pop("behavior", None)
    for metric in metrics:
        if _is_plain_cpu(metric):
            spec[_CPU] = metric["resource"]["target"]["averageUtilization"]
            break
    status = {
        key: value
        for key, value in (tree.get("status") or {}).items()
        if key in {"currentReplicas", "desiredReplicas", "lastScaleTime", "observedGeneration"}
    }
    status.setdefault("currentReplicas", 0)
    return {**tree, "apiVersion": "autoscaling/v1", "spec": spec, "status": status}


def _autoscaler_to_v2(tree: Tree) -> Tree:
    spec = dict(tree.get("spec") or {})
    percentage = spec.pop(_CPU, None)
    if percentage is not None:
        target = {"type": "Utilization", "averageUtilization": percentage}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**tree, "apiVersion": "autoscaling/v2", "spec": spec}


_EVENT_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}


def _event_to_v1(tree: Tree) -> Tree:
    names = {old: new for new, old in _EVENT_NAMES.items()}
    converted = {names.get(key, key): value for key, value in tree.items()}
    return {**converted, "apiVersion": "events.k8s.io/v1"}


def _event_to_core(tree: Tree) -> Tree:
    converted = {_EVENT_NAMES.get(key, key): value for key, value in tree.items()}
    return {**converted, "apiVersion": "v1"}
