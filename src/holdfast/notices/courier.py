"""`Courier`: speaks to the worker processes, which do everything that is slow."""

import asyncio
import json
import os
from collections.abc import Mapping

from holdfast.domain.errors import ConfigurationError, ToolError
from holdfast.domain.manifest import Tree
from holdfast.kit.worker import Worker, WorkerError, WorkerRefusal
from holdfast.notices.sending import Sent
from holdfast.notices.settings import CONFIG_MAP_NAME, NoticeSettings
from holdfast.notices.worker import ENVIRONMENT

MODULE = "holdfast.notices.worker"
_READ_S = 10.0
AT_ONCE = 6
"""Messages that are sent at the same time, each by a process of its own that starts when needed."""


class Courier:
    """Reads the configuration and sends messages, in processes that start when they are needed."""

    def __init__(self) -> None:
        """Start nothing."""
        self._workers = [Worker(MODULE, answer_bytes=4 * 1024 * 1024) for _ in range(AT_ONCE)]
        # The last that was used goes first: a second one starts when a target is slow.
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in reversed(self._workers):
            self._free.put_nowait(worker)
        self._environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}

    async def read(self, data: Mapping[str, str]) -> NoticeSettings:
        """Read the `data` of the ConfigMap.

        Raises:
            ConfigurationError: HF3014, it is wrong; the message says all that is.
            ToolError: HF4005, the worker died.
        """
        request = json.dumps({"op": "read", "data": dict(data)}).encode()
        worker = await self._free.get()
        try:
            answer = json.loads(await worker.ask(request, timeout_s=_READ_S))
        except (WorkerError, WorkerRefusal) as error:
            raise ToolError("HF4005", f"the notifications cannot be read: {error}") from error
        finally:
            self._free.put_nowait(worker)
        if answer["problems"]:
            raise ConfigurationError(
                "HF3014",
                "; ".join(answer["problems"]),
                about=f"ConfigMap {CONFIG_MAP_NAME}",
                hint="the grammar is in docs/reference/notifications.md",
            )
        return NoticeSettings.from_tree(answer["settings"])

    async def deliver(self, item: Tree, seconds: float) -> Sent | None:
        """Send an item; None when it hangs. Never fails.

        Called side by side, as many as there are processes go out at the same time: a target that
        hangs keeps one of them and no other target waiting.
        """
        asked = {"op": "send", "environment": self._environment, "seconds": seconds,
                 "items": [item]}  # fmt: skip
        worker = await self._free.get()
        try:
            answer = await worker.ask(json.dumps(asked).encode(), timeout_s=seconds + 5)
            (sent,) = [Sent(**one) if one is not None else None for one in json.loads(answer)]
            if sent is None:
                await worker.stop()  # a thread that hangs cannot be ended alone
        except (WorkerError, WorkerRefusal):
            return Sent(False, "the worker of notifications ended", may_retry=True)
        finally:
            self._free.put_nowait(worker)
        return sent

    async def stop(self) -> None:
        """End the processes; what is being sent is cut off."""
        for worker in self._workers:
            await worker.stop()
