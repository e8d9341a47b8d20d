"""The three CustomResourceDefinitions, as trees for a plain create."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from holdfast.schema.argo_crds.application import APPLICATION_SHAPE
from holdfast.schema.argo_crds.application_set import APPLICATION_SET_SHAPE
from holdfast.schema.argo_crds.project import PROJECT_SHAPE
from holdfast.schema.argo_crds.shapes import Shape

Tree: TypeAlias = dict[str, Any]

GROUP = "argoproj.io"
VERSION = "v1alpha1"


@dataclass(frozen=True, slots=True)
class _Definition:
    """One kind.

    Attributes:
        columns: Name, path, and whether `-o wide` alone shows it, of each printer column.
        has_status: Whether status is a subresource.
    """

    kind: str
    plural: str
    short_names: tuple[str, ...]
    description: str
    shape: Shape
    columns: tuple[tuple[str, str, bool], ...] = ()
    has_status: bool = False


_DEFINITIONS = (
    _Definition(
        kind="Application",
        plural="applications",
        short_names=("app", "apps"),
        description="What git declares for one place in one cluster, and how it stands there.",
        shape=APPLICATION_SHAPE,
        columns=(
            ("Sync Status", ".status.sync.status", False),
            ("Health Status", ".status.health.status", False),
            ("Revision", ".status.sync.revision", True),
            ("Project", ".spec.project", True),
        ),
    ),
    _Definition(
        kind="ApplicationSet",
        plural="applicationsets",
        short_names=("appset", "appsets"),
        description="A template and the generators that make Applications of it.",
        shape=APPLICATION_SET_SHAPE,
        has_status=True,
    ),
    _Definition(
        kind="AppProject",
        plural="appprojects",
        short_names=("appproj", "appprojs"),
        description="What a group of Applications may use: repositories, places and kinds.",
        shape=PROJECT_SHAPE,
    ),
)


def crd_manifests() -> tuple[Tree, ...]:
    """Return Application, ApplicationSet and AppProject as apiextensions.k8s.io/v1 objects."""
    return tuple(_manifest(definition) for definition in _DEFINITIONS)


def _manifest(definition: _Definition) -> Tree:
    name = f"{definition.plural}.{GROUP}"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/name": name,
                "app.kubernetes.io/part-of": "argocd",
            },
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": definition.kind,
                "listKind": f"{definition.kind}List",
                "plural": definition.plural,
                "shortNames": list(definition.short_names),
                "singular": definition.kind.lower(),
            },
            "scope": "Namespaced",
            "versions": [_version(definition)],
        },
    }


def _version(definition: _Definition) -> Tree:
    version: Tree = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"description": definition.description, **definition.shape}},
        "subresources": {"status": {}} if definition.has_status else {},
    }
    if definition.columns:
        version["additionalPrinterColumns"] = [
            {
                "name": name,
                "type": "string",
                "jsonPath": path,
                **({"priority": 10} if wide else {}),
            }
            for name, path, wide in definition.columns
        ]
    return version
