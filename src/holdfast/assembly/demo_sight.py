"""What the demo looks at: Applications, and a watch of Deployments with the time of each event."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.application import APPLICATION
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
PATIENCE_S = 20.0
_LOOK_AGAIN_S = 0.1


class NotSeenError(Exception):
    """Something that should have happened was not seen in time; the text says what."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch, with the second at which it was seen."""

    at: float
    kind: EventKind
    manifest: Manifest

    @property
    def image(self) -> str:
        """The image of the first container."""
        containers: Any = self.manifest.at("spec", "template", "spec", "containers") or [{}]
        return str(containers[0].get("image", ""))


class Deployments:
    """A watch of the Deployments of a namespace (a `WatchSink`)."""

    def __init__(self, clock: SystemClock) -> None:
        """Nothing seen yet."""
        self._clock = clock
        self._events: list[Event] = []
        self._now: dict[str, Manifest] = {}
        self._news = asyncio.Event()

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Write down what happened, and when."""
        del scope
        self._events.append(Event(self._clock.monotonic(), event, manifest))
        if event is EventKind.DELETED:
            self._now.pop(manifest.name, None)
        else:
            self._now[manifest.name] = manifest
        self._news.set()

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """The list is complete."""

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """The waits time out and say what was not seen."""

    def find(self, name: str) -> Manifest | None:
        """Return a Deployment as it is now."""
        return self._now.get(name)

    def mark(self) -> int:
        """Return a place in the events, to look at what comes after it."""
        return len(self._events)

    async def until_gone(self, name: str) -> None:
        """Wait until a Deployment is deleted."""
        await self._until(lambda: name not in self._now or None, f"Deployment {name} is deleted")

    async def until_there(self, name: str) -> None:
        """Wait until a Deployment exists."""
        await self._until(lambda: name in self._now or None, f"Deployment {name} is there")

    async def until_added(self, name: str, mark: int) -> float:
        """Return the moment at which a Deployment was added."""

        def look() -> float | None:
            for event in self._events[mark:]:
                if event.manifest.name == name and event.kind is EventKind.ADDED:
                    return event.at
            return None

        return await self._until(look, f"Deployment {name} is back")

    async def until_back(self, name: str, mark: int) -> float:
        """Return the seconds from DELETED to ADDED with another uid."""

        def look() -> float | None:
            deleted: Event | None = None
            for event in self._events[mark:]:
                if event.manifest.name != name:
                    continue
                if event.kind is EventKind.DELETED:
                    deleted = event
                elif deleted is not None and event.manifest.uid != deleted.manifest.uid:
                    return event.at - deleted.at
            return None

        return await self._until(look, f"Deployment {name} is back")

    async def until_put_back(self, name: str, images: tuple[str, str], mark: int) -> float:
        """Return the seconds from seeing the first image to seeing the second."""
        foreign, wanted = images

        def look() -> float | None:
            changed: Event | None = None
            for event in self._events[mark:]:
                if event.manifest.name != name:
                    continue
                if changed is None and event.image == foreign:
                    changed = event
                elif changed is not None and event.image == wanted:
                    return event.at - changed.at
            return None

        return await self._until(look, f"Deployment {name} runs {wanted} again")

    async def _until(self, look: Callable[[], float | bool | None], what: str) -> float:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (found := look()) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise NotSeenError(f"{what}; not within {PATIENCE_S:.0f} s") from error
        return float(found)


class Sight:
    """Looks at a cluster."""

    def __init__(self, connection: Connection, namespace: str, clock: SystemClock) -> None:
        """Look through a connection."""
        self.connection = connection
        self._namespace = namespace
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(cls, kubeconfig: str, namespace: str) -> AsyncIterator["Sight"]:
        """Connect for the time of the block."""
        clock = SystemClock()
        async with AsyncExitStack() as stack:
            supervisor = await stack.enter_async_context(Supervisor(clock))
            connection = await connect(
                find_access(kubeconfig),
                clock=clock,
                supervisor=supervisor,
                rng=random.Random(),  # noqa: S311 - jitter
            )
            stack.push_async_callback(connection.close)
            yield cls(connection, namespace, clock)

    def watch_deployments(self, namespace: str) -> Deployments:
        """Begin to watch Deployments."""
        seen = Deployments(self._clock)
        self.connection.watching.start(WatchScope(DEPLOYMENT, namespace), seen)
        return seen

    async def until_app(self, name: str, suits: Callable[[Tree], bool], what: str) -> Tree:
        """Return an Application once it is as wanted."""
        found: Tree = {}
        for _ in range(int(PATIENCE_S / _LOOK_AGAIN_S)):
            live = await self.connection.reader.get(APPLICATION, self._namespace, name)
            found = live.tree if live is not None else {}
            if suits(found):
                return found
            await self._clock.sleep(_LOOK_AGAIN_S)
        raise NotSeenError(f"{name}: {what}; after {PATIENCE_S:.0f} s it is {_words(found)}")

    async def deployment(self, namespace: str, name: str) -> Tree:
        """Return a Deployment."""
        live = await self.connection.reader.get(DEPLOYMENT, namespace, name)
        if live is None:
            raise NotSeenError(f"Deployment {name} is there")
        return live.tree

    async def config_map(self, namespace: str, name: str) -> Tree | None:
        """Return a ConfigMap, or None."""
        live = await self.connection.reader.get(CONFIG_MAP, namespace, name)
        return live.tree if live is not None else None

    async def until_config_map_gone(self, namespace: str, name: str) -> None:
        """Wait until a ConfigMap is gone."""
        for _ in range(int(PATIENCE_S / _LOOK_AGAIN_S)):
            if await self.config_map(namespace, name) is None:
                return
            await self._clock.sleep(_LOOK_AGAIN_S)
        raise NotSeenError(f"ConfigMap {name} is gone")


def _words(app: Tree) -> str:
    status = app.get("status") or {}
    state = status.get("operationState") or {}
    parts = [
        str((status.get("sync") or {}).get("status") or "not compared"),
        str((status.get("health") or {}).get("status") or "of unknown health"),
        *(str(item.get("message")) for item in status.get("conditions") or ()),
    ]
    if state.get("message"):
        parts.append(f"operation {state.get('phase')}: {state['message']}")
    return ", ".join(parts)
