"""Create and update: the order in which a write is admitted, as in the real server.

    envelope -> namespace -> unknown fields -> defaults -> preparation -> validation
             -> managed fields -> no-op? -> store

`create` and `update` take a whole object; the patches make one from the live object and end here.
"""

from dataclasses import dataclass

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission import metadata as meta
from holdfast.sandbox.admission.names import metadata_errors
from holdfast.sandbox.admission.namespaces import check_namespace
from holdfast.sandbox.admission.rules import Case, Rules
from holdfast.sandbox.admission.shapes import Shapes
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.options import WriteOptions, Written
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import (
    FieldError,
    Named,
    already_exists,
    invalid,
    invalid_value,
    not_found,
)
from holdfast.sandbox.store.objects import Stored
from holdfast.schema.apply_merge import differs_only_in_times

# Kinds (besides custom ones) whose PUT must name the version that it replaces.
_DEMANDS_VERSION = frozenset(
    {
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("apiregistration.k8s.io", "apiservices"),
        ("coordination.k8s.io", "leases"),
        ("node.k8s.io", "runtimeclasses"),
        ("policy", "poddisruptionbudgets"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "csistoragecapacities"),
        ("storage.k8s.io", "volumeattachments"),
    }
)
# What a PUT that names a uid finds where nothing is: the uid of nobody.
_NOBODY: Tree = {"metadata": {"uid": ""}}
# Kinds that a PUT creates when they are missing.
_CREATED_BY_PUT = frozenset(
    {
        ("", "endpoints"),
        ("", "events"),
        ("", "services"),
        ("coordination.k8s.io", "leases"),
        ("node.k8s.io", "runtimeclasses"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
    }
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Carries out creations and updates.

    Attributes:
        plane: State.
        rules: What kinds demand.
        shapes: What types know.
    """

    plane: Plane
    rules: Rules
    shapes: Shapes

    def create(
        self, resource: Resource, namespace: str, tree: Tree, options: WriteOptions
    ) -> Written:
        """Create an object.

        Raises:
            StatusError: It is refused; nothing was changed.
        """
        metadata = meta.check_envelope(resource, namespace, "", tree)
        metadata = meta.fill_on_create(self.plane, resource, namespace, metadata)
        name = metadata.get("name") or ""
        check_namespace(self.plane, resource, namespace, name)
        whole = {**tree, "metadata": metadata}
        if resource.has_status and not options.controller:
            # The status is nobody's to create; the type says how it begins.
            whole.pop("status", None)
        fresh = self._whole(resource, whole, options)
        return self.insert(resource, namespace, fresh, options)

    def insert(
        self,
        resource: Resource,
        namespace: str,
        fresh: Tree,
        options: WriteOptions,
        managers: list[Tree] | None = None,
    ) -> Written:
        """Prepare, validate and keep a new object whose metadata is filled in.

        Args:
            resource: What it is.
            namespace: Where it goes.
            fresh: The object.
            options: Manager, dry run.
            managers: Its managed fields, when an apply has made them.
        """
        if managers is None:
            now = self.plane.now()
            managers = self.shapes.recorded(resource, None, fresh, options, now)
        case = Case(self.plane, resource, fresh, None, options.dry_run, options.warnings)
        self.rules.prepared(case)
        metadata = fresh["metadata"]
        name = metadata.get("name") or ""
        errors = self.rules.errors(case) + self.shapes.problems(resource, fresh)
        errors += metadata_errors(resource, metadata)
        if errors:
            raise invalid(resource.named(name), errors)
        key = (namespace if resource.namespaced else "", name)
        found = self.plane.store.find(resource.id, *key)
        if found is not None:
            is_going = bool(found.tree["metadata"].get("deletionTimestamp"))
            raise already_exists(resource.named(name), is_going=is_going)
        for admit in self.rules.admit:
            admit(case)
        _set_managers(metadata, managers)
        if options.dry_run:
            return Written(Stored(fresh, 0), created=True)
        return Written(self.plane.store.put(resource.id, key, fresh), created=True)

    def update(
        self, resource: Resource, namespace: str, tree: Tree, options: WriteOptions, name: str
    ) -> Written:
        """Replace an object (PUT).

        Raises:
            StatusError: It is refused; nothing was changed.
        """
        metadata = meta.check_envelope(resource, namespace, name, tree)
        key = (namespace if resource.namespaced else "", name)
        missing = self.plane.store.find(resource.id, *key) is None
        if missing and resource.id in _CREATED_BY_PUT and not options.subresource:
            meta.check_uid(resource, name, _NOBODY, metadata)
            kept = {k: v for k, v in metadata.items() if k not in {"resourceVersion", "uid"}}
            return self.create(resource, namespace, {**tree, "metadata": kept}, options)
        live = self.live(resource, namespace, name)
        meta.check_uid(resource, name, live.tree, metadata)
        self._check_unconditional(resource, name, metadata)
        fresh = self._whole(resource, {**tree, "metadata": metadata}, options)
        touched = self.shapes.loses_empties(resource, tree, fresh)
        return self.change(resource, live, fresh, options, touched=touched)

    def live(self, resource: Resource, namespace: str, name: str) -> Stored:
        """Return the object that a write is about.

        Raises:
            StatusError: 404.
        """
        stored = self.plane.store.find(resource.id, namespace if resource.namespaced else "", name)
        if stored is None:
            raise not_found(resource.named(name))
        return stored

    def change(
        self,
        resource: Resource,
        live: Stored,
        fresh: Tree,
        options: WriteOptions,
        managers: list[Tree] | None = None,
        *,
        touched: bool = False,
    ) -> Written:
        """Let `fresh` take the place of `live`, if the rules allow it.

        Args:
            resource: What the object is.
            live: The object as it is.
            fresh: A tree that nobody else holds; its metadata is what the client sent.
            options: Manager, dry run, subresource.
            managers: The managed fields, when an apply has made them; None records an update.
            touched: The write counts as a change even if it leaves nothing behind.

        Raises:
            StatusError: 409 or 422.
        """
        old = live.tree
        name = old["metadata"]["name"]
        sent = fresh["metadata"]
        meta.check_versions(resource, name, old, sent)
        fresh["metadata"] = meta.keep_on_update(old["metadata"], sent)
        self._limit_to_subresource(resource, old, fresh, options)
        if managers is None:
            # What the rules add below belongs to nobody.
            managers = self.shapes.recorded(resource, old, fresh, options, self.plane.now())
        about = (options.dry_run, options.warnings, options.subresource)
        case = Case(self.plane, resource, fresh, old, *about)
        self.rules.prepared(case)
        generation = meta.next_generation(resource, old, fresh)
        if generation is not None and options.subresource != "status":
            current = old["metadata"].get("generation", 0)
            fresh["metadata"]["generation"] = max(generation, current + touched)
        errors = self._update_errors(case, old)
        if errors:
            raise invalid(resource.named(name), errors)
        return self._keep(resource, live, fresh, managers, options)

    def _keep(
        self,
        resource: Resource,
        live: Stored,
        fresh: Tree,
        managers: list[Tree] | None,
        options: WriteOptions,
    ) -> Written:
        metadata = fresh["metadata"]
        _set_managers(metadata, managers)
        metadata["resourceVersion"] = live.tree["metadata"]["resourceVersion"]
        if differs_only_in_times(live.tree, fresh):
            # What changes nothing is no write: the version stays, no event.
            return Written(live)
        if options.dry_run:
            return Written(Stored(fresh, live.version))
        key = (metadata.get("namespace") or "", metadata["name"])
        stored = self.plane.store.put(resource.id, key, fresh)
        if is_finished(stored.tree):
            return Written(self.plane.store.remove(resource.id, key), deleted=True)
        return Written(stored)

    def _whole(self, resource: Resource, tree: Tree, options: WriteOptions) -> Tree:
        """Return a complete object: known fields only, canonical values, defaults."""
        tree = {**tree, "apiVersion": resource.api_version, "kind": resource.kind}
        return self.shapes.completed(resource, tree, options.field_validation, options.warnings)

    def _limit_to_subresource(
        self, resource: Resource, old: Tree, fresh: Tree, options: WriteOptions
    ) -> None:
        """Keep what this path may not write: status here, everything else there."""
        if options.subresource == "status":
            sent, metadata = fresh.get("status"), fresh["metadata"]
            fresh.clear()
            fresh.update(old)
            fresh.pop("status", None)
            fresh["metadata"] = _status_metadata(resource, old["metadata"], metadata)
            if sent is not None:
                fresh["status"] = sent
        elif resource.has_status and not options.controller:
            fresh.pop("status", None)
            if "status" in old:
                fresh["status"] = old["status"]

    def _check_unconditional(self, resource: Resource, name: str, metadata: Tree) -> None:
        demands = resource.custom or resource.id in _DEMANDS_VERSION
        if demands and not metadata.get("resourceVersion"):
            # Here the server names the resource where it names the kind elsewhere.
            about = Named(resource.group, resource.plural, resource.plural, name)
            wrong = FieldError(
                "FieldValueInvalid",
                "metadata.resourceVersion",
                "Invalid value: 0: must be specified for an update",
            )
            raise invalid(about, [wrong])

    def _update_errors(self, case: Case, old: Tree) -> list[FieldError]:
        metadata = case.new["metadata"]
        errors = self.rules.errors(case) + self.shapes.problems(case.resource, case.new)
        errors += metadata_errors(case.resource, metadata)
        errors += _metadata_update_errors(old["metadata"], metadata)
        return errors


def _status_metadata(resource: Resource, old: Tree, sent: Tree) -> Tree:
    """Return what a status write may change of the metadata: of custom resources nothing."""
    if resource.custom:
        kept = dict(old)
        kept.pop("managedFields", None)
        if "managedFields" in sent:
            kept["managedFields"] = sent["managedFields"]
        return kept
    if resource.id == ("apps", "deployments"):
        sent.pop("labels", None)
        if "labels" in old:
            sent["labels"] = old["labels"]
    return sent


def _set_managers(metadata: Tree, managers: list[Tree] | None) -> None:
    metadata.pop("managedFields", None)
    if managers:
        metadata["managedFields"] = managers


def _metadata_update_errors(old: Tree, new: Tree) -> list[FieldError]:
    errors: list[FieldError] = []
    if old.get("deletionTimestamp"):
        added = set(new.get("finalizers") or []) - set(old.get("finalizers") or [])
        if added:
            names = "[]string{" + ", ".join(f'"{name}"' for name in sorted(added)) + "}"
            words = (
                "Forbidden: no new finalizers can be added if the object is being deleted, "
                f"found new finalizers {names}"
            )
            errors.append(FieldError("FieldValueForbidden", "metadata.finalizers", words))
    if new.get("uid") != old.get("uid"):
        # Twice: the server looks at it in two places.
        errors += [invalid_value("metadata.uid", new.get("uid"), "field is immutable")] * 2
    return errors


def is_finished(tree: Tree) -> bool:
    """Whether an object that is being deleted has nothing left that holds it."""
    metadata = tree["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if tree.get("kind") == "Namespace" and tree.get("apiVersion") == "v1":
        return not (tree.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")
