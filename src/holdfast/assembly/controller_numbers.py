"""The port `OwnHealth`: reads the controller's metrics over its inner socket.

`/metrics` answers there whatever `--metrics-listen` says; nobody else can enter its folder.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from holdfast.api.own_health import OwnNumbers
from holdfast.assembly.journal import OFF
from holdfast.domain.errors import HoldfastError
from holdfast.journal.engines import parse_dsn

_ANSWER_S = 2.0
_MOST_BYTES = 64 * 1024 * 1024
_LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_WANTED = ("holdfast_", "argocd_cluster_api_resource_objects")

Samples = dict[str, list[tuple[dict[str, str], float]]]


class ControllerNumbers:
    """Asks the controller beside this process."""

    def __init__(self, socket_path: str, journal: str) -> None:
        """Keep where it answers, and which journal it writes."""
        self._socket_path = socket_path
        self._journal = journal

    async def read(self) -> OwnNumbers | None:
        """Return its numbers; None when it does not answer in time."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                text = await self._scrape()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            return None
        size = await asyncio.to_thread(journal_bytes, self._journal)
        return numbers_of(text, size)

    async def _scrape(self) -> str:
        reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=_MOST_BYTES)
        try:
            writer.write(b"GET /metrics HTTP/1.0\r\nhost: controller\r\n\r\n")
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise ValueError("no metrics")
            return (await reader.read(_MOST_BYTES)).decode("utf-8", "replace")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def journal_bytes(dsn: str) -> int | None:
    """Return the size of a journal's files; None where it is kept elsewhere or nowhere."""
    if dsn in ("", OFF):
        return None
    try:
        database = parse_dsn(dsn)
    except HoldfastError:
        return None
    if not database.is_sqlite:
        return None
    found = [Path(database.path + end) for end in ("", "-wal")]
    return sum(file.stat().st_size for file in found if file.exists())


def numbers_of(text: str, size: int | None = None) -> OwnNumbers:
    """Return the numbers of a text in Prometheus' form."""
    samples = _parse(text.splitlines())

    def total(name: str, **labels: str) -> int:
        found = samples.get(name, [])
        fitting = [v for have, v in found if all(have.get(k) == w for k, w in labels.items())]
        return round(sum(fitting))

    lag = samples.get("holdfast_watch_lag_seconds", [])
    buckets: Counter[float] = Counter()
    for labels, value in samples.get("holdfast_time_to_heal_seconds_bucket", []):
        buckets[float(labels.get("le", "nan"))] += round(value)
    return OwnNumbers(
        queue=total("holdfast_queue_length"),
        heals=total("holdfast_heals_total", outcome="healed"),
        heal_p50_s=quantile(buckets, 0.5),
        heal_p99_s=quantile(buckets, 0.99),
        watch_lag_s=max((value for _, value in lag), default=0.0),
        drift_open=total("holdfast_drift_open"),
        journal_written=total("holdfast_journal_rows_total", outcome="written"),
        journal_dropped=total("holdfast_journal_rows_total", outcome="dropped"),
        journal_bytes=size,
        objects=total("argocd_cluster_api_resource_objects"),
    )


def quantile(buckets: dict[float, int], share: float) -> float | None:
    """Return a quantile of a histogram with cumulative counts by upper bound.

    Straight between the bounds of its bucket, as Prometheus' `histogram_quantile`; what lies
    above the last bound is told as that bound. None while nothing was counted.
    """
    bounds = sorted(buckets)
    count = buckets[bounds[-1]] if bounds else 0
    if not count:
        return None
    wanted, below, lower = share * count, 0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted and bound != float("inf"):
            inside = buckets[bound] - below
            return lower + (bound - lower) * ((wanted - below) / inside if inside else 1.0)
        if bound != float("inf"):
            below, lower = buckets[bound], bound
    return lower


def _parse(lines: Iterable[str]) -> Samples:
    found: Samples = {}
    for line in lines:
        if not line.startswith(_WANTED):
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        labels = dict(_LABEL.findall(match[2] or ""))
        with contextlib.suppress(ValueError):
            found.setdefault(match[1], []).append((labels, float(match[3])))
    return found
