"""What is looked after: Applications of ten objects each, from plain directories of one repository.

Deployment (replicas 0: the benchmark is about us, not about kubelets), Service, 3 ConfigMaps,
Secret, ServiceAccount, Role, RoleBinding, PodDisruptionBudget.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.api import Tree, deployment

OBJECTS_EACH = 10
CONTROL = "argocd"
APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{CONTROL}/applications"

_PLACES = {
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
}


def objects(namespace: str) -> list[Tree]:
    """Return the ten objects of one Application, all in its namespace."""
    meta = {"namespace": namespace, "labels": {"app": "web", "bench": "yes"}}
    labels = {"app": "web"}
    access = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    found = [
        deployment(namespace, "web"),
        _object("v1", "Service", "web", meta, spec={"selector": labels, "ports": _PORTS}),
        _object("v1", "Secret", "token", meta, stringData={"password": "not-a-secret"}),
        _object("v1", "ServiceAccount", "web", meta),
        _object("rbac.authorization.k8s.io/v1", "Role", "reader", meta, rules=_RULES),
        _object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "reader",
            meta,
            subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": namespace}],
            roleRef=access,
        ),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            meta,
            spec={"minAvailable": 1, "selector": {"matchLabels": labels}},
        ),
    ]
    for number in range(3):
        data = {"mode": "production", "size": str(number), "settings.ini": _SETTINGS}
        found.append(_object("v1", "ConfigMap", f"settings-{number}", meta, data=data))
    return found


def path_of(item: Tree) -> str:
    """Return the API path of an object of one of the kinds above."""
    prefix, plural = _PLACES[item["kind"]]
    metadata = item["metadata"]
    return f"{prefix}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"


def make_repository(folder: Path, files: Mapping[str, Iterable[Tree]]) -> None:
    """Make a git repository of one commit: a folder for each name, its objects in one file."""
    for name, items in files.items():
        (folder / name).mkdir(parents=True)
        text = "\n---\n".join(json.dumps(item, indent=1) for item in items)
        (folder / name / "all.yaml").write_text(text)
    run = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "-q", "-m", "bench"], check=True)


def application(name: str, repository: Path, namespace: str, *, automated: bool = True) -> Tree:
    """Return an Application of the folder `name`; automatic sync, prune and self-heal on."""
    policy = {"automated": {"prune": True, "selfHeal": True}} if automated else {}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": CONTROL},
        "spec": {
            "project": "default",
            "source": {"repoURL": str(repository), "path": name, "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": policy,
        },
    }


def _object(version: str, kind: str, name: str, metadata: Tree, **fields: object) -> Tree:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, **metadata},
        **fields,
    }


_PORTS = [{"name": "http", "port": 80, "targetPort": "http"}]
_RULES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
_SETTINGS = "".join(f"[section-{number}]\nkey = value-{number}\n" for number in range(12))
