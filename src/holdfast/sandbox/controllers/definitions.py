"""CRDs: accept the names, serve the kind, take its objects along when it goes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.controllers.engine import Wakes, own_key
from holdfast.sandbox.kinds.crds import CLEANUP, accepted_status
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import CRDS
from holdfast.sandbox.store.objects import Change, Key

MANAGER = "kube-apiserver"


def _definition_of(change: Change) -> Iterable[Key]:
    """The CRD of a custom resource that is gone."""
    if change.type == "DELETED":
        yield "", f"{change.resource.plural}.{change.resource.group}"


@dataclass(slots=True)
class Definitions:
    """Reconciles CustomResourceDefinitions."""

    name: str = "crd"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {CRDS: own_key, None: _definition_of}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Establish, or clean up."""
        crd = access.find(CRDS, key)
        if crd is None:
            return None
        metadata = crd["metadata"]
        deleting = bool(metadata.get("deletionTimestamp"))
        crd = access.set_status(CRDS, crd, accepted_status(crd, access.plane.now()), MANAGER)
        if deleting and CLEANUP in (metadata.get("finalizers") or []):
            return self._clean_up(access, crd["spec"]["group"], key)
        return None

    def _clean_up(self, access: Access, group: str, key: Key) -> float | None:
        crd = access.find(CRDS, key)
        if crd is None:
            return None
        resource = ResourceId(group, crd["spec"]["names"]["plural"])
        objects = access.all_of(resource)
        for tree in objects:
            if not tree["metadata"].get("deletionTimestamp"):
                access.delete(resource, tree)
        if access.all_of(resource):
            return None  # finalizers hold them; the last one that goes wakes us
        metadata = crd["metadata"]
        finalizers = [name for name in metadata["finalizers"] if name != CLEANUP]
        access.update(CRDS, {**crd, "metadata": {**metadata, "finalizers": finalizers}}, MANAGER)
        return None
