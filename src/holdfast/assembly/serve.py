"""`holdfast serve`: the API and the page alone, for a controller that runs elsewhere."""

import asyncio
from collections.abc import Callable

from holdfast.assembly.front import serve_front
from holdfast.assembly.front_settings import FrontSettings
from holdfast.assembly.listeners import demand_loopback, open_listener

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
