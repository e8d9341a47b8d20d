"""A namespaced object needs a namespace that exists and is not being deleted (A3)."""

from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import Cause, Named, StatusError, forbidden, not_found

# Namespaces that no client may delete.
IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


def check_namespace(plane: Plane, resource: Resource, namespace: str, name: str) -> None:
    """Let an object be created only in a living namespace.

    Raises:
        StatusError: 404, there is none; 403 with cause `NamespaceTerminating`, or because the
            kind itself goes.
    """
    if resource.terminating:
        raise forbidden(
            resource.named(name),
            "create not allowed while custom resource definition is terminating",
        )
    if not resource.namespaced:
        return
    about = Named("", "namespaces", "Namespace", namespace)
    tree = plane.tree("", "namespaces", "", namespace)
    if tree is None:
        raise not_found(about)
    if tree["metadata"].get("deletionTimestamp"):
        raise terminating(resource, namespace, name)


def terminating(resource: Resource, namespace: str, name: str) -> StatusError:
    """403 in the words that clients look for."""
    cause = Cause(
        "NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace"
    )
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    return forbidden(resource.named(name), why, [cause])


def check_deletion(resource: Resource, name: str) -> None:
    """Refuse to delete the namespaces that the cluster stands on.

    Raises:
        StatusError: 403.
    """
    if resource.id == ("", "namespaces") and name in IMMORTAL:
        raise forbidden(resource.named(name), "this namespace may not be deleted")
