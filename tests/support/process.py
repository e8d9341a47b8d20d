"""`holdfast run` as a process of its own: started, listened to, killed.

Nothing here sleeps: whoever waits for a line is woken by the thread that reads the pipe.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.loaded import LoadedProcess
from tools import control_plane

if TYPE_CHECKING:
    from collections.abc import Iterator

LEADING = r"leading as (?P<identity>\S+)"
WAITING = r"waiting for the lease: (?P<holder>.+) leads"
OBSERVING = r"observing: nothing is written"
STOP_LIMIT_S = 15.0


@dataclass
class HoldfastProcess:
    """A running `holdfast`.

    Attributes:
        lines: What it said so far, on both streams.
    """

    process: subprocess.Popen[str] | LoadedProcess
    lines: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _has_ended: bool = False
    _reader: threading.Thread | None = None

    @classmethod
    def start(cls, *arguments: str, is_fresh: bool = False) -> Self:
        """Starts `holdfast` with these arguments and returns at once.

        Args:
            arguments: Of the command line.
            is_fresh: Whether the interpreter starts, too: for what measures a start, or memory.
        """
        environ = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("HOLDFAST_", "KUBE"))
        }
        programs = control_plane.find(os.environ)
        if programs is not None:  # kustomize of a known version, whatever the machine has
            environ["PATH"] = f"{programs}{os.pathsep}{environ['PATH']}"
        started = cls(
            _start_afresh(arguments, environ)
            if is_fresh
            else LoadedProcess.start(list(arguments), environ)
        )
        started._reader = threading.Thread(target=started._read, name="lines", daemon=True)
        started._reader.start()
        return started

    @classmethod
    def run(
        cls,
        kubeconfig: Path,
        namespace: str,
        data: Path,
        *options: str,
        repositories: str = "",
        is_fresh: bool = False,
    ) -> Self:
        """Starts `holdfast run`.

        Args:
            kubeconfig: Of the cluster.
            namespace: The control namespace.
            data: Its data folder; who it is depends on it.
            options: More of its options.
            repositories: A folder below which local repositories may be read.
            is_fresh: As with `start`.
        """
        listen = ("--listen", "off") if "--listen" not in options else ()
        metrics = ("--metrics-listen", "off") if "--metrics-listen" not in options else ()
        allow = ("--allow-local-repos", repositories) if repositories else ()
        return cls.start(
            "run",
            "--kubeconfig",
            str(kubeconfig),
            "--namespace",
            namespace,
            "--data",
            str(data),
            *listen,
            *metrics,
            *allow,
            *options,
            is_fresh=is_fresh,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    @property
    def text(self) -> str:
        """Everything it said."""
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, *, seconds: float = 30.0, after: int = 0) -> re.Match[str]:
        """Waits for a line and returns the match; fails when the process ends without it.

        Args:
            pattern: A regular expression that the line contains.
            seconds: How long.
            after: Lines before this place do not count.
        """
        until = time.monotonic() + seconds
        with self._news:
            seen = after
            while True:
                while seen < len(self.lines):
                    found = re.search(pattern, self.lines[seen])
                    seen += 1
                    if found is not None:
                        return found
                left = until - time.monotonic()
                if self._has_ended or left <= 0:
                    how = "it ended" if self._has_ended else f"not within {seconds:g} s"
                    raise AssertionError(f"{pattern!r} was not said ({how}):\n{self.text}")
                self._news.wait(left)

    def has_said(self, pattern: str) -> bool:
        """Whether a line like this has come."""
        return any(re.search(pattern, line) for line in list(self.lines))

    def is_leading(self, *, seconds: float = 30.0) -> str:
        """Waits until it holds the Lease and works; returns its identity."""
        identity = self.wait_for(LEADING, seconds=seconds)["identity"]
        self.wait_for(r"watching namespace=", seconds=seconds)
        return identity

    def kill(self) -> None:
        """`kill -9`: it gets no chance to say or write anything."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self._finish()

    def stop(self) -> int:
        """Ends it as Ctrl-C would; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self, seconds: float = STOP_LIMIT_S) -> int:
        """Waits for its end; returns its exit status. One that does not end fails the test."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {seconds:g} s:\n{self.text}") from None
        self._finish()
        return code

    def _finish(self) -> None:
        self.process.wait()
        if self._reader is not None:
            self._reader.join(STOP_LIMIT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _start_afresh(arguments: tuple[str, ...], environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "holdfast", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
    )


@contextlib.contextmanager
def sandbox_process() -> Iterator[Path]:
    """A `holdfast sandbox` that keeps nothing; yields its kubeconfig."""
    sandbox = HoldfastProcess.start("sandbox", "--data", ":memory:", "--api-port", "0")
    try:
        yield Path(sandbox.wait_for(r"ready api=\S+ kubeconfig=(\S+)")[1])
    finally:
        sandbox.stop()
