"""HTTP listeners of the controller's own process: health, metrics and the audit webhook.

The API and the page are served by a process beside it (`page_beside`).
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from holdfast.assembly.tls_door import accepting
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.metrics.registry import CONTENT_TYPE, PrometheusMetrics

OFF = frozenset({"", "off", "none"})
"""Values of `--listen` and `--metrics-listen` that open nothing."""


def parse_address(text: str, flag: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; `:PORT` is every address.

    Raises:
        ConfigurationError: HF3009, it has another form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(
            "HF3009", f'{flag} "{text}": give HOST:PORT, for example 127.0.0.1:8080'
        )
    return host.strip("[]"), int(port)


def is_loopback(listen: str) -> bool:
    """Whether only this machine reaches an address.

    Raises:
        ConfigurationError: HF3009, it has another form.
    """
    host, _ = parse_address(listen, "--listen")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def wants_own_tls(listen: str, *, has_files: bool, insecure: bool) -> bool:
    """Whether passwords would cross a network in clear unless a certificate is found or made."""
    return not (insecure or has_files or listen in OFF or is_loopback(listen))


def demand_loopback(listen: str) -> None:
    """Refuse an address that others can reach.

    Raises:
        ConfigurationError: HF3009.
    """
    if not is_loopback(listen):
        raise ConfigurationError(
            "HF3009",
            f"--disable-auth lets everybody do everything, and {listen} is open to others",
            hint="listen on 127.0.0.1, or let people sign in",
            retry=Retry.NEVER,
        )


def build_application(
    is_ready: Callable[[], bool],
    metrics: PrometheusMetrics | None = None,
    more: Sequence[Route] = (),
) -> Starlette:
    """Return the ASGI application of a listener.

    Args:
        is_ready: Whether `/readyz` says yes.
        metrics: What `/metrics` shows; None leaves it out.
        more: Further routes.
    """

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_request: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ok")
        return PlainTextResponse("not leading, or still reading the cluster", status_code=503)

    async def scrape(_request: Request) -> Response:
        text = metrics.text() if metrics is not None else ""
        return Response(text, media_type=CONTENT_TYPE)

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        *more,
    ]
    if metrics is not None:
        routes.append(Route("/metrics", scrape))
    return Starlette(routes=routes)


def open_listener(address: str, flag: str) -> socket.socket:
    """Open a port; nothing is accepted yet.

    Raises:
        ConfigurationError: HF3009, the address is taken or cannot be used.
    """
    host, port = parse_address(address, flag)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            "HF3009",
            f"{flag} {address} cannot be used: {error.strerror or error}",
            hint=f"give another one, such as {flag} 127.0.0.1:0 for any free port, or {flag} off",
            retry=Retry.NEVER,
        ) from error


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files (PEM) of a certificate with its chain, and of its key."""

    chain: str
    key: str

    def check(self) -> None:
        """Read both.

        Raises:
            ConfigurationError: HF3009, they cannot be read or do not belong together.
        """
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.chain, self.key)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                "HF3009",
                f"--tls-cert-file {self.chain} with --tls-key-file {self.key} cannot be used: "
                f"{error.strerror or 'they are no certificate with its key'}",
                hint="give PEM files: the certificate with its chain, and its key unencrypted",
                retry=Retry.NEVER,
            ) from error


@asynccontextmanager
async def listening(
    application: Starlette, address: str, flag: str, certificate: Certificate | None = None
) -> AsyncIterator[str]:
    """Serve an application while the block runs; yield its address, `""` when it is off.

    Args:
        application: What is served.
        address: `HOST:PORT`, or `off`.
        flag: Where the address comes from, for errors.
        certificate: For TLS; None serves plain HTTP.

    Raises:
        ConfigurationError: HF3009, the address is taken or cannot be used.
    """
    if address in OFF:
        yield ""
        return
    listener = open_listener(address, flag)
    host, _ = parse_address(address, flag)
    async with serving(application, listener, certificate):
        yield f"{host}:{listener.getsockname()[1]}"


@asynccontextmanager
async def serving(
    application: ASGIApp,
    listener: socket.socket,
    certificate: Certificate | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Serve an application on an open port while the block runs.

    Args:
        application: What is served.
        listener: Of any family; closed at the end.
        certificate: For TLS; None serves plain HTTP.
        context: For TLS with a certificate that may change.
    """
    listener.setblocking(False)
    config = uvicorn.Config(
        application,
        ssl_certfile=certificate.chain if certificate is not None else None,
        ssl_keyfile=certificate.key if certificate is not None else None,
        ssl_context_factory=(lambda _config, _default: context) if context is not None else None,
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
    tls = config.ssl

    def make() -> asyncio.Protocol:
        protocol: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return protocol

    # Not `serve()`: it would take our signals, and its main loop wakes ten times a second.
    await server.startup(sockets=[listener] if tls is None else [])
    try:
        async with nullcontext() if tls is None else accepting(listener, tls, make):
            yield
    finally:
        await server.shutdown(sockets=[listener])
