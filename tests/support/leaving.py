"""How a test leaves a namespace: nothing goes on in it any more, and the namespace stays.

To end one, an API server deletes each kind that it knows, one after the other: 0.15 s of
processor time, as much as a small scenario. The plane of a test session goes as a whole.
"""

from __future__ import annotations

import os

_AT_WORK = (
    "apis/argoproj.io/v1alpha1/{}/applications",  # a cluster's Applications are counted
    "apis/batch/v1/{}/cronjobs",
    "apis/batch/v1/{}/jobs",
    "apis/apps/v1/{}/deployments",
    "apis/apps/v1/{}/statefulsets",
    "apis/apps/v1/{}/daemonsets",
    "apis/apps/v1/{}/replicasets",
    "apis/autoscaling/v2/{}/horizontalpodautoscalers",
    "api/v1/{}/persistentvolumeclaims",
    "api/v1/{}/pods",
)


def what_to_delete(namespace: str) -> list[str]:
    """Paths to delete, so that no controller of the cluster works for the namespace."""
    if "HOLDFAST_PLANE" in os.environ:  # a plane that outlives the session
        return [f"/api/v1/namespaces/{namespace}"]
    return ["/" + path.format(f"namespaces/{namespace}") for path in _AT_WORK]
