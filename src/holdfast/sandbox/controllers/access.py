"""How stand-in controllers read and write: through the same verbs as clients, without HTTP."""

from collections import defaultdict
from dataclasses import dataclass, field

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.options import DeleteOptions, WriteOptions
from holdfast.sandbox.plane import NAMESPACES, Plane, name_suffix, new_uid
from holdfast.sandbox.statuses import StatusError
from holdfast.sandbox.store.objects import Change, Key
from holdfast.sandbox.store.selectors import selector_matches
from holdfast.sandbox.verbs.deleting import Deleter
from holdfast.sandbox.verbs.writing import Writer

MANAGER = "kube-controller-manager"
EVENTS = ResourceId("", "events")
# Events beyond this number push the oldest quarter out.
MOST_EVENTS = 2000
PODS = ResourceId("", "pods")
REPLICA_SETS = ResourceId("apps", "replicasets")

# Kinds whose objects are adopted by the controllers that select them.
ADOPTABLE = frozenset({PODS, REPLICA_SETS})


@dataclass(slots=True)
class Access:
    """Reads and writes of the controllers.

    Attributes:
        plane: State.
        writer: Creates and updates.
        deleter: Deletes.
        dependents: Objects by the uid of each of their owners.
        uids: Where the object with a uid is.
        strays: Objects of a resource that no controller owns; they may be adopted.
    """

    plane: Plane
    writer: Writer
    deleter: Deleter
    dependents: dict[str, set[tuple[ResourceId, Key]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    uids: dict[str, tuple[ResourceId, Key]] = field(default_factory=dict)
    strays: dict[ResourceId, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def start(self) -> None:
        """Index what is there, and follow every change."""
        store = self.plane.store
        for resource in store.resources():
            for stored in store.all_of(resource):
                metadata = stored.tree["metadata"]
                key = (metadata.get("namespace") or "", metadata["name"])
                self.index(Change("ADDED", resource, key, stored, None))
        store.listen(self.index)

    def index(self, change: Change) -> None:
        """Keep the indexes true."""
        here = (change.resource, change.key)
        if change.before is not None:
            metadata = change.before.tree["metadata"]
            for owner in metadata.get("ownerReferences") or ():
                self.dependents[owner["uid"]].discard(here)
                if not self.dependents[owner["uid"]]:
                    del self.dependents[owner["uid"]]
            self.uids.pop(metadata["uid"], None)
            self.strays[change.resource].discard(change.key)
        if change.type != "DELETED":
            metadata = change.now.tree["metadata"]
            self.uids[metadata["uid"]] = here
            for owner in metadata.get("ownerReferences") or ():
                self.dependents[owner["uid"]].add(here)
            if change.resource in ADOPTABLE and not controller_uid(change.now.tree):
                self.strays[change.resource].add(change.key)

    def adopt(self, owner: Tree, resource: ResourceId, selector: Tree | None) -> None:
        """Take over the objects that nobody controls and that the owner's selector chooses."""
        namespace = owner["metadata"].get("namespace") or ""
        if owner["metadata"].get("deletionTimestamp"):
            return
        for key in sorted(self.strays.get(resource, ())):
            tree = self.find(resource, key) if key[0] == namespace else None
            if tree is None or tree["metadata"].get("deletionTimestamp"):
                continue
            if selector_matches(selector, tree["metadata"].get("labels") or {}):
                metadata = dict(tree["metadata"])
                references = metadata.get("ownerReferences") or []
                metadata["ownerReferences"] = [*references, owner_reference(owner)]
                self.update(resource, {**tree, "metadata": metadata})

    def find(self, resource: ResourceId, key: Key) -> Tree | None:
        """Return an object, or None."""
        stored = self.plane.store.find(resource, *key)
        return stored.tree if stored else None

    def all_of(self, resource: ResourceId, namespace: str = "") -> list[Tree]:
        """Return the objects of a resource."""
        return [stored.tree for stored in self.plane.store.all_of(resource, namespace)]

    def owned(self, owner: Tree, resource: ResourceId) -> list[Tree]:
        """Return the objects of a resource that `owner` controls, by name."""
        uid = owner["metadata"]["uid"]
        found = []
        for kind, key in self.dependents.get(uid, ()):
            if kind != resource:
                continue
            tree = self.find(kind, key)
            if tree is not None and controller_uid(tree) == uid:
                found.append(tree)
        return sorted(found, key=lambda tree: str(tree["metadata"]["name"]))

    def create(
        self, resource: ResourceId, namespace: str, tree: Tree, manager: str = MANAGER
    ) -> Tree:
        """Create an object."""
        options = WriteOptions(manager=manager)
        kind = self.plane.resource(*resource)
        return self.writer.create(kind, namespace, tree, options).tree

    def update(self, resource: ResourceId, tree: Tree, manager: str = MANAGER) -> Tree:
        """Write an object whose spec or metadata changed."""
        return self._change(resource, tree, WriteOptions(manager=manager))

    def apply(self, resource: ResourceId, key: Key, config: Tree, manager: str) -> None:
        """Apply a few fields to an object that is there, as `manager`, with force."""
        kind = self.plane.resource(*resource)
        live = self.writer.live(kind, *key)
        options = WriteOptions(manager=manager, force=True)
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": key[1]}}
        shapes = self.writer.shapes
        merged = shapes.apply(kind, live.tree, {**head, **config}, options, self.plane.now())
        managers = merged["metadata"].get("managedFields") or []
        fresh = {**merged, "metadata": dict(merged["metadata"])}
        fresh["metadata"].pop("resourceVersion", None)
        self.writer.change(kind, live, fresh, options, managers)

    def set_status(
        self, resource: ResourceId, tree: Tree, status: Tree, manager: str = MANAGER
    ) -> Tree:
        """Write the status of an object, if it differs."""
        if tree.get("status") == status:
            return tree
        options = WriteOptions(manager=manager, subresource="status")
        return self._change(resource, {**tree, "status": status}, options)

    def update_metadata(self, resource: ResourceId, tree: Tree, manager: str = MANAGER) -> Tree:
        """Write metadata through the status subresource."""
        return self._change(resource, tree, WriteOptions(manager=manager, subresource="status"))

    def _change(self, resource: ResourceId, tree: Tree, options: WriteOptions) -> Tree:
        kind = self.plane.resource(*resource)
        metadata = tree["metadata"]
        namespace = metadata.get("namespace") or ""
        live = self.writer.live(kind, namespace, metadata["name"])
        fresh = {**tree, "metadata": dict(metadata)}
        fresh["metadata"].pop("resourceVersion", None)
        return self.writer.change(kind, live, fresh, options).tree

    def delete(
        self, resource: ResourceId, tree: Tree, options: DeleteOptions | None = None
    ) -> None:
        """Delete an object; one that is gone already is no error."""
        kind = self.plane.resource(*resource)
        metadata = tree["metadata"]
        options = options or DeleteOptions(propagation="Background", uid=metadata["uid"])
        try:
            self.deleter.delete(kind, metadata.get("namespace") or "", metadata["name"], options)
        except StatusError as error:
            if error.code not in {404, 409}:
                raise

    def emit(self, about: Tree, kind: str, reason: str, message: str, source: str) -> None:
        """Write an Event; a namespace that goes takes none."""
        metadata = about["metadata"]
        namespace = metadata.get("namespace") or "default"
        home = self.find(NAMESPACES, ("", namespace))
        if home is None or home["metadata"].get("deletionTimestamp"):
            return
        now = self.plane.now()
        name = f"{metadata['name']}.{name_suffix(16)}"
        event: Tree = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": new_uid(),
                "creationTimestamp": now,
                "managedFields": [_event_manager(source, now)],
            },
            "involvedObject": {
                "apiVersion": about.get("apiVersion"),
                "kind": about.get("kind"),
                "name": metadata["name"],
                "namespace": metadata.get("namespace") or "",
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": source},
            "reportingComponent": source,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        # Events are many and made here alone: they take the short way into the store.
        self.plane.store.put(EVENTS, (namespace, name), event)
        self._forget_old_events()

    def _forget_old_events(self) -> None:
        """Keep a bounded number of Events, the newest; a real cluster keeps an hour of them."""
        store = self.plane.store
        if store.count(EVENTS) <= MOST_EVENTS:
            return
        oldest = sorted(store.all_of(EVENTS), key=lambda stored: stored.version)
        for stored in oldest[: MOST_EVENTS // 4]:
            metadata = stored.tree["metadata"]
            store.remove(EVENTS, (metadata["namespace"], metadata["name"]))


_EVENT_FIELDS: Tree = {
    "f:count": {},
    "f:firstTimestamp": {},
    "f:involvedObject": {},
    "f:lastTimestamp": {},
    "f:message": {},
    "f:reason": {},
    "f:reportingComponent": {},
    "f:source": {"f:component": {}},
    "f:type": {},
}


def _event_manager(source: str, now: str) -> Tree:
    return {
        "manager": source,
        "operation": "Update",
        "apiVersion": "v1",
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": _EVENT_FIELDS,
    }


def controller_uid(tree: Tree) -> str:
    """Return the uid of the owner that controls an object, `""` for none."""
    for row in tree["metadata"].get("ownerReferences") or ():
        if row.get("controller"):
            return str(row["uid"])
    return ""


def owner_reference(owner: Tree) -> Tree:
    """Return the reference of a controlled object to its owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def value(tree: JSON, *path: str, default: JSON = None) -> JSON:
    """Return the value at a path of keys, or the default."""
    for step in path:
        if not isinstance(tree, dict):
            return default
        tree = tree.get(step)
    return default if tree is None else tree
