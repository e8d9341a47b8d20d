"""Our own bookkeeping writes: status, Events, the lease, CRDs. Implements `SystemWriter`.

They carry a field manager of their own, `holdfast-controller`, so that an object which is also
declared in git (an Application, a namespace) never gets a second entry `holdfast/Update`, after
which fields removed from git would stay (docs/internals/argocd/apply.md A6).
"""

from collections import Counter
from urllib.parse import quote

import orjson

from holdfast.cluster.calls import JSON_HEADERS, MERGE_HEADERS, PATCH_HEADERS, Calls
from holdfast.cluster.paths import collection_path, object_path
from holdfast.cluster.sealing import is_token
from holdfast.domain.errors import InternalError
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import Propagation, SystemWrite

SYSTEM_MANAGER = "holdfast-controller"

_QUERY = f"?fieldManager={quote(SYSTEM_MANAGER, safe='')}"


class System:
    """Writes what is ours.

    Attributes:
        sent: How many requests were sent, by purpose.
    """

    def __init__(self, calls: Calls) -> None:
        """Write through `calls`."""
        self._calls = calls
        self.sent: Counter[SystemWrite] = Counter()

    async def create(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """POST an object of ours."""
        info = await self._calls.discovery.get(manifest.gvk)
        path = collection_path(info, manifest.namespace) + _QUERY
        self.sent[write] += 1
        return await self._calls.send("POST", path, self._body(manifest), JSON_HEADERS, manifest)

    async def replace(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """PUT an object of ours with its resourceVersion (optimistic locking)."""
        path = await self._path(manifest.gvk, manifest.namespace, manifest.name)
        self.sent[write] += 1
        return await self._calls.send("PUT", path, self._body(manifest), JSON_HEADERS, manifest)

    async def merge_patch(
        self, gvk: GroupVersionKind, namespace: str, name: str, patch: Tree, write: SystemWrite
    ) -> Manifest:
        """JSON merge patch (RFC 7386)."""
        path = await self._path(gvk, namespace, name)
        body = orjson.dumps(self._calls.sealer.open_tree(patch))
        self.sent[write] += 1
        return await self._calls.send(
            "PATCH", path, body, MERGE_HEADERS, _name(gvk, namespace, name)
        )

    async def json_patch(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        patch: list[Tree],
        write: SystemWrite,
    ) -> Manifest:
        """JSON patch (RFC 6902)."""
        if any(is_token(step.get("value")) for step in patch):
            raise InternalError(
                "HF9001", "A JSON patch would write a sealed value.", about=f"{gvk} {name}"
            )
        path = await self._path(gvk, namespace, name)
        self.sent[write] += 1
        return await self._calls.send(
            "PATCH", path, orjson.dumps(patch), PATCH_HEADERS, _name(gvk, namespace, name)
        )

    async def delete(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        write: SystemWrite,
    ) -> bool:
        """Delete an object of ours at once; False when it was gone."""
        info = self._calls.discovery.find(gvk)
        if info is None:
            return False
        self.sent[write] += 1
        about = ResourceKey(gvk.group, gvk.kind, namespace, name)
        return await self._calls.delete(
            object_path(info, namespace, name), None, Propagation.BACKGROUND, about
        )

    async def _path(self, gvk: GroupVersionKind, namespace: str, name: str) -> str:
        return object_path(await self._calls.discovery.get(gvk), namespace, name) + _QUERY

    def _body(self, manifest: Manifest) -> bytes:
        return orjson.dumps(self._calls.sealer.open_tree(manifest.tree))


class ReadOnlySystem:
    """Stands in for `System` when Holdfast only observes: sends nothing, counts what it left out.

    Attributes:
        left_out: How many writes were not sent, by purpose.
    """

    def __init__(self) -> None:
        """Nothing left out yet."""
        self.left_out: Counter[SystemWrite] = Counter()

    async def create(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """Return the object as it was given."""
        self.left_out[write] += 1
        return manifest

    async def replace(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """Return the object as it was given."""
        self.left_out[write] += 1
        return manifest

    async def merge_patch(
        self, gvk: GroupVersionKind, namespace: str, name: str, patch: Tree, write: SystemWrite
    ) -> Manifest:
        """Return an object that has its name and no other field."""
        del patch
        self.left_out[write] += 1
        return _name(gvk, namespace, name)

    async def json_patch(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        patch: list[Tree],
        write: SystemWrite,
    ) -> Manifest:
        """Return an object that has its name and no other field."""
        del patch
        self.left_out[write] += 1
        return _name(gvk, namespace, name)

    async def delete(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        write: SystemWrite,
    ) -> bool:
        """Say that nothing was deleted."""
        del gvk, namespace, name
        self.left_out[write] += 1
        return False


def _name(gvk: GroupVersionKind, namespace: str, name: str) -> Manifest:
    metadata: Tree = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return Manifest({"apiVersion": gvk.api_version, "kind": gvk.kind, "metadata": metadata})
