"""What is watched, and how objects of an Application enter the registry.

Watched are the kinds in any rendered manifest, in the version that git declares, and the kinds in
`status.resources` of any Application (so that what git dropped is still seen), beside
Applications, projects, Namespaces and CRDs (apply.md B1). A kind that may not be listed in the
whole cluster is watched in the namespaces in use (B4).
"""

import asyncio
import logging
from collections.abc import Iterable

from holdfast.config.settings import ControllerSettings
from holdfast.controller.observer import Observer
from holdfast.controller.remembered import Target
from holdfast.controller.state import AppState, Desired, ObjectState, Registry
from holdfast.domain.application import APPLICATION
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.kinds import CONFIG_MAP, CRD, NAMESPACE
from holdfast.domain.pause import PAUSE
from holdfast.domain.ports import ClusterReader, EventKind, Kinds, Watching, WatchScope
from holdfast.domain.project import PROJECT

log = logging.getLogger(__name__)

_FORBIDDEN = "HF2002"


class Watches:
    """Starts watches and brings objects into the registry."""

    def __init__(
        self,
        registry: Registry,
        watching: Watching,
        reader: ClusterReader,
        kinds: Kinds,
        observer: Observer,
        settings: ControllerSettings,
    ) -> None:
        """Keep the ports."""
        self._registry = registry
        self._watching = watching
        self._reader = reader
        self._kinds = kinds
        self._observer = observer
        self._settings = settings
        self._scopes: set[WatchScope] = set()
        self._narrow: set[GroupVersionKind] = set()

    async def start(self) -> None:
        """Watch what is always watched, and wait for the first lists.

        Raises:
            ClusterError: HF2001, the first lists did not arrive in time.
        """
        own = self._settings.control_namespace
        first = [
            WatchScope(PROJECT, own),
            WatchScope(CONFIG_MAP, own),
            WatchScope(NAMESPACE),
            WatchScope(CRD),
        ]
        if self._kinds.find(PAUSE) is not None:
            # From here to the end of its list nothing is healed: there may be a pause.
            self._registry.pauses = None
            first.append(WatchScope(PAUSE, own))
        for scope in first:
            self._begin(scope)
        await self._wait(first)
        apps = WatchScope(APPLICATION, own)
        self._begin(apps)
        await self._wait([apps])

    async def ensure(self, desired: Desired) -> None:
        """Watch the kinds of the targets and wait until they have been listed."""
        await self.ensure_kinds(
            {(target.gvk, key.namespace) for key, target in desired.manifests.items()}
        )

    async def ensure_kinds(self, wanted: Iterable[tuple[GroupVersionKind, str]]) -> None:
        """Watch kinds, given with the namespace in which they are needed."""
        scopes = set()
        for gvk, namespace in wanted:
            info = self._kinds.find(gvk)
            if info is None or not info.can_be_watched:
                continue
            narrow = gvk in self._narrow and namespace
            scopes.add(WatchScope(gvk, namespace if narrow else None))
        fresh = [scope for scope in scopes if not self._watching.is_synced(scope)]
        for scope in fresh:
            self._begin(scope)
        if fresh:
            await self._wait(fresh)
            await self._narrow_down(fresh, wanted)

    def stop(self) -> None:
        """Stop all watches: somebody else leads from now on."""
        for scope in self._scopes:
            self._watching.stop(scope)
        self._scopes.clear()

    def restart(self, gvk: GroupVersionKind) -> None:
        """Watch a kind again that came back (its CRD was re-created)."""
        for scope in [scope for scope in self._scopes if scope.gvk == gvk]:
            if not self._watching.is_synced(scope):
                self._watching.stop(scope)
                self._watching.start(scope, self._observer)

    def failed_kinds(self) -> list[GroupVersionKind]:
        """Return the kinds that cannot be watched at present."""
        return sorted({scope.gvk for scope in self._observer.failures})

    def find_failure(self, gvk: GroupVersionKind) -> Exception | None:
        """Return why a kind cannot be watched, or None."""
        for scope, error in self._observer.failures.items():
            is_given_up = scope.namespace is None and gvk in self._narrow
            if scope.gvk == gvk and not is_given_up and not self._works(scope):
                return error
        return None

    def _works(self, scope: WatchScope) -> bool:
        """Whether a watch that was reported went on by itself, without a list."""
        return self._watching.is_synced(scope)

    async def learn_kinds(self, crd: Target) -> None:
        """A CRD was applied: ask what is served now, and watch it."""
        await self._kinds.refresh()
        manifest = crd.manifest
        group, kind = manifest.at("spec", "group"), manifest.at("spec", "names", "kind")
        for gvk in {
            found.gvk
            for found in self._kinds.all()
            if found.gvk.group == group and found.gvk.kind == kind
        }:
            self.restart(gvk)

    async def adopt(self, state: AppState, desired: Desired) -> list[ObjectState]:
        """Bring the targets into the registry; return every object of the Application.

        When `desired` is what git declares now, it becomes the objects' desired state as well.
        """
        is_current = desired is state.desired
        if is_current:
            for key in [key for key in state.keys if key not in desired.manifests]:
                self._undeclare(state, key)
        unseen = []
        for key, target in desired.manifests.items():
            found = self._registry.object(key)
            self._registry.hold(state, found)
            if found.app is None:
                found.app = state.key
            if is_current and found.app == state.key:
                found.declare(target)
            if found.live is None and key in self._registry.untracked:
                unseen.append((found, target))
        if is_current:
            self._share_keys(desired)
        await self._fetch_all(unseen)
        keys = state.keys | desired.manifests.keys()
        return [
            self._registry.objects[key] for key in sorted(keys) if key in self._registry.objects
        ]

    def _share_keys(self, desired: Desired) -> None:
        """Keep one key for each object, not another one for each render."""
        objects, first = self._registry.objects, next(iter(desired.manifests), None)
        if first is None or objects[first].key is first:
            return
        desired.manifests = {objects[key].key: one for key, one in desired.manifests.items()}

    def _undeclare(self, state: AppState, key: ResourceKey) -> None:
        found = self._registry.objects.get(key)
        if found is None:
            self._registry.release(state, key)
            return
        if found.app == state.key:
            found.applied = found.sync = None
            found.declare(None)
            found.forget_echo()
        if found.live is None or not found.live.tracking:
            self._registry.release(state, key)
            if found.app == state.key:
                self._registry.drop(found)

    async def _fetch_all(self, unseen: list[tuple[ObjectState, Target]]) -> None:
        limit = asyncio.Semaphore(self._settings.sync.parallel_writes)

        async def fetch(found: ObjectState, target: Target) -> None:
            async with limit:
                await self._fetch(found, target)

        try:
            async with asyncio.TaskGroup() as group:
                for found, target in unseen:
                    group.create_task(fetch(found, target))
        except* ClusterError as errors:
            raise errors.exceptions[0] from None

    async def _fetch(self, found: ObjectState, target: Target) -> None:
        """Read an object that was live before anybody declared it."""
        live = await self._reader.get(target.gvk, found.key.namespace, found.key.name)
        self._registry.untracked.discard(found.key)
        if live is not None and found.live is None:
            self._observer.observe(WatchScope(target.gvk), EventKind.LISTED, live)

    def _begin(self, scope: WatchScope) -> None:
        self._scopes.add(scope)
        self._watching.start(scope, self._observer)

    async def _wait(self, scopes: list[WatchScope]) -> None:
        timeout = self._settings.sync_timeout_of_watches_s
        if await self._watching.wait_synced(scopes, timeout):
            return
        late = [str(scope.gvk) for scope in scopes if not self._watching.is_synced(scope)]
        raise ClusterError(
            "HF2001",
            f"The API server did not list {', '.join(late)} within {timeout:g} s.",
            hint="see whether the API server is overloaded; Holdfast tries again by itself",
        )

    async def _narrow_down(
        self, scopes: list[WatchScope], wanted: Iterable[tuple[GroupVersionKind, str]]
    ) -> None:
        """Where the whole cluster may not be listed, watch the namespaces in use (B4)."""
        forbidden = {
            scope.gvk
            for scope in scopes
            if scope.namespace is None
            and getattr(self._observer.failures.get(scope), "code", "") == _FORBIDDEN
        } - self._narrow
        if not forbidden:
            return
        self._narrow |= forbidden
        for gvk in forbidden:
            self._watching.stop(WatchScope(gvk))
        await self.ensure_kinds([pair for pair in wanted if pair[0] in forbidden and pair[1]])
