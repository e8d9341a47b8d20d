"""Kubernetes Events on an Application, as Argo CD writes them.

Names, component and annotations: docs/internals/argocd/controller.md §11.1. `record` never waits:
events go through a bounded queue and one task; when it is full the newest is dropped and counted,
since an Event is never worth a heal. Nor is it worth a sync: while many requests are on their way
events wait, up to half a minute.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from holdfast.domain.errors import HoldfastError
from holdfast.domain.events import AppEvent
from holdfast.domain.identity import ARGO_GROUP
from holdfast.domain.kinds import EVENT
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter

log = logging.getLogger(__name__)

COMPONENT = "argocd-application-controller"
MESSAGE_CHARS = 1024  # the server refuses longer ones
QUEUE_EVENTS = 10_000
LOOK_AGAIN_S = 0.25
LONGEST_S = 30.0


class EventRecorder:
    """Writes Events in the background.

    Attributes:
        dropped: How many were not written because the queue was full or the server refused.
    """

    def __init__(
        self,
        system: SystemWriter,
        clock: Clock,
        queue_events: int = QUEUE_EVENTS,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """Write nothing until `run` runs.

        Args:
            system: Writes them.
            clock: For their times and names.
            queue_events: How many may wait.
            is_busy: Whether what is on its way to the server is worth more than an event.
        """
        self._system = system
        self._clock = clock
        self._is_busy = is_busy
        self._queue: asyncio.Queue[tuple[AppEvent, datetime, float]] = asyncio.Queue(queue_events)
        self._last_nanos = 0
        self.dropped = 0

    def record(self, event: AppEvent) -> None:
        """Note what happened; returns at once."""
        try:
            self._queue.put_nowait((event, self._clock.now(), self._clock.monotonic()))
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> None:
        """Write what was recorded, one after the other, until cancelled."""
        while True:
            event, at, began_s = await self._queue.get()
            while self._is_busy() and self._clock.monotonic() < began_s + LONGEST_S:
                await self._clock.sleep(LOOK_AGAIN_S)
            try:
                await self._system.create(self._build(event, at), SystemWrite.EVENT)
            except HoldfastError as error:
                self.dropped += 1
                log.warning("an Event was not written: %s", error.describe())
            finally:
                self._queue.task_done()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything recorded so far was written; False when the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._queue.join()
        except TimeoutError:
            return False
        return True

    def _build(self, event: AppEvent, at: datetime) -> Manifest:
        # Two events of one microsecond must not have one name.
        nanos = max(int(at.timestamp() * 1_000_000) * 1000, self._last_nanos + 1)
        self._last_nanos = nanos
        annotations = {
            "dest-server": event.dest_server,
            "dest-namespace": event.dest_namespace,
            "user": event.user,
        }
        involved: Tree = {
            "apiVersion": f"{ARGO_GROUP}/v1alpha1",
            "kind": "Application",
            "name": event.app.name,
            "namespace": event.app.namespace,
            "uid": event.uid,
            "resourceVersion": event.resource_version,
        }
        time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Manifest(
            {
                "apiVersion": EVENT.api_version,
                "kind": EVENT.kind,
                "metadata": {
                    "name": f"{event.app.name}.{nanos:x}",
                    "namespace": event.app.namespace,
                    "annotations": {key: value for key, value in annotations.items() if value},
                },
                "involvedObject": {key: value for key, value in involved.items() if value},
                "source": {"component": COMPONENT},
                "reason": event.reason.value,
                "message": event.message[:MESSAGE_CHARS],
                "type": "Warning" if event.warning else "Normal",
                "firstTimestamp": time,
                "lastTimestamp": time,
                "count": 1,
            }
        )
