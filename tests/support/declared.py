"""Objects as people declare them in git, one of each kind that the heal scenarios need.

Each function makes a new tree without a namespace; keywords replace members of `spec`.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, Any]


def thing(api_version: str, kind: str, name: str, **members: Any) -> Tree:
    metadata = {"name": name, **members.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **members}


def container(name: str = "web", **members: Any) -> Tree:
    return {"name": name, "image": "registry.example/web:1", **members}


def pod_template(*containers: Tree, labels: Tree | None = None, **spec: Any) -> Tree:
    return {
        "metadata": {"labels": labels or {"app": "web"}, "annotations": {"team.example/note": "1"}},
        "spec": {"containers": list(containers) or [container()], **spec},
    }


def rich_container() -> Tree:
    return container(
        command=["web"],
        args=["--port", "80"],
        ports=[{"name": "http", "containerPort": 80}, {"name": "dns", "containerPort": 53}],
        env=[
            {"name": "A", "value": "1"},
            {"name": "B", "value": "$(A)2"},
            {"name": "C", "value": "3"},
        ],
        resources={"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": 1}},
        readinessProbe={"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 7},
        volumeMounts=[
            {"name": "cache", "mountPath": "/cache"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    )


def deployment(*containers: Tree, pod: Tree | None = None, **spec: Any) -> Tree:
    template = pod_template(
        *(containers or (rich_container(), container("side", env=[{"name": "A", "value": "1"}]))),
        **(
            pod
            or {
                "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
                "initContainers": [container("first"), container("second")],
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [{"key": "slow", "operator": "Exists", "effect": "NoSchedule"}],
                "terminationGracePeriodSeconds": 5,
            }
        ),
    )
    return thing(
        "apps/v1",
        "Deployment",
        "web",
        metadata={"labels": {"tier": "front"}, "annotations": {"team.example/owner": "ada"}},
        spec={
            "replicas": 2,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template,
            **spec,
        },
    )


def stateful_set(**spec: Any) -> Tree:
    return thing(
        "apps/v1",
        "StatefulSet",
        "db",
        spec={
            "replicas": 1,
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": pod_template(labels={"app": "db"}),
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            ],
            **spec,
        },
    )


def daemon_set(**spec: Any) -> Tree:
    return thing(
        "apps/v1",
        "DaemonSet",
        "agent",
        spec={
            "selector": {"matchLabels": {"app": "agent"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}},
            "template": pod_template(labels={"app": "agent"}),
            **spec,
        },
    )


def job(name: str = "once", *words: str, **spec: Any) -> Tree:
    one = container(command=list(words) or ["sleep", "infinity"])
    return thing(
        "batch/v1",
        "Job",
        name,
        spec={
            "parallelism": 1,
            "template": {"spec": {"containers": [one], "restartPolicy": "Never"}},
            **spec,
        },
    )


def cron_job(**spec: Any) -> Tree:
    inner = {"containers": [container()], "restartPolicy": "Never"}
    return thing(
        "batch/v1",
        "CronJob",
        "nightly",
        spec={
            "schedule": "0 3 * * *",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": {"spec": inner}}},
            **spec,
        },
    )


def service(**spec: Any) -> Tree:
    return thing(
        "v1",
        "Service",
        "web",
        metadata={"labels": {"tier": "front"}},
        spec={
            "type": "ClusterIP",
            "selector": {"app": "web", "tier": "front"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": 8080},
                {"name": "admin", "port": 9090},
            ],
            **spec,
        },
    )


def config_map(name: str = "settings", **data: str) -> Tree:
    data = data or {"a": "1", "b": "2"}
    return thing("v1", "ConfigMap", name, data=data, metadata={"labels": {"tier": "front"}})


def secret(**members: Any) -> Tree:
    return thing("v1", "Secret", "keys", type="Opaque", **(members or {"stringData": {"a": "1"}}))


def disruption_budget() -> Tree:
    selector = {"matchLabels": {"app": "web"}}
    return thing(
        "policy/v1", "PodDisruptionBudget", "web", spec={"minAvailable": 1, "selector": selector}
    )


def autoscaler(target: str = "web") -> Tree:
    return thing(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "web",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": 2,
            "maxReplicas": 5,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 60},
                    },
                }
            ],
        },
    )


def network_policy() -> Tree:
    return thing(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "web",
        spec={
            "podSelector": {"matchLabels": {"app": "web"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": 80, "protocol": "TCP"}]}],
        },
    )


def ingress() -> Tree:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return thing(
        "networking.k8s.io/v1",
        "Ingress",
        "web",
        spec={"rules": [{"host": "web.example", "http": {"paths": paths}}]},
    )


def role(kind: str = "Role", name: str = "reader") -> Tree:
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
    ]
    return thing("rbac.authorization.k8s.io/v1", kind, name, rules=rules)


def role_binding(role_name: str = "reader") -> Tree:
    group = "rbac.authorization.k8s.io"
    return thing(
        f"{group}/v1",
        "RoleBinding",
        "reader",
        roleRef={"apiGroup": group, "kind": "Role", "name": role_name},
        subjects=[{"kind": "User", "apiGroup": group, "name": name} for name in ("ada", "bob")],
    )


def service_account() -> Tree:
    return thing(
        "v1",
        "ServiceAccount",
        "web",
        automountServiceAccountToken=False,
        imagePullSecrets=[{"name": "registry"}],
    )


def volume_claim() -> Tree:
    return thing(
        "v1",
        "PersistentVolumeClaim",
        "data",
        metadata={"labels": {"keep": "yes"}},
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )


def quota() -> Tree:
    return thing("v1", "ResourceQuota", "limits", spec={"hard": {"pods": "10", "secrets": "5"}})


def limit_range() -> Tree:
    one = {"type": "Container", "default": {"cpu": "200m"}, "defaultRequest": {"cpu": "0.1"}}
    return thing("v1", "LimitRange", "limits", spec={"limits": [one]})


def webhook(name: str) -> Tree:
    return thing(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        name,
        webhooks=[
            {
                "name": "check.shop.example",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "clientConfig": {"service": {"name": "none", "namespace": "none", "path": "/"}},
                "rules": [
                    {
                        "apiGroups": ["nothing.example"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["nothings"],
                    }
                ],
            }
        ],
    )


def priority_class(name: str) -> Tree:
    return thing("scheduling.k8s.io/v1", "PriorityClass", name, value=1, description="first")


def word() -> str:
    """A word that no other object on the plane has in its name."""
    return uuid.uuid4().hex[:8]


_WORKLOADS: tuple[Callable[..., Tree], ...] = (
    stateful_set,
    daemon_set,
    job,
    cron_job,
    service,
    ingress,
    network_policy,
    config_map,
    role,
    role_binding,
    service_account,
    disruption_budget,
    autoscaler,
    volume_claim,
)


def workloads() -> dict[str, str | bytes | None]:
    """An application of nearly all kinds; its Deployment runs pods."""
    trees = [make() for make in _WORKLOADS]
    trees += [deployment(replicas=2), secret(stringData={"a": "1"})]
    return {f"{tree['kind'].lower()}.yaml": json.dumps(tree) for tree in trees}
