"""What tests of the cluster room need: a connection to each plane, a sink, and a bad network.

The fixtures are in `tests.support.kube_fixtures`. `Proxy` stands between a client and a plane: it
cuts streams in the middle of a line, goes silent, refuses, and answers in the server's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from holdfast.cluster.connection import Connection, Options, connect
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import AppKey, GroupVersionKind, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions, Authorized, Purpose, SystemWrite, Verb
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from tests.support.waiting import eventually, quiet_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.cluster.kubeconfig import Access

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SECRET = GroupVersionKind("", "v1", "Secret")
NAMESPACE = GroupVersionKind("", "v1", "Namespace")
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
CRD = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
APP = AppKey("argocd", "contract")


# --- planes ----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def connected(access: Access, options: Options | None = None) -> AsyncIterator[Connection]:
    """A connection whose tasks and sockets are gone at the end."""
    clock = SystemClock()
    async with Supervisor(clock) as supervisor:
        connection = await connect(
            access, clock=clock, supervisor=supervisor, rng=random.Random(7), options=options
        )
        try:
            yield connection
        finally:
            connection.watching.close()
            await supervisor.stop()
            await connection.close()
    assert not supervisor.errors, supervisor.last_errors


async def make_namespace(connection: Connection, labels: dict[str, str] | None = None) -> str:
    """A namespace that no other test has."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    tree = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels or {}},
    }
    await connection.system.create(Manifest(tree), SystemWrite.NAMESPACE)
    return name


# --- objects ---------------------------------------------------------------------------------


def config_map(namespace: str, name: str, **data: str) -> Manifest:
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": data,
        }
    )


def secret(namespace: str, name: str, **text: str) -> Manifest:
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": text,
        }
    )


def deployment(namespace: str, name: str, *containers: dict[str, Any]) -> Manifest:
    labels = {"app": name}
    return Manifest(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": list(containers) or [{"name": "c", "image": "i:1"}]},
                },
            },
        }
    )


def crd(group: str, kind: str = "Widget") -> Manifest:
    plural = f"{kind.lower()}s"
    return Manifest(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                "scope": "Namespaced",
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            }
                        },
                    }
                ],
            },
        }
    )


def permit(manifest: Manifest, verb: Verb = Verb.APPLY) -> Authorized:
    return Authorized(manifest.key, verb, Purpose.SYNC, APP)


async def apply(connection: Connection, manifest: Manifest, **options: Any) -> Manifest:
    """Applies an object with a permit for it."""
    return await connection.writer.apply(manifest, permit(manifest), ApplyOptions(**options))


async def delete(connection: Connection, manifest: Manifest, **options: Any) -> bool:
    """Deletes an object with a permit for it."""
    return await connection.writer.delete(manifest.gvk, permit(manifest, Verb.DELETE), **options)


async def refused(attempt: Any) -> ClusterError:
    """The error with which an attempt ends."""
    with pytest.raises(ClusterError) as caught:
        await attempt
    return caught.value


# --- watching --------------------------------------------------------------------------------


@dataclass
class RecordingSink:
    """Keeps what a watch says, and the state of the objects that follows from it."""

    seen: list[tuple[EventKind, Manifest]] = field(default_factory=list)
    lists: list[tuple[frozenset[ResourceKey], int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    state: dict[ResourceKey, Manifest] = field(default_factory=dict)

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        del scope
        self.seen.append((event, manifest))
        if event is EventKind.DELETED:
            self.state.pop(manifest.key, None)
        else:
            self.state[manifest.key] = manifest

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        del scope
        self.lists.append((keys, version))
        for key in set(self.state) - keys:
            if self.state[key].version_number <= version:
                del self.state[key]

    def failed(self, scope: WatchScope, error: Exception) -> None:
        del scope
        self.failures.append(error)

    def has(self, event: EventKind, name: str) -> bool:
        return any(kind is event and manifest.name == name for kind, manifest in self.seen)

    def versions(self) -> dict[str, str]:
        """Names and resourceVersions of the objects that follow from the events."""
        return {key.name: manifest.resource_version for key, manifest in self.state.items()}


async def agrees_with_list(
    sink: RecordingSink, connection: Connection, scope: WatchScope, *, seconds: float = 20.0
) -> None:
    """Waits until the events of a watch add up to what a list shows at the same time.

    The list is asked for anew each time: a controller of the cluster may still be adding to a new
    namespace (kube-root-ca.crt) when the test has done its part.
    """

    async def compare() -> dict[str, dict[str, str]]:
        listed = await connection.reader.list(scope.gvk, scope.namespace)
        return {
            "list": {item.name: item.resource_version for item in listed.items},
            "watch": sink.versions(),
        }

    async def agrees() -> bool:
        found = await compare()
        return found["list"] == found["watch"]

    await eventually(agrees, seconds=seconds, explain=compare)


# --- a bad network ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Answer in the server's place."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CutAfter:
    """Forward until these bytes were seen, and cut right behind them: in the middle of a line."""

    pattern: bytes


@dataclass(frozen=True)
class CutAt:
    """Forward so many bytes of the answer, its head included, and cut."""

    count: int


@dataclass(frozen=True)
class Stall:
    """Forward nothing and stay silent."""


Rule = Answer | CutAfter | CutAt | Stall


class Proxy:
    """A TCP proxy on the loopback, http in front, whatever the plane speaks behind.

    Attributes:
        requests: Method and path of each request that came, in order.
        watches: What to do with the next watches, one after the other; then they just pass.
        calls: The same for all other requests.
        calls_about: Only requests whose path holds this meet `calls`.
        is_away: Drop every connection at once.
        watch_delay_s: Bytes of watches come so much later, and up to twice that.
        cuts: How many answers were cut by `CutAfter` and `CutAt`.
        gone: How many watches were answered with 410.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.requests: list[tuple[str, str]] = []
        self.watches: deque[Rule] = deque()
        self.calls: deque[Rule] = deque()
        self.calls_about = ""
        self.is_away = False
        self.watch_delay_s = 0.0
        self.cuts = 0
        self.gone = 0

    @property
    def access(self) -> Access:
        """How to reach the plane through this proxy."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return replace(self._access, server=f"http://127.0.0.1:{port}")

    def count(self, method: str, words: str = "") -> int:
        return sum(1 for verb, path in self.requests if verb == method and words in path)

    def cut_all(self) -> None:
        """Break every connection that is open."""
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        self.cut_all()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        await asyncio.sleep(0)  # lets the sockets that were cut close

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if not self.is_away:
                await self._one(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        length = sum(
            int(line.split(":", 1)[1])
            for line in lines
            if line.lower().startswith("content-length:")
        )
        body = await reader.readexactly(length)
        self.requests.append((method, path))
        if "watch=true" in path:
            rule = self.watches.popleft() if self.watches else None
        else:
            rule = self.calls.popleft() if self.calls and self.calls_about in path else None
        if isinstance(rule, Answer):
            await _answer(writer, rule)
            return
        if isinstance(rule, Stall):
            await asyncio.Event().wait()
        await self._forward(lines, body, writer, rule)

    async def _forward(
        self, lines: list[str], body: bytes, writer: asyncio.StreamWriter, rule: Rule | None
    ) -> None:
        parts = urlsplit(self._access.server)
        context = None
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        back, forth = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
        self._open.add(forth)
        try:
            kept = [
                line
                for line in lines[1:]
                if line and not line.lower().startswith(("host:", "connection:"))
            ]
            head = [lines[0], f"Host: {parts.netloc}", "Connection: close", *kept, "", ""]
            forth.write("\r\n".join(head).encode("latin-1") + body)
            await forth.drain()
            await self._send_back(back, writer, rule, is_watch="watch=true" in lines[0])
        finally:
            self._open.discard(forth)
            forth.transport.abort()

    async def _send_back(
        self,
        back: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rule: Rule | None,
        *,
        is_watch: bool,
    ) -> None:
        sent, tail = 0, b""
        while chunk := await back.read(65536):
            if is_watch:
                self.gone += chunk.startswith(b"HTTP/1.1 410") or b'"code":410' in chunk
                if self.watch_delay_s:
                    await quiet_for(self.watch_delay_s, why="events that come late are the fault")
            end = _find_cut(rule, sent, tail, chunk)
            if end is not None:
                self.cuts += 1
                writer.write(chunk[:end])
                await writer.drain()
                # Half-closed first, so that the peer reads the piece before the end.
                writer.write_eof()
                return
            if isinstance(rule, CutAfter):
                tail = chunk[-len(rule.pattern) :]
            sent += len(chunk)
            writer.write(chunk)
            await writer.drain()


def _find_cut(rule: Rule | None, sent: int, tail: bytes, chunk: bytes) -> int | None:
    """How much of a piece still goes through, None for all of it."""
    if isinstance(rule, CutAt):
        left = rule.count - sent
        return left if left <= len(chunk) else None
    if isinstance(rule, CutAfter):
        found = (tail + chunk).find(rule.pattern)
        return found + len(rule.pattern) - len(tail) if found >= 0 else None
    return None


async def _answer(writer: asyncio.StreamWriter, rule: Answer) -> None:
    head = [
        f"HTTP/1.1 {rule.status} Said by the proxy",
        f"Content-Length: {len(rule.body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in rule.headers),
        "",
        "",
    ]
    writer.write("\r\n".join(head).encode("latin-1") + rule.body)
    await writer.drain()
