"""What the shell offers: commands, flags, their values, and names of Applications."""

from __future__ import annotations

import io
from typing import NoReturn

import pytest

from holdfast.cli.root import run
from holdfast.cli.session import Session
from holdfast.domain.errors import ClusterError
from tests.support.command_line import holdfast
from tests.support.fakes import FakeLink, FakeQueries
from tests.unit.cli import examples


def offered(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    link: FakeLink | None = None,
) -> list[str]:
    """Return what is offered for the last word of a line, as bash asks for it."""
    words = line.split(" ")
    monkeypatch.setenv("_HOLDFAST_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    there = link or FakeLink(FakeQueries([examples.prod(), examples.dev()]))
    session = Session(out=io.StringIO(), err=io.StringIO(), environ={}, connect=there.connect)
    with pytest.raises(SystemExit) as ended:
        run([], session)
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    return [item.partition(",")[2] for item in said.out.splitlines() if item]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("holdfast ap", ["app"]),
        ("holdfast app rol", ["rollback"]),
        ("holdfast proj role create-", ["create-token"]),
        ("holdfast app get go-sample-app-p", ["go-sample-app-prod"]),
        ("holdfast app get go-sample-app-prod --hard", ["--hard-refresh"]),
        ("holdfast app get go-sample-app-prod -o tr", ["tree", "tree=detailed"]),
        ("holdfast app sync go-sample-app-prod go-sample-app-d", ["go-sample-app-dev"]),
    ],
)
def test_the_word_that_was_begun_is_completed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    wanted: list[str],
) -> None:
    assert offered(monkeypatch, capsys, line) == wanted


def test_nothing_is_printed_into_the_line_when_no_cluster_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(FakeLink):
        def connect(self, target: object) -> NoReturn:
            del target
            raise ClusterError("HF2001", "it cannot be reached")

    assert offered(monkeypatch, capsys, "holdfast app get go", Broken()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_for_a_shell_calls_holdfast(shell: str) -> None:
    result = holdfast(FakeLink(), "completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_HOLDFAST_COMPLETE={shell}_complete" in result.out


def test_another_shell_is_refused() -> None:
    result = holdfast(FakeLink(), "completion", "tcsh")
    assert (result.code, result.out) == (1, "")
    assert '"tcsh" is no shell: give bash, zsh or fish' in result.err
