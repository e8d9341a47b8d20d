"""libgit2 as a whole: loaded when git is read for the first time, and not before.

It takes 11 MB and a twentieth of a second: a controller that has no Application yet, and a page
that nobody asks for manifests, have neither. Whoever uses pygit2 calls `load` first, on a thread.
"""

import threading
from collections.abc import Callable

_CONNECT_TIMEOUT_MS = 15_000
_SERVER_TIMEOUT_MS = 60_000

_lock = threading.Lock()
_waiting: list[Callable[[], None]] = []
_loaded = threading.Event()


def load() -> None:
    """Import libgit2 and set what holds for the whole process. Takes no time when it is done."""
    if _loaded.is_set():
        return
    with _lock:
        if _loaded.is_set():
            return
        import pygit2  # noqa: PLC0415 - see the module docstring

        pygit2.settings.server_connect_timeout = _CONNECT_TIMEOUT_MS
        pygit2.settings.server_timeout = _SERVER_TIMEOUT_MS
        # Repositories are only read, and only where the administrator allowed it: who owns the
        # files does not matter, and in a container it is often another user.
        pygit2.settings.owner_validation = False
        for act in _waiting:
            act()
        _waiting.clear()
        _loaded.set()


def when_loaded(act: Callable[[], None]) -> None:
    """Call `act` now, or before the first use of libgit2; one that waits already waits once."""
    with _lock:
        if _loaded.is_set():
            act()
        elif act not in _waiting:
            _waiting.append(act)
