"""Every flag that `docs/internals/argocd/api.md` §4 lists is taken, whatever it does here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from holdfast.cli.command import GLOBAL_FLAGS, SERVER_FLAGS, CommandSpec
from holdfast.cli.spec_flags import SPEC_FLAGS
from tools.write_cli_reference import commands

FACTS = Path(__file__).parents[2] / "docs" / "internals" / "argocd" / "api.md"
_LONG = re.compile(r"(?<![\w-])(?:-\w/)?--([a-zA-Z][\w-]*)")
_SHORT = re.compile(r"(?<![\w-])-([a-zA-Z])(?![\w-])")
_COMMAND = re.compile(r" `([a-z-]+(?: (?:list|run))?)[ `]")
_INNER = re.compile(r"`(unset|remove-source) NAME")
NOT_TAKEN = {
    "argocd-context": "--server-context",
    "client-crt": "a client certificate is not sent",
    "client-crt-key": "a client certificate is not sent",
    "port-forward": "without a server commands go to the cluster itself",
    "port-forward-namespace": "the same",
    "prompts-enabled": "only `app delete` asks",
}
"""Rows of docs/reference/argocd-differences.md."""


def section(number: str) -> str:
    """Return the text of a section of the facts."""
    text = FACTS.read_text(encoding="utf-8")
    return text.split(f"### {number} ", 1)[1].split("\n### ", 1)[0]


def rows() -> dict[str, str]:
    """What stands about the flags of each `app` command."""
    found: dict[str, str] = {}
    for line in section("4.5").splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        named = _COMMAND.match(cells[1]) if len(cells) > 3 else None
        if named is None:
            continue
        first, *more = _INNER.split(cells[2])
        found[named[1]] = first
        found |= dict(zip(more[::2], more[1::2], strict=True))
    return found


SPECS: dict[str, CommandSpec] = dict(commands())
ROWS = rows()


def flags_of(command: str) -> tuple[set[str], set[str]]:
    """Long and short names that a command takes."""
    flags = SPECS[command].all_flags
    return {flag.name for flag in flags}, {flag.short for flag in flags}


def test_the_table_is_read() -> None:
    assert {"create", "set", "unset", "sync", "logs", "actions run", "remove-source"} <= set(ROWS)
    assert "server-side-diff-concurrency" in _LONG.findall(ROWS["diff"])
    assert "l" in _SHORT.findall(ROWS["sync"])


@pytest.mark.parametrize("command", sorted(ROWS))
def test_an_app_command_takes_argo_cds_flags(command: str) -> None:
    longs, shorts = flags_of(f"app {command}")
    wanted = set(_LONG.findall(ROWS[command])) | {"app-namespace"}
    if command in ("create", "set"):
        wanted |= {flag.name for flag in SPEC_FLAGS}
    assert wanted <= longs
    assert {*_SHORT.findall(ROWS[command]), "N"} <= shorts


def test_the_spec_flags_are_argo_cds() -> None:
    assert set(_LONG.findall(section("4.6"))) <= {flag.name for flag in SPEC_FLAGS}


def test_a_project_takes_argo_cds_flags() -> None:
    [row] = [line for line in section("4.4").splitlines() if line.startswith("| `proj create/set")]
    both, made = row.split("; create adds")
    for command, text in (("proj set", both), ("proj create", both + made)):
        longs, shorts = flags_of(command)
        assert set(_LONG.findall(text)) <= longs
        assert set(_SHORT.findall(text)) <= shorts


def test_flags_of_every_command_are_taken_or_their_absence_is_known() -> None:
    cells = re.findall(r"^\| (`-.*?) \|", section("4.1"), re.MULTILINE)
    names = {name for cell in cells for name in _LONG.findall(cell)}
    assert len(names) > 20
    taken = {flag.name for flag in (*GLOBAL_FLAGS, *SERVER_FLAGS)}
    assert names - taken == set(NOT_TAKEN)
