"""The controller as a process: connect, prepare, wait for the Lease, work, stop cleanly.

    connect ─▶ prepare (CRDs, namespace, project) ─▶ wait for the Lease ─▶ controller
                                                         ▲                    │
                                                         └──── lost ──────────┘

With `observe` there is no Lease, since that would be a write. After a lost Lease the connection,
the watches and everything that was known are built up anew: a controller that stopped half way
through must not go on from what it believed.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast import __version__
from holdfast.assembly.audit import AuditIntake, read_token
from holdfast.assembly.drift_metrics import DriftMetrics
from holdfast.assembly.front_counts import count_front
from holdfast.assembly.front_settings import FrontSettings
from holdfast.assembly.hint_file import HINTS, HintFile
from holdfast.assembly.journal import (
    default_journal,
    recent_episodes,
    source_name,
    unattributed_drifts,
    writing_journal,
)
from holdfast.assembly.listeners import (
    OFF,
    Certificate,
    build_application,
    listening,
    wants_own_tls,
)
from holdfast.assembly.notifications import BothRecorders, NotificationParts, Notifications
from holdfast.assembly.page_beside import page_beside
from holdfast.assembly.places import controller_data
from holdfast.assembly.repository_logins import RepositoryLogins
from holdfast.assembly.sign_in_link import tell_link
from holdfast.cluster.connection import Connection, Options, connect
from holdfast.cluster.kubeconfig import Access, find_access
from holdfast.cluster.lease import LeaseHolder, LeaseSettings, StableIdentity, claim_identity
from holdfast.config.settings import ControllerSettings
from holdfast.controller.controller import Controller, ControllerPorts
from holdfast.controller.lease_notes import (
    JOURNAL_ANNOTATION,
    NOTIFICATIONS_ANNOTATION,
    WATCH_LAG_ANNOTATION,
)
from holdfast.controller.startup import StartPorts, StartSettings, prepare
from holdfast.domain.application import IN_CLUSTER_NAME, Application
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.identity import AppKey
from holdfast.domain.pause import PauseScope
from holdfast.domain.ports import Clock, Metrics
from holdfast.journal.writer import JournalWriter
from holdfast.kit.clock import SystemClock
from holdfast.kit.garbage import return_memory, shorten_collections
from holdfast.kit.tasks import Supervisor
from holdfast.metrics.registry import PrometheusMetrics
from holdfast.notices.messages import Origin
from holdfast.renderers.dispatch import Renderers
from holdfast.sources.git import GitSources
from holdfast.sources.trust import Trust, default_known_hosts

if TYPE_CHECKING:
    from holdfast.domain.events import Listener

log = logging.getLogger(__name__)

Say = Callable[[str], None]
_SILENT_S = 150.0
_AGAIN_S = 1.0
_TELL_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The options of `holdfast run`.

    Attributes:
        kubeconfig, context: As kubectl understands them; `""` for its defaults.
        namespace: The control namespace.
        listen, metrics_listen: `HOST:PORT`, or `off`.
        allow_local_repos: Folders below which local repositories may be read.
        observe: Compare and report, write nothing.
        take_over: Start although Argo CD's application controller runs.
        selector: Only Applications with these labels.
        data: Folder for identity and copies of repositories; None chooses one by cluster.
        journal: DSN or path; `""` is `journal.db` in the data folder if one was given, else in
            the state folder of this account; `off` keeps none.
        audit_token_file: Holds the token of kube-apiserver's audit webhook; `""` takes none.
        tls: For `listen`; None is plain HTTP.
        auth_disabled: Nobody has to sign in; loopback only.
        insecure: Plain HTTP even where others reach `listen`.
        given: Keys of `argocd-cmd-params-cm` that flags give.
        sign_in_code, sign_in_until: Of a one-time link, and the Unix time at which it ends.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = "argocd"
    listen: str = "127.0.0.1:8080"
    metrics_listen: str = "127.0.0.1:8082"
    allow_local_repos: tuple[str, ...] = ()
    observe: bool = False
    take_over: bool = False
    selector: str = ""
    data: Path | None = None
    journal: str = ""
    audit_token_file: str = ""
    tls: Certificate | None = None
    auth_disabled: bool = False
    insecure: bool = False
    given: tuple[tuple[str, str], ...] = ()
    sign_in_code: str = ""
    sign_in_until: float = 0.0


@dataclass(slots=True)
class Running:
    """What the process knows of itself, for health checks and metrics.

    Attributes:
        leads: Whether it holds the Lease (or only observes).
        started: Set once a controller works, or another process is known to lead.
        address: Where the page is served, `""` when it is not.
    """

    leads: bool = False
    controller: Controller | None = None
    connection: Connection | None = None
    version: str = ""
    journal: JournalWriter | None = None
    journal_told: dict[str, int] = field(default_factory=dict)
    audit: AuditIntake | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    address: str = ""


class _LeaseLostError(Exception):
    """Somebody else may lead now; everything is built up anew."""


async def run_controller(
    settings: RunSettings, stop: asyncio.Event, say: Say, running: Running | None = None
) -> None:
    """Run until `stop` is set.

    Args:
        settings: The options.
        stop: Ends it.
        say: Told in sentences what a person should know.
        running: Filled on the way.

    Raises:
        HoldfastError: it cannot start. Once it has started, it goes on for ever.
    """
    running = running or Running()
    access = find_access(settings.kubeconfig or None, settings.context)
    data = settings.data or controller_data(access.server, settings.namespace)
    async with AsyncExitStack() as stack:
        identity = _identity(data, say)
        stack.callback(identity.release)
        dsn = settings.journal or default_journal(settings.data)
        source = source_name(access.server, settings.namespace, observes=settings.observe)
        running.journal = await stack.enter_async_context(
            writing_journal(dsn, source, SystemClock())
        )
        running.audit = _audit(settings, running.journal)
        metrics = await _open_listeners(stack, settings, access, running)
        life = _Life(settings, access, data, identity, metrics, running, say)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(life.go_on())
            stopped = group.create_task(stop.wait())
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            stopped.cancel()


@dataclass(slots=True)
class _Life:
    """One connection after the other, for as long as the process lives."""

    settings: RunSettings
    access: Access
    data: Path
    identity: StableIdentity
    metrics: PrometheusMetrics
    running: Running
    say: Say
    clock: Clock = field(default_factory=SystemClock)

    async def go_on(self) -> None:
        """Work; after a lost Lease or a cluster that went away, begin again."""
        has_worked = False
        while True:
            try:
                await self._work()
            except* _LeaseLostError:
                has_worked = True
                self.say("the lease was lost; waiting for it again")
            except* ClusterError as errors:
                if not (has_worked or self.running.started.is_set()):
                    raise
                has_worked = True
                log.warning("starting again: %s", _first(errors))
            await self.clock.sleep(_AGAIN_S)

    async def _work(self) -> None:
        settings = self.settings
        async with AsyncExitStack() as stack:
            supervisor = await stack.enter_async_context(Supervisor(self.clock))
            connection = await connect(
                self.access,
                clock=self.clock,
                supervisor=supervisor,
                rng=random.Random(),  # noqa: S311 - jitter
                options=Options(observe=settings.observe),
            )
            stack.push_async_callback(connection.close)
            self.running.connection = connection
            self.running.version = await connection.reader.server_version()
            start_settings = StartSettings(settings.namespace, settings.observe, settings.take_over)
            start_ports = StartPorts(
                connection.reader, connection.system, connection.kinds, self.clock
            )
            await prepare(start_ports, start_settings, self.say)
            await connection.settle_installation_key(settings.namespace)
            parts = _Parts(
                settings,
                connection,
                supervisor,
                self.clock,
                self.metrics,
                self.data,
                self.running.journal,
                self._notifications(connection, supervisor),
                self.running.audit,
            )
            stack.push_async_callback(parts.notifications.stop)
            audit = self.running.audit
            if audit is not None:
                await audit.connect(connection.reader, connection.kinds)
                if parts.journal is not None:
                    audit.recall(await unattributed_drifts(parts.journal, self.clock))
                supervisor.spawn("audit", audit.settle)
            ports = await _ports(stack, parts)
            self.say(
                f"Holdfast v{__version__} on {self.access.server} ({self.running.version}), "
                f"namespace {settings.namespace}"
            )
            await _Leadership(ports, parts, self.identity, self.running, self.say).run()

    def _notifications(self, connection: Connection, supervisor: Supervisor) -> Notifications:
        def find_app(key: AppKey) -> Application | None:
            controller = self.running.controller
            state = controller.registry.apps.get(key) if controller is not None else None
            return state.application if state is not None else None

        return Notifications(
            NotificationParts(
                connection,
                supervisor,
                self.clock,
                self.metrics,
                Origin(self.access.server, self.settings.namespace),
                find_app,
                may_write=lambda: self.running.leads and not self.settings.observe,
            )
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the ports are made of."""

    settings: RunSettings
    connection: Connection
    supervisor: Supervisor
    clock: Clock
    metrics: Metrics
    data: Path
    journal: JournalWriter | None
    notifications: Notifications
    audit: AuditIntake | None


async def _ports(stack: AsyncExitStack, parts: _Parts) -> ControllerPorts:
    connection, clock = parts.connection, parts.clock
    trust = Trust(str(parts.data / "trust"), default_known_hosts())
    logins = RepositoryLogins(connection, parts.settings.namespace, trust)
    await logins.start(parts.supervisor, shares_config_maps=True)
    sources = GitSources(
        str(parts.data / "repositories"),
        parts.settings.allow_local_repos,
        clock,
        logins.credentials,
    )
    stack.push_async_callback(sources.close)
    parts.supervisor.once("git", sources.warm())
    renderer = Renderers(clock, scratch_dir=str(parts.data / "renders"))
    stack.push_async_callback(renderer.stop)
    await renderer.start()
    recorder = connection.events()
    parts.supervisor.spawn("events", recorder.run)
    parts.supervisor.spawn("memory", lambda: return_memory(clock))
    listeners: tuple[Listener, ...] = (DriftMetrics(parts.metrics), parts.notifications.teller)
    for last in (parts.journal, parts.audit.attribution if parts.audit is not None else None):
        listeners = (*listeners, last) if last is not None else listeners
    parts.notifications.start()
    return ControllerPorts(
        clock=clock,
        supervisor=parts.supervisor,
        reader=connection.reader,
        writer=connection.writer,
        system=connection.system,
        kinds=connection.kinds,
        sealing=connection.sealing,
        watching=parts.notifications.watching(logins),
        sources=sources,
        renderer=renderer,
        recorder=BothRecorders(recorder, parts.notifications.teller),
        metrics=parts.metrics,
        listeners=listeners,
        hint_store=None if parts.settings.observe else HintFile(parts.data / HINTS),
    )


class _Leadership:
    """Runs a controller for as long as this process holds the Lease."""

    def __init__(
        self,
        ports: ControllerPorts,
        parts: _Parts,
        identity: StableIdentity,
        running: Running,
        say: Say,
    ) -> None:
        self._ports = ports
        self._parts = parts
        self._settings = parts.settings
        self._identity = identity
        self._running = running
        self._say = say
        self._gained = asyncio.Event()
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Wait for the Lease, then control.

        Raises:
            _LeaseLostError: the Lease was lost.
        """
        if self._settings.observe:
            self._say("observing: nothing is written")
            scheme = "https" if self._settings.tls is not None else "http"
            tell_link(self._running.address, self._settings.sign_in_code, self._say, scheme=scheme)
            self._running.leads = True
            await self._control()
            return
        lease = self._lease()
        async with asyncio.TaskGroup() as group:
            holding = group.create_task(lease.run())
            try:
                await self._wait_for_lease(lease)
                self._say(f"leading as {self._identity.name}")
                work = group.create_task(self._control())
                await self._lost.wait()
                work.cancel()
                raise _LeaseLostError
            finally:
                self._running.leads = False
                holding.cancel()
                await asyncio.wait({holding})
                await lease.release()

    def _lease(self) -> LeaseHolder:
        settings = LeaseSettings(
            self._settings.namespace,
            self._identity.name,
            gained=self._gained.set,
            lost=self._lost.set,
            notes=self._notes,
        )
        connection = self._parts.connection
        return LeaseHolder(
            connection.calls, connection.system, self._ports.clock, self._ports.rng, settings
        )

    def _notes(self) -> dict[str, str]:
        """What `holdfast status` reads in the Lease; it costs no request of its own."""
        return {
            WATCH_LAG_ANNOTATION: f"{self._ports.watching.lag_s():.1f} s",
            NOTIFICATIONS_ANNOTATION: self._parts.notifications.note(),
            JOURNAL_ANNOTATION: self._parts.journal.note() if self._parts.journal else "off",
        }

    async def _wait_for_lease(self, lease: LeaseHolder) -> None:
        try:
            async with asyncio.timeout(_TELL_AFTER_S):
                await self._gained.wait()
        except TimeoutError:
            self._say(f"waiting for the lease: {lease.holder or 'another process'} leads")
            self._running.started.set()
            await self._gained.wait()
        self._running.leads = True

    async def _control(self) -> None:
        settings = ControllerSettings(
            control_namespace=self._settings.namespace,
            selector=self._settings.selector,
            observe=self._settings.observe,
            identity=self._identity.name,
        )
        controller = Controller(self._ports, settings)
        shorten_collections()
        journal = self._running.journal
        if journal is not None:
            controller.lane.recall(await recent_episodes(journal, self._ports.clock))
            journal.resume()
        self._running.controller = controller
        self._running.started.set()
        try:
            await controller.run()
        finally:
            self._running.controller = None


def _identity(data: Path, say: Say) -> StableIdentity:
    try:
        return claim_identity(data, os.environ)
    except ConfigurationError as error:
        if error.code != "HF3007":
            raise
        # A second process for the same cluster on one machine: it waits for the Lease as a
        # stranger would.
        say(f"another process uses {data}; this one waits under a name of its own")
        return claim_identity(None, {})


def _audit(settings: RunSettings, journal: JournalWriter | None) -> AuditIntake | None:
    if not settings.audit_token_file:
        return None
    if journal is None or settings.listen in OFF:
        raise ConfigurationError(
            "HF3009",
            "--audit-token-file needs a journal and --listen: there it comes in, and is kept",
            hint="leave --journal off and --listen off out, or leave --audit-token-file out",
        )
    return AuditIntake(read_token(settings.audit_token_file), journal, SystemClock())


async def _open_listeners(
    stack: AsyncExitStack, settings: RunSettings, access: Access, running: Running
) -> PrometheusMetrics:
    metrics = PrometheusMetrics()
    metrics.before_scrape(lambda: _refresh(metrics, access.server, running))

    def is_ready() -> bool:
        return running.leads and running.controller is not None

    audit = (running.audit.route(),) if running.audit is not None else ()
    # The page's process reads the numbers here; it hands nobody on to them.
    own = build_application(is_ready, metrics, audit)
    front = FrontSettings(
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        namespace=settings.namespace,
        journal=settings.journal or default_journal(settings.data),
        journal_source=source_name(access.server, settings.namespace, observes=settings.observe),
        allow_local_repos=settings.allow_local_repos,
        auth_disabled=settings.auth_disabled,
        observes=settings.observe,
        given=settings.given,
        sign_in_code=settings.sign_in_code,
        sign_in_until=settings.sign_in_until,
        tls=(settings.tls.chain, settings.tls.key) if settings.tls is not None else (),
        makes_tls=wants_own_tls(
            settings.listen, has_files=settings.tls is not None, insecure=settings.insecure
        ),
    )
    running.address = await stack.enter_async_context(
        page_beside(front, settings.listen, own, running.started, count_front(metrics))
    )
    shown = build_application(is_ready, metrics)
    scraped = await stack.enter_async_context(
        listening(shown, settings.metrics_listen, "--metrics-listen")
    )
    log.info("listening address=%s metrics=%s", running.address or "off", scraped or "off")
    return metrics


def _refresh(metrics: PrometheusMetrics, server: str, running: Running) -> None:
    """Read what is only known when somebody looks."""
    metrics.set_gauge("holdfast_leader", float(running.leads))
    _refresh_journal(metrics, running)
    connection, version = running.connection, running.version
    if connection is None:
        return
    lag = connection.watching.lag_s()
    controller = running.controller
    objects = len(controller.registry.objects) if controller is not None else 0
    waiting = controller.queue_length if controller is not None else 0
    metrics.set_gauge("holdfast_queue_length", waiting)
    pauses = (controller.registry.pauses if controller is not None else None) or {}
    now = SystemClock().now()
    for scope in PauseScope:
        held = sum(pause.scope is scope and pause.is_active(now) for pause in pauses.values())
        metrics.set_gauge("holdfast_paused", held, scope=scope.value.lower())
    kinds = len(connection.kinds.all())
    metrics.set_gauge("holdfast_watch_lag_seconds", lag)
    metrics.set_gauge("argocd_cluster_cache_age_seconds", lag, server=server)
    metrics.set_gauge("argocd_cluster_api_resource_objects", objects, server=server)
    metrics.set_gauge("argocd_cluster_api_resources", kinds, server=server)
    metrics.set_gauge(
        "argocd_cluster_info", 1, server=server, k8s_version=version, name=IN_CLUSTER_NAME
    )
    # A watch hears something each minute (bookmarks); twice that without a word is trouble.
    alive = float(lag < _SILENT_S)
    metrics.set_gauge("argocd_cluster_connection_status", alive, server=server, k8s_version=version)


def _refresh_journal(metrics: PrometheusMetrics, running: Running) -> None:
    """Bring the counters up to what the writer has counted."""
    journal = running.journal
    if journal is None:
        return
    counts = {"written": journal.written, "dropped": journal.dropped}
    for outcome, count in counts.items():
        told = running.journal_told.get(outcome, 0)
        metrics.increment("holdfast_journal_rows_total", count - told, outcome=outcome)
    running.journal_told.update(counts)


def _first(errors: BaseExceptionGroup[ClusterError]) -> str:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
