"""The page beside the controller: the port, the child that answers on it, and the way back.

    browser ─▶ --listen ─▶ child (API and page) ─▶ /readyz, /audit ─▶ Unix socket ─▶ controller

The port is opened here, so that a wrong address is an error at the start; it stays open while a
child that died is replaced, and whoever asks meanwhile waits instead of being refused. The first
child starts when the controller works: it takes a second of CPU that `ready` must not wait for.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.types import ASGIApp

from holdfast.assembly.forwarding import inner_socket
from holdfast.assembly.front_counts import Tell, tell_nobody
from holdfast.assembly.front_process import FrontProcess
from holdfast.assembly.front_settings import FrontSettings
from holdfast.assembly.listeners import (
    OFF,
    demand_loopback,
    open_listener,
    parse_address,
    serving,
)
from holdfast.kit.backoff import Backoff
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0


@asynccontextmanager
async def page_beside(
    settings: FrontSettings,
    listen: str,
    own: ASGIApp,
    begin: asyncio.Event,
    tell: Tell = tell_nobody,
) -> AsyncIterator[str]:
    """Serve the API and the page from a child while the block runs; yield the address.

    Args:
        settings: For the child; where the controller answers is filled in here.
        listen: `HOST:PORT`, or `off`, which serves nothing and yields `""`.
        own: Answers what only the controller can answer.
        begin: The child starts once this is set.
        tell: Told of what is counted (`front_counts`).

    Raises:
        ConfigurationError: HF3009, the address is taken or cannot be used, or it is open to
            others while nobody has to sign in.
    """
    if listen in OFF:
        yield ""
        return
    if settings.auth_disabled:
        demand_loopback(listen)
    host, _ = parse_address(listen, "--listen")
    with open_listener(listen, "--listen") as listener, _inner() as inner:
        async with inner_socket() as path:
            inner.bind(path)
            inner.listen()
            settings = replace(settings, controller_socket=path)
            page = FrontProcess(settings, listener, tell)
            backoff = Backoff(_FIRST_PAUSE_S, cap_s=_LONGEST_PAUSE_S)
            async with serving(own, inner), Supervisor(SystemClock(), backoff) as supervisor:
                supervisor.once("page-begin", _begin(page, supervisor, begin))
                yield f"{host}:{listener.getsockname()[1]}"


def _inner() -> socket.socket:
    return socket.socket(socket.AF_UNIX)


async def _begin(page: FrontProcess, supervisor: Supervisor, begin: asyncio.Event) -> None:
    await begin.wait()
    page.start(supervisor)
