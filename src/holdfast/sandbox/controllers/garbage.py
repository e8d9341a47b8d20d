"""Owned objects follow their owners.

    owner gone                    -> objects that no living owner holds are deleted
    owner waits in foreground     -> its dependents first, then the owner
    owner orphans                 -> its dependents lose the reference, then the owner goes

Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.controllers.engine import Wakes
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.options import DeleteOptions
from holdfast.sandbox.store.objects import Change, Key
from holdfast.sandbox.verbs.deleting import FOREGROUND, ORPHAN

MANAGER = "kube-controller-manager"


def _concerned(change: Change) -> Iterable[Key]:
    """Uids to look at; they stand in the place of keys."""
    metadata = change.now.tree["metadata"]
    finalizers = metadata.get("finalizers") or ()
    if change.type == "DELETED" or FOREGROUND in finalizers or ORPHAN in finalizers:
        yield "uid", metadata["uid"]
    owners = metadata.get("ownerReferences")
    if owners:
        if change.type == "ADDED":
            yield "uid", metadata["uid"]
        for owner in owners:
            yield "owner", owner["uid"]


@dataclass(slots=True)
class GarbageCollector:
    """Reconciles uids: `("uid", u)` the object itself, `("owner", u)` an owner of something."""

    name: str = "garbage-collector"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=lambda: {None: _concerned})

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Look at the object with a uid, or at what it left behind."""
        uid = key[1]
        place = access.uids.get(uid)
        tree = access.find(*place) if place else None
        if place is None or tree is None:
            self._collect_orphans(access, uid)
            return None
        resource = place[0]
        finalizers = tree["metadata"].get("finalizers") or []
        deleting = bool(tree["metadata"].get("deletionTimestamp"))
        if deleting and ORPHAN in finalizers:
            self._release(access, resource, tree)
        elif deleting and FOREGROUND in finalizers:
            self._delete_dependents_first(access, resource, tree)
        elif key[0] == "uid" and not deleting:
            self._check_owners(access, resource, tree)
        return None

    def _collect_orphans(self, access: Access, uid: str) -> None:
        """The owner is gone: what nobody else holds goes too."""
        for resource, key in sorted(access.dependents.get(uid, ())):
            tree = access.find(resource, key)
            if tree is not None:
                self._check_owners(access, resource, tree)

    def _check_owners(self, access: Access, resource: ResourceId, tree: Tree) -> None:
        owners = tree["metadata"].get("ownerReferences") or []
        living = [row for row in owners if self._lives(access, row, tree)]
        if len(living) == len(owners) or tree["metadata"].get("deletionTimestamp"):
            return
        if living:
            metadata = {**tree["metadata"], "ownerReferences": living}
            access.update(resource, {**tree, "metadata": metadata}, MANAGER)
        else:
            access.delete(resource, tree)

    @staticmethod
    def _lives(access: Access, row: Tree, dependent: Tree) -> bool:
        place = access.uids.get(str(row.get("uid")))
        if place is None:
            return False
        namespace = place[1][0]
        # An owner in another namespace is no owner.
        return not namespace or namespace == dependent["metadata"].get("namespace")

    def _release(self, access: Access, resource: ResourceId, owner: Tree) -> None:
        uid = owner["metadata"]["uid"]
        for kind, key in sorted(access.dependents.get(uid, ())):
            tree = access.find(kind, key)
            if tree is None:
                continue
            rows = [row for row in tree["metadata"]["ownerReferences"] if row["uid"] != uid]
            metadata = {**tree["metadata"], "ownerReferences": rows}
            if not rows:
                del metadata["ownerReferences"]
            access.update(kind, {**tree, "metadata": metadata}, MANAGER)
        self._drop_finalizer(access, resource, owner, ORPHAN)

    def _delete_dependents_first(self, access: Access, resource: ResourceId, owner: Tree) -> None:
        uid = owner["metadata"]["uid"]
        blocking = False
        for kind, key in sorted(access.dependents.get(uid, ())):
            tree = access.find(kind, key)
            if tree is None:
                continue
            rows = tree["metadata"]["ownerReferences"]
            blocking |= any(row["uid"] == uid and row.get("blockOwnerDeletion") for row in rows)
            if tree["metadata"].get("deletionTimestamp"):
                continue
            has_own = bool(access.dependents.get(tree["metadata"]["uid"]))
            policy = "Foreground" if has_own else "Background"
            options = DeleteOptions(propagation=policy, uid=tree["metadata"]["uid"])
            access.delete(kind, tree, options)
        still = access.dependents.get(uid, set())
        if not blocking or not still:
            self._drop_finalizer(access, resource, owner, FOREGROUND)

    @staticmethod
    def _drop_finalizer(access: Access, resource: ResourceId, tree: Tree, name: str) -> None:
        metadata = dict(tree["metadata"])
        left = [item for item in metadata.get("finalizers") or [] if item != name]
        metadata.pop("finalizers", None)
        if left:
            metadata["finalizers"] = left
        access.update(resource, {**tree, "metadata": metadata}, MANAGER)
