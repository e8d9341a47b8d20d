"""Reads what containers print, for `app logs`: the port `PodLogSource` over the reader."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from holdfast.cluster.connection import Connection
from holdfast.cluster.reader import LogQuery
from holdfast.domain.manifest import Manifest
from holdfast.domain.queries import PodLogs


class PodLogReader:
    """The port `PodLogSource`."""

    def __init__(self, connection: Connection) -> None:
        """Read through a connection."""
        self._connection = connection

    async def lines(
        self, pod: Manifest, container: str, query: PodLogs
    ) -> AsyncGenerator[str, None]:
        """Yield lines, oldest first.

        Raises:
            ClusterError: the API server does not give them; its own sentence says why.
        """
        asked = LogQuery(
            container=container,
            follow=query.follow,
            tail_lines=query.tail or None,
            since_seconds=query.since_s or None,
            previous=query.previous,
        )
        async with aclosing(self._connection.reader.logs(pod.namespace, pod.name, asked)) as lines:
            async for line in lines:
                yield line
