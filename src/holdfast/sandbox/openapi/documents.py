"""The OpenAPI documents: version 3, one for each API version, and version 2, one for all.

kubectl reads from them whether the server validates fields (a parameter of PATCH), how lists merge
(`apply`, `diff`, `edit`), and what `explain` shows.
"""

import hashlib
from collections.abc import Callable, Iterable

import orjson

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.registry import Registry
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.openapi.components import Components, with_kind
from holdfast.sandbox.statuses import resource_missing
from holdfast.schema.types import find_type, object_meta

_OPTIONS = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"


PROTOBUF_VERSION_2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# A document of version 2 in protobuf that describes nothing: swagger, info, no paths.
EMPTY_VERSION_2 = b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.3\x42\x00"


class Documents:
    """Makes the documents, once for each state of the registry."""

    def __init__(self, registry: Registry) -> None:
        """Take what is served."""
        self._registry = registry
        self._made: dict[str, tuple[int, bytes]] = {}

    def index(self) -> bytes:
        """Return the list of the documents of version 3."""

        def make() -> Tree:
            paths: Tree = {}
            for group, versions in self._registry.group_versions():
                for version in versions:
                    name = f"apis/{group}/{version}" if group else f"api/{version}"
                    tag = hashlib.sha256(f"{name} {self._registry.revision}".encode()).hexdigest()
                    url = f"/openapi/v3/{name}?hash={tag[:32].upper()}"
                    paths[name] = {"serverRelativeURL": url}
            return {"paths": paths}

        return self._cached("index", make)

    def version_3(self, name: str) -> bytes:
        """Return the document of one API version.

        Args:
            name: `api/v1` or `apis/apps/v1`.

        Raises:
            StatusError: 404, it is not served.
        """
        parts = name.split("/")
        group, version = ("", parts[1]) if parts[0] == "api" else ("/".join(parts[1:-1]), parts[-1])
        if not self._registry.serves_group_version(group, version):
            raise resource_missing()

        def make() -> Tree:
            components = Components()
            resources = self._registry.in_group_version(group, version)
            for resource in resources:
                _add_kind(components, resource)
            return {
                "openapi": "3.0.0",
                "info": {"title": "Kubernetes", "version": "v1.36.3-holdfast"},
                "paths": _paths(resources, "#/components/schemas/"),
                "components": {"schemas": components.schemas},
            }

        return self._cached(name, make)

    def version_2(self) -> bytes:
        """Return the one document of version 2."""

        def make() -> Tree:
            components = Components("#/definitions/")
            resources = self._registry.all()
            for resource in resources:
                _add_kind(components, resource)
            return {
                "swagger": "2.0",
                "info": {"title": "Kubernetes", "version": "v1.36.3-holdfast"},
                "paths": _paths(resources, "#/definitions/"),
                "definitions": components.schemas,
            }

        return self._cached("v2", make)

    def _cached(self, name: str, make: Callable[[], Tree]) -> bytes:
        known = self._made.get(name)
        if known is not None and known[0] == self._registry.revision:
            return known[1]
        body = orjson.dumps(make())
        self._made[name] = self._registry.revision, body
        return body


def definition_name(resource: Resource) -> str:
    """Return the name of a kind's schema: `io.k8s.api.apps.v1.Deployment`."""
    if not resource.custom:
        kind = find_type(GroupVersionKind(resource.group, resource.version, resource.kind))
        if kind is not None:
            return kind.name
    reversed_group = ".".join(reversed(resource.group.split(".")))
    return f"{reversed_group}.{resource.version}.{resource.kind}"


def _add_kind(components: Components, resource: Resource) -> None:
    name = definition_name(resource)
    who = (resource.group, resource.version)
    prefix = "#/definitions/" if components.is_version_2 else "#/components/schemas/"
    if resource.custom:
        schema = dict(resource.schema or {"type": "object"})
        metadata = components.reference(object_meta())
        text = {"type": "string"}
        own = {"apiVersion": text, "kind": text, "metadata": {"allOf": [metadata]}}
        if components.is_version_2:
            own["metadata"] = metadata
        schema["properties"] = {**(schema.get("properties") or {}), **own}
        components.schemas[name] = with_kind(schema, *who, resource.kind)
    else:
        kind = find_type(GroupVersionKind(*who, resource.kind))
        if kind is None:
            return
        components.reference(kind)
        components.schemas[name] = with_kind(components.schemas[name], *who, resource.kind)
    _add_list(components, resource, name, prefix)


def _add_list(components: Components, resource: Resource, name: str, prefix: str) -> None:
    text = {"type": "string"}
    metadata: Tree = {"type": "object", "properties": {"resourceVersion": text, "continue": text}}
    components.schemas.setdefault(_LIST_META, metadata)
    schema: Tree = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"$ref": prefix + _LIST_META},
            "items": {"type": "array", "items": {"$ref": prefix + name}},
        },
    }
    own = with_kind(schema, resource.group, resource.version, resource.list_kind)
    components.schemas.setdefault(f"{name}List", own)


def _paths(resources: Iterable[Resource], prefix: str) -> Tree:
    paths: Tree = {}
    for resource in resources:
        root = f"/apis/{resource.group}" if resource.group else "/api"
        inside = "/namespaces/{namespace}" if resource.namespaced else ""
        base = f"{root}/{resource.version}{inside}/{resource.plural}"
        verbs = set(resource.verbs)
        collection = {"get": "list", "post": "create", "delete": "deletecollection"}
        item = {"get": "get", "put": "update", "patch": "patch", "delete": "delete"}
        for path, methods in ((base, collection), (base + "/{name}", item)):
            operations = {
                method: _operation(resource, verb, prefix)
                for method, verb in methods.items()
                if verb in verbs
            }
            if operations:
                paths[path] = operations
    return paths


def _operation(resource: Resource, verb: str, prefix: str) -> Tree:
    second = prefix.startswith("#/definitions")
    writes = verb in {"create", "update", "patch"}
    text: Tree = {"type": "string"}
    parameters = [
        {"name": name, "in": "query", **(text if second else {"schema": text})}
        for name in (_OPTIONS if writes else ("pretty",))
    ]
    kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
    schema = {"$ref": prefix + definition_name(resource)}
    answer: Tree = {"description": "OK"}
    if second:
        answer["schema"] = schema
    else:
        answer["content"] = {"application/json": {"schema": schema}}
    return {
        "operationId": f"{verb}{resource.version}{resource.kind}",
        "parameters": parameters,
        "responses": {"200": answer},
        "x-kubernetes-action": {"create": "post", "update": "put"}.get(verb, verb),
        "x-kubernetes-group-version-kind": kind,
    }
