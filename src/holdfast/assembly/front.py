"""The API and the page: everything they need, built and served.

They run in a process of their own beside the controller (`front_process`), so that neither a large
page nor two hundred streams can hold the heal lane (docs/internals/argocd/apply.md C1); `holdfast
serve` runs them alone, next to a controller elsewhere.
"""

import asyncio
import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from holdfast import __version__
from holdfast.api.live import LiveApplications
from holdfast.api.open_doors import OpenRoles, OpenSignIn
from holdfast.api.ports import ServerFacts, Services
from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.assembly.direct import direct_link
from holdfast.assembly.journal import OFF, open_journal
from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.errors import ClusterError
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What the API and the page are told at the start.

    Attributes:
        kubeconfig, context: As kubectl understands them.
        namespace: The control namespace.
        journal: DSN or path of the journal; `off` shows none.
        allow_local_repos: Folders below which local repositories may be read.
        auth_disabled: Nobody has to sign in; loopback only.
        is_secure: Whether TLS is on.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = "argocd"
    journal: str = ""
    allow_local_repos: tuple[str, ...] = ()
    auth_disabled: bool = False
    is_secure: bool = False


@asynccontextmanager
async def front_application(settings: FrontSettings) -> AsyncIterator[ASGIApp]:
    """Connect, read settings and Applications, and yield the ASGI application.

    Raises:
        ConfigurationError: there is no usable kubeconfig.
    """
    clock = SystemClock()
    access = find_access(settings.kubeconfig or None, settings.context)
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(clock))
        connection = await _connected(stack, settings, supervisor)
        link = await stack.enter_async_context(
            direct_link(connection, clock, settings.namespace, settings.allow_local_repos)
        )
        argo = ArgoSettings(connection, settings.namespace, supervisor)
        await argo.start()
        applications = LiveApplications(connection.watching, settings.namespace, link.feed)
        applications.start()
        await applications.wait_ready()
        facts = ServerFacts(
            control_namespace=settings.namespace,
            cluster_server=access.server,
            started_at=clock.now().timestamp(),
            is_secure=settings.is_secure,
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
            journal=open_journal(settings.journal) if settings.journal != OFF else None,
        )
        yield ApiServer(all_routes(), services, _front_page())


async def _connected(
    stack: AsyncExitStack, settings: FrontSettings, supervisor: Supervisor
) -> Connection:
    """Connect; a cluster that is away is waited for."""
    clock = SystemClock()
    while True:
        access = find_access(settings.kubeconfig or None, settings.context)
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


def _front_page() -> ASGIApp:
    return PlainTextResponse(f"Holdfast v{__version__}\n", 404)


async def serve_front(
    settings: FrontSettings, listener: socket.socket, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set."""
    import uvicorn  # noqa: PLC0415 - the command line must not pay for it

    async with front_application(settings) as application:
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        await asyncio.to_thread(config.load)
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        try:
            await stop.wait()
        finally:
            await server.shutdown(sockets=[listener])
