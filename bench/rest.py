"""What it costs to look after everything while nothing happens."""

import asyncio
import time

from bench.api import Tree
from bench.memory import cpu_percent, cpu_s_by_process

_REST_S = 30.0
_CALM_PERCENT = 5.0
_CALM_S = 3.0
_LONGEST_S = 300.0


async def at_rest(pid: int) -> Tree:
    """Return the CPU of each of our processes over 30 seconds in which nothing happens.

    It begins when what came before is over, so that it holds nothing of it.
    """
    began = time.perf_counter()
    calm = await until_calm(pid, _CALM_PERCENT)
    now, before = time.perf_counter(), cpu_s_by_process(pid)
    await asyncio.sleep(_REST_S)
    after, seconds = cpu_s_by_process(pid), time.perf_counter() - now
    used = {name: after[name] - before.get(name, 0.0) for name in after}
    share = sum(used.values()) / seconds
    return {
        "percent": round(100 * share, 2),
        "s_a_minute": round(60 * share, 2),
        "by_process_s_a_minute": {n: round(60 * s / seconds, 2) for n, s in used.items()},
        "calm_after_s": round(calm - began, 1),
    }


async def until_calm(pid: int, percent: float = 20.0) -> float:
    """Return the moment since which hardly any CPU was used, once that lasts three seconds."""
    began = quiet_since = time.perf_counter()
    while time.perf_counter() - quiet_since < _CALM_S:
        if await cpu_percent(pid, 0.5) > percent:
            quiet_since = time.perf_counter()
        if time.perf_counter() - began > _LONGEST_S:
            break
    return quiet_since
