"""Reads what containers print, for `app logs`: the port `PodLogSource` over the reader."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from holdfast.cluster.connection import Connection
from holdfast.cluster.reader import LogQuery
from holdfast.domain.errors import ClusterError
from holdfast.domain.log_lines import LogLine
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import Clock
from holdfast.domain.queries import PodLogs

REOPEN_TIMES = 10
"""How often in a row a followed log is opened again after it broke, a second apart each time."""

_BROKEN = frozenset({"HF2001", "HF2009", "HF2010"})


class PodLogReader:
    """The port `PodLogSource`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        """Read through a connection."""
        self._connection = connection
        self._clock = clock

    async def lines(
        self, pod: Manifest, container: str, query: PodLogs
    ) -> AsyncGenerator[LogLine, None]:
        """Yield lines, oldest first; a followed log that breaks goes on where it was.

        Raises:
            ClusterError: the API server does not give them; its own sentence says why.
        """
        last = LogLine("", pod.name)
        failures = 0
        while True:
            try:
                async with aclosing(self._open(pod, container, query, last)) as lines:
                    async for line in lines:
                        failures = 0
                        if line.moment:
                            last = line
                        yield line
                return
            except ClusterError as error:
                failures += 1
                is_broken = query.follow and last.moment and error.code in _BROKEN
                if not is_broken or failures > REOPEN_TIMES:
                    raise
            await self._clock.sleep(1.0)

    async def _open(
        self, pod: Manifest, container: str, query: PodLogs, last: LogLine
    ) -> AsyncGenerator[LogLine, None]:
        goes_on = bool(last.moment)
        asked = LogQuery(
            container=container,
            follow=query.follow,
            tail_lines=None if goes_on else query.tail or None,
            since_seconds=None if goes_on else query.since_s or None,
            since_time=last.at if goes_on else "",
            previous=query.previous,
            timestamps=True,
        )
        async with aclosing(self._connection.reader.logs(pod.namespace, pod.name, asked)) as raws:
            async for raw in raws:
                line = LogLine.parse(raw, pod.name)
                # `sinceTime` counts whole seconds: some of these were told already.
                if not goes_on or line.moment > last.moment:
                    yield line
