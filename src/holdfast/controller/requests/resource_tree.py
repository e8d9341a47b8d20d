"""The objects of an Application with everything that grew out of them (controller.md §8.5).

Children are found by `ownerReferences`: one list for each kind and namespace, at most eight at a
time. Where all managed kinds are Kubernetes' own, only the kinds are listed that those create.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.assessing.assess import assess
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.parallel import for_each
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupKind, GroupVersionKind, ResourceKey, Uid
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import ClusterReader, Kinds

CREATED_BY_BUILTINS = (
    GroupKind("", "Pod"),
    GroupKind("", "Endpoints"),
    GroupKind("", "PersistentVolumeClaim"),
    GroupKind("apps", "ReplicaSet"),
    GroupKind("apps", "ControllerRevision"),
    GroupKind("batch", "Job"),
    GroupKind("discovery.k8s.io", "EndpointSlice"),
)
_BUILTIN_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy"})
_NEVER_CHILDREN = frozenset({"Event", "ComponentStatus", "PodMetrics", "NodeMetrics", "Lease"})


@dataclass(frozen=True, slots=True)
class Trees:
    """Builds resource trees."""

    reader: ClusterReader
    kinds: Kinds
    managed: ManagedObjects

    async def build(self, app: Application, below: ResourceKey | None = None) -> Tree:
        """Return `{nodes, orphanedNodes, hosts}`; orphans and hosts come with a later version.

        With `below`, a managed object, only it and what grew out of it.
        """
        keys = self.managed.keys_in_status(app)
        keys = [below] if below in keys else keys
        found = await for_each(keys, self.managed.find_live)
        live = {m.uid: m for m in found if m is not None}
        nodes = [
            _missing(key) for key, manifest in zip(keys, found, strict=True) if manifest is None
        ]
        candidates = await self._candidates(live.values())
        nodes += [_node(manifest, ()) for manifest in live.values()]
        known = dict(live)
        grew = True
        while grew:
            grew = False
            for manifest in candidates:
                parents = [known[uid] for uid in _owners(manifest) if uid in known]
                parents += _inferred(manifest, live.values())
                if parents and manifest.uid not in known:
                    known[manifest.uid] = manifest
                    nodes.append(_node(manifest, parents))
                    grew = True
        return {"nodes": nodes, "orphanedNodes": [], "hosts": []}

    async def _candidates(self, roots: Iterable[Manifest]) -> list[Manifest]:
        roots = list(roots)
        namespaces = sorted({root.namespace for root in roots if root.namespace})
        wanted = self._kinds_to_list(roots)
        scopes = [(info, namespace) for info in wanted for namespace in namespaces]
        lists = await for_each(scopes, self._list)
        return [manifest for found in lists for manifest in found]

    def _kinds_to_list(self, roots: list[Manifest]) -> list[KindInfo]:
        if all(root.group in _BUILTIN_GROUPS or "." not in root.group for root in roots):
            found = [self.kinds.find_preferred(kind) for kind in CREATED_BY_BUILTINS]
            return [info for info in found if info is not None]
        kinds = {info.gvk.group_kind for info in self.kinds.all() if info.namespaced}
        preferred = [self.kinds.find_preferred(kind) for kind in sorted(kinds)]
        return [
            info
            for info in preferred
            if info is not None and "list" in info.verbs and info.gvk.kind not in _NEVER_CHILDREN
        ]

    async def _list(self, scope: tuple[KindInfo, str]) -> tuple[Manifest, ...]:
        info, namespace = scope
        try:
            return (await self.reader.list(info.gvk, namespace)).items
        except ClusterError as error:
            if error.code in ("HF2002", "HF2003", "HF2006"):
                return ()  # not ours to see, or gone meanwhile: the tree shows what can be seen
            raise


def _owners(manifest: Manifest) -> list[Uid]:
    return [Uid(str(reference.get("uid"))) for reference in manifest.owner_references]


def _inferred(manifest: Manifest, roots: Iterable[Manifest]) -> list[Manifest]:
    """Return parents that no reference names: Endpoints belong to the Service of their name."""
    if manifest.kind != "Endpoints" or manifest.group or manifest.owner_references:
        return []
    return [
        root
        for root in roots
        if root.kind == "Service"
        and (root.namespace, root.name) == (manifest.namespace, manifest.name)
    ]


def _missing(key: ResourceKey) -> Tree:
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "health": {"status": "Missing"},
    }


def _node(manifest: Manifest, parents: Iterable[Manifest]) -> Tree:
    node: Tree = {**_reference(manifest), "version": manifest.version}
    node["resourceVersion"] = manifest.resource_version
    node["createdAt"] = manifest.metadata.get("creationTimestamp")
    references = [_reference(parent) for parent in parents]
    if references:
        node["parentRefs"] = references
    health = assess(manifest)
    if health is not None:
        node["health"] = {"status": health.code.value}
        if health.message:
            node["health"]["message"] = health.message
    info = _info(manifest)
    if info:
        node["info"] = info
    images = _images(manifest)
    if images:
        node["images"] = images
    return node


def _reference(manifest: Manifest) -> Tree:
    return {
        "group": manifest.group,
        "kind": manifest.kind,
        "namespace": manifest.namespace,
        "name": manifest.name,
        "uid": manifest.uid,
    }


def _info(manifest: Manifest) -> list[Tree]:
    if manifest.kind == "ReplicaSet":
        revision = manifest.annotation("deployment.kubernetes.io/revision")
        return [{"name": "Revision", "value": f"Rev:{revision}"}] if revision else []
    if manifest.kind != "Pod" or manifest.group:
        return []
    statuses = manifest.at("status", "containerStatuses") or []
    ready = sum(1 for status in statuses if status.get("ready"))
    total = len(manifest.at("spec", "containers") or [])
    return [
        {"name": "Status Reason", "value": _pod_reason(manifest, statuses)},
        {"name": "Containers", "value": f"{ready}/{total}"},
    ]


def _pod_reason(manifest: Manifest, statuses: list[Tree]) -> str:
    if manifest.is_terminating:
        return "Terminating"
    for status in statuses:
        state = status.get("state") or {}
        for phase in ("waiting", "terminated"):
            reason = (state.get(phase) or {}).get("reason")
            if reason and reason != "Completed":
                return str(reason)
    return str(manifest.at("status", "reason") or manifest.at("status", "phase") or "")


def _images(manifest: Manifest) -> list[str]:
    if manifest.kind != "Pod" or manifest.group:
        return []
    containers = [
        *(manifest.at("spec", "initContainers") or ()),
        *(manifest.at("spec", "containers") or ()),
    ]
    return sorted({str(item.get("image")) for item in containers if item.get("image")})


POD = GroupVersionKind("", "v1", "Pod")
