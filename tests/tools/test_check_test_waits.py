"""A test waits for an event, not for time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.check_test_waits import main, sleeps_in

if TYPE_CHECKING:
    from pathlib import Path

PATH = "tests/unit/test_a.py"


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)",
        "await asyncio.sleep(0.1)",
        "await asyncio.sleep(pause_s)",
        "await SystemClock().sleep(1)",
        "from time import sleep",
        "from asyncio import sleep, timeout",
    ],
)
def test_a_wait_for_time_is_found(line: str) -> None:
    source = f"async def test_a() -> None:\n    {line}\n"
    assert list(sleeps_in(PATH, source)) == [
        f"{PATH}:2: wait for an event (tests/support/waiting.py)"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "await asyncio.sleep(0)",
        "await clock.sleep(60)",
        "code = 'import time; time.sleep(300)'",
        "from asyncio import timeout",
        "await quiet_for(2.0, why='an outage')",
    ],
)
def test_a_turn_of_the_loop_virtual_time_and_a_childs_program_are_none(line: str) -> None:
    assert list(sleeps_in(PATH, f"async def test_a() -> None:\n    {line}\n")) == []


def test_the_place_where_time_passes_may_do_so() -> None:
    assert list(sleeps_in("tests/support/waiting.py", "time.sleep(1)\n")) == []


def test_on_a_virtual_loop_only_what_is_not_the_loops_is_a_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tests" / "unit" / "controller"
    folder.mkdir(parents=True)
    (folder / "test_a.py").write_text("import asyncio\nasync def a():\n  await asyncio.sleep(9)\n")
    assert main(tmp_path) == 1
    (folder / "conftest.py").write_text("from tests.support.virtual_time import VirtualLoop\n")
    assert main(tmp_path) == 0
    (folder / "test_b.py").write_text("import time\ntime.sleep(9)\n")
    assert main(tmp_path) == 1
    assert "test_b.py:2" in capsys.readouterr().out


def test_the_exit_status_says_whether_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "test_a.py").write_text("x = 1\n")
    assert main(tmp_path) == 0
    (folder / "test_b.py").write_text("import time\ntime.sleep(1)\n")
    assert main(tmp_path) == 1
    assert "tests/unit/test_b.py:2" in capsys.readouterr().out
