"""What an installation in a cluster consists of: the manifests that `holdfast install` prints.

In the order in which they can be created. One Deployment runs everything; it may write any kind,
because Applications may declare any kind: projects limit each Application, not the service account.

The three ConfigMaps are Argo CD's and carry no data here: the defaults are built in, and applying
this over an Argo CD that is there must not change its settings.
"""

from typing import Final

from holdfast.domain.manifest import Manifest, Tree
from holdfast.schema.argo_crds import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests

NAME: Final = "holdfast"
HTTP_PORT: Final = 8080
METRICS_PORT: Final = 8082
SETTINGS_MAPS: Final = ("argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm")

_DATA: Final = "/var/lib/holdfast"
_ALL: Final = ["*"]


def install_manifests(namespace: str, image: str) -> tuple[Manifest, ...]:
    """Return everything that an installation needs.

    Args:
        namespace: The control namespace.
        image: Reference of the container image.
    """
    trees = (
        *crd_manifests(),
        *own_crd_manifests(),
        _object("v1", "Namespace", namespace),
        _object("v1", "ServiceAccount", NAME, namespace),
        _cluster_role(),
        _cluster_role_binding(namespace),
        *(_settings_map(name, namespace) for name in SETTINGS_MAPS),
        _service(namespace),
        _deployment(namespace, image),
    )
    return tuple(Manifest(tree) for tree in trees)


def _object(api_version: str, kind: str, name: str, namespace: str = "", **members: object) -> Tree:
    metadata: Tree = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if kind != "Namespace":
        metadata["labels"] = _labels(name)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **members}


def _labels(name: str) -> Tree:
    """Argo CD reads only ConfigMaps that carry its `part-of` label; so do we."""
    part_of = "argocd" if name in SETTINGS_MAPS else NAME
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": part_of}


def _settings_map(name: str, namespace: str) -> Tree:
    return _object("v1", "ConfigMap", name, namespace)


def _cluster_role() -> Tree:
    rules = [
        {"apiGroups": _ALL, "resources": _ALL, "verbs": _ALL},
        {"nonResourceURLs": _ALL, "verbs": _ALL},
    ]
    return _object("rbac.authorization.k8s.io/v1", "ClusterRole", NAME, rules=rules)


def _cluster_role_binding(namespace: str) -> Tree:
    return _object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        NAME,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
    )


def _service(namespace: str) -> Tree:
    ports = [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "https", "port": 443, "targetPort": "http"},
        {"name": "metrics", "port": METRICS_PORT, "targetPort": "metrics"},
    ]
    selector = {"app.kubernetes.io/name": NAME}
    return _object("v1", "Service", NAME, namespace, spec={"ports": ports, "selector": selector})


def _deployment(namespace: str, image: str) -> Tree:
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
        "template": {
            "metadata": {"labels": _labels(NAME)},
            "spec": {
                "serviceAccountName": NAME,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 1000,
                    "runAsGroup": 1000,
                    "fsGroup": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(namespace, image)],
                "volumes": [
                    {"name": "data", "emptyDir": {}},
                    {"name": "tmp", "emptyDir": {}},
                ],
            },
        },
    }
    return _object("apps/v1", "Deployment", NAME, namespace, spec=spec)


def _container(namespace: str, image: str) -> Tree:
    """Both probes ask the controller's own process, which the page cannot keep from answering.

    Ready is not `/readyz`: a process that waits for the lease is ready to take over, and a rollout
    would wait for it for ever.
    """
    healthz = {"path": "/healthz", "port": "metrics"}
    return {
        "name": NAME,
        "image": image,
        "args": [
            "run",
            f"--namespace={namespace}",
            f"--listen=0.0.0.0:{HTTP_PORT}",
            f"--metrics-listen=0.0.0.0:{METRICS_PORT}",
        ],
        "env": [
            {"name": "XDG_CACHE_HOME", "value": f"{_DATA}/cache"},
            {"name": "XDG_STATE_HOME", "value": f"{_DATA}/state"},
        ],
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
        ],
        "readinessProbe": {"httpGet": healthz, "periodSeconds": 10},
        "livenessProbe": {"httpGet": healthz, "periodSeconds": 30, "timeoutSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "data", "mountPath": _DATA},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a path inside the container
        ],
    }
