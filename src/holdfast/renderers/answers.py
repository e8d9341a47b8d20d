"""Talking to the render worker: requests out, manifests and errors back."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from holdfast.domain.errors import ToolError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import Clock
from holdfast.domain.source import Rendered, SourceType
from holdfast.kit.worker import WorkerError, WorkerPool, WorkerRefusal, WorkerTooLongError
from holdfast.renderers.problems import from_details

_TURN_BYTES = 256 * 1024  # decoded between two turns of the event loop (apply.md C1)


class RenderWorkers:
    """The pool of warm processes that parse YAML."""

    def __init__(self, pool: WorkerPool, clock: Clock) -> None:
        """Take the pool; `stop` ends it."""
        self._pool = pool
        self._clock = clock

    async def ask(self, operation: str, payload: bytes = b"", /, **arguments: Any) -> bytes:
        """Return the answer to one operation of `holdfast.renderers.process`.

        Raises:
            HoldfastError: What the worker found wrong; HF4003 when it took too long or said too
                much; HF4002 when it died twice.
        """
        request = json.dumps({"op": operation, **arguments}).encode() + b"\n" + payload
        try:
            try:
                return await self._pool.ask(request)
            except WorkerTooLongError:
                raise
            except WorkerError:
                return await self._pool.ask(request)  # a process that died: once more, in a new one
        except WorkerRefusal as refusal:
            raise from_details(refusal.details) from None
        except WorkerTooLongError as error:
            raise ToolError("HF4003", f"rendering was stopped: {error}") from error
        except WorkerError as error:
            raise ToolError("HF4002", f"rendering failed: {error}") from error

    async def inspect(self, **arguments: Any) -> tuple[SourceType, Tree]:
        """Return the tool that a folder wants, and the source with its override files merged in."""
        answer = orjson.loads(await self.ask("inspect", **arguments))
        return SourceType(answer["type"]), answer["source"]

    async def manifests(
        self, answer: bytes, source_type: SourceType, revision: str, warnings: Sequence[str] = ()
    ) -> Rendered:
        """Return an answer's objects, decoded one line at a time with the loop let go between."""
        lines = answer.split(b"\n")
        head = orjson.loads(lines[0])
        manifests: list[Manifest] = []
        size = 0
        for line in lines[1:]:
            size += len(line)
            if size > _TURN_BYTES:
                size = 0
                await self._clock.sleep(0)
            manifests.append(Manifest(orjson.loads(line)))
        return Rendered(
            tuple(manifests),
            source_type,
            revision,
            tuple(head["origins"]),
            (*warnings, *head["warnings"]),
        )

    async def warm(self) -> None:
        """Start the processes before the first render needs them."""
        await self._pool.warm()

    async def stop(self) -> None:
        """End the processes."""
        await self._pool.stop()
