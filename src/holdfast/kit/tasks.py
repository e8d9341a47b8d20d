"""The one supervisor of background tasks: named, restarted, errors counted and logged.

A bare `asyncio.create_task` loses its error and its task. Whoever needs a task that outlives the
call asks the supervisor.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

from holdfast.kit.backoff import Backoff

log = logging.getLogger(__name__)

_HEALTHY_AFTER_S = 60.0  # a task that ran this long starts its backoff anew


class Clock(Protocol):
    """The part of `domain.ports.Clock` that is needed here."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class Supervisor:
    """Owns background tasks.

    Attributes:
        errors: Failures so far, by task name.
        last_errors: The last failure of each task, as `Type: text`.
    """

    def __init__(self, clock: Clock, backoff: Backoff | None = None) -> None:
        """Start with no task.

        Args:
            clock: For the pauses between restarts.
            backoff: Pauses after failures in a row; default 0.5 s x 2 up to 30 s.
        """
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._serial = 0
        self.errors: Counter[str] = Counter()
        self.last_errors: dict[str, str] = {}

    def spawn(self, name: str, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run `start()` and, when it fails, again after a pause; a normal return ends it.

        Args:
            name: Unique among the living tasks.
            start: Makes a fresh coroutine for each attempt.

        Raises:
            ValueError: A living task has this name.
            RuntimeError: The supervisor is stopping.
        """
        self._keep(name, self._run_again_and_again(name, start))

    def once(self, name: str, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run one coroutine to its end; a failure is logged and counted, never raised.

        Args:
            name: For logs; a number is added when a living task has it already.
            coroutine: What to run.
        """
        if name in self._tasks:
            self._serial += 1
            name = f"{name}#{self._serial}"
        try:
            self._keep(name, self._run_once(name, coroutine))
        except RuntimeError:
            coroutine.close()  # it will never run: no "never awaited" warning
            raise
        # A task that is cancelled before its first step never reaches its own `finally`.
        self._tasks[name].add_done_callback(lambda _task: coroutine.close())

    def cancel(self, name: str) -> None:
        """Cancel one task; nothing happens when there is none of that name."""
        task = self._tasks.get(name)
        if task is not None:
            task.cancel()

    def is_running(self, name: str) -> bool:
        """Whether a task of that name is alive."""
        return name in self._tasks

    async def stop(self) -> None:
        """Cancel all tasks and wait until each has ended. Can be called twice."""
        self._stopping = True
        while self._tasks:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(0)  # lets the done callbacks run

    async def __aenter__(self) -> Self:
        """Use as `async with`: everything has ended at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    def _keep(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._stopping or name in self._tasks:
            coroutine.close()
            if self._stopping:
                raise RuntimeError(f"the supervisor is stopping; {name!r} was not started")
            raise ValueError(f"a task named {name!r} is running")
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._forget)

    def _leave(self, name: str) -> None:
        """Say that a task runs no more, in its very last step: not a moment later.

        Who sets a flag and starts a task when none is running must not find one that has looked
        at the flag for the last time.
        """
        if self._tasks.get(name) is asyncio.current_task():
            del self._tasks[name]

    def _forget(self, task: asyncio.Task[None]) -> None:
        if self._tasks.get(task.get_name()) is task:
            del self._tasks[task.get_name()]
        if not task.cancelled() and task.exception() is not None:  # BaseException, e.g. SystemExit
            log.error("task %s ended with %r", task.get_name(), task.exception())

    async def _run_again_and_again(
        self, name: str, start: Callable[[], Coroutine[Any, Any, object]]
    ) -> None:
        failures = 0
        while True:
            began = self._clock.monotonic()
            try:
                await start()
            except Exception as error:  # noqa: BLE001 - the border of a task: logged and counted
                if self._clock.monotonic() - began >= _HEALTHY_AFTER_S:
                    failures = 0
                failures += 1
                self._note(name, error)
            else:
                self._leave(name)
                return
            await self._clock.sleep(self._backoff.delay_s(failures))

    async def _run_once(self, name: str, coroutine: Coroutine[Any, Any, object]) -> None:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001 - the border of a task: logged and counted
            self._note(name, error)
        self._leave(name)

    def _note(self, name: str, error: Exception) -> None:
        name = name.partition("#")[0]
        self.errors[name] += 1
        self.last_errors[name] = f"{type(error).__name__}: {error}"
        log.error("HF9001 task %s failed", name, exc_info=error)
