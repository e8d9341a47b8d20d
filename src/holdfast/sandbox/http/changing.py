"""POST, PUT, PATCH, DELETE: from the request to the verbs and back."""

from dataclasses import dataclass

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.http.answers import OBJECT_FORMS, Answer, json_answer, negotiate
from holdfast.sandbox.http.reading import Reader, match_of
from holdfast.sandbox.http.requests import Request, decode_json, decode_object, read_dry_run
from holdfast.sandbox.kinds.builtin import NOT_BUILT
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.kinds.versions import to_storage
from holdfast.sandbox.options import DeleteOptions, WriteOptions, Written
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.protobuf import decoding as protobuf
from holdfast.sandbox.statuses import Named, bad_request, invalid, not_built, unsupported
from holdfast.sandbox.verbs.deleting import RETURNS_OBJECT, Deleter
from holdfast.sandbox.verbs.patching import Patcher
from holdfast.sandbox.verbs.writing import Writer


@dataclass(frozen=True, slots=True)
class Changer:
    """Answers requests that change something.

    Attributes:
        plane: State.
        reader: Makes the answers.
        writer: Creates and updates.
        patcher: Patches.
        deleter: Deletes.
    """

    plane: Plane
    reader: Reader
    writer: Writer
    patcher: Patcher
    deleter: Deleter

    async def create(self, request: Request, resource: Resource, target: Target) -> Answer:
        """POST on a collection."""
        missing = NOT_BUILT.get((resource.group, resource.plural))
        if missing:
            raise not_built(missing)
        tree = decode_object(request.content_type, await request.body())
        options = write_options(request)
        storage = self._storage(resource)
        if tree.get("apiVersion") in {None, resource.api_version}:
            tree = to_storage(resource, tree)
        written = self.writer.create(storage, target.namespace, tree, options)
        return await self.answer(request, resource, written, options)

    async def update(self, request: Request, resource: Resource, target: Target) -> Answer:
        """PUT on an object, or on its status."""
        tree = decode_object(request.content_type, await request.body())
        options = write_options(request).at(target.subresource)
        if tree.get("apiVersion") in {None, resource.api_version}:
            tree = to_storage(resource, tree)
        storage = self._storage(resource)
        written = self.writer.update(storage, target.namespace, tree, options, target.name)
        return await self.answer(request, resource, written, options)

    async def patch(self, request: Request, resource: Resource, target: Target) -> Answer:
        """PATCH on an object, or on its status."""
        missing = NOT_BUILT.get((resource.group, resource.plural))
        if missing:
            raise not_built(missing)
        body = await request.body()
        options = write_options(request).at(target.subresource)
        written = self.patcher.patch(resource, target, request.content_type, body, options)
        return await self.answer(request, resource, written, options)

    async def answer(
        self, request: Request, resource: Resource, written: Written, options: WriteOptions
    ) -> Answer:
        """Answer with the object, after it is safe on disk."""
        form = negotiate(request.accept, OBJECT_FORMS)
        if not options.dry_run:
            await self.plane.store.settled()
        status = 201 if written.created else 200
        warnings = tuple(dict.fromkeys(options.warnings))
        return self.reader.one(request, resource, written.stored, form, status, warnings)

    async def delete(self, request: Request, resource: Resource, target: Target) -> Answer:
        """DELETE of an object."""
        options = delete_options(request, delete_body(await request.body()))
        written = self.deleter.delete(resource, target.namespace, target.name, options)
        await self.plane.store.settled()
        if written.deleted and tuple(resource.id) not in RETURNS_OBJECT:
            metadata = written.tree["metadata"]
            details = resource.named(metadata["name"]).details()
            details["uid"] = metadata["uid"]
            return json_answer(
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Success",
                    "details": details,
                }
            )
        form = negotiate(request.accept, OBJECT_FORMS)
        return self.reader.one(request, resource, written.stored, form)

    async def delete_collection(
        self, request: Request, resource: Resource, target: Target
    ) -> Answer:
        """DELETE of everything that the selectors choose."""
        options = delete_options(request, delete_body(await request.body()))
        match = match_of(request, resource, target)
        found = self.plane.store.all_of(resource.id, target.namespace)
        items = []
        for stored in found:
            if match is not None and not match(stored.tree):
                continue
            metadata = stored.tree["metadata"]
            namespace = metadata.get("namespace", "")
            written = self.deleter.delete(resource, namespace, metadata["name"], options)
            items.append(self.reader.viewer.tree(resource, written.tree))
        await self.plane.store.settled()
        version = {"resourceVersion": str(self.plane.store.version)}
        head = {"kind": resource.list_kind, "apiVersion": resource.api_version}
        return json_answer({**head, "metadata": version, "items": items})

    def _storage(self, resource: Resource) -> Resource:
        return self.plane.registry.find_id(resource.id) or resource


def write_options(request: Request) -> WriteOptions:
    """Read the options of a write from the query."""
    validation = request.query.get("fieldValidation", "Warn")
    if validation not in {"", "Ignore", "Warn", "Strict"}:
        wrong = unsupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"])
        raise invalid(Named("meta.k8s.io", "", "CreateOptions"), [wrong])
    force = request.query.get("force")
    return WriteOptions(
        manager=request.manager,
        named_manager=bool(request.query.get("fieldManager")),
        dry_run=request.dry_run,
        field_validation=validation or "Warn",
        force=None if force is None else force in {"true", "1", ""},
    )


def delete_body(raw: bytes) -> Tree:
    """Read a DeleteOptions body; an empty one is none."""
    if not raw.strip():
        return {}
    if raw.startswith(protobuf.MAGIC):
        return decode_object(protobuf.MEDIA_TYPE, raw)
    body: JSON = decode_json(raw)
    if not isinstance(body, dict):
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    return body


def delete_options(request: Request, body: Tree) -> DeleteOptions:
    """Read the options of a deletion from body and query."""
    preconditions: Tree = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    if grace is None and request.query.get("gracePeriodSeconds", "").lstrip("-").isdigit():
        grace = int(request.query["gracePeriodSeconds"])
    propagation = body.get("propagationPolicy") or request.query.get("propagationPolicy", "")
    orphan = body.get("orphanDependents")
    if not propagation and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    dry_run = read_dry_run(body.get("dryRun")) or request.dry_run
    return DeleteOptions(
        propagation=propagation,
        grace_s=grace,
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        dry_run=dry_run,
    )
