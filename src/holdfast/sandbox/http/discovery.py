"""What is served, as clients discover it: aggregated documents and the older ones.

The aggregated document (apidiscovery.k8s.io) answers `/api` and `/apis` when a client accepts it;
kubectl asks for it first. Documents are made once for each state of the registry.
"""

import hashlib

import orjson

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Tree
from holdfast.sandbox.http.answers import Answer, json_answer, negotiate
from holdfast.sandbox.http.requests import Request
from holdfast.sandbox.kinds.registry import Registry
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.statuses import resource_missing

_AGGREGATED = {"APIGroupDiscoveryList"}


class Discovery:
    """Makes discovery documents."""

    def __init__(self, registry: Registry) -> None:
        """Take what is served."""
        self._registry = registry
        self._made: dict[tuple[str, int, str], tuple[bytes, str]] = {}

    def answer(self, request: Request) -> Answer:
        """Answer `/api`, `/apis`, `/apis/<group>` or the root of an API version.

        Raises:
            StatusError: 404, nothing is served there.
        """
        parts = [part for part in request.path.split("/") if part]
        if len(parts) == 1:
            form = negotiate(request.accept, _AGGREGATED)
            if form.shape:
                return self._aggregated(request, parts[0], form.version)
            return json_answer(_core_versions() if parts[0] == "api" else self._group_list())
        if parts[0] == "api":
            return json_answer(self._resource_list("", parts[1]))
        if len(parts) == 2:
            return json_answer(self._group(parts[1]))
        return json_answer(self._resource_list(parts[1], parts[2]))

    def _aggregated(self, request: Request, root: str, version: str) -> Answer:
        key = (root, self._registry.revision, version)
        made = self._made.get(key)
        if made is None:
            body = orjson.dumps(self._aggregated_tree(root, version))
            made = body, hashlib.sha256(body).hexdigest()[:32].upper()
            self._made = {k: v for k, v in self._made.items() if k[1] == self._registry.revision}
            self._made[key] = made
        body, tag = made
        kind = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        headers = (("ETag", f'"{tag}"'), ("Vary", "Accept"))
        if request.headers.get("if-none-match", "").strip('"') == tag:
            return Answer(304, b"", kind, headers)
        return Answer(200, body, kind, headers)

    def _aggregated_tree(self, root: str, version: str) -> Tree:
        groups = []
        for group, versions in self._registry.group_versions():
            if (group == "") != (root == "api"):
                continue
            entries = [
                {
                    "version": name,
                    "resources": [
                        _aggregated_resource(row)
                        for row in self._registry.in_group_version(group, name)
                    ],
                    "freshness": "Current",
                }
                for name in versions
            ]
            metadata: Tree = {"name": group} if group else {}
            groups.append({"metadata": metadata, "versions": entries})
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": groups,
        }

    def _group_list(self) -> Tree:
        groups = [
            _group_tree(group, versions)
            for group, versions in self._registry.group_versions()
            if group
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, name: str) -> Tree:
        for group, versions in self._registry.group_versions():
            if group == name:
                return {"kind": "APIGroup", "apiVersion": "v1", **_group_tree(group, versions)}
        raise resource_missing()

    def _resource_list(self, group: str, version: str) -> Tree:
        if not self._registry.serves_group_version(group, version):
            raise resource_missing()
        rows: list[Tree] = []
        for resource in self._registry.in_group_version(group, version):
            rows.extend(_resource_rows(resource))
        name = f"{group}/{version}" if group else version
        head = {"kind": "APIResourceList", "groupVersion": name, "resources": rows}
        return {**head, "apiVersion": "v1"} if group else head


def _core_versions() -> Tree:
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": ""}
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [address],
    }


def _group_tree(group: str, versions: list[str]) -> Tree:
    rows = [{"groupVersion": f"{group}/{name}", "version": name} for name in versions]
    return {"name": group, "versions": rows, "preferredVersion": rows[0]}


def _aggregated_resource(resource: Resource) -> Tree:
    row: Tree = {
        "resource": resource.plural,
        "responseKind": _response_kind(
            resource, GroupVersionKind(resource.group, resource.version, resource.kind)
        ),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        row["shortNames"] = list(resource.short_names)
    if resource.categories:
        row["categories"] = list(resource.categories)
    if resource.below:
        row["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _response_kind(resource, sub.kind),
                "verbs": list(sub.verbs),
            }
            for sub in resource.below
        ]
    return row


def _response_kind(resource: Resource, kind: GroupVersionKind) -> Tree:
    """Name a kind; built-in resources leave out the group and version that they stand in."""
    here = (kind.group, kind.version) == (resource.group, resource.version)
    if here and not resource.custom:
        return {"group": "", "version": "", "kind": kind.kind}
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _resource_rows(resource: Resource) -> list[Tree]:
    row: Tree = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        row["shortNames"] = list(resource.short_names)
    if resource.categories:
        row["categories"] = list(resource.categories)
    rows = [row]
    for sub in resource.below:
        below: Tree = {
            "name": f"{resource.plural}/{sub.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
        }
        if (sub.kind.group, sub.kind.version) != (resource.group, resource.version):
            below |= {"group": sub.kind.group, "version": sub.kind.version}
        rows.append({**below, "kind": sub.kind.kind, "verbs": list(sub.verbs)})
    return rows
