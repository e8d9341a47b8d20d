"""The API and the page: everything they need, built and served.

They run in a process of their own beside the controller (`front_process`), so that neither a large
page nor two hundred streams can hold the heal lane (docs/internals/argocd/apply.md C1); `holdfast
serve` runs them alone, next to a controller elsewhere.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.api.access.projects import ProjectRoles
from holdfast.api.live import LiveApplications
from holdfast.api.news import News, Tell, tell_nobody
from holdfast.api.open_doors import OpenRoles, OpenSignIn
from holdfast.api.page.live import Live
from holdfast.api.page.look import Look
from holdfast.api.page.server import Page
from holdfast.api.ports import ServerFacts, Services
from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.assembly.controller_numbers import ControllerNumbers
from holdfast.assembly.direct import direct_link
from holdfast.assembly.forwarding import Forwarding
from holdfast.assembly.front_follow import bordered, follow_door, follow_limits
from holdfast.assembly.front_settings import FrontSettings
from holdfast.assembly.front_tls import file_context, keep_certificate, new_context
from holdfast.assembly.journal import OFF, journal_of, open_journal
from holdfast.assembly.listeners import serving
from holdfast.assembly.sign_in import sign_in_running
from holdfast.assembly.tls_door import HttpsOnly
from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.errors import ClusterError
from holdfast.journal.reading import Journal
from holdfast.kit.clock import SystemClock
from holdfast.kit.garbage import return_memory
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

_AGAIN_S = 1.0
_PATIENCE_S = 10.0  # about as long as a person or a load balancer waits for a page

_OWN_HEALTH = frozenset({"/healthz", "/readyz"})

CONTROLLERS_OWN = frozenset({"/readyz", "/audit"})
"""Paths that the controller answers itself, wherever the page is served."""


@asynccontextmanager
async def front_application(
    settings: FrontSettings,
    context: ssl.SSLContext | None = None,
    tell: Tell = tell_nobody,
    door: HttpsOnly | None = None,
) -> AsyncIterator[ASGIApp]:
    """Connect, read settings and Applications, and yield the ASGI application.

    Args:
        settings: What is served.
        context: Of TLS: is given the limits of the settings, and where TLS comes without files
            the certificate of the control namespace.
        tell: Told of what is counted.
        door: Told whether plain HTTP passes.

    Raises:
        ConfigurationError: there is no usable kubeconfig.
    """
    clock = SystemClock()
    access = await asyncio.to_thread(find_access, settings.kubeconfig or None, settings.context)
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(clock))
        connection = await _connected(stack, settings, supervisor)
        link = await stack.enter_async_context(
            direct_link(connection, clock, settings.namespace, settings.allow_local_repos)
        )
        argo = ArgoSettings(
            connection,
            settings.namespace,
            supervisor,
            observes=settings.observes,
            given=dict(settings.given),
        )
        await argo.start()
        if context is not None:
            follow_limits(context, argo)
            if settings.makes_tls:
                await keep_certificate(context, argo, clock, supervisor)
        if door is not None:
            # Files that were given say that TLS is wanted, whatever the ConfigMap says.
            follow_door(door, argo, may_be_plain=settings.makes_tls)
        projects = ProjectRoles()
        applications = LiveApplications(
            connection.watching, settings.namespace, link.feed, projects
        )
        applications.start()
        await applications.wait_ready()
        facts = ServerFacts(
            control_namespace=settings.namespace,
            cluster_server=access.server,
            started_at=clock.now().timestamp(),
            auth_disabled=settings.auth_disabled,
        )
        services = Services(
            commands=link.commands,
            queries=link.queries,
            applications=applications,
            sign_in=OpenSignIn(),
            roles=OpenRoles(),
            settings=argo,
            clock=clock,
            facts=facts,
            journal=await asyncio.to_thread(_journal, settings),
            news=News(tell),
            health=_health(settings),
        )
        if not settings.auth_disabled:
            services = await _guard(stack, settings, services, argo, projects, supervisor)
        live = Live(services)
        supervisor.spawn("page-live", live.run)
        supervisor.spawn("memory", lambda: return_memory(clock))
        # Compiling the templates takes 0.2 s: not on the loop.
        page = Page(services, live, await asyncio.to_thread(Look))
        yield bordered(ApiServer(all_routes(), services, page), argo)


def _journal(settings: FrontSettings) -> Journal | None:
    if settings.journal == OFF:
        return None
    if settings.journal:
        return open_journal(settings.journal, settings.journal_source)
    return journal_of(settings.kubeconfig, settings.context, settings.namespace)


def _health(settings: FrontSettings) -> ControllerNumbers | None:
    if not settings.controller_socket:
        return None
    return ControllerNumbers(settings.controller_socket, settings.journal)


async def _guard(
    stack: AsyncExitStack,
    settings: FrontSettings,
    services: Services,
    argo: ArgoSettings,
    projects: ProjectRoles,
    supervisor: Supervisor,
) -> Services:
    """Return the services with sign-in and roles in front of them."""
    doors = await stack.enter_async_context(
        sign_in_running(
            argo,
            projects,
            services.news,
            supervisor,
            services.clock,
        )
    )
    if settings.sign_in_code:
        doors.links.offer(settings.sign_in_code, settings.sign_in_until)
    return replace(
        services,
        sign_in=doors.sessions,
        roles=doors.roles,
        accounts=doors.accounts,
        sessions=doors.sessions,
        provider=doors.provider,
    )


async def _connected(
    stack: AsyncExitStack, settings: FrontSettings, supervisor: Supervisor
) -> Connection:
    """Connect; a cluster that is away is waited for."""
    clock = SystemClock()
    while True:
        access = await asyncio.to_thread(find_access, settings.kubeconfig or None, settings.context)
        try:
            connection = await connect(
                access, clock=clock, supervisor=supervisor, rng=random.Random()  # noqa: S311 - jitter
            )  # fmt: skip
        except ClusterError as error:
            log.warning("the cluster is not there yet: %s", error.describe())
            await clock.sleep(_AGAIN_S)
            continue
        stack.push_async_callback(connection.close)
        return connection


class _Gate:
    """Lets questions wait until the application behind it is built, but not for long."""

    def __init__(self) -> None:
        self._application: ASGIApp | None = None
        self._opened = asyncio.Event()

    def open(self, application: ASGIApp) -> None:
        """Let everybody through."""
        self._application = application
        self._opened.set()

    def close(self) -> None:
        """Let nobody through any more."""
        self._application = None
        self._opened.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if (path := scope["path"]) in _OWN_HEALTH and scope["method"] in ("GET", "HEAD"):
            is_well = self._opened.is_set() or path == "/healthz"
            words, status = ("ok", 200) if is_well else ("starting", 503)
            await PlainTextResponse(words, status)(scope, receive, send)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._opened.wait()
        if self._application is not None:
            await self._application(scope, receive, send)
            return
        headers = {"Retry-After": "1"}
        words = "Holdfast is starting: the cluster has not been read yet\n"
        await PlainTextResponse(words, 503, headers)(scope, receive, send)


async def serve_front(
    settings: FrontSettings,
    listener: socket.socket,
    stop: asyncio.Event,
    tell: Tell = tell_nobody,
) -> None:
    """Serve until `stop` is set; what only the controller can answer is handed on to it."""
    gate = _Gate()
    outer: ASGIApp = gate
    if settings.controller_socket:
        outer = Forwarding(gate, settings.controller_socket, CONTROLLERS_OWN)
    context = None
    if settings.is_secure:
        context = (
            await file_context(*settings.tls)
            if settings.tls
            else await new_context(settings.namespace, SystemClock())
        )
    door = HttpsOnly(outer) if settings.is_secure else None
    async with (
        serving(door or outer, listener, context=context),
        asyncio.TaskGroup() as group,
    ):
        work = group.create_task(_fill(gate, settings, context, tell, door))
        await stop.wait()
        work.cancel()


async def _fill(
    gate: _Gate,
    settings: FrontSettings,
    context: ssl.SSLContext | None,
    tell: Tell,
    door: HttpsOnly | None,
) -> None:
    async with front_application(settings, context, tell, door) as application:
        gate.open(application)
        try:
            await asyncio.Event().wait()
        finally:
            gate.close()
