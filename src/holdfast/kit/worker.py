"""A warm process that answers requests: frames of length-prefixed bytes over pipes.

Work that would hold the healing process' interpreter (YAML, scripts) happens there (apply.md C1).
A worker that takes too long, says too much or dies is killed; the next request starts a new one.
The frames, and the loop that answers there: `holdfast.kit.worker_loop`.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from holdfast.kit import process as processes
from holdfast.kit.worker_loop import ANSWER, ERROR, LENGTH


class WorkerError(Exception):
    """The worker died or broke the protocol; the request may be tried once more."""


class WorkerTooLongError(WorkerError):
    """The worker took too long or answered too much, and was killed."""


class WorkerRefusal(Exception):  # noqa: N818 - an answer, not a failure of the worker
    """The worker answered with an error; `details` is the JSON object that it sent."""

    def __init__(self, details: dict[str, Any]) -> None:
        """Keep the details."""
        super().__init__(str(details.get("message", "refused")))
        self.details = details


class Worker:
    """One process, one request at a time; started at the first request, or by `warm`."""

    def __init__(
        self,
        module: str,
        *,
        timeout_s: float = 60.0,
        answer_bytes: int = 256 * 1024 * 1024,
        memory_bytes: int | None = 2 * 1024**3,
        arguments: Sequence[str] = (),
    ) -> None:
        """Nothing is started yet.

        Args:
            module: What `python -m` runs; its `main` calls `worker_loop.serve`.
            timeout_s: For each request, the start of the process not counted.
            answer_bytes: Longest answer.
            memory_bytes: Address space of the process.
            arguments: Further words for the module.
        """
        self._argv = [sys.executable, "-P", "-m", module, *arguments]
        self._timeout_s = timeout_s
        self._answer_bytes = answer_bytes
        self._limits = processes.Limits(memory_bytes=memory_bytes)
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The pid of the process, or None when none runs."""
        return self._process.pid if self._process is not None else None

    async def warm(self) -> None:
        """Start the process, and wait until it answers."""
        await self.ask(b"")

    async def ask(self, request: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send one request and return the answer. An empty request is answered by the worker loop.

        Raises:
            WorkerRefusal: The worker answered with an error.
            WorkerTooLongError: It took too long or answered too much; it was killed.
            WorkerError: It died.
        """
        async with self._lock:
            answered = False
            try:
                running = await self._started()
                async with asyncio.timeout(timeout_s or self._timeout_s):
                    kind, body = await self._exchange(running, request)
                answered = True
            except TimeoutError:
                raise WorkerTooLongError(
                    f"no answer within {timeout_s or self._timeout_s:g} s"
                ) from None
            except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError) as error:
                raise WorkerError("the worker process ended unexpectedly") from error
            finally:
                # Whatever interrupted an exchange (the caller's cancellation too), the pipe now
                # holds half an answer: this process can't be used again.
                if not answered:
                    await self._kill()
        if kind == ERROR:
            raise WorkerRefusal(json.loads(body))
        return body

    async def stop(self) -> None:
        """Kill the process."""
        async with self._lock:
            await self._kill()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            await self._kill()
            inherited = {
                name: os.environ[name]
                for name in ("PYTHONPATH", "VIRTUAL_ENV")
                if name in os.environ
            }
            self._process = await processes.start(
                self._argv,
                env=processes.clean_environment(**inherited),
                limits=self._limits,
                keep_stderr=False,
            )
            async with asyncio.timeout(30):
                await self._exchange(self._process, b"")  # waits for the imports
        return self._process

    async def _exchange(
        self, process: asyncio.subprocess.Process, request: bytes
    ) -> tuple[bytes, bytes]:
        writer, reader = process.stdin, process.stdout
        if writer is None or reader is None:
            raise WorkerError("the worker has no pipes")
        writer.write(LENGTH.pack(len(request)) + request)
        await writer.drain()
        kind, length = ANSWER.unpack(await reader.readexactly(ANSWER.size))
        if length > self._answer_bytes:
            raise WorkerTooLongError(f"the answer has more than {self._answer_bytes} bytes")
        return kind, await reader.readexactly(length)

    async def _kill(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await processes.end(process)


class WorkerPool:
    """Several workers of one kind; a request goes to one that is free."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        """Take the workers; they belong to the pool now."""
        self._workers = tuple(workers)
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in reversed(self._workers):
            self._free.put_nowait(worker)

    async def ask(self, request: bytes, *, timeout_s: float | None = None) -> bytes:
        """Ask a free worker; wait when all are busy. Errors as `Worker.ask`."""
        worker = await self._free.get()
        try:
            return await worker.ask(request, timeout_s=timeout_s)
        finally:
            self._free.put_nowait(worker)

    async def warm(self) -> None:
        """Start every process."""
        for worker in self._workers:
            await worker.warm()

    async def stop(self) -> None:
        """Kill every process."""
        for worker in self._workers:
            await worker.stop()
