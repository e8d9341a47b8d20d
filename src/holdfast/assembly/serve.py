"""`holdfast serve`: the API and the page alone, for a controller that runs elsewhere."""

import asyncio
from collections.abc import Callable

from holdfast.assembly.front import serve_front
from holdfast.assembly.front_counts import FRONT_METRICS, count_front
from holdfast.assembly.front_settings import FrontSettings
from holdfast.assembly.listeners import (
    build_application,
    demand_loopback,
    listening,
    open_listener,
)
from holdfast.metrics.registry import PrometheusMetrics

Say = Callable[[str], None]


async def serve(
    settings: FrontSettings, listen: str, metrics_listen: str, stop: asyncio.Event, say: Say
) -> None:
    """Serve until `stop` is set.

    Args:
        settings: What is served.
        listen: `HOST:PORT`.
        metrics_listen: Where `/metrics` is, or `off`.
        stop: Ends it.
        say: Is told the addresses.

    Raises:
        ConfigurationError: HF3009, the address cannot be used, or is open to others while nobody
            has to sign in.
    """
    if settings.auth_disabled:
        demand_loopback(listen)
    metrics = PrometheusMetrics(FRONT_METRICS)
    shown = build_application(lambda: True, metrics)
    with open_listener(listen, "--listen") as listener:
        async with listening(shown, metrics_listen, "--metrics-listen") as scraped:
            host, port = listener.getsockname()[:2]
            scheme = "https" if settings.is_secure else "http"
            say(f"serving {scheme}://{host}:{port}")
            if scraped:
                say(f"metrics at http://{scraped}/metrics")
            await serve_front(settings, listener, stop, count_front(metrics))
