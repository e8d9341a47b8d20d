"""Small Applications, projects and objects for unit tests."""

from typing import Any

from holdfast.domain.application import Application
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import Operation
from holdfast.domain.project import Project

Tree = dict[str, Any]


def application(
    spec: Tree | None = None,
    *,
    status: Tree | None = None,
    operation: Tree | None = None,
    **metadata: Any,
) -> Application:
    """A valid Application `argocd/web` of one directory; `spec` replaces single members."""
    tree: Tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd", **metadata},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example/team/apps", "path": "web"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "prod"},
            **(spec or {}),
        },
    }
    if status is not None:
        tree["status"] = status
    if operation is not None:
        tree["operation"] = operation
    return Application.parse(Manifest(tree))


def project(**spec: Any) -> Project:
    """The project `default`, which allows everything; keywords replace members of its spec."""
    members: Tree = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        **spec,
    }
    tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": "argocd"},
        "spec": {key: value for key, value in members.items() if value is not None},
    }
    return Project.parse(Manifest(tree))


def thing(
    kind: str = "ConfigMap",
    name: str = "web",
    *,
    namespace: str = "prod",
    api_version: str = "v1",
    annotations: Tree | None = None,
    **members: Any,
) -> Manifest:
    """An object; keywords are top-level members, `metadata` is merged in."""
    metadata: Tree = {"name": name, **members.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    if annotations:
        metadata["annotations"] = dict(annotations)
    return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata, **members})


def definition(kind: str, group: str = "shop.example", scope: str = "Namespaced") -> Manifest:
    """A CustomResourceDefinition."""
    return thing(
        "CustomResourceDefinition",
        f"{kind.lower()}s.{group}",
        namespace="",
        api_version="apiextensions.k8s.io/v1",
        spec={"group": group, "names": {"kind": kind}, "scope": scope},
    )


def sync(*options: str, **members: Any) -> Operation:
    """An operation that syncs, with members of `sync` and its options."""
    block: Tree = dict(members)
    if options:
        block["syncOptions"] = list(options)
    return Operation.parse({"sync": block})


CLUSTER_KINDS = frozenset(
    {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "StorageClass"}
)
UNKNOWN_GROUPS = frozenset({"shop.example"})


def find_kind(gvk: GroupVersionKind) -> KindInfo | None:
    """Discovery of a cluster that knows every kind but those of `shop.example`."""
    if gvk.group in UNKNOWN_GROUPS:
        return None
    return KindInfo(gvk, f"{gvk.kind.lower()}s", gvk.kind not in CLUSTER_KINDS)
