"""Keeps list+watch streams open and loses nothing. Implements the port `Watching`.

    list, ≤ 100 a page, consistent ─▶ watch from that version ──▶ event, event, bookmark …
        ▲                                   │ ended or broken: resume from the last version seen
        └── 410: the server has forgotten ──┘

What ends a stream, and what happens then:

    ended by the server, as agreed    resume at once
    broken, silent, unreachable       resume after a growing pause with jitter
    410, as status or as event        list again
    429, 503                          resume after Retry-After
    403                               `failed`; try again after minutes, rights may be given
    404 as text: the kind is gone     `failed`; wait until discovery shows the kind again
                                      or `start` is called again

A server that was away for long is reported as `failed`, too; the watch goes on from the last
version seen when it is back, and lists again only if the server has forgotten it. Any other scope
that was reported lists again when it works again, so that `listed` tells the sink. A version from
which three streams in a row brought nothing until they broke is not trusted: another cluster may
answer at the same address.
Each event is decoded once, sealed, and handed to the sink in the same step of the loop.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import orjson

from holdfast.cluster import errors
from holdfast.cluster.calls import READ_HEADERS, Calls, refusal
from holdfast.cluster.lines import Line, LineSplitter, LineTooLongError
from holdfast.cluster.paths import collection_path
from holdfast.cluster.reader import PageSize, Place, complete, read_page
from holdfast.cluster.transport import Response, Stream
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest
from holdfast.domain.ports import Clock, EventKind, WatchScope, WatchSink
from holdfast.kit.backoff import Backoff
from holdfast.kit.tasks import Supervisor

EVENTS_A_STEP = 16  # so many events of one chunk, then others get the loop
SHORT_STREAM_S = 1.0  # a stream that ends sooner, without a word, counts as a failure
MOST_SILENCES = 3
REPORT_AFTER = 3  # failures in a row before an unreachable server is reported
FORBIDDEN = Backoff(base_s=30.0, factor=2.0, cap_s=300.0, jitter=0.2)
BROKEN = Backoff(base_s=0.1, factor=2.0, cap_s=5.0, jitter=0.5)
# While the server is away one watch asks this often; its first answer wakes all the others.
SCOUT = Backoff(base_s=0.1, factor=2.0, cap_s=0.5, jitter=0.5)
SPREAD_S = 0.1  # over so many seconds the others come back
_AWAY = frozenset({"HF2001", "HF2009"})

_KINDS = {kind.value: kind for kind in EventKind}


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """Seconds; tests shorten them.

    Attributes:
        stream_s: A watch is asked to end after between one and two times this.
        silence_s: A watch that says nothing for so long is broken; bookmarks come each minute.
    """

    stream_s: float = 240.0
    silence_s: float = 100.0


@dataclass(slots=True, eq=False)
class _Watched:
    """One scope and where it stands."""

    scope: WatchScope
    sink: WatchSink
    task: str
    heard_at: float
    version: str = ""
    synced: bool = False
    parked: bool = False
    away: bool = False  # the last attempt met a server that is away
    silences: int = 0  # streams in a row that said nothing at all until they were given up
    failure: Exception | None = None
    failures: int = 0
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Watcher:
    """All watches of one cluster."""

    def __init__(
        self,
        calls: Calls,
        clock: Clock,
        supervisor: Supervisor,
        rng: random.Random,
        times: WatchTimes | None = None,
    ) -> None:
        """Watch nothing yet.

        Args:
            calls: The server.
            clock: For pauses and the lag.
            supervisor: Owns the tasks, one for each scope.
            rng: Spreads what would otherwise happen at the same moment.
            times: How long streams last.
        """
        self._calls = calls
        self._clock = clock
        self._supervisor = supervisor
        self._rng = rng
        self._times = times or WatchTimes()
        self._watched: dict[WatchScope, _Watched] = {}
        self._serial = 0
        self._scout: _Watched | None = None
        calls.discovery.on_change(self._kinds_changed)

    def start(self, scope: WatchScope, sink: WatchSink) -> None:
        """Begin watching; a scope that is already watched is left alone.

        One that failed is tried again now.
        """
        watched = self._watched.get(scope)
        if watched is not None:
            if watched.failure is not None:
                watched.wake.set()
            return
        self._serial += 1
        name = f"watch {scope.gvk} {scope.namespace or 'everywhere'} {self._serial}"
        watched = _Watched(scope, sink, name, self._clock.monotonic())
        self._watched[scope] = watched
        self._supervisor.spawn(name, lambda: self._run(watched))

    def stop(self, scope: WatchScope) -> None:
        """Stop watching a scope."""
        watched = self._watched.pop(scope, None)
        if watched is not None:
            self._supervisor.cancel(watched.task)
            watched.settled.set()
            if watched is self._scout:
                self._answered()  # another one becomes the scout

    def is_synced(self, scope: WatchScope) -> bool:
        """Whether the first list is complete and the stream is open or resuming."""
        watched = self._watched.get(scope)
        return watched is not None and watched.synced and watched.failure is None

    async def wait_synced(self, scopes: Sequence[WatchScope], timeout_s: float) -> bool:
        """Wait until all are synced or have failed; False when the time is over."""
        waiting = [self._watched[scope] for scope in scopes if scope in self._watched]
        try:
            async with asyncio.timeout(timeout_s):
                for watched in waiting:
                    await watched.settled.wait()
        except TimeoutError:
            return False
        return True

    def lag_s(self) -> float:
        """Seconds since the oldest open scope last heard from the server."""
        now = self._clock.monotonic()
        return max(
            (now - w.heard_at for w in self._watched.values() if w.synced and not w.parked),
            default=0.0,
        )

    def scopes(self) -> tuple[WatchScope, ...]:
        """Return what is watched, in any state."""
        return tuple(self._watched)

    def failure(self, scope: WatchScope) -> Exception | None:
        """Return why a scope cannot be watched at present, or None."""
        watched = self._watched.get(scope)
        return watched.failure if watched is not None else None

    def close(self) -> None:
        """Stop all watches."""
        for scope in list(self._watched):
            self.stop(scope)

    # --- one scope ---------------------------------------------------------------------------

    async def _run(self, watched: _Watched) -> None:
        while True:
            pause_s = 0.0
            try:
                if not watched.version or watched.silences >= MOST_SILENCES:
                    await self._list(watched)
                pause_s = await self._stream(watched)
            except HoldfastError as error:  # refusals, and credentials that can't be had
                pause_s = await self._failed(watched, error)
            except LineTooLongError as error:
                watched.version = ""  # resuming would meet the same line again
                pause_s = await self._failed(
                    watched, ClusterError("HF2010", f"{error}.", about=watched.scope.gvk)
                )
            if pause_s > 0:
                await self._pause(watched, pause_s)

    async def _list(self, watched: _Watched) -> None:
        scope = watched.scope
        info = await self._calls.discovery.get(scope.gvk)
        path = collection_path(info, scope.namespace)
        keys: set[ResourceKey] = set()
        next_page = version = ""
        size = PageSize()
        group, kind = scope.gvk.group, scope.gvk.kind
        while True:
            place = Place("", next_page, size.objects)
            page = await read_page(self._calls, path, place, about=scope.gvk)
            size.learn(page)
            version = version or page.resource_version
            watched.heard_at = self._clock.monotonic()
            watched.away = False
            self._answered()
            for number, item in enumerate(page.items):
                complete(item, info)
                manifest = Manifest(self._calls.sealer.seal_tree(item, remember=False))
                keys.add(ResourceKey(group, kind, manifest.namespace, manifest.name))
                watched.sink.observe(scope, EventKind.LISTED, manifest)
                if number % EVENTS_A_STEP == EVENTS_A_STEP - 1:
                    await self._clock.sleep(0)
            next_page = page.next_page
            if not next_page:
                break
        watched.version = version
        watched.silences = 0
        watched.synced = True
        watched.failure = None
        watched.sink.listed(scope, frozenset(keys), int(version) if version.isdigit() else 0)
        watched.settled.set()

    async def _stream(self, watched: _Watched) -> float:
        """Follow one watch to its end; return how long to pause before the next."""
        info = await self._calls.discovery.get(watched.scope.gvk)
        path = collection_path(info, watched.scope.namespace)
        seconds = self._times.stream_s * (1.0 + self._rng.random())
        words = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": watched.version,
            "timeoutSeconds": str(max(1, int(seconds))),
        }
        began = self._clock.monotonic()
        stream = await self._calls.transport.open_stream(
            f"{path}?{urlencode(words)}", READ_HEADERS, silence_s=self._times.silence_s
        )
        try:
            if stream.status != 200:
                body = await stream.read_all()
                raise refusal(
                    Response(stream.status, body, stream.headers), about=watched.scope.gvk
                )
            watched.heard_at = self._clock.monotonic()
            watched.failure = None
            watched.away = False
            self._answered()
            watched.silences += 1
            heard = await self._follow(watched, stream)
            watched.silences = 0
        finally:
            stream.close()
        if heard or self._clock.monotonic() - began >= SHORT_STREAM_S:
            watched.failures = 0
            return 0.0
        watched.failures += 1
        return BROKEN.delay_s(watched.failures, self._rng)

    async def _follow(self, watched: _Watched, stream: Stream) -> bool:
        splitter = LineSplitter()
        heard = False
        while chunk := await stream.read():
            watched.heard_at = self._clock.monotonic()
            lines = splitter.feed(chunk)
            if not lines:
                continue
            for number, line in enumerate(lines, 1):
                self._event(watched, line)
                if number % EVENTS_A_STEP == 0:
                    await self._clock.sleep(0)
            if not heard:
                heard = True
                watched.failures = watched.silences = 0
        return heard

    def _event(self, watched: _Watched, line: Line) -> None:
        try:
            event: JSON = orjson.loads(line)
            kind, tree = event["type"], event["object"]
            if kind == "ERROR":
                raise _error_event(tree, watched.scope)
            version = tree["metadata"]["resourceVersion"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ClusterError(
                "HF2010", "A watch sent a line that is no event.", about=watched.scope.gvk
            ) from error
        # Before the sink is told: a sink that fails must not meet the same event for ever.
        watched.version = version
        if kind != "BOOKMARK":
            manifest = Manifest(self._calls.sealer.seal_tree(tree, remember=False))
            watched.sink.observe(watched.scope, _KINDS[kind], manifest)

    # --- failures ----------------------------------------------------------------------------

    async def _failed(self, watched: _Watched, error: HoldfastError) -> float:
        """Note a failure; return how long to pause."""
        if error.code in _AWAY:
            watched.away = True
        elif watched.away:
            watched.away = False
            watched.failures = 0  # it answers again
            self._answered()
        if error.code == "HF2015":
            watched.version = ""
            watched.failures += 1
            # The first time at once; a server that forgets at once must not be flooded.
            return BROKEN.delay_s(watched.failures - 1, self._rng)
        if error.code == "HF2006":
            return await self._kind_gone(watched, error)
        watched.failures += 1
        if isinstance(error, ClusterError) and error.status == 403:
            self._report(watched, error)
            watched.parked = True
            return FORBIDDEN.delay_s(watched.failures, self._rng)
        if watched.failures >= REPORT_AFTER:
            self._report(watched, error)
        pause_s = BROKEN.delay_s(watched.failures, self._rng)
        if isinstance(error, ClusterError) and error.retry_after_s is not None:
            pause_s = max(pause_s, error.retry_after_s * (1.0 + 0.1 * self._rng.random()))
        elif watched.away and self._scout in (None, watched):
            self._scout = watched
            pause_s = SCOUT.delay_s(watched.failures, self._rng)
        return pause_s

    def _answered(self) -> None:
        """The server is there: those who wait for it need not wait any longer."""
        if self._scout is None:
            return
        self._scout = None
        for watched in self._watched.values():
            if watched.away:
                watched.wake.set()

    async def _kind_gone(self, watched: _Watched, error: HoldfastError) -> float:
        watched.failures += 1
        try:
            await self._calls.discovery.refresh()
        except HoldfastError:
            return BROKEN.delay_s(watched.failures, self._rng)
        if self._calls.discovery.find(watched.scope.gvk) is not None:
            # Still served: a server that is starting answers 404 for a moment.
            if watched.failures >= REPORT_AFTER:
                self._report(watched, error)
            return BROKEN.delay_s(watched.failures, self._rng)
        self._report(watched, error)
        watched.parked = True
        return float("inf")

    def _report(self, watched: _Watched, error: HoldfastError) -> None:
        if not watched.away:
            watched.version = ""  # when it works again, a list tells the sink
        first = watched.failure is None
        watched.failure = error
        watched.settled.set()
        if first:
            watched.sink.failed(watched.scope, error)

    async def _pause(self, watched: _Watched, seconds: float) -> None:
        if watched.failure is None and not watched.away:
            await self._clock.sleep(seconds)
            return
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await watched.wake.wait()
        except TimeoutError:
            return
        finally:
            watched.wake.clear()
            watched.parked = False
        if watched.away:
            await self._clock.sleep(SPREAD_S * self._rng.random())
        watched.failures = 0

    def _kinds_changed(self) -> None:
        for watched in self._watched.values():
            if (
                isinstance(watched.failure, ClusterError)
                and watched.failure.code == "HF2006"
                and self._calls.discovery.find(watched.scope.gvk) is not None
            ):
                watched.wake.set()


def _error_event(tree: JSON, scope: WatchScope) -> ClusterError:
    """Turn an event of type ERROR, a Status object, into an error."""
    code = tree.get("code") if isinstance(tree, dict) else None
    status = code if isinstance(code, int) else 500
    answer = errors.parse_answer(status, orjson.dumps(tree))
    return errors.classify(answer, about=scope.gvk)
