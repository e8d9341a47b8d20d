"""`holdfast up`: ready in seconds, one holder of its folder, nothing lost by `kill -9`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.loaded import type_holdfast
from tests.support.process import HoldfastProcess
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = r"^ready api=https://127\.0\.0\.1:\d+ kubeconfig=(?P<kubeconfig>\S+)$"


@contextlib.contextmanager
def up(data: Path, *options: str, is_fresh: bool = False) -> Iterator[HoldfastProcess]:
    listen = () if "--listen" in options else ("--listen", "off")
    process = HoldfastProcess.start(
        "up", "--data", str(data), "--api-port", "0", *listen, *options, is_fresh=is_fresh
    )
    try:
        yield process
    finally:
        process.kill()


def holdfast(kubeconfig: str, *words: str) -> subprocess.CompletedProcess[str]:
    return type_holdfast(*words, "--kubeconfig", kubeconfig)


def app(kubeconfig: str, name: str) -> dict[str, dict[str, object]]:
    done = holdfast(kubeconfig, "app", "get", name, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_example_is_deployed_and_ctrl_c_ends_it_within_two_seconds(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--example") as process:
        kubeconfig = process.wait_for(READY)["kubeconfig"]
        assert kubeconfig == str(tmp_path / "data" / "kubeconfig")
        for name in ("go-sample-app-dev", "go-sample-app-prod"):
            done = holdfast(kubeconfig, "app", "wait", name, "--timeout", "30")
            assert done.returncode == 0, done.stderr
        policy = app(kubeconfig, "go-sample-app-prod")["spec"]["syncPolicy"]
        assert policy == {
            "automated": {"prune": True},
            "syncOptions": ["CreateNamespace=true"],
        }, "self-heal is off"
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < 2


def test_it_is_ready_after_three_seconds_of_work(tmp_path: Path) -> None:
    """Processor time: what the program needs, not what a busy machine adds."""
    with up(tmp_path / "data", "--listen", "127.0.0.1:0", is_fresh=True) as process:
        process.wait_for(READY)
        fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        assert ticks / os.sysconf("SC_CLK_TCK") < 3
        assert process.stop() == 0


def test_stdout_is_the_ready_line_alone(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "holdfast", "up", "--data", ":memory:", "--api-port", "0",
             "--listen", "off"],
            stdout=out,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(b"hint: "):
                break
        process.terminate()
        process.stderr.read()
        assert process.wait(10) == 0
    finally:
        process.kill()
        if process.stderr is not None:
            process.stderr.close()
    assert re.fullmatch(READY, (tmp_path / "out").read_text().rstrip("\n"))


def test_a_second_process_on_the_same_folder_ends_with_1_and_names_the_first(
    tmp_path: Path,
) -> None:
    with up(tmp_path / "data") as first:
        first.wait_for(READY)
        with up(tmp_path / "data") as second:
            assert second.wait() == 1
            assert f"in use by process {first.process.pid}" in second.text
        assert first.stop() == 0


def test_what_was_there_is_there_again_after_kill_9(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--example") as process:
        kubeconfig = process.wait_for(READY)["kubeconfig"]
        done = holdfast(kubeconfig, "app", "wait", "go-sample-app-prod", "--timeout", "30")
        assert done.returncode == 0, done.stderr
        before = app(kubeconfig, "go-sample-app-prod")
        process.kill()
    with up(tmp_path / "data") as process:
        kubeconfig = process.wait_for(READY)["kubeconfig"]
        after = app(kubeconfig, "go-sample-app-prod")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["status"]["history"] == before["status"]["history"]
        done = holdfast(kubeconfig, "app", "sync", "go-sample-app-prod", "--timeout", "30")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with up(tmp_path / "one", "--listen", "127.0.0.1:0") as first:
        port = first.wait_for(r"ready api=https://127\.0\.0\.1:(\d+)")[1]
        with up(tmp_path / "two", "--api-port", port) as second:
            assert second.wait() == 20
            assert f"--api-port {port} cannot be used" in second.text
            assert "--api-port 0" in second.text


def test_ctrl_c_reaches_every_process_of_the_terminal_and_all_end_within_two_seconds(
    tmp_path: Path,
) -> None:
    """With the page open: its process and the renderer's get the signal, too, and say nothing."""
    log = tmp_path / "log"
    line = ("up", "--example", "--data", str(tmp_path / "data"), "--api-port", "0",
            "--listen", "127.0.0.1:0", "--disable-auth")  # fmt: skip
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "holdfast", *line],
            stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        eventually_now(lambda: "ready api=" in log.read_text(), seconds=30)
        address = re.search(r"listening address=(\S+)", log.read_text())
        assert address is not None, log.read_text()
        url = f"http://{address[1]}/api/v1/stream/applications"
        with urllib.request.urlopen(url, timeout=20):
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(10) == 0
            assert time.monotonic() - began < 2
        assert "Traceback" not in log.read_text()
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_the_sandbox_alone_takes_the_flags_of_up_and_says_what_has_no_effect(
    tmp_path: Path,
) -> None:
    process = HoldfastProcess.start(
        "sandbox", "--data", ":memory:", "--api-port", "0", "--kubeconfig", str(tmp_path / "kc"),
        "--example", "--listen", "off", "--allow-local-repos", str(tmp_path),
    )  # fmt: skip
    try:
        assert process.wait_for(READY)["kubeconfig"] == str(tmp_path / "kc")
        said = "--example, --listen, --allow-local-repos: without effect"
        assert process.has_said(said)
        assert process.stop() == 0
    finally:
        process.kill()
