"""`--help` must feel instant: nothing heavy is imported for it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = ("aiohttp", "orjson", "pygit2", "yaml", "starlette", "uvicorn", "cryptography")


@pytest.mark.parametrize("line", ["--help", "app --help", "app sync --help"])
def test_help_imports_nothing_heavy(line: str) -> None:
    program = (
        "import sys; from holdfast.cli.root import run; code = run(sys.argv[1:]); "
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *line.split()], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
    assert done.stdout.startswith("Usage: holdfast")


def test_help_takes_less_than_three_tenths_of_a_second() -> None:
    """The best of five: what the program needs, not what a busy machine adds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "holdfast", "--help"], capture_output=True, check=True
        )
        times.append(time.perf_counter() - began)
    assert min(times) < 0.3
