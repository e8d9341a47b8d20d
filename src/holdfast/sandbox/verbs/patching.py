"""PATCH: server-side apply, strategic merge, JSON merge, JSON patch.

Each makes a whole object of the live one and hands it to the writer. Only an apply may create.
"""

from dataclasses import dataclass

import orjson

from holdfast.domain.manifest import JSON, Tree
from holdfast.kit.yamlio import YamlError, load_one
from holdfast.sandbox.admission import metadata as meta
from holdfast.sandbox.admission.namespaces import check_namespace
from holdfast.sandbox.admission.shapes import Shapes
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.kinds.versions import to_storage, to_version
from holdfast.sandbox.options import WriteOptions, Written
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import (
    FieldError,
    Named,
    StatusError,
    bad_request,
    conflict,
    invalid,
    not_found,
    unsupported_media_type,
)
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.verbs.json_patch import json_patch
from holdfast.sandbox.verbs.writing import Writer
from holdfast.schema.strategic_merge import merge_patch

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Patcher:
    """Carries out patches.

    Attributes:
        plane: State.
        writer: Keeps the results.
        shapes: The merges.
    """

    plane: Plane
    writer: Writer
    shapes: Shapes

    def patch(
        self,
        resource: Resource,
        target: Target,
        content_type: str,
        body: bytes,
        options: WriteOptions,
    ) -> Written:
        """Carry out one patch.

        Raises:
            StatusError: It is refused; nothing was changed.
        """
        _check_type(resource, content_type)
        _check_options(content_type, options)
        storage = self.plane.registry.find_id(resource.id) or resource
        namespace = target.namespace if resource.namespaced else ""
        live = self.plane.store.find(resource.id, namespace, target.name)
        if content_type == APPLY:
            return self._apply(resource, target, live, _decode_yaml(body), options)
        if live is None:
            raise not_found(resource.named(target.name))
        patched = self._patched(resource, content_type, live, body)
        if not isinstance(patched, dict):
            raise bad_request("the patched object is not an object")
        meta.check_envelope(resource, target.namespace, target.name, patched)
        fresh = to_storage(resource, patched)
        fresh = self.shapes.completed(storage, fresh, options.field_validation, options.warnings)
        fresh["metadata"] = dict(fresh.get("metadata") or {})
        return self.writer.change(storage, live, fresh, options)

    def _patched(self, resource: Resource, content_type: str, live: Stored, body: bytes) -> JSON:
        tree = to_version(resource, live.tree)
        patch = _decode_json(body)
        match content_type:
            case "application/json-patch+json":
                return json_patch(tree, patch)
            case "application/merge-patch+json":
                if not isinstance(patch, dict):
                    raise bad_request("error decoding patch: the body is not an object")
                return merge_patch(tree, patch)
            case _:
                if not isinstance(patch, dict):
                    raise bad_request("error decoding patch: the body is not an object")
                return self.shapes.strategic(resource, tree, patch)

    def _apply(
        self,
        resource: Resource,
        target: Target,
        live: Stored | None,
        config: Tree,
        options: WriteOptions,
    ) -> Written:
        """Server-side apply."""
        storage = self.plane.registry.find_id(resource.id) or resource
        _check_config(resource, target, config)
        view = to_version(resource, live.tree) if live else None
        merged = self.shapes.apply(resource, view, config, options, self.plane.now())
        managers = merged["metadata"].get("managedFields") or []
        fresh = to_storage(resource, merged)
        fresh = self.shapes.completed(storage, fresh, "Ignore", options.warnings)
        fresh["metadata"] = dict(fresh["metadata"])
        if live is not None:
            touched = self.shapes.loses_empties(storage, merged, fresh)
            return self.writer.change(storage, live, fresh, options, managers, touched=touched)
        return self._apply_new(storage, target, fresh, managers, options)

    def _apply_new(
        self,
        resource: Resource,
        target: Target,
        fresh: Tree,
        managers: list[Tree],
        options: WriteOptions,
    ) -> Written:
        if options.subresource:
            raise not_found(resource.named(target.name))
        metadata = fresh["metadata"]
        uid = metadata.pop("uid", None)
        if uid:
            raise conflict(
                resource.named(target.name),
                f"uid mismatch: the provided object specified uid {uid}, and no existing object "
                "was found",
            )
        # A resourceVersion in the body of an apply that creates is ignored (apply.md A3).
        metadata.pop("resourceVersion", None)
        metadata["name"] = target.name
        namespace = target.namespace
        metadata = meta.fill_on_create(self.plane, resource, namespace, metadata)
        check_namespace(self.plane, resource, namespace, target.name)
        fresh = {**fresh, "metadata": metadata}
        return self.writer.insert(resource, namespace, fresh, options, managers)


def patched_tree(content_type: str, tree: Tree, body: bytes) -> Tree:
    """Return a tree after a JSON or merge patch (a strategic one merges alike where no lists are).

    Raises:
        StatusError: 400, 415, 422.
    """
    patch = _decode_json(body)
    if content_type == JSON_PATCH:
        patched = json_patch(tree, patch)
    elif content_type in {MERGE, STRATEGIC, APPLY}:
        patched = merge_patch(tree, patch)
    else:
        raise unsupported_media_type([JSON_PATCH, MERGE, STRATEGIC, APPLY])
    if not isinstance(patched, dict):
        raise bad_request("the patched object is not an object")
    return patched


def _check_type(resource: Resource, content_type: str) -> None:
    if content_type not in {JSON_PATCH, MERGE, STRATEGIC, APPLY}:
        message = "415: Unsupported Media Type"
        raise StatusError(415, "UnsupportedMediaType", message, {})
    if resource.custom and content_type == STRATEGIC:
        raise unsupported_media_type([JSON_PATCH, MERGE, APPLY])


def _check_options(content_type: str, options: WriteOptions) -> None:
    about = Named("meta.k8s.io", "", "PatchOptions")
    if content_type == APPLY:
        if not options.named_manager:
            words = "Required value: is required for apply patch"
            raise invalid(about, [FieldError("FieldValueRequired", "fieldManager", words)])
    elif options.force is not None:
        words = "Forbidden: may not be specified for non-apply patch"
        raise invalid(about, [FieldError("FieldValueForbidden", "force", words)])


def _check_config(resource: Resource, target: Target, config: Tree) -> None:
    version, given = config.get("apiVersion"), config.get("kind")
    if not version or not given:
        raise bad_request(f"invalid object type: {version or ''}/, Kind={given or ''}")
    if given != resource.kind or version != resource.api_version:
        slash = version if "/" in str(version) else f"/{version}"
        raise bad_request(f"invalid object type: {slash}, Kind={given}")
    metadata = config.get("metadata") or {}
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    meta.check_envelope(resource, target.namespace, target.name, config)


def _decode_json(body: bytes) -> JSON:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {error}") from error


def _decode_yaml(body: bytes) -> Tree:
    """JSON is YAML, and what programs send; the YAML parser is only for what people send."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            tree = load_one(body)
        except YamlError as error:
            raise bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(tree, dict):
        raise bad_request("error decoding YAML: the body is not an object")
    return tree
