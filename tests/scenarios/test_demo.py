"""`holdfast demo`: every step happens, with the tools of a developer and without them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 10
LIMIT_S = 60


def demo(environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "demo"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("tools", ["with kubectl", "without kubectl"])
def test_every_step_of_the_demo_happens(tools: str, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    if tools == "without kubectl":
        environ["PATH"] = str(tmp_path)
    text = demo(environ)
    assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == STEPS
    assert re.search(r"Every step happened, in \d+ s\.", text)
    assert ("plain YAML" in text) == (tools == "without kubectl")
    assert re.search(r"back after \d+ ms", text)
