"""Every managed object with what git wants, what the cluster has, and what a sync would make of it.

The prediction is the API server's own: a server-side apply with dryRun (nothing is written).
Record: docs/internals/argocd/controller.md §8.4; the states are trees here, or None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.controller.requests.masking import mask, mask_one
from holdfast.controller.requests.parallel import for_each
from holdfast.controller.requests.rendering import Rendering
from holdfast.diffing.ignore import ignored_paths, without_ignored
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.hooks import is_hook
from holdfast.domain.identity import GroupKind, GroupVersionKind, ResourceKey
from holdfast.domain.kinds import SECRET
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.ports import ClusterReader, ClusterWriter, Kinds
from holdfast.domain.queries import CompareManifests, ManagedResources
from holdfast.planning.targets import Targets

_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


@dataclass(frozen=True, slots=True)
class ManagedObjects:
    """Compares an Application, object by object, for a person who asks."""

    reader: ClusterReader
    writer: ClusterWriter
    kinds: Kinds
    rendering: Rendering

    async def answer(
        self, app: Application, query: ManagedResources | CompareManifests
    ) -> list[Tree]:
        """Return the records that were asked for."""
        if isinstance(query, CompareManifests):
            return await self.compare(app, query.manifests)
        revisions = query.revisions or (query.revision,)
        return await self.records(app, revisions, query.local, query.only)

    async def records(
        self,
        app: Application,
        revisions: tuple[str, ...],
        local: str,
        only: ResourceKey | None = None,
    ) -> list[Tree]:
        """Return a record for each object or for one, sorted by key; revisions are by source."""
        targets = await self.rendering.render(app, revisions, local)
        return await self.records_of(app, targets, only)

    async def records_of(
        self, app: Application, targets: Targets, only: ResourceKey | None = None
    ) -> list[Tree]:
        """Return the records of targets, and of what the status lists beside them."""
        by_key = {manifest.key: manifest for manifest in targets.manifests if manifest.name}
        known = {*by_key, *self.keys_in_status(app)}
        keys = sorted(known if only is None else known & {only})

        async def one(key: ResourceKey) -> Tree | None:
            return await self._record(app, key, by_key.get(key))

        records = await for_each(keys, one)
        return [record for record in records if record is not None]

    async def compare(self, app: Application, trees: Sequence[Tree]) -> list[Tree]:
        """Return a record for each of these manifests, in the Application's place of git's.

        What is none of the Application's objects is new, whatever the cluster has under its name:
        who may look at one Application learns nothing of others. Secrets are left out: their
        values could be guessed, one comparison after the other.

        Raises:
            ConfigurationError: HF3009, one has no kind or no name.
        """
        targets = await self.rendering.targets(app, [_manifest(tree) for tree in trees])
        known = set(self.keys_in_status(app))
        records = []
        for target in targets.manifests:
            if target.key.group_kind == SECRET:
                continue
            record = _new(target)
            if target.key in known:
                record = await self._record(app, target.key, target) or record
            records.append(record)
        return records

    async def live(self, app: Application) -> list[Manifest]:
        """Return the live managed objects, sorted by key."""
        found = await for_each(self.keys_in_status(app), self.find_live)
        return [manifest for manifest in found if manifest is not None]

    def keys_in_status(self, app: Application) -> list[ResourceKey]:
        """Return the objects that the controller saw."""
        return sorted(
            ResourceKey(
                str(item.get("group") or ""),
                str(item.get("kind") or ""),
                str(item.get("namespace") or ""),
                str(item.get("name") or ""),
            )
            for item in app.status.get("resources") or ()
        )

    async def find_live(
        self, key: ResourceKey, gvk: GroupVersionKind | None = None
    ) -> Manifest | None:
        """Return a live object, in the version of the target or the server's preferred one."""
        if gvk is None or self.kinds.find(gvk) is None:
            info = self.kinds.find_preferred(GroupKind(key.group, key.kind))
            if info is None:
                return None
            gvk = info.gvk
        return await self.reader.get(gvk, key.namespace, key.name)

    async def _record(
        self, app: Application, key: ResourceKey, target: Manifest | None
    ) -> Tree | None:
        live = await self.find_live(key, target.gvk if target is not None else None)
        if target is None and live is None:
            return None
        predicted = await self._predict(app, target, live)
        shown = mask(target, live, predicted)
        subject = target or live
        return {
            "group": key.group,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "targetState": shown[0],
            "liveState": shown[1],
            "normalizedLiveState": shown[1],
            "predictedLiveState": shown[2],
            "resourceVersion": live.resource_version if live is not None else "",
            "hook": subject is not None and is_hook(subject),
            "modified": live is None
            or predicted is None
            or _substance(predicted) != _substance(live),
        }

    async def _predict(
        self, app: Application, target: Manifest | None, live: Manifest | None
    ) -> Manifest | None:
        if target is None or live is None or is_hook(target):
            return None
        ignored = ignored_paths(target, app.ignore_rules)
        declared = without_ignored(target, ignored)
        try:
            answer = await self.writer.dry_run(declared)
        except ClusterError:
            # The server refuses it (an immutable field …): what git says is the best that is known.
            return target
        # What the server only keeps for itself would show as a difference and is none.
        kept: dict[str, JSON] = {name: live.metadata.get(name) for name in _SERVERS_OWN}
        return answer.with_metadata(**kept)


def _manifest(tree: Tree) -> Manifest:
    metadata = tree.get("metadata")
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    parts = (tree.get("apiVersion"), tree.get("kind"))
    if not named or not all(isinstance(part, str) and part for part in parts):
        raise ConfigurationError(
            "HF3009", "a manifest has no apiVersion, no kind or no name: give whole objects"
        )
    return Manifest(tree)


def _new(target: Manifest) -> Tree:
    key = target.key
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "targetState": mask_one(target),
        "liveState": None,
        "normalizedLiveState": None,
        "predictedLiveState": None,
        "resourceVersion": "",
        "hook": is_hook(target),
        "modified": True,
    }


def _substance(manifest: Manifest) -> Tree:
    tree = {key: value for key, value in manifest.tree.items() if key != "status"}
    tree["metadata"] = {k: v for k, v in manifest.metadata.items() if k not in _SERVERS_OWN}
    return tree
