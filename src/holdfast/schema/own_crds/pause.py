"""The shape of `pauses.holdfast.dev/v1alpha1`; what it means: `holdfast.domain.pause`."""

from typing import Any, TypeAlias

from holdfast.schema.argo_crds.shapes import FLAG, TEXT, record

Tree: TypeAlias = dict[str, Any]

_SPEC = record(
    "scope",
    "reason",
    scope={
        "type": "string",
        "enum": ["All", "Cluster", "Project", "Application", "Object"],
        "description": "What is held.",
    },
    target={
        "type": "string",
        "description": "Name of the project or Application, or server of the cluster.",
    },
    applicationNamespace=TEXT,
    resource=record("kind", "name", group=TEXT, kind=TEXT, namespace=TEXT, name=TEXT),
    reason={"type": "string", "minLength": 1, "description": "Why, for those who find it."},
    author={"type": "string", "description": "Who made it, as the API server says."},
    until={
        "type": "string",
        "format": "date-time",
        "description": "When it ends by itself; 7 days after creation at the latest.",
    },
    untilResumed=FLAG,
)
_COLUMNS = (
    ("Scope", "string", ".spec.scope"),
    ("Target", "string", ".spec.target"),
    ("Until", "string", ".spec.until"),
    ("Author", "string", ".spec.author"),
    ("Reason", "string", ".spec.reason"),
    ("Age", "date", ".metadata.creationTimestamp"),
)


def own_crd_manifests() -> tuple[Tree, ...]:
    """Return the definitions as apiextensions.k8s.io/v1 objects."""
    schema = record("spec", apiVersion=TEXT, kind=TEXT, metadata={"type": "object"}, spec=_SPEC)
    description = "Holds healing, automatic sync and prune in a scope, for a while."
    return (
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "pauses.holdfast.dev"},
            "spec": {
                "group": "holdfast.dev",
                "names": {
                    "kind": "Pause",
                    "listKind": "PauseList",
                    "plural": "pauses",
                    "singular": "pause",
                },
                "scope": "Namespaced",
                "versions": [
                    {
                        "name": "v1alpha1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": {"description": description, **schema}},
                        "additionalPrinterColumns": [
                            {"name": name, "type": kind, "jsonPath": path}
                            for name, kind, path in _COLUMNS
                        ],
                    }
                ],
            },
        },
    )
