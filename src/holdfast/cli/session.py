"""What a command may touch: streams, environment, time, and a way to reach a cluster.

Everything that differs between a terminal and a test is in `Session`, so that a test gives fakes
for the two ports and reads back exactly what a person would see.
"""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from holdfast.assembly.chosen_server import ChosenServer

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.domain.commands import Commands
    from holdfast.domain.journal import JournalReader
    from holdfast.domain.ports import Clock
    from holdfast.domain.queries import Queries

DEFAULT_NAMESPACE = "argocd"
NAMESPACE_VARIABLE = "HOLDFAST_NAMESPACE"


@dataclass(frozen=True, slots=True)
class Target:
    """Which cluster and which control namespace a command is about.

    Attributes:
        kubeconfig: File given with `--kubeconfig`, or `""` for $KUBECONFIG, then in-cluster.
        context: Context given with `--kube-context`, or `""` for the current one.
        namespace: Where Applications and AppProjects live.
        server: The Holdfast server to go through, as far as it is named.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = DEFAULT_NAMESPACE
    server: ChosenServer = field(default_factory=ChosenServer)


class Link(Protocol):
    """An open way to a cluster."""

    @property
    def commands(self) -> "Commands":
        """Carries commands out."""
        ...

    @property
    def queries(self) -> "Queries":
        """Answers questions."""
        ...

    @property
    def clock(self) -> "Clock":
        """Time, for ages and time-outs."""
        ...


Connect = Callable[[Target], AbstractAsyncContextManager[Link]]
OpenJournal = Callable[[Target, str], AbstractAsyncContextManager["JournalReader"]]


@asynccontextmanager
async def _connect(target: Target) -> AsyncIterator[Link]:
    """Go through the server that is meant, or straight to the cluster."""
    import asyncio

    from holdfast.assembly.contexts import find_server

    server = await asyncio.to_thread(find_server, target.server, _environment())
    if server is not None:
        from holdfast.assembly.remote import open_remote

        async with open_remote(server) as remote:
            yield remote
        return
    from holdfast.assembly.direct import open_direct

    async with open_direct(
        kubeconfig=target.kubeconfig, context=target.context, namespace=target.namespace
    ) as link:
        yield link


@asynccontextmanager
async def _open_journal(target: Target, dsn: str) -> AsyncIterator["JournalReader"]:
    """Read the journal that is named, else that of the server that is meant, else the usual one."""
    import asyncio

    from holdfast.assembly.contexts import find_server

    server = None
    if not dsn:
        server = await asyncio.to_thread(find_server, target.server, _environment())
    if server is not None:
        from holdfast.assembly.remote_journal import remote_journal

        async with remote_journal(server) as journal:
            yield journal
        return
    from holdfast.assembly.journal import journal_of, open_journal

    if dsn:
        yield open_journal(dsn)
        return
    yield await asyncio.to_thread(journal_of, target.kubeconfig, target.context, target.namespace)


def _now() -> "datetime":
    from holdfast.kit.clock import SystemClock

    return SystemClock().now()


def _environment() -> Mapping[str, str]:
    import os

    return os.environ


@dataclass(slots=True)
class Session:
    """One run of the program."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    environ: Mapping[str, str] = field(default_factory=_environment)
    connect: Connect = _connect
    open_journal: OpenJournal = _open_journal
    now: Callable[[], "datetime"] = _now
