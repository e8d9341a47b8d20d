"""Starts `holdfast` without importing it anew: as a fork of a process that has done nothing else.

Hundreds of programs start in the scenarios, and importing is what each of them did most (0.5 to
0.9 s of processor time). A fork is a process of its own all the same: its memory, environment,
folder, signals and exit status are as those of `python -m holdfast`. What measures a start, or
memory, or is about the interpreter, starts one afresh: see `tests.support.process`.

Run as a program, this module is the process that forks. It ends with the one that started it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
LOADED = (
    "holdfast.assembly.direct",
    "holdfast.assembly.run",
    "holdfast.assembly.sandbox",
    "holdfast.cli.app.read",
    "holdfast.cli.root",
    "holdfast.cli.groups",
    "holdfast.cli.servers",
    "holdfast.sources.repositories",
    "uvloop",
)
_NUMBER = struct.Struct("!i")
_MOST_BYTES = 1 << 18


class LoadedProcess:
    """A running fork; what `subprocess.Popen` offers, as far as tests use it.

    Attributes:
        stdout: What it says, on both streams.
        returncode: None until its end was noticed.
    """

    def __init__(self, pid: int, stdout: IO[str], status: int) -> None:
        """Use `start`."""
        self.pid = pid
        self.stdout: IO[str] | None = stdout
        self.returncode: int | None = None
        self._status = status
        self._lock = threading.Lock()

    @classmethod
    def start(cls, arguments: list[str], environ: Mapping[str, str]) -> Self:
        """Starts `holdfast` with these arguments; it reads nothing."""
        reading, writing = os.pipe()
        with open(os.devnull, "rb") as nothing:
            pid, status = _Loader.shared().fork(
                arguments, environ, (nothing.fileno(), writing, writing)
            )
        os.close(writing)
        return cls(pid, os.fdopen(reading, encoding="utf-8"), status)

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        with self._lock:
            if self.returncode is None:
                if not select.select([self._status], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("holdfast", timeout or 0.0)
                self.returncode = _read_number(self._status)
                os.close(self._status)
            return self.returncode


def type_holdfast(
    *words: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    is_one_stream: bool = False,
    timeout: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Types `holdfast …` and waits for its end, whatever comes of it.

    Args:
        words: Of the command line.
        env: Its environment; by default this process's own.
        stdin: What it reads.
        is_one_stream: Whether stderr goes where stdout goes.
        timeout: Seconds.

    Raises:
        subprocess.TimeoutExpired: it did not end in time; it was killed.
    """
    with tempfile.TemporaryFile("w+") as given, _captured() as out, _captured() as err:
        given.write(stdin)
        given.seek(0)
        pid, status = _Loader.shared().fork(
            list(words),
            os.environ if env is None else env,
            (given.fileno(), out.fileno(), (out if is_one_stream else err).fileno()),
        )
        try:
            ended = bool(select.select([status], [], [], timeout)[0])
            if not ended:
                os.kill(pid, signal.SIGKILL)
            code = _read_number(status)
        finally:
            os.close(status)
        said = [_content(out), _content(err)]
        if not ended:
            raise subprocess.TimeoutExpired(["holdfast", *words], timeout, *said)
        return subprocess.CompletedProcess(["holdfast", *words], code, *said)


def _captured() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Loader:
    """The process that forks; one for the whole session, started when it is first needed."""

    _shared: _Loader | None = None
    _guard = threading.Lock()

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.loaded", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # not a terminal, as what is forked has none
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )

    @classmethod
    def shared(cls) -> _Loader:
        with cls._guard:
            if cls._shared is None:
                cls._shared = cls()
                atexit.register(cls._shared.close)
            return cls._shared

    def close(self) -> None:
        self._asking.close()
        self._process.wait()

    def fork(
        self, arguments: list[str], environ: Mapping[str, str], streams: tuple[int, int, int]
    ) -> tuple[int, int]:
        """Returns the id of the new process, and where its exit status can be read."""
        asked = {"arguments": arguments, "environ": dict(environ), "folder": os.getcwd()}
        status, writing = os.pipe()
        try:
            with self._guard:
                socket.send_fds(self._asking, [json.dumps(asked).encode()], [*streams, writing])
        finally:
            os.close(writing)
        return _read_number(status), status


def _read_number(pipe: int) -> int:
    data = os.read(pipe, _NUMBER.size)
    if len(data) != _NUMBER.size:
        raise RuntimeError("the process that forks has ended; what it said is above")
    return int(_NUMBER.unpack(data)[0])


# --- the process that forks --------------------------------------------------------------------


def _next_program(asking: socket.socket) -> dict[str, Any] | None:
    """Forks whenever it is asked; returns in the new process alone, or at the end (None)."""
    while True:
        data, streams, _, _ = socket.recv_fds(asking, _MOST_BYTES, 4)
        if not data:
            return None
        if os.fork() == 0:
            asking.close()
            _become_program(streams)
            asked: dict[str, Any] = json.loads(data)
            return asked
        for stream in streams:
            os.close(stream)
        with contextlib.suppress(ChildProcessError):  # of those before
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _become_program(streams: list[int]) -> None:
    """Forks once more: who stays tells the exit status, which only a parent learns."""
    status = streams.pop()
    pid = os.fork()
    if pid == 0:
        os.close(status)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            if stream > 2:
                os.close(stream)
        return
    for stream in (*streams, 0, 1, 2):
        with contextlib.suppress(OSError):
            os.close(stream)
    os.write(status, _NUMBER.pack(pid))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(status, _NUMBER.pack(code))
    os._exit(0)


def _main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    asked = _next_program(socket.socket(fileno=int(sys.argv[1])))
    if asked is None:
        return
    os.environ.clear()
    os.environ.update(asked["environ"])
    time.tzset()
    os.chdir(asked["folder"])
    sys.argv = ["holdfast", *asked["arguments"]]
    importlib.import_module("holdfast.__main__").main()


if __name__ == "__main__":
    _main()
