"""Logs of an Application's pods: which pods, read at the same time, merged by time.

Lines of one pod come in order. Across pods the oldest line goes first; a pod that has printed
nothing holds the others up for a moment only while a log is followed: nobody can know when it will.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from holdfast.controller.requests.parallel import for_each
from holdfast.controller.requests.resource_tree import POD
from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.log_lines import LogLine, nanoseconds
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import Clock, ClusterReader
from holdfast.domain.queries import PodLogs
from holdfast.kit.tasks import Supervisor

MOST_PODS = 10
"""As many as Argo CD shows at once (`server.maxPodLogsToRender`)."""
BUFFERED_LINES = 256
"""Lines read ahead of each pod, so that one long log cannot fill the memory."""
FIRST_PATIENCE_S = 1.0
"""How long a followed pod may take for its first line before others go ahead: it connects."""
PATIENCE_S = 0.1
"""The same for later lines."""

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class PodLogSource(Protocol):
    """Reads what a container printed."""

    def lines(self, pod: Manifest, container: str, query: PodLogs) -> AsyncGenerator[LogLine, None]:
        """Yield lines, oldest first."""
        ...


async def find_pods(
    reader: ClusterReader, app: Application, tree: Tree, query: PodLogs
) -> list[tuple[Manifest, str]]:
    """Return the pods that are meant, each with its container (`""`: its only one).

    Args:
        reader: Where pods are read.
        app: The Application.
        tree: Its resource tree.
        query: Which pods.

    Raises:
        ConfigurationError: HF3009, none matches, or more than `MOST_PODS`.
    """
    nodes = {node.get("uid"): node for node in tree["nodes"]}
    names = [
        (node["namespace"], node["name"])
        for node in tree["nodes"]
        if node["kind"] == "Pod" and not node["group"] and _descends(node, nodes, query)
    ]

    async def read(place: tuple[str, str]) -> Manifest | None:
        return await reader.get(POD, *place)

    pods = [pod for pod in await for_each(sorted(names), read) if pod is not None]
    chosen = [pod for pod in pods if not query.container or query.container in _containers(pod)]
    if not chosen:
        raise _nothing_found(app, pods, query)
    if len(chosen) > MOST_PODS:
        raise ConfigurationError(
            "HF3009",
            f"{len(chosen)} pods match; at most {MOST_PODS} are shown at once",
            about=app.key,
            hint="choose an object: --kind and --name, as `holdfast app resources "
            f"{app.key.name}` shows them",
        )
    return [(pod, query.container or pod.annotation(_DEFAULT_CONTAINER) or "") for pod in chosen]


def read_all(
    source: PodLogSource, chosen: Sequence[tuple[Manifest, str]], query: PodLogs, clock: Clock
) -> AsyncGenerator[LogLine, None]:
    """Yield what is asked for, of all these pods."""
    end, wanted = nanoseconds(query.until), _text_filter(query)
    wells = [
        Well(pod.name, _up_to(source.lines(pod, container, query), end), wanted)
        for pod, container in chosen
    ]
    return merge(wells, clock, follows=query.follow)


class Well:
    """Lines of one pod, read ahead of those who want them."""

    def __init__(
        self,
        pod: str,
        stream: AsyncGenerator[LogLine, None],
        wanted: Callable[[str], bool] = lambda _text: True,
    ) -> None:
        """Read nothing yet."""
        self.pod = pod
        self.has_ended = False
        self.failure: Exception | None = None
        self._stream = stream
        self._wanted = wanted
        self._lines: deque[tuple[int, float, LogLine]] = deque()
        self._room = asyncio.Semaphore(BUFFERED_LINES)

    async def fill(self, news: asyncio.Event) -> None:
        """Read to the end."""
        loop = asyncio.get_running_loop()
        moment = 0
        try:
            async with aclosing(self._stream) as lines:
                async for line in lines:
                    if self._wanted(line.text):
                        await self._room.acquire()
                        moment = line.moment or moment
                        self._lines.append((moment, loop.time(), line))
                        news.set()
        except Exception as error:  # noqa: BLE001 - whoever takes the lines raises it
            self.failure = error
        finally:
            self.has_ended = True
            news.set()

    @property
    def moment(self) -> int:
        """When its next line was printed."""
        return self._lines[0][0]

    @property
    def here_since(self) -> float:
        """When its next line arrived, as the event loop counts."""
        return self._lines[0][1]

    def __bool__(self) -> bool:
        """Whether a line is there."""
        return bool(self._lines)

    def take(self) -> LogLine:
        """Return its next line."""
        self._room.release()
        return self._lines.popleft()[2]

    def explain(self) -> LogLine:
        """Return, once, why there are no more lines.

        Raises:
            Exception: the failure is nothing that a person could do something about.
        """
        failure, self.failure = self.failure, None
        if not isinstance(failure, HoldfastError):
            raise failure or RuntimeError("nothing failed")
        return LogLine(f"{failure.code} {failure.message}", self.pod, is_problem=True)


async def merge(
    wells: Sequence[Well], clock: Clock, *, follows: bool
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of all wells, the oldest first; a line without time follows the last.

    Args:
        wells: One for each pod.
        clock: For the supervisor of the readers.
        follows: Whether the logs go on: then nobody waits long for a pod that says nothing.

    Raises:
        HoldfastError: the only pod fails. One of several becomes a line that says so.
    """
    news = asyncio.Event()
    async with Supervisor(clock) as readers:
        for number, well in enumerate(wells):
            readers.once(f"log {number}", well.fill(news))
        connected_at = asyncio.get_running_loop().time() + FIRST_PATIENCE_S
        while True:
            news.clear()
            for well in wells:
                if well.failure is not None and not well:
                    if len(wells) == 1:
                        raise well.failure
                    yield well.explain()
            ready = [well for well in wells if well]
            silent = [well for well in wells if not well and not well.has_ended]
            if not ready and not silent:
                return
            first = min(ready, key=lambda well: well.moment, default=None)
            if first is None or (silent and not follows):
                await news.wait()
            elif not silent or not await _hears(
                news, max(connected_at, first.here_since + PATIENCE_S)
            ):
                yield first.take()


async def _hears(news: asyncio.Event, until: float) -> bool:
    """Wait for news until a moment of the event loop."""
    if asyncio.get_running_loop().time() >= until:
        return False
    try:
        async with asyncio.timeout_at(until):
            await news.wait()
    except TimeoutError:
        return False
    return True


async def _up_to(lines: AsyncGenerator[LogLine, None], end: int) -> AsyncGenerator[LogLine, None]:
    async with aclosing(lines):
        async for line in lines:
            if end and line.moment > end:
                return
            yield line


def _text_filter(query: PodLogs) -> Callable[[str], bool]:
    excludes = query.filter.startswith("!")
    wanted = query.filter.removeprefix("!")
    if not wanted:
        return lambda _text: True
    if query.match_case:
        return lambda text: (wanted in text) != excludes
    folded = wanted.casefold()
    return lambda text: (folded in text.casefold()) != excludes


def _containers(pod: Manifest) -> list[str]:
    lists = ("containers", "initContainers", "ephemeralContainers")
    return [item["name"] for words in lists for item in pod.at("spec", words) or ()]


def _nothing_found(app: Application, pods: list[Manifest], query: PodLogs) -> ConfigurationError:
    if pods:
        known = sorted({name for pod in pods for name in _containers(pod)})
        return ConfigurationError(
            "HF3009",
            f"no pod that matches has a container {query.container!r}",
            about=app.key,
            hint=f"there are: {', '.join(known)}",
        )
    return ConfigurationError(
        "HF3009",
        "the application has no pod that matches",
        about=app.key,
        hint=f"`holdfast app resources {app.key.name} --output tree` shows what there is",
    )


def _descends(node: Tree, nodes: dict[str, Tree], query: PodLogs) -> bool:
    """Whether a pod, or something that it grew out of, is what was asked for."""
    wanted = {"group": query.group, "kind": query.kind, "namespace": query.namespace,
              "name": query.name}  # fmt: skip
    wanted = {key: value for key, value in wanted.items() if value}
    current: Tree | None = node
    while current is not None:
        if all(current.get(key) == value for key, value in wanted.items()):
            return True
        parents = current.get("parentRefs") or []
        current = nodes.get(parents[0]["uid"]) if parents else None
    return False
