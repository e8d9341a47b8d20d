"""What is asked of repositories, credentials, trust, clusters and projects' details."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from holdfast.controller.requests.clusters import ClusterRequests
from holdfast.controller.requests.connection_states import ConnectionStates
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.project_tokens import ProjectTokens
from holdfast.controller.requests.repositories import RepositoryRequests
from holdfast.controller.requests.stored import SecretWrites
from holdfast.controller.requests.trusted_keys import TrustRequests
from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, ClusterReader, SystemWriter
from holdfast.domain.stored_settings import (
    AddProjectToken,
    AnySettingsCommand,
    AnySettingsQuery,
    CheckRepository,
    DeleteCluster,
    DeleteProjectToken,
    DeleteRepoCreds,
    DeleteRepository,
    DeleteTrustedKeys,
    GetWindowWeek,
    ListClusters,
    ListGlobalProjects,
    ListRepoCreds,
    ListRepositories,
    ListTrustedKeys,
    PutCluster,
    PutRepoCreds,
    PutRepository,
    PutTrustedKeys,
    StoredSettings,
)
from holdfast.healing.windows import parse_window, spans
from holdfast.kit import yamlio
from holdfast.planning.global_projects import parse_global_projects
from holdfast.planning.times import format_time

_SETTINGS = "argocd-cm"
_GLOBAL = "globalProjects"
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SettingsPorts:
    """What these requests need from outside; `stored` None reads no Secrets."""

    system: SystemWriter
    reader: ClusterReader
    stored: StoredSettings | None
    lookup: Lookup
    clock: Clock


class SettingsRequests:
    """Carries out and answers what is about settings."""

    def __init__(self, ports: SettingsPorts) -> None:
        """Keep the parts."""
        namespace = ports.lookup.control_namespace
        states = ConnectionStates(ports.clock)

        def writes(purpose: SystemWrite) -> SecretWrites:
            return SecretWrites(ports.system, ports.stored, namespace, purpose)

        self._reader, self._lookup = ports.reader, ports.lookup
        self._repositories = RepositoryRequests(writes(SystemWrite.REPOSITORY), states)
        self._clusters = ClusterRequests(writes(SystemWrite.CLUSTER), states, ports.reader)
        self._trust = TrustRequests(ports.system, ports.reader, ports.stored, namespace)
        self._tokens = ProjectTokens(ports.system, ports.lookup)

    async def carry_out(self, command: AnySettingsCommand) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        match command:
            case PutRepository() | DeleteRepository() | CheckRepository():
                return await self._repositories.carry_out(command)
            case PutRepoCreds() | DeleteRepoCreds():
                return await self._repositories.carry_out_creds(command)
            case PutTrustedKeys() | DeleteTrustedKeys():
                return await self._trust.carry_out(command)
            case PutCluster() | DeleteCluster():
                return await self._clusters.carry_out(command)
            case AddProjectToken() | DeleteProjectToken():
                return await self._tokens.carry_out(command)
            case _:
                assert_never(command)

    async def answer(self, query: AnySettingsQuery) -> JSON:
        """Answer, or raise a HoldfastError that says why not."""
        match query:
            case ListRepositories():
                return await self._repositories.list_all(query)
            case ListRepoCreds():
                return await self._repositories.list_creds()
            case ListTrustedKeys():
                return await self._trust.list_all()
            case ListClusters():
                return await self._clusters.list_all(query)
            case GetWindowWeek():
                return await self._week(query)
            case ListGlobalProjects():
                return await self._global_projects(query)
            case _:
                assert_never(query)

    async def _week(self, query: GetWindowWeek) -> list[Tree]:
        project = await self._lookup.project(query.project)
        start = datetime.fromisoformat(query.start)
        windows = (project.manifest.tree.get("spec") or {}).get("syncWindows") or []
        items = [item for item in windows if isinstance(item, dict)]
        # A window of each minute takes 50 ms: not on the loop.
        return await asyncio.to_thread(lambda: [_in_week(item, start) for item in items])

    async def _global_projects(self, query: ListGlobalProjects) -> list[Tree]:
        project = await self._lookup.project(query.project)
        namespace = self._lookup.control_namespace
        found = await self._reader.get(CONFIG_MAP, namespace, _SETTINGS)
        text = str((found.tree.get("data") or {}).get(_GLOBAL) or "") if found is not None else ""
        try:
            entries = parse_global_projects(yamlio.load_one(text) if text.strip() else None)
        except ValueError as error:
            raise ConfigurationError(
                "HF3009", f"{_GLOBAL} of {_SETTINGS} cannot be read: {error}", retry=Retry.NEVER
            ) from error
        trees = []
        for entry in entries:
            source = await self._lookup.find_project(entry.name)
            fits = all(item.holds(project.manifest) for item in entry.requirements)
            if source is not None and source.name != project.name and fits:
                trees.append(source.manifest.tree)
        return trees


def _in_week(item: Tree, start: datetime) -> Tree:
    try:
        window = parse_window(item)
    except ValueError as error:
        return {"window": item, "problem": str(error), "spans": []}
    found = spans(window, start, start + _WEEK)
    shown = [{"start": format_time(begin), "end": format_time(end)} for begin, end in found]
    return {"window": item, "problem": "", "spans": shown}
