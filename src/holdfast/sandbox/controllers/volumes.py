"""Claims are bound at once to a volume made for them; there is no storage behind it."""

from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.builtin_rules import CLAIM_PROTECTION
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.engine import Wakes, own_key
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Change, Key

CLAIMS = ResourceId("", "persistentvolumeclaims")
VOLUMES = ResourceId("", "persistentvolumes")
CLASSES = ResourceId("storage.k8s.io", "storageclasses")
PROVISIONER = "holdfast.dev/sandbox"


def _of_volume(change: Change) -> list[Key]:
    reference = value(change.now.tree, "spec", "claimRef", default={})
    if not reference:
        return []
    return [(reference.get("namespace", ""), reference.get("name", ""))]


def _of_pod(change: Change) -> list[Key]:
    """The claims of a pod that is gone; they may be waiting for it."""
    if change.type != "DELETED":
        return []
    rows = value(change.now.tree, "spec", "volumes", default=[])
    names = [value(row, "persistentVolumeClaim", "claimName") for row in rows]
    return [(change.key[0], name) for name in names if name]


@dataclass(slots=True)
class Volumes:
    """Reconciles PersistentVolumeClaims."""

    name: str = "volume"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {CLAIMS: own_key, VOLUMES: _of_volume, PODS: _of_pod}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Bind a claim, or take away the volume of one that is gone."""
        claim = access.find(CLAIMS, key)
        if claim is None:
            self._release(access, key)
            return None
        if claim["metadata"].get("deletionTimestamp"):
            self._unprotect(access, claim)
            return None
        finalizers = claim["metadata"].get("finalizers") or []
        if CLAIM_PROTECTION not in finalizers:
            metadata = {**claim["metadata"], "finalizers": [*finalizers, CLAIM_PROTECTION]}
            claim = access.update(CLAIMS, {**claim, "metadata": metadata})
        if value(claim, "status", "phase") == "Bound":
            return None
        volume = self._find_volume(access, claim)
        if volume is None:
            volume = self._provide(access, claim)
        if volume is not None:
            self._bind(access, claim, volume)
        return None

    @staticmethod
    def _unprotect(access: Access, claim: Tree) -> None:
        """Let a claim go when no pod uses it."""
        metadata = dict(claim["metadata"])
        finalizers = metadata.get("finalizers") or []
        if CLAIM_PROTECTION not in finalizers:
            return
        for pod in access.all_of(PODS, metadata["namespace"]):
            for row in value(pod, "spec", "volumes", default=[]):
                if value(row, "persistentVolumeClaim", "claimName") == metadata["name"]:
                    return
        metadata["finalizers"] = [name for name in finalizers if name != CLAIM_PROTECTION]
        access.update(CLAIMS, {**claim, "metadata": metadata})

    @staticmethod
    def _find_volume(access: Access, claim: Tree) -> Tree | None:
        """Return a volume that waits for this claim, or fits it."""
        wanted = value(claim, "spec", "volumeName")
        name = value(claim, "spec", "storageClassName", default="")
        modes = set(value(claim, "spec", "accessModes", default=[]))
        for volume in access.all_of(VOLUMES):
            reference = value(volume, "spec", "claimRef", default={})
            metadata = claim["metadata"]
            if reference:
                ours = (reference.get("namespace"), reference.get("name"))
                if ours == (metadata["namespace"], metadata["name"]):
                    return volume
                continue
            if wanted and volume["metadata"]["name"] != wanted:
                continue
            same = value(volume, "spec", "storageClassName", default="") == name
            if same and modes <= set(value(volume, "spec", "accessModes", default=[])):
                return volume
        return None

    @staticmethod
    def _provide(access: Access, claim: Tree) -> Tree | None:
        name = value(claim, "spec", "storageClassName")
        found = access.find(CLASSES, ("", name)) if name else None
        if found is None or found.get("provisioner") != PROVISIONER:
            return None
        metadata = claim["metadata"]
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        }
        size = value(claim, "spec", "resources", "requests", "storage", default="1Gi")
        spec: Tree = {
            "capacity": {"storage": size},
            "accessModes": value(claim, "spec", "accessModes", default=["ReadWriteOnce"]),
            "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
            "storageClassName": name,
            "volumeMode": value(claim, "spec", "volumeMode", default="Filesystem"),
            "claimRef": reference,
            "csi": {"driver": PROVISIONER, "volumeHandle": metadata["uid"]},
        }
        tree: Tree = {
            "metadata": {
                "name": f"pvc-{metadata['uid']}",
                "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
            },
            "spec": spec,
        }
        return access.create(VOLUMES, "", tree)

    @staticmethod
    def _bind(access: Access, claim: Tree, volume: Tree) -> None:
        if not value(volume, "spec", "claimRef"):
            metadata = claim["metadata"]
            reference = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            }
            spec = {**volume["spec"], "claimRef": reference}
            volume = access.update(VOLUMES, {**volume, "spec": spec})
        access.set_status(VOLUMES, volume, {**(volume.get("status") or {}), "phase": "Bound"})
        spec = {**claim["spec"], "volumeName": volume["metadata"]["name"]}
        annotations = {
            **(claim["metadata"].get("annotations") or {}),
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }
        metadata = {**claim["metadata"], "annotations": annotations}
        claim = access.update(CLAIMS, {**claim, "metadata": metadata, "spec": spec})
        status = {
            "phase": "Bound",
            "accessModes": value(volume, "spec", "accessModes"),
            "capacity": value(volume, "spec", "capacity"),
        }
        access.set_status(CLAIMS, claim, status)

    @staticmethod
    def _release(access: Access, key: Key) -> None:
        for volume in access.all_of(VOLUMES):
            reference = value(volume, "spec", "claimRef", default={})
            if (reference.get("namespace"), reference.get("name")) != key:
                continue
            if value(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
                access.delete(VOLUMES, volume)
            else:
                status = {**(volume.get("status") or {}), "phase": "Released"}
                access.set_status(VOLUMES, volume, status)
