"""A way from the command line straight to the cluster of a kubeconfig."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from holdfast.assembly.command_logins import CommandLogins
from holdfast.assembly.labelled_secrets import LabelledSecrets
from holdfast.assembly.lazy import LazyChecks, LazyCommits, LazyRenderer, LazySources
from holdfast.assembly.places import cache_home
from holdfast.assembly.pod_logs import PodLogReader
from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.controller.requests.adopting import AdoptionPorts
from holdfast.controller.requests.commands import DirectCommands, RequestPorts
from holdfast.controller.requests.feed import ApplicationFeed
from holdfast.controller.requests.queries import DirectQueries
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from holdfast.renderers.copies import CheckoutCopies


@dataclass(frozen=True, slots=True)
class Direct:
    """An open way: what `cli.session.Link` asks for."""

    commands: DirectCommands
    queries: DirectQueries
    clock: SystemClock
    feed: ApplicationFeed


@asynccontextmanager
async def open_direct(
    kubeconfig: str = "", context: str = "", namespace: str = "argocd"
) -> AsyncIterator[Direct]:
    """Reach a cluster as kubectl would, for the time of one command.

    Args:
        kubeconfig: File, or `""` for $KUBECONFIG, ~/.kube/config, the pod's own account.
        context: Context of the kubeconfig, or `""` for the current one.
        namespace: The control namespace.

    Raises:
        ConfigurationError: HF3001, there is no usable kubeconfig.
        ClusterError: the cluster cannot be reached.
    """
    clock = SystemClock()
    access = find_access(kubeconfig or None, context)
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(clock))
        connection = await connect(
            access, clock=clock, supervisor=supervisor, rng=random.Random()  # noqa: S311 - jitter
        )  # fmt: skip
        stack.push_async_callback(connection.close)
        yield await stack.enter_async_context(direct_link(connection, clock, namespace))


@asynccontextmanager
async def direct_link(
    connection: Connection, clock: SystemClock, namespace: str, roots: tuple[str, ...] = ("/",)
) -> AsyncIterator[Direct]:
    """Carry out and answer over a connection that is open.

    Args:
        connection: The cluster.
        clock: Time.
        namespace: The control namespace.
        roots: Folders below which local repositories may be read.
    """
    async with AsyncExitStack() as stack:
        logins = CommandLogins(connection, namespace, clock)
        sources, renderer = LazySources(clock, logins, roots), LazyRenderer(clock)
        checks = LazyChecks(clock, logins, roots)
        stack.push_async_callback(checks.close)
        stack.push_async_callback(sources.close)
        stack.push_async_callback(renderer.close)

        async def whoami() -> str:
            return (await connection.reader.whoami()).user

        copies = CheckoutCopies(str(cache_home() / "repositories" / "copies"))
        stack.push_async_callback(copies.close)
        ports = RequestPorts(
            reader=connection.reader,
            writer=connection.writer,
            system=connection.system,
            kinds=connection.kinds,
            watching=connection.watching,
            sealing=connection.sealing,
            sources=sources,
            renderer=renderer,
            clock=clock,
            control_namespace=namespace,
            server=connection.access.server,
            adoption=AdoptionPorts(renderer, copies, LazyCommits(clock, logins)),
            whoami=whoami,
            stored=LabelledSecrets(connection, namespace, checks, logins),
        )
        feed = ApplicationFeed(connection.watching)
        yield Direct(
            DirectCommands(ports, feed),
            DirectQueries(ports, feed, PodLogReader(connection, clock)),
            clock,
            feed,
        )
