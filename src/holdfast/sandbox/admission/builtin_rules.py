"""What single kinds add to an object and what they refuse; registered once."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.rules import Rules
from holdfast.sandbox.kinds.crds import completed_crd, crd_errors
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import CRDS, NAMESPACES, Plane
from holdfast.sandbox.statuses import FieldError


def make_rules() -> Rules:
    """Return the rules of all built-in kinds."""
    rules = Rules()
    rules.prepare[NAMESPACES] = [_prepare_namespace]
    rules.prepare[CRDS] = [_prepare_crd]
    rules.check[CRDS] = [_check_crd]
    return rules


def _prepare_namespace(plane: Plane, new: Tree, old: Tree | None) -> None:
    name = new["metadata"].get("name")
    if name:
        labels = {**(new["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}
        new["metadata"]["labels"] = labels
    if old is None:
        new["spec"] = {"finalizers": ["kubernetes"]}
        new["status"] = {"phase": "Active"}
    else:
        # spec.finalizers is written through `finalize` alone.
        new["spec"] = old.get("spec") or {}


def _prepare_crd(plane: Plane, new: Tree, old: Tree | None) -> None:
    new["spec"] = completed_crd(new)["spec"]
    if old is None:
        new["status"] = {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": None,
        }


def _check_crd(plane: Plane, new: Tree, old: Tree | None) -> list[FieldError]:
    return crd_errors(new, old)


