"""Namespaces: what each of them holds from the start, and how one goes with all its contents."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.controllers.engine import Wakes, own_key
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import NAMESPACES
from holdfast.sandbox.store.objects import Change, Key
from holdfast.sandbox.verbs.writing import is_finished

ACCOUNTS = ResourceId("", "serviceaccounts")
CONFIG_MAPS = ResourceId("", "configmaps")
ROOT_CA = "kube-root-ca.crt"
MANAGER = "kube-controller-manager"


def _emptied(change: Change) -> Iterable[Key]:
    """The namespace of an object that is gone."""
    if change.type == "DELETED" and change.key[0]:
        yield "", change.key[0]


@dataclass(slots=True)
class Namespaces:
    """Reconciles Namespaces.

    Attributes:
        ca_pem: The authority that kube-root-ca.crt holds.
    """

    ca_pem: str
    name: str = "namespace"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {NAMESPACES: own_key, None: _emptied}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Furnish a living namespace, empty a dying one."""
        tree = access.find(NAMESPACES, key)
        if tree is None:
            return None
        if tree["metadata"].get("deletionTimestamp"):
            self._empty(access, tree)
        else:
            self._furnish(access, key[1])
        return None

    def _furnish(self, access: Access, namespace: str) -> None:
        if access.find(ACCOUNTS, (namespace, "default")) is None:
            access.create(ACCOUNTS, namespace, {"metadata": {"name": "default"}}, MANAGER)
        if access.find(CONFIG_MAPS, (namespace, ROOT_CA)) is None:
            words = (
                "Contains a CA bundle that can be used to verify the kube-apiserver when using "
                "internal endpoints such as the internal service IP or kubernetes.default.svc. "
                "No other usage is guaranteed across distributions of Kubernetes clusters."
            )
            metadata = {"name": ROOT_CA, "annotations": {"kubernetes.io/description": words}}
            tree: Tree = {"metadata": metadata, "data": {"ca.crt": self.ca_pem}}
            access.create(CONFIG_MAPS, namespace, tree, MANAGER)

    def _empty(self, access: Access, tree: Tree) -> None:
        namespace = tree["metadata"]["name"]
        left: dict[ResourceId, list[Tree]] = {}
        for resource in sorted(access.plane.store.resources()):
            kind = access.plane.registry.find_id(resource)
            if kind is None or not kind.namespaced:
                continue
            for found in access.all_of(resource, namespace):
                if not found["metadata"].get("deletionTimestamp"):
                    access.delete(resource, found)
            rest = access.all_of(resource, namespace)
            if rest:
                left[resource] = rest
        if left:
            self._report(access, tree, left)
        else:
            self._finalize(access, tree)

    def _report(self, access: Access, tree: Tree, left: dict[ResourceId, list[Tree]]) -> None:
        """Say in the status what still holds the namespace."""
        names = ", ".join(
            f"{_dotted(resource)} has {len(rows)} resource instances"
            for resource, rows in left.items()
        )
        finalizers = [
            name
            for rows in left.values()
            for row in rows
            for name in row["metadata"].get("finalizers") or []
        ]
        rows = [
            (
                "NamespaceContentRemaining",
                "SomeResourcesRemain",
                f"Some resources are remaining: {names}",
            )
        ]
        if finalizers:
            counts = ", ".join(
                f"{name} in {finalizers.count(name)} resource instances"
                for name in sorted(set(finalizers))
            )
            message = f"Some content in the namespace has finalizers remaining: {counts}"
            rows.append(("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message))
        conditions = [
            {
                "type": kind,
                "status": "True",
                "lastTransitionTime": access.plane.now(),
                "reason": reason,
                "message": message,
            }
            for kind, reason, message in rows
        ]
        current = access.find(NAMESPACES, ("", tree["metadata"]["name"])) or tree
        old = (current.get("status") or {}).get("conditions") or []
        if [row["message"] for row in old] != [row["message"] for row in conditions]:
            status = {**(current.get("status") or {}), "conditions": conditions}
            access.set_status(NAMESPACES, current, status, MANAGER)

    @staticmethod
    def _finalize(access: Access, tree: Tree) -> None:
        """Take the last hold away; the object goes when it has no finalizers of its own."""
        current = access.find(NAMESPACES, ("", tree["metadata"]["name"]))
        if current is None:
            return
        finalize_namespace(access, current)


def finalize_namespace(access: Access, tree: Tree) -> None:
    """Remove `kubernetes` from spec.finalizers."""
    key = ("", tree["metadata"]["name"])
    spec = {name: value for name, value in (tree.get("spec") or {}).items() if name != "finalizers"}
    fresh = {**tree, "spec": spec, "metadata": dict(tree["metadata"])}
    store = access.plane.store
    if is_finished(fresh):
        store.remove(NAMESPACES, key)
    elif fresh != tree:
        store.put(NAMESPACES, key, fresh)


def _dotted(resource: ResourceId) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else f"{resource.plural}."
