"""One Application in several states, as the controller would leave it."""

from __future__ import annotations

import copy
from typing import Any

from holdfast.domain.identity import AppKey

Tree = dict[str, Any]
SHA = "d88f0cdd5d11bf2f4b4a1fc9bd94ee77b51f2b91"
OLD_SHA = "3f9c2d1b7ab1b0d8c9f1cbfc8e8a4c4e9a5d7701"
PROD = AppKey("argocd", "go-sample-app-prod")


def prod(**status: Any) -> Tree:
    """`go-sample-app-prod`, synced and healthy, with automatic sync and prune."""
    tree: Tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "go-sample-app-prod",
            "namespace": "argocd",
            "resourceVersion": "40",
            "uid": "f3c0",
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": "https://git.example.com/go-sample-app.git",
                "path": "overlays/prod",
                "targetRevision": "HEAD",
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "prod"},
            "syncPolicy": {"automated": {"prune": True}},
        },
        "status": {
            "sync": {"status": "Synced", "revision": SHA},
            "health": {"status": "Healthy"},
            "reconciledAt": "2026-01-02T15:04:05Z",
            "resources": [
                _resource("", "Service", "prod-go-sample-app", "Synced", "Healthy"),
                _resource("apps", "Deployment", "prod-go-sample-app", "Synced", "Healthy"),
            ],
            "history": [
                _deployed(0, OLD_SHA, "2026-01-02T14:00:00Z"),
                _deployed(1, SHA, "2026-01-02T15:04:04Z"),
            ],
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "startedAt": "2026-01-02T15:04:03Z",
                "finishedAt": "2026-01-02T15:04:04Z",
                "operation": {"sync": {"revision": SHA, "prune": True}},
                "syncResult": {
                    "revision": SHA,
                    "resources": [
                        {
                            **_resource("", "Service", "prod-go-sample-app", "Synced"),
                            "message": "service/prod-go-sample-app created",
                        },
                        {
                            **_resource("apps", "Deployment", "prod-go-sample-app", "Synced"),
                            "message": "deployment.apps/prod-go-sample-app created",
                        },
                        {
                            **_resource("", "ConfigMap", "prod-old", "Pruned"),
                            "hookPhase": "Succeeded",
                            "message": "pruned",
                        },
                    ],
                },
            },
        },
    }
    tree["status"].update(status)
    return tree


def dev() -> Tree:
    """`go-sample-app-dev`: never synced, manual, with an error."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "go-sample-app-dev", "namespace": "argocd", "resourceVersion": "7"},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example.com/go-sample-app.git", "path": "nowhere"},
            "destination": {"name": "in-cluster", "namespace": "dev"},
        },
        "status": {
            "sync": {"status": "Unknown"},
            "health": {"status": "Unknown"},
            "conditions": [
                {
                    "type": "ComparisonError",
                    "message": "Failed to load target state: nowhere: app path does not exist",
                    "lastTransitionTime": "2026-01-02T15:00:00Z",
                }
            ],
        },
    }


def versions_of_a_rollout() -> list[Tree | None]:
    """What a watch sees during a sync: requested, running, done, compared again."""
    requested = prod()
    requested["metadata"]["resourceVersion"] = "41"
    requested["operation"] = {"sync": {"revision": SHA}}
    del requested["status"]["operationState"]
    running = copy.deepcopy(requested)
    running["metadata"]["resourceVersion"] = "42"
    running["status"]["sync"]["status"] = "OutOfSync"
    running["status"]["resources"][1].update(status="OutOfSync", health={"status": "Progressing"})
    running["status"]["operationState"] = {
        "phase": "Running",
        "startedAt": "2026-01-02T15:04:03Z",
        "operation": {"sync": {"revision": SHA}},
    }
    finished = prod(reconciledAt="2026-01-02T15:04:03Z")
    finished["metadata"]["resourceVersion"] = "43"
    compared = prod()
    compared["metadata"]["resourceVersion"] = "44"
    return [prod(), requested, running, finished, compared]


def tree_nodes() -> Tree:
    """A Service, a Deployment with what grew out of it."""
    deployment = {"group": "apps", "kind": "Deployment", "namespace": "prod",
                  "name": "prod-go-sample-app", "uid": "1"}  # fmt: skip
    replica_set = {"group": "apps", "kind": "ReplicaSet", "namespace": "prod",
                   "name": "prod-go-sample-app-6d4cf", "uid": "2"}  # fmt: skip
    born = "2026-01-02T14:59:05Z"
    healthy = {"health": {"status": "Healthy"}, "createdAt": born}
    pods = [
        {
            "group": "",
            "kind": "Pod",
            "namespace": "prod",
            "name": f"prod-go-sample-app-6d4cf-{end}",
            "uid": end,
            "parentRefs": [replica_set],
            "info": [{"name": "Status Reason", "value": reason}],
            "createdAt": born,
            "health": health,
        }
        for end, reason, health in (
            ("x2vbn", "Running", {"status": "Healthy"}),
            ("zz9pl", "ErrImagePull", {"status": "Degraded", "message": "no such image"}),
        )
    ]
    service = {"group": "", "kind": "Service", "namespace": "prod", "name": "prod-go-sample-app"}
    return {
        "nodes": [
            {**service, "uid": "3", **healthy},
            {**deployment, **healthy},
            {**replica_set, "parentRefs": [deployment], **healthy},
            *pods,
        ]
    }


def _resource(group: str, kind: str, name: str, status: str, health: str = "") -> Tree:
    found: Tree = {
        "group": group,
        "kind": kind,
        "version": "v1",
        "namespace": "prod",
        "name": name,
        "status": status,
    }
    if health:
        found["health"] = {"status": health}
    return found


def _deployed(number: int, revision: str, when: str) -> Tree:
    return {
        "id": number,
        "revision": revision,
        "deployedAt": when,
        "source": {
            "repoURL": "https://git.example.com/go-sample-app.git",
            "path": "overlays/prod",
            "targetRevision": "HEAD",
        },
    }
