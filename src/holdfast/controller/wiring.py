"""Puts the lanes together from ports. The one place that knows who needs whom."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.applying.write import ObjectWriting
from holdfast.config.settings import ControllerSettings
from holdfast.controller.comparing import Comparing
from holdfast.controller.definitions import Definitions
from holdfast.controller.deletion import Deletion, DeletionParts
from holdfast.controller.desired import DesiredStates
from holdfast.controller.drift_events import STORM, DriftEvents
from holdfast.controller.episodes import Episodes
from holdfast.controller.heal_lane import HealLane, HealReport, LaneRuntime
from holdfast.controller.hints import Hints
from holdfast.controller.namespaces import NamespaceKeeper
from holdfast.controller.objects import Objects
from holdfast.controller.observer import Observer
from holdfast.controller.operations import OperationParts, Operations
from holdfast.controller.permits import Permits
from holdfast.controller.state import ObjectState, Registry
from holdfast.controller.status_writer import StatusWriter
from holdfast.controller.sync_lane import SyncLane, SyncLaneParts
from holdfast.controller.tasks_runner import TaskPorts, TaskRunner
from holdfast.controller.watches import Watches
from holdfast.domain.events import EventRecorder, Listener
from holdfast.domain.identity import AppKey
from holdfast.domain.ports import (
    Clock,
    ClusterReader,
    ClusterWriter,
    HintStore,
    Kinds,
    Metrics,
    Renderer,
    Sealing,
    Sources,
    SystemWriter,
    Watching,
)
from holdfast.domain.selectors import parse_selector
from holdfast.kit.tasks import Supervisor
from holdfast.planning.tracking import Tracking


@dataclass(frozen=True, slots=True)
class ControllerPorts:
    """Everything outside that the controller talks to."""

    clock: Clock
    supervisor: Supervisor
    reader: ClusterReader
    writer: ClusterWriter
    system: SystemWriter
    kinds: Kinds
    sealing: Sealing
    watching: Watching
    sources: Sources
    renderer: Renderer
    recorder: EventRecorder
    metrics: Metrics
    rng: random.Random = field(default_factory=random.Random)
    listeners: tuple[Listener, ...] = ()
    hint_store: HintStore | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the lanes tell the controller.

    Attributes:
        object_changed: The sync or health of an object changed.
        healed: An object was healed.
        look_at_git: A round that asks the remote is wanted.
    """

    object_changed: Callable[[ObjectState], None]
    healed: Callable[[HealReport], None]
    look_at_git: Callable[[AppKey], None]


@dataclass(frozen=True, slots=True)
class Lanes:
    """Everything that works for the controller."""

    objects: Objects
    heal: HealLane
    observer: Observer
    watches: Watches
    status: StatusWriter
    desired: DesiredStates
    sync: SyncLane
    operations: Operations
    deletion: Deletion


def wire(
    ports: ControllerPorts, settings: ControllerSettings, registry: Registry, hooks: Hooks
) -> Lanes:
    """Build the lanes; nothing happens yet."""
    objects = Objects(registry, ports.kinds, Tracking())
    permits = Permits(registry, ports.kinds)
    writing = ObjectWriting(ports.reader, ports.writer)
    status = StatusWriter(
        registry, ports.system, ports.clock, settings, ports.recorder, ports.metrics
    )
    status.listeners = ports.listeners
    events = DriftEvents(
        registry, ports.clock, ports.supervisor, status, lambda: heal.at_work >= STORM
    )
    runtime = LaneRuntime(
        ports.clock,
        ports.supervisor,
        settings,
        hooks.object_changed,
        hooks.healed,
        Episodes(ports.clock, (*ports.listeners, events)),
        hooks.look_at_git,
    )
    heal = HealLane(registry, objects, writing, ports.reader, permits, runtime)
    observer = Observer(registry, objects, heal)
    observer.is_selected = parse_selector(settings.selector)
    watches = Watches(registry, ports.watching, ports.reader, ports.kinds, observer, settings)
    keeper = NamespaceKeeper(registry, ports.writer, permits, ports.supervisor)
    objects.ask_namespace = keeper.ask
    desired, comparing = _wire_comparison(ports, settings, objects)
    tasks = _task_ports(ports, settings, objects, heal, permits, writing)
    operation_parts = OperationParts(
        registry=registry,
        desired=desired,
        comparing=comparing,
        watches=watches,
        runner=TaskRunner(registry, tasks),
        permits=permits,
        namespaces=keeper,
        kinds=ports.kinds,
        status=status,
        clock=ports.clock,
        settings=settings,
        glance=lambda state: sync.glance(state),  # noqa: PLW0108 - it is made below
    )
    sync_parts = SyncLaneParts(
        registry=registry,
        objects=objects,
        desired=desired,
        watches=watches,
        comparing=comparing,
        lane=heal,
        status=status,
        kinds=ports.kinds,
        clock=ports.clock,
        metrics=ports.metrics,
        settings=settings,
        hints=Hints(ports.hint_store, desired, registry, ports.clock),
    )
    sync = SyncLane(sync_parts)
    deletion = DeletionParts(
        registry, objects, watches, permits, ports.writer, ports.system, status, ports.clock
    )
    return Lanes(
        objects=objects,
        heal=heal,
        observer=observer,
        watches=watches,
        status=status,
        desired=desired,
        sync=sync,
        operations=Operations(operation_parts),
        deletion=Deletion(deletion),
    )


def _wire_comparison(
    ports: ControllerPorts, settings: ControllerSettings, objects: Objects
) -> tuple[DesiredStates, Comparing]:
    """Build what reads git, and what compares objects with it."""
    desired = DesiredStates(
        ports.sources,
        ports.renderer,
        ports.kinds,
        ports.sealing,
        Definitions(ports.reader, ports.kinds),
        settings.control_namespace,
    )
    comparing = Comparing(
        objects,
        ports.reader,
        ports.writer,
        parallel=settings.sync.parallel_dry_runs,
        may_ask=not settings.observe,
    )
    return desired, comparing


def _task_ports(
    ports: ControllerPorts,
    settings: ControllerSettings,
    objects: Objects,
    heal: HealLane,
    permits: Permits,
    writing: ObjectWriting,
) -> TaskPorts:
    """Return what the tasks of an operation are carried out with."""
    return TaskPorts(
        writer=ports.writer,
        writing=writing,
        permits=permits,
        objects=objects,
        lane=heal,
        parallel=asyncio.Semaphore(settings.sync.parallel_writes),
        parallel_dry_runs=asyncio.Semaphore(settings.sync.parallel_dry_runs),
    )
