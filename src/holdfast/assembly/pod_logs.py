"""Reads what containers print, through the pod's subresource `log`."""

from collections.abc import AsyncGenerator
from urllib.parse import urlencode

from holdfast.cluster.connection import Connection
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.queries import PodLogs

_SILENCE_S = 3600.0
_ERROR_BYTES = 4096


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
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log?{_words(container, query)}"
        stream = await self._connection.calls.transport.open_stream(
            path, {"Accept": "*/*"}, silence_s=_SILENCE_S
        )
        try:
            if stream.status != 200:
                raise ClusterError(
                    "HF2010",
                    f"the logs cannot be read: {await _sentence(stream.read)}",
                    about=ResourceKey("", "Pod", pod.namespace, pod.name),
                )
            rest = b""
            while chunk := await stream.read():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line.decode("utf-8", "replace")
            if rest:
                yield rest.decode("utf-8", "replace")
        finally:
            stream.close()


def _words(container: str, query: PodLogs) -> str:
    words = {
        "container": container,
        "follow": "true" if query.follow else "",
        "tailLines": str(query.tail) if query.tail else "",
        "sinceSeconds": str(query.since_s) if query.since_s else "",
        "previous": "true" if query.previous else "",
    }
    return urlencode({name: value for name, value in words.items() if value})


async def _sentence(read: object) -> str:
    import orjson  # noqa: PLC0415 - only for an error

    content = b""
    assert callable(read)  # noqa: S101 - it is the stream's own method
    while len(content) < _ERROR_BYTES and (chunk := await read()):
        content += chunk
    try:
        return str(orjson.loads(content).get("message"))
    except (orjson.JSONDecodeError, AttributeError):
        return content.decode("utf-8", "replace").strip()
