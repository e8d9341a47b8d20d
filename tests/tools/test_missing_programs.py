"""What the tests do on a machine without Go, the real control plane and kubectl."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDY = (
    "tests/tools/test_control_plane.py::test_the_last_line_on_stdout_is_the_folder",
    "tests/contract/test_kubectl_reading.py::test_version_names_the_server",
)
LINES = (
    "SKIPPED: the real control plane is not built; `make control-plane` does (Go) (1 tests)",
    "SKIPPED: kubectl is not there; `make control-plane` builds it (Go) (2 tests)",
)


def run_needy_tests(home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run two tests that need programs, in workers as `make test` does, where there are none."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "KUBE", "XDG_", "HOLDFAST_")) and name != "CI"
    }
    (home / "bin").mkdir()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider",
         *NEEDY],
        cwd=ROOT,
        env={**kept, "HOME": str(home), "PATH": str(home / "bin"), **more},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_what_is_left_out_is_said_in_one_loud_line_for_each_reason(tmp_path: Path) -> None:
    done = run_needy_tests(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.findall(r"^!+ (SKIPPED: .*?) !+$", done.stdout, re.MULTILINE)
    assert sorted(said) == sorted(LINES), done.stdout


def test_in_ci_nothing_may_be_missing(tmp_path: Path) -> None:
    done = run_needy_tests(tmp_path, CI="true")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "SKIPPED" not in done.stdout
    assert "the real control plane is not built" in done.stdout
