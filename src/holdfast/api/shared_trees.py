"""Resource trees for those who follow them: one is built for all who look at an Application.

Building one asks the cluster for every object of the Application. Followers of one Application
share each result: the first who finds it too old builds it, the others wait for that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import JSON

LOOK_EVERY_S = 5.0
_SHARE_OF_TIME = 20  # an Application of a thousand objects must not keep the cluster busy


@dataclass(slots=True)
class _Kept:
    """The last tree of one Application."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    followers: int = 0
    began_at: float = float("-inf")
    took_s: float = 0.0
    version: int = -1
    content: bytes = b""


class SharedTrees:
    """The trees of all Applications that somebody follows."""

    def __init__(self) -> None:
        """Nobody follows."""
        self._kept: dict[AppKey, _Kept] = {}

    def join(self, app: AppKey) -> None:
        """Begin to follow."""
        self._kept.setdefault(app, _Kept()).followers += 1

    def leave(self, app: AppKey) -> None:
        """Follow no more."""
        kept = self._kept[app]
        kept.followers -= 1
        if not kept.followers:
            del self._kept[app]

    def pause_s(self, app: AppKey) -> float:
        """Return how long to wait for news before the cluster is asked anew."""
        return max(LOOK_EVERY_S, self._kept[app].took_s * _SHARE_OF_TIME)

    async def get(
        self, app: AppKey, build: Callable[[], Awaitable[JSON]], version: int, not_before: float
    ) -> bytes:
        """Return `{"result": tree}`, as new as asked for.

        Args:
            app: Somebody has joined it.
            build: Asks the cluster.
            version: Of the live copies; a tree that was begun at an older one is too old.
            not_before: So is one that was begun before this, on the event loop's clock.

        Raises:
            HoldfastError: it cannot be built.
        """
        kept, loop = self._kept[app], asyncio.get_running_loop()
        async with kept.lock:
            if kept.version < version or kept.began_at < not_before:
                began = loop.time()
                content = orjson.dumps({"result": await build()})
                kept.began_at, kept.took_s = began, loop.time() - began
                kept.version, kept.content = version, content
            return kept.content
