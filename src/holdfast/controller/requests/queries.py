"""`DirectQueries`: the port `Queries`, straight from the cluster and from git."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import assert_never

from holdfast.controller.lease_notes import (
    JOURNAL_ANNOTATION,
    NOTIFICATIONS_ANNOTATION,
    WATCH_LAG_ANNOTATION,
)
from holdfast.controller.requests.application_sets import SetReads
from holdfast.controller.requests.commands import RequestPorts
from holdfast.controller.requests.feed import ApplicationFeed
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.masking import mask_all
from holdfast.controller.requests.pauses import PauseReads
from holdfast.controller.requests.pod_logs import PodLogSource, find_pods, read_all
from holdfast.controller.requests.resource_tree import Trees
from holdfast.controller.requests.resources import ResourceReads, events_about
from holdfast.controller.requests.sync_windows import active_windows, sync_windows
from holdfast.controller.requests.trying import Trials
from holdfast.domain.application import APPLICATION, Application
from holdfast.domain.application_set import AnySetQuery
from holdfast.domain.divergence import DIFFERS_ANNOTATION, Divergences
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey
from holdfast.domain.kinds import LEASE
from holdfast.domain.log_lines import LogLine
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.project import PROJECT
from holdfast.domain.queries import (
    CompareManifests,
    GetApplication,
    GetManifests,
    GetProject,
    GetProjectWindows,
    GetResource,
    GetStatus,
    GetSyncWindows,
    ListActions,
    ListApplications,
    ListEvents,
    ListPauses,
    ListProjectEvents,
    ListProjects,
    ManagedResources,
    PlanAdoption,
    PodLogs,
    Query,
    ResourceTree,
    RevisionMetadata,
    TryApplication,
)
from holdfast.domain.stored_settings import AnySettingsQuery
from holdfast.planning.times import find_time

LEASE_NAME = "holdfast"
_LAST_ERRORS = 10


class DirectQueries:
    """Answers from the cluster and from git."""

    def __init__(
        self, ports: RequestPorts, feed: ApplicationFeed, pod_logs: PodLogSource | None = None
    ) -> None:
        """Keep the ports; `feed` is shared with the commands."""
        self._ports = ports
        self._feed = feed
        self._pod_logs = pod_logs
        self._lookup = ports.lookup
        self._rendering = ports.rendering
        self._managed = ManagedObjects(ports.reader, ports.writer, ports.kinds, self._rendering)
        self._settings = ports.settings
        self._sets = SetReads(ports.reader, ports.kinds, ports.control_namespace)
        self._pauses = PauseReads(ports.reader, self._lookup, ports.clock)
        self._trees = Trees(ports.reader, ports.kinds, self._managed)
        self._resources = ResourceReads(ports.reader, ports.kinds, self._managed)
        self._trials = Trials(
            self._lookup, self._rendering, self._managed, ports.writer, ports.kinds
        )

    async def answer(self, query: Query, who: str) -> JSON:
        """Answer, or raise a HoldfastError that says why not."""
        del who  # straight to the cluster: its own access rules decide
        if isinstance(query, AnySettingsQuery | AnySetQuery):
            return await self._kept(query)
        match query:
            case (
                GetApplication()
                | GetManifests()
                | ManagedResources()
                | CompareManifests()
                | ResourceTree()
                | RevisionMetadata()
                | PlanAdoption()
            ):
                return await self._about_one(query)
            case GetResource() | ListActions() | ListEvents() | GetSyncWindows():
                return await self._about_objects(query)
            case ListApplications():
                return await self._list(query)
            case GetProject() | ListProjects() | ListProjectEvents() | GetProjectWindows():
                return await self._about_projects(query)
            case GetStatus() | ListPauses() | TryApplication():
                return await self._about_all(query)
            case _:
                assert_never(query)

    async def _kept(self, query: AnySettingsQuery | AnySetQuery) -> JSON:
        if isinstance(query, AnySetQuery):
            return await self._sets.answer(query)
        return await self._settings.answer(query)

    async def _about_all(self, query: GetStatus | ListPauses | TryApplication) -> JSON:
        match query:
            case GetStatus():
                return await self._status()
            case ListPauses():
                return await self._pauses.select(query)
            case TryApplication():
                return await self._trials.answer(query)
            case _:
                assert_never(query)

    async def _about_one(
        self,
        query: GetApplication
        | GetManifests
        | ManagedResources
        | CompareManifests
        | ResourceTree
        | RevisionMetadata
        | PlanAdoption,
    ) -> JSON:
        app = await self._lookup.application(query.app)
        match query:
            case GetApplication():
                return app.manifest.tree
            case GetManifests():
                return await self._manifests(app, query)
            case ManagedResources() | CompareManifests():
                return list[JSON](await self._managed.answer(app, query))
            case ResourceTree():
                return await self._trees.build(app, query.below)
            case RevisionMetadata():
                return await self._revision_metadata(app, query)
            case PlanAdoption():
                return await self._ports.adopting.plan(app, query.resources)
            case _:
                assert_never(query)

    async def _about_objects(
        self, query: GetResource | ListActions | ListEvents | GetSyncWindows
    ) -> JSON:
        app = await self._lookup.application(query.app)
        match query:
            case GetResource():
                return await self._resources.get(app, query)
            case ListActions():
                return await self._resources.actions(app, query)
            case ListEvents():
                return await self._resources.events(app, query)
            case GetSyncWindows():
                project = await self._lookup.project(app.project)
                return sync_windows(project, app, self._ports.clock.now())
            case _:
                assert_never(query)

    async def watch_application(self, app: AppKey) -> AsyncGenerator[Tree | None, None]:
        """Yield the Application at once and after each change; None once it is deleted."""
        await self._lookup.check_installed()
        async with aclosing(self._feed.follow(app)) as versions:
            async for manifest in versions:
                yield manifest.tree if manifest is not None else None

    async def logs(self, query: PodLogs) -> AsyncGenerator[LogLine, None]:
        """Yield lines of every pod that is meant, merged by time (api.md §1.6.12).

        Raises:
            ConfigurationError: HF3009, the Application has no such pod, or too many.
            ClusterError: the log of the only pod cannot be read.
        """
        app = await self._lookup.application(query.app)
        if self._pod_logs is None:
            raise ConfigurationError("HF3009", "logs cannot be read over this connection")
        tree = await self._trees.build(app)
        chosen = await find_pods(self._ports.reader, app, tree, query)
        merged = read_all(self._pod_logs, chosen, query, self._ports.clock)
        async with aclosing(merged) as lines:
            async for line in lines:
                yield line

    async def _list(self, query: ListApplications) -> list[Tree]:
        await self._lookup.check_installed()
        listed = await self._ports.reader.list(APPLICATION, query.namespace, query.selector)
        apps = [Application.parse(item) for item in listed.items]
        return [
            app.manifest.tree
            for app in sorted(apps, key=lambda app: app.key)
            if not query.projects or app.project in query.projects
        ]

    async def _manifests(self, app: Application, query: GetManifests) -> list[Tree]:
        if query.live:
            return mask_all(await self._managed.live(app))
        asked = query.revisions or ((query.revision,) if query.revision else ())
        targets = await self._rendering.render(app, asked, query.local)
        return mask_all(targets.manifests)

    async def _revision_metadata(self, app: Application, query: RevisionMetadata) -> Tree:
        if not 0 <= query.source_index < len(app.sources):
            raise ConfigurationError(
                "HF3009",
                f"the application has no source number {query.source_index}",
                about=app.key,
            )
        source = app.sources[query.source_index]
        found = await self._ports.sources.commit_info(source, query.revision)
        return {
            "author": found.author,
            "date": found.date,
            "message": found.message.strip(),
            "tags": list(found.tags),
        }

    async def _about_projects(
        self, query: GetProject | ListProjects | ListProjectEvents | GetProjectWindows
    ) -> JSON:
        if isinstance(query, ListProjects):
            return await self._projects()
        found = await self._lookup.project(query.name)
        if isinstance(query, GetProjectWindows):
            return active_windows(found, self._ports.clock.now())
        project = found.manifest
        if isinstance(query, GetProject):
            return project.tree
        where = (project.namespace, project.kind, project.name, "")
        return await events_about(self._ports.reader, *where)

    async def _projects(self) -> list[Tree]:
        await self._lookup.check_installed()
        listed = await self._ports.reader.list(PROJECT, self._ports.control_namespace)
        return [item.tree for item in sorted(listed.items, key=lambda item: item.name)]

    async def _status(self) -> Tree:
        """Say how Holdfast does, from what it leaves in the cluster: its lease, its statuses."""
        ports = self._ports
        status: Tree = {
            "connected": True,
            "server": ports.server,
            "version": await ports.reader.server_version(),
            "namespace": ports.control_namespace,
        }
        lease = await ports.reader.get(LEASE, ports.control_namespace, LEASE_NAME)
        status.update(_lease_status(lease, ports.clock.now()))
        if ports.kinds.find(APPLICATION) is None:
            return {**status, "applications": {}, "lastErrors": []}
        listed = await ports.reader.list(APPLICATION, ports.control_namespace)
        apps = [Application.parse(item) for item in listed.items]
        counts = Counter(
            str((app.status.get("sync") or {}).get("status") or "Unknown") for app in apps
        )
        status["applications"] = dict(sorted(counts.items()))
        status["lastErrors"] = _last_errors(apps)
        status.update(_diverging(apps))
        return status


def _lease_status(lease: Manifest | None, now: datetime) -> Tree:
    """Who leads; nobody where the lease has run out."""
    nobody = dict.fromkeys(("leader", "leaseRenewed", "watchLag", "notifications", "journal"), "")
    if lease is None or not lease.at("spec", "holderIdentity"):
        return nobody
    renewed = find_time(lease.at("spec", "renewTime"))
    seconds = lease.at("spec", "leaseDurationSeconds") or 0
    if renewed is None or (now - renewed).total_seconds() > seconds:
        return {**nobody, "leaseRenewed": lease.at("spec", "renewTime") or ""}
    return {
        "leader": lease.at("spec", "holderIdentity"),
        "leaseRenewed": lease.at("spec", "renewTime") or "",
        "watchLag": lease.annotation(WATCH_LAG_ANNOTATION) or "",
        "notifications": lease.annotation(NOTIFICATIONS_ANNOTATION) or "",
        "journal": lease.annotation(JOURNAL_ANNOTATION) or "",
    }


def _diverging(apps: list[Application]) -> Tree:
    """What the controller found behind git, and what drifted: objects, and in how many."""
    found = [Divergences.parse(app.manifest.annotation(DIFFERS_ANNOTATION)) for app in apps]
    behind, drifted = [one.behind for one in found], [one.drifted for one in found]
    return {
        name: {"applications": sum(map(bool, counts)), "objects": sum(counts)}
        for name, counts in (("behindGit", behind), ("drifted", drifted))
    }


def _last_errors(apps: list[Application]) -> list[Tree]:
    found = [
        {
            "app": str(app.key),
            "type": str(item.get("type")),
            "message": str(item.get("message")),
            "at": str(item.get("lastTransitionTime") or ""),
        }
        for app in apps
        for item in app.status.get("conditions") or ()
        if str(item.get("type")).endswith("Error")
    ]
    return sorted(found, key=lambda item: item["at"], reverse=True)[:_LAST_ERRORS]
