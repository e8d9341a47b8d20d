"""Small Kubernetes objects for tests; every function returns a fresh tree."""

from typing import Any

Tree = dict[str, Any]

DEFAULT_REPO = "https://git.example/team/apps"
SERVER = "https://kubernetes.default.svc"


def config_map(name: str = "web", *, namespace: str = "prod", **data: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": dict(data) or {"a": "1"},
    }


def deployment(
    name: str = "web",
    *,
    namespace: str = "prod",
    replicas: int | None = None,
    image: str = "web:1",
    wave: int = 0,
) -> Tree:
    tree: Tree = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        },
    }
    if replicas is not None:
        tree["spec"]["replicas"] = replicas
    return annotated(tree, **{"argocd.argoproj.io/sync-wave": str(wave)}) if wave else tree


def service(name: str = "web", *ports: Tree, namespace: str = "prod") -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": list(ports) or [{"port": 80, "protocol": "TCP"}]},
    }


def secret(name: str = "web", *, namespace: str = "prod", **data: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": dict(data),
    }


def job(name: str = "once", *, namespace: str = "prod") -> Tree:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "run", "image": "run:1"}],
                }
            }
        },
    }


def namespace(name: str = "prod") -> Tree:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def custom_resource_definition(kind: str = "Widget", group: str = "shop.example") -> Tree:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }


def widget(name: str = "w", *, namespace: str = "prod", size: int = 1) -> Tree:
    return {
        "apiVersion": "shop.example/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"size": size},
    }


def annotated(tree: Tree, **annotations: str) -> Tree:
    metadata = tree["metadata"]
    old = metadata.get("annotations") or {}
    return {**tree, "metadata": {**metadata, "annotations": {**old, **annotations}}}


def waved(tree: Tree, wave: int) -> Tree:
    return annotated(tree, **{"argocd.argoproj.io/sync-wave": str(wave)})


def project(name: str = "default", **spec: Any) -> Tree:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            **spec,
        },
    }


def app(
    name: str = "web",
    *,
    automated: Tree | None = None,
    options: tuple[str, ...] = (),
    finalizers: tuple[str, ...] = (),
    annotations: Tree | None = None,
    operation: Tree | None = None,
    status: Tree | None = None,
    **spec: Any,
) -> Tree:
    policy: Tree = {}
    if automated is not None:
        policy["automated"] = automated
    if options:
        policy["syncOptions"] = list(options)
    metadata: Tree = {"name": name, "namespace": "argocd"}
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    if annotations:
        metadata["annotations"] = dict(annotations)
    tree: Tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": {
            "project": "default",
            "source": {"repoURL": DEFAULT_REPO, "path": "."},
            "destination": {"server": SERVER, "namespace": "prod"},
            **({"syncPolicy": policy} if policy else {}),
            **spec,
        },
    }
    if operation is not None:
        tree["operation"] = operation
    if status is not None:
        tree["status"] = status
    return tree


HEALING: Tree = {"prune": True, "selfHeal": True}


def sync_operation(*options: str, **sync: Any) -> Tree:
    block = dict(sync)
    if options:
        block["syncOptions"] = list(options)
    return {"sync": block}
