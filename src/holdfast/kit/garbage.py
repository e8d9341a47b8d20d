"""Short pauses of the garbage collector, and memory that goes back after a burst of work.

A full collection looks at every container: 105 ms for 900,000 of them (apply.md C1). What is loaded
at the start lives as long as the process, so it is never looked at again; and the young are
collected less often, because tens of thousands of objects are made and dropped by each list.
"""

import asyncio
import ctypes
import gc
import time
from typing import Protocol

_YOUNG = 20_000
_MIDDLE = 20
_OLD = 50


def shorten_collections() -> None:
    """Take everything that exists out of later collections. For the end of a start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


class Clock(Protocol):
    """The part of `domain.ports.Clock` that is needed here."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


LOOK_EVERY_S = 2.0
_WORK_S = 1.0  # so much CPU time leaves something behind
_QUIET = 0.1  # of a core, and less: nobody waits for an answer at this moment


async def return_memory(clock: Clock, look_every_s: float = LOOK_EVERY_S) -> None:
    """Give free memory back to the system whenever a burst of work is over; runs for ever.

    glibc keeps what was freed below something that is still in use: 12 MB after the first sync of
    5,000 objects. It takes milliseconds to give back, and a thread does it; nothing is looked at
    while nothing has happened. Elsewhere (musl, macOS) this does nothing.
    """
    trim = _find_trim()
    if trim is None:
        return
    given_back = before = 0.0
    while True:
        await clock.sleep(look_every_s)
        now = time.process_time()
        is_quiet, before = now - before < _QUIET * look_every_s, now
        if is_quiet and now - given_back > _WORK_S:
            given_back = now
            gc.collect(1)
            await asyncio.to_thread(trim, 0)


def _find_trim() -> "ctypes._NamedFuncPointer | None":
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
