"""Every command of the README is run, on a cluster of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
LINE_LIMIT = 150
MAKE_TARGETS = {"make demo", "make test"}
"""Run by .ci/run and by the reader; here it is only checked that they exist."""


def commands() -> list[str]:
    """Return the indented lines that a reader would type."""
    lines = re.findall(r"^ {4}(\S.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    return [line for line in lines if line.split()[0] in {"make", "holdfast", "kubectl", "export"}]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home of the test's own, with `holdfast` on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "holdfast").write_text(f'#!/bin/sh\nexec {sys.executable} -m holdfast "$@"\n')
    (programs / "holdfast").chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "KUBE", "HOLDFAST"))}
    return {
        **kept,
        "HOME": str(tmp_path),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
    }


@pytest.fixture
def cluster(environ: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """`holdfast up --example`, as the README says, on free ports."""
    log = tmp_path / "up.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["holdfast", "up", "--example", "--api-port", "0", "--listen", "off"],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environ,
        )
    try:

        def is_ready() -> bool:
            said = log.read_text(errors="replace")
            assert process.poll() is None, said
            return "ready api=" in said

        eventually_now(is_ready, seconds=30)
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LINE_LIMIT


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in commands():
        if line.startswith("make"):
            assert line in MAKE_TARGETS
            assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE), line


@pytest.mark.usefixtures("cluster")
def test_every_command_of_the_readme_works(environ: dict[str, str]) -> None:
    """The server commands are replaced: the cluster runs already, `run --observe` never ends."""
    has_kubectl = shutil.which("kubectl") is not None
    script = ["set -e", "holdfast app wait go-sample-app-prod --timeout 30 > /dev/null"]
    for line in commands():
        if line.startswith(("make", "holdfast up")) or ("kubectl" in line and not has_kubectl):
            continue
        is_server = line.startswith("holdfast run")
        bounded = f"timeout -s INT 3 {line} --listen off --metrics-listen off || test $? = 124"
        script.append(bounded if is_server else line)
    exports = [line for line in script if line.startswith("export")]
    lines = [script[0], *exports, *(line for line in script[1:] if line not in exports)]
    done = subprocess.run(
        ["sh", "-c", "\n".join(lines)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "go-sample-app-prod" in done.stdout


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
