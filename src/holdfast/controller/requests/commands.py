"""`DirectCommands`: the port `Commands`, straight against the cluster."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import assert_never

from holdfast.controller.requests.adopting import Adopting, AdoptionPorts
from holdfast.controller.requests.applications import ApplicationWrites
from holdfast.controller.requests.feed import ApplicationFeed
from holdfast.controller.requests.handing_over import HandingOver
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.notifying import Notifying
from holdfast.controller.requests.pauses import PauseWrites
from holdfast.controller.requests.projects import ProjectWrites
from holdfast.controller.requests.refreshing import Refreshing
from holdfast.controller.requests.rendering import Rendering
from holdfast.controller.requests.resources import ResourceReads, ResourceWrites
from holdfast.controller.requests.running import OperationWrites
from holdfast.controller.requests.settings import SettingsPorts, SettingsRequests
from holdfast.controller.requests.specs import SpecChecks
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
from holdfast.domain.ports import (
    Clock,
    ClusterReader,
    Kinds,
    Renderer,
    RequestWriter,
    Sealing,
    Sources,
    SystemWriter,
    Watching,
)
from holdfast.domain.stored_settings import AnySettingsCommand, StoredSettings


async def _nobody() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class RequestPorts:
    """Everything that requests need from outside.

    Attributes:
        control_namespace: Where projects and the controller live.
        server: Address of the cluster, for people.
        adoption: For taking drift into git; None where that is not offered.
        whoami: Asks the API server for our user name there.
        stored: Reads repository and cluster Secrets; None where that is not offered.
    """

    reader: ClusterReader
    writer: RequestWriter
    system: SystemWriter
    kinds: Kinds
    watching: Watching
    sealing: Sealing
    sources: Sources
    renderer: Renderer
    clock: Clock
    control_namespace: str
    server: str = ""
    whoami: Callable[[], Awaitable[str]] = _nobody
    adoption: AdoptionPorts | None = None
    stored: StoredSettings | None = None

    @property
    def settings(self) -> SettingsRequests:
        """Repositories, clusters and the like."""
        return SettingsRequests(
            SettingsPorts(self.system, self.reader, self.stored, self.lookup, self.clock)
        )

    @property
    def lookup(self) -> Lookup:
        """Reads Applications and projects."""
        return Lookup(self.reader, self.kinds, self.control_namespace)

    @property
    def rendering(self) -> Rendering:
        """Renders Applications."""
        return Rendering(
            self.sources, self.renderer, self.kinds, self.sealing, self.control_namespace
        )

    @property
    def adopting(self) -> Adopting:
        """Takes drift into git."""
        rendering = self.rendering
        managed = ManagedObjects(self.reader, self.writer, self.kinds, rendering)
        return Adopting(self.lookup, rendering, self.sources, self.writer, managed, self.adoption)


class DirectCommands:
    """Writes what `argocd --core` would write."""

    def __init__(self, ports: RequestPorts, feed: ApplicationFeed) -> None:
        """Keep the ports; `feed` is shared with the queries."""
        lookup, rendering = ports.lookup, ports.rendering
        checks = SpecChecks(lookup, rendering)
        self._applications = ApplicationWrites(ports.system, lookup, checks, ports.clock)
        self._operations = OperationWrites(ports.system, lookup, rendering, ports.clock)
        self._settings = ports.settings
        self._projects = ProjectWrites(ports.system, ports.reader, lookup)
        self._adopting = ports.adopting
        self._handing_over = HandingOver(
            lookup, ports.reader, ports.writer, ports.kinds, rendering, ports.clock
        )
        self._notifying = Notifying(
            ports.reader, ports.system, ports.clock, ports.control_namespace
        )
        self._refreshing = Refreshing(ports.system, lookup, feed, ports.clock)
        managed = ManagedObjects(ports.reader, ports.writer, ports.kinds, rendering)
        reads = ResourceReads(ports.reader, ports.kinds, managed)
        self._resources = ResourceWrites(lookup, reads, ports.writer, ports.system, ports.clock)
        self._pauses = PauseWrites(ports.system, ports.reader, lookup, ports.clock, ports.whoami)

    async def carry_out(self, command: Command, who: str) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        if isinstance(command, AnySettingsCommand):
            return await self._settings.carry_out(command)
        match command:
            case SyncApplication() | RollBackApplication() | TerminateOperation():
                done = await self._operations.carry_out(command, who)
                notes = await self._pauses.notes_on(command.app)
                return replace(done, notes=(*done.notes, *notes))
            case PauseHealing() | ResumeHealing():
                return await self._pauses.carry_out(command, who)
            case PatchResource() | DeleteResource() | RunAction():
                return await self._resources.carry_out(command)
            case (
                AdoptDrift()
                | HandOver()
                | RefreshApplication()
                | SendTestMessage()
                | CreateProject()
                | UpdateProject()
                | DeleteProject()
            ):
                return await self._at_work(command)
            case (
                CreateApplication()
                | UpdateApplication()
                | UpdateSpec()
                | PatchApplication()
                | DeleteApplication()
                | ConfirmDeletion()
            ):
                return await self._applications.carry_out(command)
            case _:
                assert_never(command)

    async def _at_work(
        self,
        command: AdoptDrift
        | HandOver
        | RefreshApplication
        | SendTestMessage
        | CreateProject
        | UpdateProject
        | DeleteProject,
    ) -> Done:
        match command:
            case AdoptDrift():
                return await self._adopting.carry_out(command)
            case HandOver():
                return await self._handing_over.carry_out(command)
            case RefreshApplication():
                return await self._refreshing.refresh(command)
            case SendTestMessage():
                return await self._notifying.test(command)
            case CreateProject() | UpdateProject() | DeleteProject():
                return await self._projects.carry_out(command)
            case _:
                assert_never(command)
