"""Stand-ins for the ports: a clock that is moved by hand, a cluster in a dict, canned requests."""

from __future__ import annotations

import copy
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonpatch

from holdfast.domain.application import APPLICATION
from holdfast.domain.commands import Command, Done
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.identity import AppKey, GroupKind, GroupVersionKind, ResourceKey, Uid
from holdfast.domain.journal import DriftStats, Episode, EpisodeFilter
from holdfast.domain.kinds import EVENT, LEASE, NAMESPACE, SECRET_V1, KindInfo
from holdfast.domain.log_lines import LogLine
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import (
    ApplyOptions,
    Authorized,
    PatchKind,
    Propagation,
    SystemWrite,
)
from holdfast.domain.ports import EventKind, Listed, WatchScope, WatchSink
from holdfast.domain.project import PROJECT
from holdfast.domain.queries import (
    GetApplication,
    GetManifests,
    GetProject,
    GetStatus,
    ListApplications,
    ListPauses,
    ListProjects,
    ManagedResources,
    PodLogs,
    Query,
    ResourceTree,
)
from holdfast.domain.source import Checkout, CommitInfo, RenderContext, Rendered, Source, SourceType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

NOON = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)


class FakeClock:
    """Time that moves when a test says so, or when somebody sleeps."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self._seconds += seconds
        self._now += timedelta(seconds=seconds)


# --- requests, for tests of the command line -----------------------------------------------


class FakeQueries:
    """Answers from trees that a test gives."""

    def __init__(self, apps: Iterable[Tree] = ()) -> None:
        self.apps = {_app_key(tree): tree for tree in apps}
        self.answers: dict[type, Any] = {}
        self.asked: list[Query] = []
        self.versions: dict[AppKey, list[Tree | None]] = {}
        self.lines: list[str] = []
        self.asked_logs: list[PodLogs] = []

    async def answer(self, query: Query, who: str) -> Any:
        del who
        self.asked.append(query)
        match query:
            case GetApplication(app):
                return self._app(app)
            case ListApplications():
                return [tree for key, tree in sorted(self.apps.items())]
            case (
                GetManifests() | ManagedResources() | ResourceTree() | GetStatus() | ListProjects()
            ):
                return self.answers[type(query)]
            case ListPauses():
                return self.answers.get(ListPauses, [])
            case GetProject(name):
                return self.answers.get(GetProject) or {"metadata": {"name": name}, "spec": {}}
            case _:
                return self.answers[type(query)]

    async def watch_application(self, app: AppKey) -> AsyncIterator[Tree | None]:
        for tree in self.versions.get(app) or [self.apps.get(app)]:
            if tree is not None:
                self.apps[app] = tree
            yield tree

    async def logs(self, query: PodLogs) -> AsyncIterator[LogLine]:
        self.asked_logs.append(query)
        for line in self.lines:
            yield LogLine(line, "web-1")

    def _app(self, app: AppKey) -> Tree:
        if app not in self.apps:
            raise ConfigurationError(
                "HF3003", f'applications.argoproj.io "{app.name}" not found', about=app
            )
        return self.apps[app]


class FakeCommands:
    """Remembers what was asked; answers with what a test prepared."""

    def __init__(self, answer: Callable[[Command], Done] | None = None) -> None:
        self.asked: list[Command] = []
        self.answer = answer or (lambda _command: Done("updated"))

    async def carry_out(self, command: Command, who: str) -> Done:
        del who
        self.asked.append(command)
        return self.answer(command)


class FakeJournal:
    """A journal with a few episodes."""

    def __init__(self, *episodes: Episode) -> None:
        self.kept = episodes
        self.wanted: list[EpisodeFilter] = []

    async def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        self.wanted.append(wanted)
        return tuple(e for e in self.kept if e.is_open or not wanted.open_only)

    async def episode(self, episode_id: str) -> Episode:
        return next(e for e in self.kept if e.id.startswith(episode_id))

    async def stats(self, since: datetime | None) -> DriftStats:
        return DriftStats(
            since,
            episodes=len(self.kept),
            open=sum(e.is_open for e in self.kept),
            heals=2,
            syncs=3,
            heal_ms={"p50": 8.4, "p90": 12.0, "p99": 31.0, "max": 1200.0},
            by_state={"healed": 1, "paused": 1},
            by_what={"changed": 1, "missing": 1},
            by_app={"argocd/web": 2},
            by_manager={"kubectl-edit": 1, "unknown": 1},
        )


@dataclass
class FakeLink:
    """A way to a cluster that is not there."""

    queries: FakeQueries = field(default_factory=FakeQueries)
    commands: FakeCommands = field(default_factory=FakeCommands)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    targets: list[Any] = field(default_factory=list)

    @asynccontextmanager
    async def connect(self, target: Any) -> AsyncIterator[FakeLink]:
        self.targets.append(target)
        yield self


# --- a cluster, for tests of requests and of start-up ------------------------------------------

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_KINDS = (
    KindInfo(APPLICATION, "applications", namespaced=True, verbs=_VERBS),
    KindInfo(PROJECT, "appprojects", namespaced=True, verbs=_VERBS),
    KindInfo(NAMESPACE, "namespaces", namespaced=False, verbs=_VERBS),
    KindInfo(LEASE, "leases", namespaced=True, verbs=_VERBS),
    KindInfo(EVENT, "events", namespaced=True, verbs=_VERBS),
    KindInfo(SECRET_V1, "secrets", namespaced=True, verbs=_VERBS),
    KindInfo(GroupVersionKind("", "v1", "Service"), "services", namespaced=True, verbs=_VERBS),
    KindInfo(GroupVersionKind("", "v1", "ConfigMap"), "configmaps", namespaced=True, verbs=_VERBS),
    KindInfo(GroupVersionKind("", "v1", "Pod"), "pods", namespaced=True, verbs=_VERBS),
    KindInfo(
        GroupVersionKind("apps", "v1", "Deployment"), "deployments", namespaced=True, verbs=_VERBS
    ),
    KindInfo(
        GroupVersionKind("apps", "v1", "ReplicaSet"), "replicasets", namespaced=True, verbs=_VERBS
    ),
    KindInfo(
        GroupVersionKind("apps", "v1", "StatefulSet"), "statefulsets", namespaced=True, verbs=_VERBS
    ),
    KindInfo(GroupVersionKind("batch", "v1", "CronJob"), "cronjobs", namespaced=True, verbs=_VERBS),
    KindInfo(GroupVersionKind("batch", "v1", "Job"), "jobs", namespaced=True, verbs=_VERBS),
    KindInfo(
        GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        "customresourcedefinitions",
        namespaced=False,
        verbs=_VERBS,
    ),
)


class FakeKinds:
    """Discovery of a few kinds."""

    def __init__(self, kinds: Iterable[KindInfo] = _KINDS) -> None:
        self.known = {info.gvk: info for info in kinds}
        self.refreshed = 0

    def find(self, gvk: GroupVersionKind) -> KindInfo | None:
        return self.known.get(gvk)

    def find_preferred(self, kind: GroupKind) -> KindInfo | None:
        return next((info for gvk, info in self.known.items() if gvk.group_kind == kind), None)

    def all(self) -> Sequence[KindInfo]:
        return list(self.known.values())

    async def refresh(self) -> None:
        self.refreshed += 1


Trees = list[Tree]


class FakeCluster:
    """Objects in a dict: reader, writer and system writer at once, with optimistic locking.

    Attributes:
        writes: `(verb, key, purpose)` of everything that was written, in order.
        on_write: Called after each system write; a test lets a controller answer there.
    """

    def __init__(self, *objects: Tree) -> None:
        self.objects: dict[ResourceKey, Tree] = {}
        self.version = 0
        self.writes: list[tuple[str, ResourceKey, object]] = []
        self.on_write: Callable[[FakeCluster, Manifest], None] = lambda _cluster, _manifest: None
        self.fail_next: list[Exception] = []
        self.watching = FakeWatching(self)
        self.predict: Callable[[Manifest], Manifest] = lambda manifest: manifest
        for tree in objects:
            self.put(tree)

    def put(self, tree: Tree) -> Manifest:
        """Store an object as the server would, and tell those who watch."""
        self.version += 1
        tree = copy.deepcopy(tree)
        metadata = tree.setdefault("metadata", {})
        metadata["resourceVersion"] = str(self.version)
        metadata.setdefault("uid", f"uid-{tree['kind']}-{metadata['name']}")
        manifest = Manifest(tree)
        before = self.objects.get(manifest.key)
        self.objects[manifest.key] = tree
        event = EventKind.MODIFIED if before is not None else EventKind.ADDED
        self.watching.tell(event, manifest)
        return manifest

    def remove(self, key: ResourceKey) -> bool:
        """Delete an object, and tell those who watch."""
        tree = self.objects.pop(key, None)
        if tree is not None:
            self.watching.tell(EventKind.DELETED, Manifest(tree))
        return tree is not None

    def find(self, kind: str, namespace: str, name: str) -> Tree | None:
        """Return an object by kind, whatever its group."""
        for key, tree in self.objects.items():
            if (key.kind, key.namespace, key.name) == (kind, namespace, name):
                return tree
        return None

    # --- ClusterReader

    async def get(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        tree = self.objects.get(ResourceKey(gvk.group, gvk.kind, namespace, name))
        return Manifest(copy.deepcopy(tree)) if tree is not None else None

    async def list(
        self, gvk: GroupVersionKind, namespace: str | None = None, selector: str = ""
    ) -> Listed:
        wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
        found = [
            Manifest(copy.deepcopy(tree))
            for key, tree in sorted(self.objects.items())
            if (key.group, key.kind) == (gvk.group, gvk.kind)
            and namespace in (None, key.namespace)
            and all(Manifest(tree).label(k) == v for k, v in wanted.items())
        ]
        return Listed(tuple(found), str(self.version))

    async def server_version(self) -> str:
        return "v1.36.3"

    # --- ClusterWriter (dry runs alone: requests never write declared objects)

    async def dry_run(self, manifest: Manifest) -> Manifest:
        return self.predict(manifest)

    async def apply(
        self, manifest: Manifest, permit: Authorized, options: ApplyOptions
    ) -> Manifest:
        del options
        self.writes.append(("apply", manifest.key, permit))
        return self.put(manifest.tree)

    async def patch_managed_fields(
        self, live: Manifest, managed_fields: Trees, permit: Authorized
    ) -> Manifest:
        del managed_fields
        self.writes.append(("managed-fields", live.key, permit))
        return live

    async def patch(
        self, gvk: GroupVersionKind, patch: Any, kind: PatchKind, permit: Authorized
    ) -> Manifest:
        self._before(permit.key, f"patch {kind}", permit)
        assert gvk.group_kind == permit.key.group_kind
        tree = copy.deepcopy(_existing(self.objects, permit.key))
        if kind is PatchKind.JSON:
            return self.put(jsonpatch.apply_patch(tree, patch))
        return self.put(_merge(tree, patch))

    async def hand_over(
        self, live: Manifest, managed_fields: Trees, last_applied: str, permit: Authorized
    ) -> Manifest:
        self._check_version(live.key, live.resource_version)
        self.writes.append(("hand-over", live.key, permit))
        tree = copy.deepcopy(_existing(self.objects, live.key))
        tree["metadata"]["managedFields"] = managed_fields
        annotations = tree["metadata"].setdefault("annotations", {})
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = last_applied
        return self.put(tree)

    # --- SystemWriter

    async def create(self, manifest: Manifest, write: SystemWrite | Authorized) -> Manifest:
        self._before(manifest.key, "create", write)
        if manifest.key in self.objects:
            raise ClusterError("HF2011", f"{manifest.key} already exists")
        return self._after(manifest.tree)

    async def replace(self, manifest: Manifest, write: SystemWrite | Authorized) -> Manifest:
        self._before(manifest.key, "replace", write)
        self._check_version(manifest.key, manifest.resource_version)
        return self._after(manifest.tree)

    async def merge_patch(
        self, gvk: GroupVersionKind, namespace: str, name: str, patch: Tree, write: SystemWrite
    ) -> Manifest:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)
        self._before(key, "merge-patch", write)
        return self._after(_merge(_existing(self.objects, key), patch))

    async def json_patch(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        patch: Trees,
        write: SystemWrite,
    ) -> Manifest:
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)
        self._before(key, "json-patch", write)
        tree = jsonpatch.apply_patch(copy.deepcopy(_existing(self.objects, key)), patch)
        self._check_version(key, tree["metadata"].get("resourceVersion", ""))
        return self._after(tree)

    async def delete(
        self,
        gvk: GroupVersionKind,
        namespace: str | Authorized = "",
        name: str = "",
        write: SystemWrite | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
        *,
        uid: Uid | None = None,
        grace_s: int | None = None,
    ) -> bool:
        del uid
        if isinstance(namespace, Authorized):
            permit, write, key = namespace, None, namespace.key
            self.writes.append((f"delete {propagation} {grace_s}", key, permit))
            return self.remove(key)
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)
        self._before(key, "delete", write)
        tree = self.objects.get(key)
        if tree is not None and tree["metadata"].get("finalizers"):
            tree["metadata"]["deletionTimestamp"] = NOON.isoformat()
            self.put(tree)
            return True
        return self.remove(key)

    def _before(self, key: ResourceKey, verb: str, write: object) -> None:
        if self.fail_next:
            raise self.fail_next.pop(0)
        self.writes.append((verb, key, write))

    def _after(self, tree: Tree) -> Manifest:
        manifest = self.put(tree)
        self.on_write(self, manifest)
        return manifest

    def _check_version(self, key: ResourceKey, version: str) -> None:
        if version != _existing(self.objects, key)["metadata"]["resourceVersion"]:
            raise ClusterError("HF2004", f"{key} has been modified")


class FakeWatching:
    """Tells its sinks what the fake cluster does."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._sinks: dict[WatchScope, WatchSink] = {}

    def start(self, scope: WatchScope, sink: WatchSink) -> None:
        if scope in self._sinks:
            return
        self._sinks[scope] = sink
        keys = set()
        for key, tree in list(self._cluster.objects.items()):
            if _is_in(scope, key):
                keys.add(key)
                sink.observe(scope, EventKind.LISTED, Manifest(tree))
        sink.listed(scope, frozenset(keys), self._cluster.version)

    def stop(self, scope: WatchScope) -> None:
        self._sinks.pop(scope, None)

    def is_synced(self, scope: WatchScope) -> bool:
        return scope in self._sinks

    async def wait_synced(self, scopes: Sequence[WatchScope], timeout_s: float) -> bool:
        del timeout_s
        return all(scope in self._sinks for scope in scopes)

    def lag_s(self) -> float:
        return 0.0

    def tell(self, event: EventKind, manifest: Manifest) -> None:
        for scope, sink in list(self._sinks.items()):
            if _is_in(scope, manifest.key):
                sink.observe(scope, event, manifest)


class FakeSealing:
    """Replaces Secret values by tokens."""

    def seal(self, manifest: Manifest) -> Manifest:
        if manifest.kind != "Secret":
            return manifest
        data = {**(manifest.at("data") or {}), **(manifest.at("stringData") or {})}
        tree = {k: v for k, v in manifest.tree.items() if k != "stringData"}
        tree["data"] = {name: f"token-of-{value}" for name, value in data.items()}
        return Manifest(tree)


class FakeSources:
    """Knows every revision; `HEAD` is forty `a`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.resolved: list[str] = []

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        del source, force
        if self.error is not None:
            raise self.error
        self.resolved.append(revision)
        if len(revision) == 40:
            return revision
        return {"": "a" * 40, "HEAD": "a" * 40}.get(revision, revision[:1] * 40)

    async def checkout(self, source: Source, sha: str) -> Checkout:
        return Checkout("/checkouts/" + sha, sha, source.repo_url)

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        del source
        return CommitInfo(sha, "Ann", "2026-01-02T15:04:05Z", "Change")

    def watch_local(self, repo_url: str, changed: Callable[[], None]) -> None:
        del repo_url, changed


class FakeRenderer:
    """Renders what a test gives."""

    def __init__(self, *manifests: Tree) -> None:
        self.manifests = tuple(Manifest(tree) for tree in manifests)
        self.error: Exception | None = None

    def refuse_unbuilt(self, source: Source) -> None:
        del source

    def forget(self) -> None:
        """Nothing is kept."""

    async def render(self, checkout: Checkout, source: Source, context: RenderContext) -> Rendered:
        del source, context
        if self.error is not None:
            raise self.error
        return Rendered(self.manifests, next(iter(SourceType)), checkout.revision)


def _existing(objects: dict[ResourceKey, Tree], key: ResourceKey) -> Tree:
    if key not in objects:
        raise ClusterError("HF2003", f"{key} does not exist")
    return objects[key]


def _app_key(tree: Tree) -> AppKey:
    return AppKey(tree["metadata"]["namespace"], tree["metadata"]["name"])


def _is_in(scope: WatchScope, key: ResourceKey) -> bool:
    return (scope.gvk.group, scope.gvk.kind) == (key.group, key.kind) and scope.namespace in (
        None,
        key.namespace,
    )


def _merge(tree: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(tree) if isinstance(tree, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result
