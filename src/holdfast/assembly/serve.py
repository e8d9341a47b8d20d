"""`holdfast serve`: the API and the page alone, for a controller that runs elsewhere."""

import asyncio
import ipaddress
from collections.abc import Callable

from holdfast.assembly.front import FrontSettings, serve_front
from holdfast.assembly.listeners import open_listener, parse_address
from holdfast.domain.errors import ConfigurationError, Retry

Say = Callable[[str], None]


async def serve(settings: FrontSettings, listen: str, stop: asyncio.Event, say: Say) -> None:
    """Serve until `stop` is set.

    Raises:
        ConfigurationError: HF3009, the address cannot be used, or is open to others while nobody
            has to sign in.
    """
    if settings.auth_disabled:
        demand_loopback(listen)
    with open_listener(listen, "--listen") as listener:
        host, port = listener.getsockname()[:2]
        scheme = "https" if settings.is_secure else "http"
        say(f"serving {scheme}://{host}:{port}")
        await serve_front(settings, listener, stop)


def demand_loopback(listen: str) -> None:
    """Refuse an address that others can reach.

    Raises:
        ConfigurationError: HF3009.
    """
    host, _ = parse_address(listen, "--listen")
    if host == "localhost":
        return
    try:
        is_ours = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        raise ConfigurationError(
            "HF3009",
            f"--disable-auth lets everybody do everything, and {listen} is open to others",
            hint="listen on 127.0.0.1, or let people sign in",
            retry=Retry.NEVER,
        )
