"""Fakes at the ports of `domain.ports`: a cluster with server-side apply, sources, a renderer.

The cluster keeps objects in a dict and does what an API server does as far as the controller can
tell: field ownership (`schema.apply_merge`), uids, resource versions, finalizers, namespaces,
kinds that come and go with their CRD, watch streams that are in order each but not among each
other. A request takes `latency_s`, half of it before it is committed; an event is delivered
`event_delay(manifest)` after the commit, so by default before the writer has its answer.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jsonpatch

from holdfast.domain.application import APPLICATION
from holdfast.domain.errors import ClusterError, RepositoryError, Retry
from holdfast.domain.identity import GroupKind, GroupVersionKind, ResourceKey, Uid
from holdfast.domain.kinds import CRD, NAMESPACE, KindInfo
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.pause import PAUSE
from holdfast.domain.plan import ApplyOptions, Authorized, Propagation, SystemWrite
from holdfast.domain.ports import EventKind, Listed, WatchScope, WatchSink
from holdfast.domain.project import PROJECT
from holdfast.domain.source import Checkout, CommitInfo, RenderContext, Rendered, Source, SourceType
from holdfast.schema.apply_merge import Writer, record_update, server_side_apply
from holdfast.schema.field_path import field_path
from holdfast.schema.field_set import FieldSet
from holdfast.schema.kinds import builtin_kinds
from holdfast.schema.types import FREE_FORM, Type, find_type
from tests.support import builders

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
STATUS = FieldSet.of(field_path("status"))
_NOW = "2026-01-02T12:00:00Z"
BUILTIN = builtin_kinds()


@dataclass(frozen=True)
class Request:
    """One request that reached the fake API server."""

    verb: str
    key: ResourceKey
    body: Any = None
    permit: object = None

    def __str__(self) -> str:
        return f"{self.verb} {self.key}"


def refusal(
    code: str, status: int, retry: Retry = Retry.BACKOFF, message: str = "no"
) -> ClusterError:
    """An answer that is no success."""
    error = ClusterError(code, message, retry=retry)
    error.status = status
    return error


UNREACHABLE = ("HF2001", 0, Retry.BACKOFF)


_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class FakeCluster:
    """See the module.

    Attributes:
        requests: Everything that reached the server, in order of commit.
        rollout_s: Seconds after which a written Deployment is ready; None is never.
        validators: Called with each object that is to be stored; may raise.
        before, after: Awaited around the commit of each request.
        as_served: Gives an object in the version in which it is read or watched.
    """

    def __init__(self, *trees: Tree) -> None:
        self.objects: dict[ResourceKey, Tree] = {}
        self.requests: list[Request] = []
        self.version = 100
        self.latency_s = 0.002
        self.rollout_s: float | None = 0.1
        self.event_delay: Callable[[Manifest], float] = lambda _manifest: 0.0
        self.validators: list[Callable[[Tree], None]] = []
        self.as_served: Callable[[Tree, GroupVersionKind], Tree] = lambda tree, _gvk: tree
        self.before: Callable[[Request], Awaitable[None]] = _nothing
        self.after: Callable[[Request], Awaitable[None]] = _nothing
        self._failures: dict[tuple[str, str], list[Exception]] = {}
        self._lost: dict[tuple[str, str], list[Exception]] = {}
        self._uids = 0
        self.watching = FakeWatching(self)
        self.kinds = FakeKinds(self)
        self.reader = FakeReader(self)
        self.writer = FakeWriter(self)
        self.system = FakeSystemWriter(self)
        for tree in trees:
            self.put(tree)

    # --- what a test does ---------------------------------------------------------------------

    def put(self, tree: Tree, manager: str = "kubectl-create") -> Manifest:
        """Create or replace an object as somebody else."""
        key = Manifest(tree).key
        return self.commit(_recorded(self.objects.get(key), tree, manager))

    def edit(
        self, key: ResourceKey, change: Callable[[Tree], object], manager: str = "kubectl-edit"
    ) -> Manifest:
        """Change an object in place as somebody else."""
        tree = copy.deepcopy(self.objects[key])
        change(tree)
        return self.commit(_recorded(self.objects[key], tree, manager))

    def set_status(self, key: ResourceKey, status: Tree) -> Manifest:
        """Write `status` as a controller would."""
        tree = {**copy.deepcopy(self.objects[key]), "status": status}
        return self.commit(tree)

    def roll_out(self, key: ResourceKey) -> None:
        """Make a Deployment ready, if it is still there."""
        tree = self.objects.get(key)
        if tree is None:
            return
        wanted = tree["spec"].get("replicas", 1)
        names = ("replicas", "updatedReplicas", "availableReplicas")
        status = dict.fromkeys(names, wanted)
        status["observedGeneration"] = tree["metadata"]["generation"]
        if tree.get("status") != status:
            self.set_status(key, status)

    def remove(self, key: ResourceKey) -> bool:
        """Delete an object; with finalizers it only begins to go."""
        tree = self.objects.get(key)
        if tree is None:
            return False
        if tree["metadata"].get("finalizers"):
            if "deletionTimestamp" not in tree["metadata"]:
                going = copy.deepcopy(tree)
                going["metadata"]["deletionTimestamp"] = _NOW
                self.commit(going)
            return True
        self.version += 1
        gone = copy.deepcopy(self.objects.pop(key))
        gone["metadata"]["resourceVersion"] = str(self.version)
        self.watching.tell(EventKind.DELETED, Manifest(gone))
        return True

    def fail(self, verb: str, name: str, *errors: Exception) -> None:
        """Refuse the next requests of this verb for this name."""
        self._failures.setdefault((verb, name), []).extend(errors)

    def lose_answer(self, verb: str, name: str, error: Exception) -> None:
        """Commit the next such request, and answer with an error nevertheless."""
        self._lost.setdefault((verb, name), []).append(error)

    def live(self, key: ResourceKey) -> Tree | None:
        """Return an object as it stands."""
        return self.objects.get(key)

    def writes(self, *verbs: str) -> list[str]:
        """Return what was written to declared objects, as `apply apps/Deployment prod/web`."""
        chosen = verbs or ("apply", "replace", "delete", "take-over")
        return [
            str(item)
            for item in self.requests
            if item.verb in chosen and isinstance(item.permit, Authorized)
        ]

    # --- the server's inside ------------------------------------------------------------------

    async def serve(self, request: Request, act: Callable[[], Manifest]) -> Manifest:
        """Run one request: wait, commit, wait."""
        await asyncio.sleep(self.latency_s / 2)
        await self.before(request)
        place = (request.verb, request.key.name)
        if self._failures.get(place):
            raise self._failures[place].pop(0)
        self.requests.append(request)
        answer = act()
        await asyncio.sleep(self.latency_s / 2)
        await self.after(request)
        if self._lost.get(place):
            raise self._lost[place].pop(0)
        return answer

    def commit(self, tree: Tree) -> Manifest:
        """Store a new form of an object, unless nothing changed, and tell the watches."""
        tree = copy.deepcopy(tree)
        key = Manifest(tree).key
        before = self.objects.get(key)
        metadata = tree["metadata"]
        for validate in self.validators:
            validate(tree)
        if before is None:
            self._uids += 1
            metadata["uid"] = f"uid-{self._uids}"
            metadata["generation"] = 1
        else:
            metadata["uid"] = before["metadata"]["uid"]
            changed = before.get("spec") != tree.get("spec")
            metadata["generation"] = before["metadata"]["generation"] + changed
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
            if tree == before:
                return Manifest(copy.deepcopy(before))
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            self.objects[key] = tree
            self.remove(key)
            return Manifest(tree)
        self.objects[key] = tree
        kind = EventKind.ADDED if before is None else EventKind.MODIFIED
        self.watching.tell(kind, Manifest(copy.deepcopy(tree)))
        if key.kind == "Deployment" and self.rollout_s is not None:
            asyncio.get_running_loop().call_later(self.rollout_s, self.roll_out, key)
        return Manifest(copy.deepcopy(tree))

    def apply_now(self, manifest: Manifest, options: ApplyOptions, *, dry: bool) -> Manifest:
        """Server-side apply."""
        key, tree = manifest.key, copy.deepcopy(manifest.tree)
        self._check_place(manifest)
        live = self.objects.get(key)
        uid = tree["metadata"].pop("uid", None)
        if uid is not None and live is None:
            raise refusal("HF2003", 409, Retry.ON_PREREQUISITE, "uid mismatch: no existing object")
        if uid is not None and live is not None and uid != live["metadata"]["uid"]:
            raise refusal("HF2003", 422, Retry.ON_PREREQUISITE, "metadata.uid: Invalid value")
        writer = Writer(options.manager, manifest.api_version, _NOW, reset_fields=STATUS)
        merged = server_side_apply(
            live, tree, type=type_of(manifest.gvk), writer=writer, force=options.force
        )
        if dry:
            for validate in self.validators:
                validate(merged.tree)
            return Manifest(merged.tree)
        return self.commit(merged.tree)

    def _check_place(self, manifest: Manifest) -> None:
        if self.kinds.served(manifest.gvk) is None:
            raise refusal("HF2006", 404, Retry.ON_PREREQUISITE, "404 page not found")
        namespace = manifest.namespace
        if not namespace or manifest.key in self.objects:
            return
        home = self.objects.get(ResourceKey("", "Namespace", "", namespace))
        if home is None:
            message = f'namespaces "{namespace}" not found'
            raise refusal("HF2008", 404, Retry.ON_PREREQUISITE, message)
        if home["metadata"].get("deletionTimestamp"):
            raise refusal("HF2008", 403, Retry.ON_PREREQUISITE, "it is being terminated")


class FakeReader:
    """`ClusterReader`."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    async def get(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)
        nothing = Manifest({})

        def act() -> Manifest:
            tree = self._cluster.objects.get(key)
            if tree is None:
                return nothing
            return Manifest(self._cluster.as_served(copy.deepcopy(tree), gvk))

        found = await self._cluster.serve(Request("get", key), act)
        return None if found is nothing else found

    async def list(
        self, gvk: GroupVersionKind, namespace: str | None = None, selector: str = ""
    ) -> Listed:
        del selector
        found = [
            Manifest(copy.deepcopy(tree))
            for key, tree in sorted(self._cluster.objects.items())
            if (key.group, key.kind) == (gvk.group, gvk.kind) and namespace in (None, key.namespace)
        ]
        return Listed(tuple(found), str(self._cluster.version))

    async def server_version(self) -> str:
        return "v1.36.3"


class FakeWriter:
    """`ClusterWriter`; every method demands a permit for that very object."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    async def apply(
        self, manifest: Manifest, permit: Authorized, options: ApplyOptions
    ) -> Manifest:
        assert permit.key == manifest.key, "a permit for another object"
        request = Request("apply", manifest.key, copy.deepcopy(manifest.tree), permit)
        return await self._cluster.serve(
            request, lambda: self._cluster.apply_now(manifest, options, dry=False)
        )

    async def create(self, manifest: Manifest, permit: Authorized) -> Manifest:
        request = Request("create", manifest.key, manifest.tree, permit)
        return await self._cluster.serve(request, lambda: self._cluster.put(manifest.tree))

    async def replace(self, manifest: Manifest, permit: Authorized) -> Manifest:
        assert permit.key == manifest.key, "a permit for another object"
        request = Request("replace", manifest.key, manifest.tree, permit)

        def act() -> Manifest:
            tree = copy.deepcopy(manifest.tree)
            tree["metadata"].pop("resourceVersion", None)
            return self._cluster.put(tree, "holdfast")

        return await self._cluster.serve(request, act)

    async def delete(
        self,
        gvk: GroupVersionKind,
        permit: Authorized,
        *,
        uid: Uid | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
    ) -> bool:
        assert permit.key.kind == gvk.kind, "a permit for another object"
        key = permit.key

        def act() -> Manifest:
            live = self._cluster.objects.get(key)
            is_there = live is not None and uid in (None, live["metadata"]["uid"])
            return Manifest({"gone": is_there and self._cluster.remove(key)})

        answer = await self._cluster.serve(Request("delete", key, propagation, permit), act)
        return bool(answer.tree["gone"])

    async def patch_managed_fields(
        self, live: Manifest, managed_fields: list[Tree], permit: Authorized
    ) -> Manifest:
        assert permit.key == live.key, "a permit for another object"

        def act() -> Manifest:
            tree = self._cluster.objects.get(live.key)
            if tree is None or tree["metadata"]["resourceVersion"] != live.resource_version:
                raise refusal("HF2004", 422, Retry.NOW, "the object moved")
            changed = copy.deepcopy(tree)
            changed["metadata"]["managedFields"] = copy.deepcopy(managed_fields)
            return self._cluster.commit(changed)

        return await self._cluster.serve(
            Request("take-over", live.key, managed_fields, permit), act
        )

    async def hand_over(
        self, live: Manifest, managed_fields: list[Tree], last_applied: str, permit: Authorized
    ) -> Manifest:
        assert permit.key == live.key, "a permit for another object"

        def act() -> Manifest:
            tree = self._cluster.objects.get(live.key)
            if tree is None or tree["metadata"]["resourceVersion"] != live.resource_version:
                raise refusal("HF2004", 422, Retry.NOW, "the object moved")
            changed = copy.deepcopy(tree)
            changed["metadata"]["managedFields"] = copy.deepcopy(managed_fields)
            changed["metadata"].setdefault("annotations", {})[_LAST_APPLIED] = last_applied
            return self._cluster.commit(changed)

        return await self._cluster.serve(
            Request("hand-over", live.key, managed_fields, permit), act
        )

    async def dry_run(self, manifest: Manifest) -> Manifest:
        request = Request("dry-run", manifest.key, manifest.tree)
        return await self._cluster.serve(
            request, lambda: self._cluster.apply_now(manifest, ApplyOptions(), dry=True)
        )


class FakeSystemWriter:
    """`SystemWriter`, with optimistic locking."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    async def create(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        request = Request("create", manifest.key, manifest.tree, write)
        return await self._cluster.serve(request, lambda: self._cluster.put(manifest.tree))

    async def replace(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        request = Request("replace", manifest.key, manifest.tree, write)
        return await self._cluster.serve(request, lambda: self._cluster.put(manifest.tree))

    async def merge_patch(
        self, gvk: GroupVersionKind, namespace: str, name: str, patch: Tree, write: SystemWrite
    ) -> Manifest:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)

        def act() -> Manifest:
            current = self._existing(key)
            wanted = (patch.get("metadata") or {}).get("resourceVersion")
            if wanted not in (None, current["metadata"]["resourceVersion"]):
                raise refusal("HF2004", 409, Retry.NOW, "the object has been modified")
            return self._cluster.commit(merge_patched(current, patch))

        return await self._cluster.serve(
            Request("merge-patch", key, copy.deepcopy(patch), write), act
        )

    async def json_patch(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        patch: list[Tree],
        write: SystemWrite,
    ) -> Manifest:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)

        def act() -> Manifest:
            try:
                tree = jsonpatch.apply_patch(copy.deepcopy(self._existing(key)), patch)
            except jsonpatch.JsonPatchException as error:
                raise refusal("HF2004", 422, Retry.NOW, "the test failed") from error
            return self._cluster.commit(tree)

        return await self._cluster.serve(
            Request("json-patch", key, copy.deepcopy(patch), write), act
        )

    async def delete(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        write: SystemWrite,
    ) -> bool:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)

        def act() -> Manifest:
            return Manifest({"gone": self._cluster.remove(key)})

        answer = await self._cluster.serve(
            Request("delete", key, Propagation.BACKGROUND, write), act
        )
        return bool(answer.tree["gone"])

    def _existing(self, key: ResourceKey) -> Tree:
        if key not in self._cluster.objects:
            raise refusal("HF2003", 404, Retry.NEVER, f"{key} does not exist")
        return self._cluster.objects[key]


class FakeKinds:
    """Discovery: built-in kinds at once, those of CRDs after `refresh`."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        own = [
            KindInfo(APPLICATION, "applications", namespaced=True, verbs=VERBS),
            KindInfo(PROJECT, "appprojects", namespaced=True, verbs=VERBS),
            KindInfo(CRD, "customresourcedefinitions", namespaced=False, verbs=VERBS),
        ]
        self._known = {info.gvk: info for info in own}
        for kind in BUILTIN:
            info = KindInfo(kind.gvk, kind.plural, kind.namespaced, kind.verbs)
            self._known.setdefault(kind.gvk, info)
        self._custom: dict[GroupVersionKind, KindInfo] = {}
        self.refreshed = 0
        self.errors: list[Exception] = []

    def served(self, gvk: GroupVersionKind) -> KindInfo | None:
        """What the server itself knows at this moment."""
        return self._known.get(gvk) or self._from_crds().get(gvk)

    def find(self, gvk: GroupVersionKind) -> KindInfo | None:
        return self._known.get(gvk) or self._custom.get(gvk)

    def find_preferred(self, kind: GroupKind) -> KindInfo | None:
        return next((info for info in self.all() if info.gvk.group_kind == kind), None)

    def all(self) -> Sequence[KindInfo]:
        return [*self._known.values(), *self._custom.values()]

    async def refresh(self) -> None:
        self.refreshed += 1
        if self.errors:
            raise self.errors.pop()
        found = self._from_crds()  # what the answer will say; it travels for a while
        await asyncio.sleep(self._cluster.latency_s)
        self._custom = found

    def _from_crds(self) -> dict[GroupVersionKind, KindInfo]:
        found = {}
        for key, tree in self._cluster.objects.items():
            if key.kind != CRD.kind or tree["metadata"].get("deletionTimestamp"):
                continue
            spec = tree["spec"]
            gvk = GroupVersionKind(spec["group"], "v1", spec["names"]["kind"])
            plural, namespaced = spec["names"]["plural"], spec["scope"] == "Namespaced"
            found[gvk] = KindInfo(gvk, plural, namespaced, VERBS)
        return found


class FakeWatching:
    """Watch streams: each in order, with the cluster's delay; broken and healed by a test."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._sinks: dict[WatchScope, WatchSink] = {}
        self._synced: set[WatchScope] = set()
        self._last: dict[WatchScope, float] = {}
        self.broken: set[GroupVersionKind] = set()

    def start(self, scope: WatchScope, sink: WatchSink) -> None:
        if scope in self._sinks:
            return
        self._sinks[scope] = sink
        asyncio.get_running_loop().call_soon(self.relist, scope)

    def stop(self, scope: WatchScope) -> None:
        self._sinks.pop(scope, None)
        self._synced.discard(scope)

    def is_synced(self, scope: WatchScope) -> bool:
        return scope in self._synced

    async def wait_synced(self, scopes: Sequence[WatchScope], timeout_s: float) -> bool:
        waited = 0.0
        while any(scope in self._sinks and scope not in self._synced for scope in scopes):
            if waited >= timeout_s:
                return False
            await asyncio.sleep(0.01)
            waited += 0.01
        return True

    def lag_s(self) -> float:
        return 0.0

    def relist(self, scope: WatchScope) -> None:
        """List the scope anew, as after a broken connection."""
        sink = self._sinks.get(scope)
        if sink is None:
            return
        if self._cluster.kinds.served(scope.gvk) is None:
            sink.failed(scope, refusal("HF2006", 404, Retry.ON_PREREQUISITE, "404 page not found"))
            return
        trees = [tree for key, tree in self._cluster.objects.items() if _is_in(scope, key)]
        keys = frozenset(Manifest(tree).key for tree in trees)
        for tree in copy.deepcopy(trees):
            served = self._cluster.as_served(tree, scope.gvk)
            sink.observe(scope, EventKind.LISTED, Manifest(served))
        sink.listed(scope, keys, self._cluster.version)
        self._synced.add(scope)

    def break_off(self, gvk: GroupVersionKind) -> None:
        """Deliver nothing of a kind until `mend`."""
        self.broken.add(gvk)

    def mend(self, gvk: GroupVersionKind) -> None:
        """Connect again: a list, then events."""
        self.broken.discard(gvk)
        for scope in [scope for scope in self._sinks if scope.gvk == gvk]:
            self.relist(scope)

    def tell(self, event: EventKind, manifest: Manifest) -> None:
        """Send an event to the streams of its kind."""
        for scope in list(self._sinks):
            if _is_in(scope, manifest.key) and scope.gvk not in self.broken:
                served = self._cluster.as_served(manifest.tree, scope.gvk)
                self._send(scope, event, Manifest(served))

    def _send(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        loop = asyncio.get_running_loop()
        due = max(loop.time() + self._cluster.event_delay(manifest), self._last.get(scope, 0.0))
        self._last[scope] = due + 1e-6  # one stream never turns around
        loop.call_at(due, self._deliver, scope, event, manifest)

    def _deliver(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        sink = self._sinks.get(scope)
        if sink is not None and scope in self._synced and scope.gvk not in self.broken:
            sink.observe(scope, event, manifest)


class FakeSealing:
    """Leaves everything as it is: the fake cluster keeps no secrets."""

    def seal(self, manifest: Manifest) -> Manifest:
        return manifest


class FakeSources:
    """One repository whose commits are lists of manifests.

    Attributes:
        error: Raised by everything while it is set.
    """

    def __init__(self) -> None:
        self.commits: dict[str, list[Tree]] = {}
        self.head = ""
        self.error: Exception | None = None
        self.resolved = 0
        self._callbacks: list[Callable[[], None]] = []

    def commit(self, *trees: Tree, is_told: bool = True) -> str:
        """Add a commit to the head; return its SHA. `is_told` False: only who asks will know."""
        self.head = f"{len(self.commits) + 1:040x}"
        self.commits[self.head] = [copy.deepcopy(tree) for tree in trees]
        for changed in self._callbacks if is_told else ():
            changed()
        return self.head

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        del source, force
        self.resolved += 1
        if self.error is not None:
            raise self.error
        await asyncio.sleep(0.001)
        if revision in ("", "HEAD") and self.head:
            return self.head
        if revision not in self.commits:
            raise RepositoryError("HF1002", f"revision {revision} does not exist")
        return revision

    async def checkout(self, source: Source, sha: str) -> Checkout:
        await asyncio.sleep(0.001)
        return Checkout(f"/checkouts/{sha}", sha, source.repo_url)

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        del source
        return CommitInfo(sha, "somebody", _NOW, "a change")

    def watch_local(self, repo_url: str, changed: Callable[[], None]) -> None:
        del repo_url
        self._callbacks.append(changed)


class FakeRenderer:
    """Turns a checkout of `FakeSources` into its manifests."""

    def __init__(self, sources: FakeSources) -> None:
        self._sources = sources
        self.rendered = 0
        self.error: Exception | None = None

    def refuse_unbuilt(self, source: Source) -> None:
        del source

    def forget(self) -> None:
        """Nothing is kept."""

    async def render(self, checkout: Checkout, source: Source, context: RenderContext) -> Rendered:
        del source, context
        self.rendered += 1
        await asyncio.sleep(0.001)
        if self.error is not None:
            raise self.error
        trees = copy.deepcopy(self._sources.commits[checkout.revision])
        return Rendered(
            tuple(Manifest(tree) for tree in trees), SourceType.DIRECTORY, checkout.revision
        )


def merge_patched(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), value)
    return result


def _is_in(scope: WatchScope, key: ResourceKey) -> bool:
    same = (key.group, key.kind) == (scope.gvk.group, scope.gvk.kind)
    return same and scope.namespace in (None, key.namespace)


# Read here, at import: a table that is read for the first time on the loop would block it.
for _group, _kind in (("", "Pod"), ("apps", "Deployment"), ("networking.k8s.io", "Ingress")):
    find_type(GroupVersionKind(_group, "v1", _kind))


def type_of(gvk: GroupVersionKind) -> Type:
    return find_type(gvk) or FREE_FORM


def _recorded(before: Tree | None, tree: Tree, manager: str) -> Tree:
    gvk = Manifest(tree).gvk
    if gvk in (APPLICATION, PROJECT, PAUSE, CRD, NAMESPACE):
        return tree
    writer = Writer(manager, Manifest(tree).api_version, _NOW)
    return record_update(before, tree, type=type_of(gvk), writer=writer)


async def _nothing(_request: Request) -> None:
    return None


def keys_of(trees: Iterable[Tree]) -> list[ResourceKey]:
    """Identities of some trees."""
    return [Manifest(tree).key for tree in trees]


def _read_tables() -> None:
    """Read the type tables at import: in an async test a file that is read counts as blocking."""
    samples = [builders.config_map(), builders.deployment(), builders.service(), builders.job()]
    samples += [builders.secret(), builders.namespace(), builders.widget()]
    for tree in [*samples, builders.custom_resource_definition()]:
        manifest = Manifest(tree)
        writer = Writer("holdfast", manifest.api_version, _NOW)
        merged = server_side_apply(None, tree, type=type_of(manifest.gvk), writer=writer)
        owner = [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}]
        more = {**merged.tree, "status": {}}
        more["metadata"] = {**more["metadata"], "finalizers": ["x"], "ownerReferences": owner}
        record_update(merged.tree, more, type=type_of(manifest.gvk), writer=writer)


_read_tables()
