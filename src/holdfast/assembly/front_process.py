"""The API and the page in a process of their own, and the line by which it hears of the controller.

The parent opens the port, so that a wrong `--listen` is its error and nothing is refused while the
child starts; the child inherits it, reads its settings as the first line of its input, and ends
when that input ends: it never outlives its parent. Later lines tell it what the controller does.
Its own output is a line for each thing that the parent counts: metrics are the controller's.
A child that dies is started again; the controller does not notice.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from dataclasses import asdict

from holdfast.assembly.front_counts import Tell, tell_nobody
from holdfast.assembly.front_settings import FrontSettings
from holdfast.kit import logs, process
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

_MODULE = "holdfast.assembly.front_process"
_LINE_BYTES = 1024 * 1024
_LAST_S = 5
_MOST_TOLD = 2000


class FrontProcess:
    """The child, as its parent sees it."""

    def __init__(
        self,
        settings: FrontSettings,
        listener: socket.socket,
        tell: Tell = tell_nobody,
    ) -> None:
        """Start nothing yet.

        Args:
            settings: What the child serves.
            listener: The open port; stays open in the parent, so that a new child can take over.
            tell: Told of what is counted (`front_counts`).
        """
        self._count = tell
        self._settings = settings
        self._listener = listener
        self._said: dict[str, object] = {}
        self._news = asyncio.Event()
        self.pid: int | None = None

    def start(self, supervisor: Supervisor) -> None:
        """Keep a child running until the supervisor stops."""
        supervisor.spawn("page", self._run)

    def tell(self, **facts: object) -> None:
        """Let the child know what the controller does now; only the newest of each counts."""
        self._said.update(facts)
        self._news.set()

    async def _run(self) -> None:
        number = self._listener.fileno()
        child = await process.start(
            [sys.executable, "-P", "-m", _MODULE, str(number)],
            env=dict(os.environ),
            keep_stderr=False,
            pass_fds=(number,),
        )
        self.pid = child.pid
        log.info("the page is served by process %d", child.pid)
        try:
            async with asyncio.TaskGroup() as group:
                talk = group.create_task(self._talk(child))
                hear = group.create_task(self._hear(child))
                code = await child.wait()
                talk.cancel()
                hear.cancel()
        finally:
            self.pid = None
            await process.end(child)
        raise RuntimeError(f"the process of the API and the page ended with {code}")

    async def _hear(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None  # noqa: S101 - it was started with pipes
        while line := await child.stdout.readline():
            what, _, of_it = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
            self._count(what, of_it)

    async def _talk(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdin is not None  # noqa: S101 - it was started with pipes
        level, as_json = logs.in_force()
        first = {"settings": asdict(self._settings), "log_level": level, "log_json": as_json}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await _say(child.stdin, first)
            while True:
                await _say(child.stdin, self._said)
                await self._news.wait()
                self._news.clear()


async def _say(pipe: asyncio.StreamWriter, line: dict[str, object]) -> None:
    pipe.write(json.dumps(line).encode() + b"\n")
    await pipe.drain()


async def _read_lines(stop: asyncio.Event, reader: asyncio.StreamReader) -> None:
    """Hear the parent; its silence for good is the end."""
    while await reader.readline():
        pass
    # Whatever still hangs then (a thread, a slow reader): the kernel ends it.
    signal.alarm(_LAST_S)
    stop.set()


def _tell_parent(what: str, of_it: str) -> None:
    line = f"{what} {' '.join(of_it.split())[:_MOST_TOLD]}\n"
    # The parent reads; one that does not is at its end, and a full pipe must not hold us.
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), line.encode())


async def _serve(number: int) -> None:
    from holdfast.assembly.front import serve_front  # noqa: PLC0415 - 10 MB for the child alone

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    # Ctrl-C in a terminal reaches the parent alone: this process has a session of its own.
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    first = json.loads(await reader.readline())
    logs.configure(level=first["log_level"], as_json=first["log_json"], stream=sys.stderr)
    told = first["settings"]
    for name in ("allow_local_repos", "tls"):
        told[name] = tuple(told[name])
    listener = socket.socket(fileno=number)
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(_read_lines(stop, reader))
        await serve_front(FrontSettings(**told), listener, stop, _tell_parent)
        hearing.cancel()


def main() -> None:
    """Run the child: its one argument is the number of the inherited socket."""
    import uvloop  # noqa: PLC0415 - the parent does not need it for this

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
