"""References are written from the tables that the program uses, so that they cannot lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import write_cli_reference, write_metrics_reference

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tool", [write_cli_reference, write_metrics_reference])
def test_a_reference_is_what_its_tool_writes(tool) -> None:  # type: ignore[no-untyped-def]
    module = tool.__name__
    written = (ROOT / tool.FILE).read_text(encoding="utf-8")
    assert written == tool.render(), f"write it anew: python -m {module}"


def test_every_command_has_a_line_of_help_and_every_flag_too() -> None:
    for name, spec in write_cli_reference.commands():
        assert spec.help.endswith("."), name
        for flag in spec.all_flags:
            assert flag.help.endswith("."), f"{name} --{flag.name}"


def test_no_command_has_two_flags_of_one_name() -> None:
    for name, spec in write_cli_reference.commands():
        names = [flag.name for flag in spec.all_flags]
        shorts = [flag.short for flag in spec.all_flags if flag.short]
        assert len(names) == len(set(names)), name
        assert len(shorts) == len(set(shorts)), name
