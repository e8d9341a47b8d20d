"""Writing declared objects. Implements the port `ClusterWriter`; the hot path of every heal.

Every method demands a permit for that very object. Sealed values are opened here, the moment
before they are sent, and nowhere else.
"""

from functools import lru_cache
from urllib.parse import quote

import orjson

from holdfast.cluster.calls import (
    APPLY_HEADERS,
    JSON_HEADERS,
    MERGE_HEADERS,
    PATCH_HEADERS,
    STRATEGIC_HEADERS,
    Calls,
    no_name,
)
from holdfast.cluster.paths import collection_path, object_path
from holdfast.cluster.sealing import LAST_APPLIED
from holdfast.domain.errors import ClusterError, InternalError, Retry
from holdfast.domain.identity import GroupVersionKind, ResourceKey, Uid
from holdfast.domain.kinds import KindInfo
from holdfast.domain.managers import ARGO_CD
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import ApplyOptions, Authorized, PatchKind, Propagation, Verb

MANAGER = "holdfast"
REQUEST_MANAGER = "holdfast-server"

_DRY_RUN = ApplyOptions(dry_run=True)
_DELETING = frozenset({Verb.DELETE, Verb.REPLACE})
_PATCH_HEADERS = {
    PatchKind.JSON: PATCH_HEADERS,
    PatchKind.MERGE: MERGE_HEADERS,
    PatchKind.STRATEGIC: STRATEGIC_HEADERS,
}


class Writer:
    """Writes declared objects to one cluster."""

    def __init__(self, calls: Calls) -> None:
        """Write through `calls`."""
        self._calls = calls

    async def apply(
        self, manifest: Manifest, permit: Authorized, options: ApplyOptions
    ) -> Manifest:
        """Server-side apply; return the server's answer (sealed, with managedFields).

        `metadata.uid` and `metadata.resourceVersion` are sent when they are there: they are
        preconditions (docs/internals/argocd/apply.md A3, A4).

        Raises:
            ClusterError: by the table of `errors`.
        """
        _check(permit, manifest)
        answer = await self._apply(manifest, options)
        if not options.dry_run:
            self._keep(manifest)
        return answer

    async def dry_run(self, manifest: Manifest) -> Manifest:
        """Server-side apply with dryRun=All and force; return what would be (sealed)."""
        return await self._apply(manifest, _DRY_RUN)

    async def create(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """POST: for `generateName` objects only.

        A POST makes an entry `holdfast/Update`, after which removals stop working (apply.md A6).

        Raises:
            InternalError: HF9001, the object has a name.
        """
        _check(permit, manifest)
        if manifest.name or not manifest.generate_name:
            raise InternalError(
                "HF9001", "An object with a name is applied, never POSTed.", about=manifest.key
            )
        info = await self._info(manifest.gvk)
        path = collection_path(info, manifest.namespace)
        return await self._calls.send(
            "POST", f"{path}?fieldManager={MANAGER}", self._body(manifest), JSON_HEADERS, manifest
        )

    async def replace(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """PUT with the live resourceVersion; for `Replace=true`."""
        _check(permit, manifest)
        info = await self._info(manifest.gvk)
        path = object_path(info, manifest.namespace, manifest.name)
        answer = await self._calls.send(
            "PUT", f"{path}?fieldManager={MANAGER}", self._body(manifest), JSON_HEADERS, manifest
        )
        self._keep(manifest)
        return answer

    async def delete(
        self,
        gvk: GroupVersionKind,
        permit: Authorized,
        *,
        uid: Uid | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
        grace_s: int | None = None,
    ) -> bool:
        """Delete; return False when it was already gone (or has another uid)."""
        key = permit.key
        if gvk.group_kind != key.group_kind or permit.verb not in _DELETING:
            raise InternalError(
                "HF9001", f"The permit to {permit.verb} {key} does not cover this.", about=gvk
            )
        info = self._calls.discovery.find(gvk)
        if info is None:
            return False  # a kind that is not served has no objects
        path = object_path(info, key.namespace, key.name)
        deleted = await self._calls.delete(path, uid, propagation, key, grace_s)
        self._calls.sealer.forget(key)
        return deleted

    async def patch(
        self, gvk: GroupVersionKind, patch: JSON, kind: PatchKind, permit: Authorized
    ) -> Manifest:
        """Send a patch that a person gave, as a manager of its own; return the answer (sealed).

        Never as `holdfast`: what a person changes by hand is no declaration (apply.md A6).
        """
        key = permit.key
        named = _named(gvk, key)
        if gvk.group_kind != key.group_kind or permit.verb is not Verb.PATCH:
            raise InternalError(
                "HF9001", f"The permit to {permit.verb} {key} does not cover this.", about=gvk
            )
        path = object_path(await self._info(gvk), key.namespace, key.name)
        return await self._calls.send(
            "PATCH",
            f"{path}?fieldManager={REQUEST_MANAGER}",
            orjson.dumps(patch),
            _PATCH_HEADERS[kind],
            named,
        )

    async def patch_managed_fields(
        self, live: Manifest, managed_fields: list[Tree], permit: Authorized
    ) -> Manifest:
        """JSON patch of `metadata.managedFields` that tests the resourceVersion (apply.md A1, A6).

        Raises:
            ClusterError: HF2004 when the object moved meanwhile; read again and retry.
        """
        _check(permit, live)
        info = await self._info(live.gvk)
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": live.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        ]
        path = object_path(info, live.namespace, live.name)
        return await self._calls.send(
            "PATCH",
            f"{path}?fieldManager={MANAGER}",
            orjson.dumps(patch),
            PATCH_HEADERS,
            live,
        )

    async def hand_over(
        self, live: Manifest, managed_fields: list[Tree], last_applied: str, permit: Authorized
    ) -> Manifest:
        """Write managedFields and last-applied as Argo CD's manager (apply.md A6).

        Raises:
            ClusterError: HF2004 when the object moved meanwhile; read again and retry.
        """
        _check(permit, live)
        info = await self._info(live.gvk)
        patch: list[Tree] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": live.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": managed_fields},
        ]
        if last_applied:
            if not isinstance(live.metadata.get("annotations"), dict):
                patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
            name = LAST_APPLIED.replace("/", "~1")
            path = f"/metadata/annotations/{name}"
            patch.append({"op": "add", "path": path, "value": last_applied})
        path = object_path(info, live.namespace, live.name)
        return await self._calls.send(
            "PATCH", f"{path}?fieldManager={ARGO_CD}", orjson.dumps(patch), PATCH_HEADERS, live
        )

    async def _apply(self, manifest: Manifest, options: ApplyOptions) -> Manifest:
        gvk = manifest.gvk
        info = self._calls.discovery.find(gvk) or await self._info(gvk)
        name = manifest.name
        if not name:
            raise no_name(manifest)
        path = object_path(info, manifest.namespace, name) + _apply_query(options)
        return await self._calls.send("PATCH", path, self._body(manifest), APPLY_HEADERS, manifest)

    def _body(self, manifest: Manifest) -> bytes:
        tree = self._calls.sealer.open_tree(manifest.tree)
        if "status" in tree:
            tree = {key: value for key, value in tree.items() if key != "status"}
        metadata = tree.get("metadata")
        if isinstance(metadata, dict) and "managedFields" in metadata:
            kept = {key: value for key, value in metadata.items() if key != "managedFields"}
            tree = {**tree, "metadata": kept}
        try:
            return orjson.dumps(tree)
        except TypeError as error:  # integers above 64 bits, lone surrogates
            raise ClusterError(
                "HF2005",
                f"The object cannot be written as JSON: {error}.",
                about=manifest.key,
                retry=Retry.NEVER,
            ) from error

    def _keep(self, manifest: Manifest) -> None:
        self._calls.sealer.pin(manifest)

    async def _info(self, gvk: GroupVersionKind) -> KindInfo:
        return await self._calls.discovery.get(gvk)


class ReadOnlyWriter(Writer):
    """Stands in for `Writer` when Holdfast only observes: every write is refused before it is sent.

    Dry runs pass: they change nothing, and without them some objects would look drifted that are
    not (docs/internals/argocd/apply.md C3).
    """

    async def apply(
        self, manifest: Manifest, permit: Authorized, options: ApplyOptions
    ) -> Manifest:
        """Refuse, unless it is a dry run."""
        if options.dry_run:
            return await super().apply(manifest, permit, options)
        raise _observing(manifest.key)

    async def create(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """Refuse."""
        del permit
        raise _observing(manifest.key)

    async def replace(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """Refuse."""
        del permit
        raise _observing(manifest.key)

    async def delete(
        self,
        gvk: GroupVersionKind,
        permit: Authorized,
        *,
        uid: Uid | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
        grace_s: int | None = None,
    ) -> bool:
        """Refuse."""
        del gvk, uid, propagation, grace_s
        raise _observing(permit.key)

    async def patch(
        self, gvk: GroupVersionKind, patch: JSON, kind: PatchKind, permit: Authorized
    ) -> Manifest:
        """Refuse."""
        del gvk, patch, kind
        raise _observing(permit.key)

    async def patch_managed_fields(
        self, live: Manifest, managed_fields: list[Tree], permit: Authorized
    ) -> Manifest:
        """Refuse."""
        del managed_fields, permit
        raise _observing(live.key)

    async def hand_over(
        self, live: Manifest, managed_fields: list[Tree], last_applied: str, permit: Authorized
    ) -> Manifest:
        """Refuse."""
        del managed_fields, last_applied, permit
        raise _observing(live.key)


def _named(gvk: GroupVersionKind, key: ResourceKey) -> Manifest:
    """Return a manifest that only names an object, for errors."""
    metadata: Tree = {"name": key.name}
    if key.namespace:
        metadata["namespace"] = key.namespace
    return Manifest({"apiVersion": gvk.api_version, "kind": gvk.kind, "metadata": metadata})


def _observing(about: object) -> ClusterError:
    return ClusterError(
        "HF2002",
        "Holdfast only observes (--observe) and sends no write.",
        about=about,
        hint="Start it without --observe.",
        retry=Retry.NEVER,
    )


@lru_cache(maxsize=64)
def _apply_query(options: ApplyOptions) -> str:
    words = [
        f"fieldManager={quote(options.manager, safe='')}",
        f"force={'true' if options.force else 'false'}",
        f"fieldValidation={'Strict' if options.validate else 'Ignore'}",
    ]
    if options.dry_run:
        words.append("dryRun=All")
    return "?" + "&".join(words)


def _check(permit: Authorized, manifest: Manifest) -> None:
    if permit.key != manifest.key:
        raise InternalError(
            "HF9001",
            f"The permit is for {permit.key}, the object is another one.",
            about=manifest.key,
        )
