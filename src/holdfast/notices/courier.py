"""`Courier`: speaks to the worker process, which does everything that is slow."""

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


class Courier:
    """Reads the configuration and sends messages, in a process that starts when it is needed."""

    def __init__(self) -> None:
        """Start nothing."""
        self._worker = Worker(MODULE, answer_bytes=4 * 1024 * 1024)
        self._environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}

    async def read(self, data: Mapping[str, str]) -> NoticeSettings:
        """Read the `data` of the ConfigMap.

        Raises:
            ConfigurationError: HF3014, it is wrong; the message says all that is.
            ToolError: HF4005, the worker died.
        """
        request = json.dumps({"op": "read", "data": dict(data)}).encode()
        try:
            answer = json.loads(await self._worker.ask(request, timeout_s=_READ_S))
        except (WorkerError, WorkerRefusal) as error:
            raise ToolError("HF4005", f"the notifications cannot be read: {error}") from error
        if answer["problems"]:
            raise ConfigurationError(
                "HF3014",
                "; ".join(answer["problems"]),
                about=f"ConfigMap {CONFIG_MAP_NAME}",
                hint="the grammar is in docs/reference/notifications.md",
            )
        return NoticeSettings.from_tree(answer["settings"])

    async def deliver(self, items: list[Tree], seconds: float) -> list[Sent | None]:
        """Send items side by side; None for one that hangs. Never fails."""
        asked = {"op": "send", "environment": self._environment, "seconds": seconds, "items": items}
        try:
            answer = await self._worker.ask(json.dumps(asked).encode(), timeout_s=seconds + 5)
        except (WorkerError, WorkerRefusal):
            return [Sent(False, "the worker of notifications ended", may_retry=True)] * len(items)
        sent = [Sent(**item) if item is not None else None for item in json.loads(answer)]
        if None in sent:
            await self._worker.stop()  # a thread that hangs cannot be ended alone
        return sent

    async def stop(self) -> None:
        """End the process."""
        await self._worker.stop()
