"""Delete: preconditions, finalizers, grace, propagation.

An object goes at once unless something holds it: a finalizer, a grace period (pods on a node), or
the propagation policy, which is a finalizer too (`foregroundDeletion`, `orphan`). What is held gets
a deletionTimestamp and waits for its last finalizer.
"""

import datetime
from dataclasses import dataclass

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.namespaces import check_deletion
from holdfast.sandbox.kinds.crds import terminating
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.options import DeleteOptions, Written
from holdfast.sandbox.plane import CRDS, Plane, timestamp
from holdfast.sandbox.statuses import Named, conflict, not_found
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.verbs.writing import is_finished

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

# Kinds whose deletion answers with the object instead of a Status.
RETURNS_OBJECT = frozenset(
    {
        ("", "namespaces"),
        ("", "persistentvolumeclaims"),
        ("", "persistentvolumes"),
        ("", "pods"),
        ("", "podtemplates"),
        ("", "resourcequotas"),
        ("", "serviceaccounts"),
        ("", "services"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "storageclasses"),
        ("storage.k8s.io", "volumeattachments"),
    }
)

# Kinds whose dependents stay when a client does not say what should happen to them.
_ORPHANS_BY_DEFAULT = frozenset({("", "replicationcontrollers"), ("batch", "jobs")})


@dataclass(frozen=True, slots=True)
class Deleter:
    """Carries out deletions."""

    plane: Plane

    def delete(
        self, resource: Resource, namespace: str, name: str, options: DeleteOptions
    ) -> Written:
        """Delete an object, or mark it for deletion.

        Returns:
            The object; `deleted` says whether it is gone.

        Raises:
            StatusError: 404; 409 for a precondition that does not hold; 403.
        """
        key = (namespace if resource.namespaced else "", name)
        live = self.plane.store.find(resource.id, *key)
        if live is None:
            raise not_found(resource.named(name))
        _check_preconditions(resource, live.tree, options)
        check_deletion(resource, name)
        marked = self._marked(resource, live.tree, options)
        gone = is_finished(marked) and not _holds_namespace(resource, marked)
        if options.dry_run:
            return Written(Stored(marked, live.version), deleted=gone)
        if gone:
            return Written(self.plane.store.remove(resource.id, key), deleted=True)
        if marked == live.tree:
            return Written(live)
        return Written(self.plane.store.put(resource.id, key, marked))

    def _marked(self, resource: Resource, tree: Tree, options: DeleteOptions) -> Tree:
        """Return the object as its deletion leaves it: marked, held by finalizers."""
        metadata = dict(tree["metadata"])
        grace = _grace(resource, tree, options)
        finalizers = _finalizers(resource, metadata, options)
        spec_held = _holds_namespace(resource, tree)
        if finalizers:
            metadata["finalizers"] = finalizers
        else:
            metadata.pop("finalizers", None)
        marked: Tree = {**tree, "metadata": metadata}
        first = "deletionTimestamp" not in metadata
        if first:
            moment = self.plane.clock.now() + datetime.timedelta(seconds=grace)
            metadata["deletionTimestamp"] = timestamp(moment)
            if not spec_held:
                metadata["deletionGracePeriodSeconds"] = grace
            if metadata.get("generation"):
                metadata["generation"] += 1
        elif grace < (metadata.get("deletionGracePeriodSeconds") or 0):
            metadata["deletionGracePeriodSeconds"] = grace
        if resource.id == CRDS and first:
            metadata.pop("deletionGracePeriodSeconds", None)
            if metadata.get("generation"):
                metadata["generation"] -= 1
            return terminating(marked, self.plane.now())
        if spec_held:
            marked["status"] = {**(tree.get("status") or {}), "phase": "Terminating"}
        return marked


def _check_preconditions(resource: Resource, tree: Tree, options: DeleteOptions) -> None:
    metadata = tree["metadata"]
    # Here the server names the kind where it names the resource elsewhere.
    about = Named(resource.group, resource.kind, resource.kind, metadata["name"])
    if options.uid and options.uid != metadata["uid"]:
        raise conflict(
            about,
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated",
        )
    version = metadata["resourceVersion"]
    if options.resource_version and options.resource_version != version:
        raise conflict(
            about,
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match "
            f"the ResourceVersion in record ({version}). The object might have been modified",
        )


def _grace(resource: Resource, tree: Tree, options: DeleteOptions) -> int:
    """Only pods that a node runs have one; the node's stand-in removes them at its end."""
    if resource.id != ("", "pods"):
        return 0
    spec, phase = tree.get("spec") or {}, (tree.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in {"Succeeded", "Failed"}:
        return 0
    if options.grace_s is not None:
        return max(options.grace_s, 0) if options.grace_s >= 0 else 1
    return int(spec.get("terminationGracePeriodSeconds") or 0)


def _finalizers(resource: Resource, metadata: Tree, options: DeleteOptions) -> list[str]:
    finalizers = [
        name for name in metadata.get("finalizers") or [] if name not in {FOREGROUND, ORPHAN}
    ]
    policy = options.propagation
    if not policy:
        # Without a word from the client, a policy that was asked for before stays.
        kept = [n for n in metadata.get("finalizers") or [] if n in {FOREGROUND, ORPHAN}]
        if kept:
            return [*finalizers, *kept]
        policy = "Orphan" if tuple(resource.id) in _ORPHANS_BY_DEFAULT else "Background"
    if policy == "Foreground":
        return [*finalizers, FOREGROUND]
    if policy == "Orphan":
        return [*finalizers, ORPHAN]
    return finalizers


def _holds_namespace(resource: Resource, tree: Tree) -> bool:
    """Whether it is a namespace that still has to be emptied."""
    return resource.id == ("", "namespaces") and bool((tree.get("spec") or {}).get("finalizers"))
