"""Start and stop the programs that are measured: `holdfast run`, and the bare loop."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.api import Api
from bench.workload import CONTROL

ROOT = Path(__file__).resolve().parent.parent
_READY_S = 120.0


@dataclass
class Program:
    """A running program and where it logs."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def check(self) -> None:
        """Complain when it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """Ask it to end; a program that does not is killed."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def start_holdfast(kubeconfig: Path, folder: Path) -> Program:
    """Start `holdfast run` as a user would, with its data in `folder`."""
    log = folder / "holdfast.log"
    arguments = [
        *("--kubeconfig", str(kubeconfig)),
        *("--allow-local-repos", str(folder)),
        *("--data", str(folder / "data")),
        *("--listen", "127.0.0.1:0"),
        *("--metrics-listen", "127.0.0.1:0"),
        *("--log-level", "warning"),
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "holdfast", "run", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
        )
    return Program(process, log)


def start_bare(kubeconfig: Path, namespace: str, folder: Path) -> Program:
    """Start the bare loop; it is ready when this returns."""
    log = folder / "bare.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(kubeconfig), namespace],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"the bare loop did not start:\n{log.read_text()[-3000:]}")
    return Program(process, log)


async def wait_ready(api: Api, program: Program) -> None:
    """Wait until Holdfast has installed what it needs."""
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{CONTROL}/appprojects/default"
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        status, _ = await api.request("GET", path)
        if status == 200:
            return
        program.check()
        await asyncio.sleep(0.1)
    raise TimeoutError(f"holdfast run did not become ready in {_READY_S:g} s:\n{program.tail()}")
