"""What a process and its children use: PSS, the sum of proportional set sizes, and CPU time."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_pss_mb(pid: int) -> float:
    """Return the PSS of a process and all its descendants, in MB (10^6 bytes times 1.048576)."""
    return sum(_pss_kb(member) for member in _descendants(pid)) / 1024


def pss_mb_by_process(pid: int) -> dict[str, float]:
    """Return the PSS of a process and its descendants in MB, by name."""
    found: dict[str, float] = {}
    for member in _descendants(pid):
        name = _name(member)
        found[name] = round(found.get(name, 0.0) + _pss_kb(member) / 1024, 1)
    return found


def cpu_s_by_process(pid: int) -> dict[str, float]:
    """Return the CPU seconds used so far by a process and its living descendants, by name."""
    found: dict[str, float] = {}
    for member in _descendants(pid):
        name = _name(member)
        found[name] = found.get(name, 0.0) + _cpu_s(member)
    return found


def tree_cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its living descendants have used."""
    return sum(_cpu_s(member) for member in _descendants(pid))


@dataclass
class Peak:
    """Samples the PSS of a process tree until it is cancelled."""

    pid: int
    highest_mb: float = 0.0

    async def run(self) -> None:
        """Look twice a second."""
        while True:
            self.highest_mb = max(self.highest_mb, tree_pss_mb(self.pid))
            await asyncio.sleep(0.5)


async def cpu_percent(pid: int, seconds: float) -> float:
    """Return how much of one core a process tree uses over a while."""
    began, before = time.perf_counter(), tree_cpu_s(pid)
    await asyncio.sleep(seconds)
    return 100.0 * (tree_cpu_s(pid) - before) / (time.perf_counter() - began)


def _name(pid: int) -> str:
    """Return which of our processes it is: what it was started to do."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return "ended"
    known = {"front_process": "API and page", "renderers": "render worker"}
    return next((name for word, name in known.items() if word in words), "controller")


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _descendants(pid: int) -> list[int]:
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found.extend(_descendants(int(child)))
    except OSError:
        return found
    return found
