"""The ports `Commands` and `Queries` over a Holdfast server's REST: the rows of api.md §1.5.

What no row knows is refused by name (HF3016), never carried out half.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from holdfast.assembly.contexts import Server
from holdfast.assembly.remote_resources import ask_resource, write_resource
from holdfast.assembly.remote_settings import ask_settings, write_settings
from holdfast.assembly.rest import Answered, Asked, Rest, segment
from holdfast.controller.requests.pauses import is_meant, words_of
from holdfast.domain.application import DELETION_APPROVED_ANNOTATION
from holdfast.domain.commands import (
    AdoptDrift,
    Command,
    ConfirmDeletion,
    CreateApplication,
    CreateProject,
    DeleteApplication,
    DeleteProject,
    DeleteResource,
    Done,
    HandOver,
    PatchApplication,
    PatchResource,
    PauseHealing,
    RefreshApplication,
    ResumeHealing,
    RollBackApplication,
    RunAction,
    SendTestMessage,
    SyncApplication,
    TerminateOperation,
    UpdateApplication,
    UpdateProject,
    UpdateSpec,
)
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.identity import AppKey
from holdfast.domain.log_lines import LogLine, nanoseconds
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.operation import SelectedResource
from holdfast.domain.pause import Pause, PauseScope
from holdfast.domain.ports import Clock
from holdfast.domain.queries import (
    GetApplication,
    GetManifests,
    GetProject,
    GetProjectWindows,
    GetResource,
    GetStatus,
    GetSyncWindows,
    ListActions,
    ListApplications,
    ListPauses,
    ListProjects,
    ManagedResources,
    PlanAdoption,
    PodLogs,
    Query,
    ResourceTree,
    RevisionMetadata,
)
from holdfast.domain.stored_settings import AnySettingsCommand, AnySettingsQuery
from holdfast.kit.clock import SystemClock
from holdfast.planning.times import format_time

_APPS = "/api/v1/applications"
_OURS = "/api/holdfast/v1"
_PROJECTS = "/api/v1/projects"
_STATES = ("targetState", "liveState", "normalizedLiveState", "predictedLiveState")


@dataclass(frozen=True, slots=True)
class Remote:
    """An open way through a server: what `cli.session.Link` asks for."""

    commands: "RemoteCommands"
    queries: "RemoteQueries"
    clock: SystemClock
    rest: Rest


@asynccontextmanager
async def open_remote(server: Server) -> AsyncIterator[Remote]:
    """Reach a cluster through a server, for the time of one command."""
    clock = SystemClock()
    rest = Rest(server, clock)
    try:
        yield Remote(RemoteCommands(rest, clock), RemoteQueries(rest), clock, rest)
    finally:
        await rest.close()


def _one(app: AppKey) -> str:
    return f"{_APPS}/{segment(app.name)}"


def _own(app: AppKey) -> str:
    return f"{_OURS}/applications/{segment(app.name)}"


def _project(name: str) -> str:
    return f"{_PROJECTS}/{segment(name)}"


def _not_here(what: str) -> ConfigurationError:
    return ConfigurationError(
        "HF3016",
        f"a server cannot be asked for this: {what}",
        hint="--core goes straight to the cluster",
        retry=Retry.NEVER,
    )


class RemoteQueries:
    """Asks a server."""

    def __init__(self, rest: Rest) -> None:
        """Keep the way."""
        self._rest = rest

    async def answer(self, query: Query, who: str) -> JSON:
        """Answer, or raise a HoldfastError that says why not."""
        del who  # the server knows the caller by the token
        if isinstance(query, AnySettingsQuery):
            return await ask_settings(self._rest, query)
        match query:
            case GetApplication() | ResourceTree() | RevisionMetadata() | GetSyncWindows():
                return await self._about(query)
            case PlanAdoption() | ListPauses() | GetStatus():
                return await self._ours(query)
            case ListApplications() | GetManifests() | ManagedResources():
                return await self._several(query)
            case GetProject() | ListProjects() | GetProjectWindows():
                return await self._projects(query)
            case GetResource() | ListActions():
                return await ask_resource(self._rest, query)
            case _:
                raise _not_here(type(query).__name__)

    async def _several(self, query: ListApplications | GetManifests | ManagedResources) -> JSON:
        match query:
            case ListApplications():
                return await self._list(query)
            case GetManifests():
                return await self._manifests(query)
            case ManagedResources():
                return await self._managed(query)

    async def _about(
        self, query: GetApplication | ResourceTree | RevisionMetadata | GetSyncWindows
    ) -> JSON:
        path = _one(query.app)
        match query:
            case ResourceTree():
                path += "/resource-tree"
            case GetSyncWindows():
                path += "/syncwindows"
            case RevisionMetadata():
                path += f"/revisions/{segment(query.revision)}/metadata"
            case GetApplication():
                pass
        index = query.source_index if isinstance(query, RevisionMetadata) else None
        return await self._get(path, query.app, sourceIndex=index)

    async def _ours(self, query: PlanAdoption | ListPauses | GetStatus) -> JSON:
        match query:
            case PlanAdoption(app):
                body = {"resources": _objects(query.resources)}
                path = f"{_own(app)}/adopt/plan"
                asked = {"appNamespace": app.namespace}
                return (await self._rest.send("POST", path, asked, body)).tree
            case ListPauses():
                about: Asked = {"ended": query.ended}
                if query.app is not None:
                    about = {
                        **about, "app": query.app.name, "appNamespace": query.app.namespace
                    }  # fmt: skip
                return (await self._rest.get(f"{_OURS}/pauses", about)).get("items") or []
            case GetStatus():
                return await self._rest.get(f"{_OURS}/status")

    async def _projects(self, query: GetProject | ListProjects | GetProjectWindows) -> JSON:
        match query:
            case GetProject(name):
                return await self._get(_project(name))
            case GetProjectWindows(name):
                return (await self._get(f"{_project(name)}/syncwindows")).get("windows") or []
            case ListProjects():
                return (await self._get(_PROJECTS)).get("items") or []

    async def _get(self, path: str, app: AppKey | None = None, **query: int | None) -> Any:
        where = {"appNamespace": app.namespace} if app is not None else {}
        return await self._rest.get(path, {**where, **query})

    async def _list(self, query: ListApplications) -> JSON:
        found = await self._rest.get(
            _APPS,
            {
                "appNamespace": query.namespace,
                "selector": query.selector,
                "projects": query.projects,
            },
        )
        items: list[Tree] = found.get("items") or []
        return sorted(
            items, key=lambda tree: (tree["metadata"]["namespace"], tree["metadata"]["name"])
        )

    async def _manifests(self, query: GetManifests) -> JSON:
        if query.local:
            raise _not_here("--local, a folder on this machine")
        if query.live:
            records = await self._records(query.app)
            return [record["liveState"] for record in records if record["liveState"] is not None]
        asked: Asked = {
            "appNamespace": query.app.namespace,
            "revision": query.revision,
            "revisions": query.revisions,
        }
        found = await self._rest.get(f"{_one(query.app)}/manifests", asked)
        return [orjson.loads(text) for text in found.get("manifests") or []]

    async def _managed(self, query: ManagedResources) -> JSON:
        if query.local:
            raise _not_here("--local, a folder on this machine")
        if query.only is not None:
            raise _not_here("a comparison of one object")
        if not (query.revision or query.revisions):
            return await self._records(query.app)
        asked: Asked = {
            "appNamespace": query.app.namespace,
            "revision": query.revision,
            "revisions": query.revisions,
        }
        found = await self._rest.get(f"{_own(query.app)}/preview", asked)
        return found.get("items") or []

    async def _records(self, app: AppKey) -> list[Tree]:
        found = await self._get(f"{_one(app)}/managed-resources", app)
        records: list[Tree] = found.get("items") or []
        for record in records:
            record.update({name: _state(record.get(name)) for name in _STATES})
        return records

    async def watch_application(self, app: AppKey) -> AsyncGenerator[Tree | None, None]:
        """Yield the Application at once and after each change; None once it is deleted."""
        query = {"name": app.name, "appNamespace": app.namespace}
        async with aclosing(self._rest.follow("/api/v1/stream/applications", query)) as events:
            # The stream says nothing of one that is not there.
            if not (await self._rest.get(_APPS, query)).get("items"):
                yield None
                return
            async for event in events:
                if event["type"] == "DELETED":
                    yield None
                    return
                yield event["application"]

    async def logs(self, query: PodLogs) -> AsyncGenerator[LogLine, None]:
        """Yield lines of every pod that is meant, merged by time."""
        asked: Asked = {
            "appNamespace": query.app.namespace,
            "group": query.group,
            "kind": query.kind,
            "namespace": query.namespace,
            "resourceName": query.name,
            "container": query.container,
            "follow": query.follow,
            "tailLines": query.tail,
            "sinceSeconds": query.since_s,
            "untilTime": query.until,
            "filter": query.filter,
            "matchCase": query.match_case,
            "previous": query.previous,
        }
        async with aclosing(self._rest.follow(f"{_one(query.app)}/logs", asked)) as entries:
            async for entry in entries:
                if entry.get("last"):
                    return
                at = str(entry.get("timeStampStr") or "")
                pod = str(entry.get("podName") or "")
                yield LogLine(str(entry.get("content") or ""), pod, at, nanoseconds(at))


def _state(text: Any) -> Any:
    return orjson.loads(text) if text else None


class RemoteCommands:
    """Has a server carry commands out."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        """Keep the way; the clock dates what a person confirms."""
        self._rest = rest
        self._clock = clock

    async def carry_out(self, command: Command, who: str) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        del who
        match command:
            case SyncApplication() | RollBackApplication() | TerminateOperation():
                return await self._operate(command)
            case RefreshApplication(app):
                level = "hard" if command.hard else "normal"
                return await self._send("GET", _one(app), app, {"refresh": level})
            case AdoptDrift() | PauseHealing() | ResumeHealing() | HandOver() | SendTestMessage():
                return await self._ours(command)
            case PatchResource() | DeleteResource() | RunAction():
                return await write_resource(self._rest, command)
            case CreateProject() | UpdateProject() | DeleteProject():
                return await self._write_project(command)
            case _:
                return await self._other(command)

    async def _other(self, command: Command) -> Done:
        if isinstance(command, AnySettingsCommand):
            return await write_settings(self._rest, command)
        return await self._write(command)

    async def _write_project(self, command: CreateProject | UpdateProject | DeleteProject) -> Done:
        if isinstance(command, UpdateProject):
            path = _project(command.manifest["metadata"]["name"])
            return _done(await self._rest.send("PUT", path, body={"project": command.manifest}))
        if isinstance(command, DeleteProject):
            return _done(await self._rest.send("DELETE", _project(command.name)))
        body = {"project": command.manifest, "upsert": command.upsert}
        return _done(await self._rest.send("POST", _PROJECTS, body=body))

    async def _write(self, command: Command) -> Done:
        match command:
            case DeleteApplication(app):
                query = {"cascade": command.cascade, "propagationPolicy": command.propagation}
                return await self._send("DELETE", _one(app), app, query)
            case CreateApplication():
                query = {"upsert": command.upsert, "validate": command.validate}
                return _done(await self._rest.send("POST", _APPS, query, command.manifest))
            case UpdateApplication():
                name = command.manifest["metadata"]["name"]
                app = AppKey(command.manifest["metadata"].get("namespace", ""), name)
                checked = {"validate": command.validate}
                return await self._send("PUT", _one(app), app, checked, command.manifest)
            case UpdateSpec(app):
                metadata = {"name": app.name, "namespace": app.namespace}
                if command.resource_version:
                    metadata["resourceVersion"] = command.resource_version
                whole = {"metadata": metadata, "spec": command.spec}
                return await self._send(
                    "PUT", _one(app), app, {"validate": command.validate}, whole
                )
            case PatchApplication(app) if not command.dry_run:
                return await self._patch(app, command.patch, command.kind)
            case ConfirmDeletion(app):
                now = format_time(self._clock.now())
                patch: Tree = {"metadata": {"annotations": {DELETION_APPROVED_ANNOTATION: now}}}
                return await self._patch(app, patch, "merge")
            case _:
                raise _not_here(type(command).__name__)

    async def _operate(
        self, command: SyncApplication | RollBackApplication | TerminateOperation
    ) -> Done:
        app = command.app
        match command:
            case SyncApplication():
                if command.local:
                    raise _not_here("--local, a folder on this machine")
                return await self._send("POST", f"{_one(app)}/sync", app, {}, _sync(command))
            case RollBackApplication():
                body = {
                    "id": command.history_id,
                    "prune": command.prune,
                    "dryRun": command.dry_run,
                    "appNamespace": app.namespace,
                }
                return await self._send("POST", f"{_one(app)}/rollback", app, {}, body)
            case TerminateOperation():
                return await self._send("DELETE", f"{_one(app)}/operation", app, {})

    async def _ours(
        self, command: AdoptDrift | PauseHealing | ResumeHealing | HandOver | SendTestMessage
    ) -> Done:
        match command:
            case HandOver() | SendTestMessage():
                return await self._at_work(command)
            case AdoptDrift(app):
                body: Tree = {
                    "resources": _objects(command.resources),
                    "message": command.message,
                    "author": command.author,
                    "branch": command.branch,
                    "push": command.push,
                }
                asked = {"appNamespace": app.namespace}
                path = f"{_own(app)}/adopt"
                return _told((await self._rest.send("POST", path, asked, body)).tree)
            case PauseHealing():
                path = f"{_OURS}/pauses"
                return _told((await self._rest.send("POST", path, body=_pause(command))).tree)
            case ResumeHealing() if command.pause_id:
                path = f"{_OURS}/pauses/{segment(command.pause_id)}"
                return _told((await self._rest.send("DELETE", path)).tree)
            case ResumeHealing():
                return await self._resume(command)

    async def _at_work(self, command: HandOver | SendTestMessage) -> Done:
        if isinstance(command, SendTestMessage):
            path = f"{_OURS}/notifications/{segment(command.target)}/test"
            return _told((await self._rest.send("POST", path)).tree)
        asked = {"appNamespace": command.app.namespace}
        body = {"dryRun": command.dry_run}
        path = f"{_own(command.app)}/handover"
        return _told((await self._rest.send("POST", path, asked, body)).tree)

    async def _resume(self, command: ResumeHealing) -> Done:
        """End every pause that is meant, one by one: a row ends a single one.

        Raises:
            ConfigurationError: HF3006, there is none to end.
        """
        now = self._clock.now()
        found = (await self._rest.get(f"{_OURS}/pauses")).get("items") or []
        pauses = [pause for tree in found if (pause := Pause.parse(Manifest(tree)))]
        chosen = [pause for pause in pauses if is_meant(pause, command) and pause.is_active(now)]
        if not chosen and command.scope is not None:
            still = "; ".join(f"it is {pause.describe()}" for pause in await self._holding(command))
            raise ConfigurationError(
                "HF3006",
                f"{words_of(command)} is not paused by itself",
                hint=still or "`holdfast pauses` shows what is paused",
            )
        for pause in chosen:
            await self._rest.send("DELETE", f"{_OURS}/pauses/{segment(pause.id)}")
        notes = tuple(f"still {pause.describe()}" for pause in await self._holding(command))
        return Done("resumed", {"resumed": [pause.manifest.tree for pause in chosen]}, notes)

    async def _holding(self, command: ResumeHealing) -> list[Pause]:
        """Return what holds the Application now, when the command is about one."""
        if command.scope is not PauseScope.APPLICATION:
            return []
        asked = {"app": command.target, "appNamespace": command.app_namespace}
        found = (await self._rest.get(f"{_OURS}/pauses", asked)).get("items") or []
        return [pause for tree in found if (pause := Pause.parse(Manifest(tree)))]

    async def _patch(self, app: AppKey, patch: JSON, kind: str) -> Done:
        body = {
            "patch": orjson.dumps(patch).decode(),
            "patchType": kind,
            "appNamespace": app.namespace,
        }
        return await self._send("PATCH", _one(app), app, {}, body)

    async def _send(
        self,
        method: str,
        path: str,
        app: AppKey,
        query: Asked,
        body: JSON = None,
    ) -> Done:
        asked = {"appNamespace": app.namespace, **query}
        return _done(await self._rest.send(method, path, asked, body))


def _sync(command: SyncApplication) -> Tree:
    body: Tree = {
        "revision": command.revision,
        "revisions": list(command.revisions),
        "dryRun": command.dry_run,
        "prune": command.prune,
        "strategy": {command.strategy: {"force": command.force}},
        "resources": _objects(command.resources),
        "infos": [{"name": name, "value": value} for name, value in command.info],
        "appNamespace": command.app.namespace,
    }
    if command.options is not None:
        body["syncOptions"] = {"items": list(command.options)}
    if command.retry is not None:
        body["retryStrategy"] = command.retry
    if command.manifests is not None:
        body["manifests"] = list(command.manifests)
    return body


def _objects(resources: Sequence[SelectedResource]) -> list[Tree]:
    return [
        {"group": one.group, "kind": one.kind, "namespace": one.namespace, "name": one.name}
        for one in resources
    ]


def _pause(command: PauseHealing) -> Tree:
    body: Tree = {
        "scope": command.scope.value,
        "target": command.target,
        "appNamespace": command.app_namespace,
        "reason": command.reason,
    }
    if command.until is None:
        body["untilResumed"] = True
    else:
        body["until"] = command.until.isoformat()
    if command.resource is not None:
        key = command.resource
        body["resource"] = {
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name
        }  # fmt: skip
    return body


def _told(tree: Tree) -> Done:
    """Read what a row of ours says of a command."""
    return Done(str(tree["outcome"]), tree.get("object"), tuple(tree.get("notes") or ()))


def _done(answered: Answered) -> Done:
    said, tree = answered.done, answered.tree or None
    if tree is None and said.get("isThere"):
        tree = {}
    notes = tuple(str(note) for note in said.get("notes") or ())
    return Done(str(said.get("outcome") or "updated"), tree, notes)
