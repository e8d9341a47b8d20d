"""What a person gets for a slip: the word that was meant, and no usage line where it is no help."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.queries import GetStatus
from tests.support.command_line import holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries
from tests.unit.cli import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from holdfast.domain.identity import AppKey

NAME = examples.PROD.name


def link() -> FakeLink:
    return FakeLink(FakeQueries([examples.prod(), examples.dev()]), FakeCommands())


def test_a_flag_that_is_nearly_right_is_named() -> None:
    done = holdfast(FakeLink(), "app", "get", NAME, "--refesh")
    assert (done.code, done.out) == (1, "")
    assert "unknown flag: --refesh; did you mean --refresh?" in done.err


def test_a_flag_that_resembles_nothing_is_only_refused() -> None:
    done = holdfast(FakeLink(), "app", "get", NAME, "--zzz")
    assert "Error: unknown flag: --zzz\n" in done.err


@pytest.mark.parametrize("command", ["cert", "appset", "admin", "gpg"])
def test_a_command_of_argocd_that_is_not_built_says_what_does_the_same(command: str) -> None:
    done = holdfast(FakeLink(), command, "list")
    assert done.code == 1
    assert f'unknown command "{command}" for "holdfast"\n\nhint: ' in done.err
    assert "did you mean" not in done.err


@pytest.mark.parametrize("port", ["65536", "-1"])
@pytest.mark.parametrize("command", ["up", "sandbox"])
def test_a_port_that_is_none_is_refused(command: str, port: str) -> None:
    done = holdfast(FakeLink(), command, f"--api-port={port}", "--data", ":memory:")
    assert (done.code, done.out) == (1, "")
    assert f"--api-port {port}: a port is a number from 0 to 65535" in done.err


def test_an_application_that_is_nearly_right_is_named() -> None:
    done = holdfast(link(), "app", "get", NAME + "x")
    assert done.code == 20
    assert f'did you mean "{NAME}"?' in done.err


@pytest.mark.parametrize("command", ["get", "sync", "wait"])
def test_a_time_limit_below_zero_is_refused(command: str) -> None:
    done = holdfast(link(), "app", command, NAME, "--timeout", "-3")
    assert done.code == 1
    assert 'invalid argument "-3" for "--timeout" flag: it is a whole number, 0 or more' in done.err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("app sync -l team=nobody", "No matching apps found for filter: selector team=nobody"),
        (f"app sync {NAME} --resource apps:Deployment:nobody", "No matching resources found"),
        (f"app diff {NAME} --local /nowhere/at/all", "--local /nowhere/at/all: there is no such"),
    ],
)
def test_what_is_not_there_is_said_without_a_usage_line(line: str, text: str) -> None:
    there = FakeLink() if "-l" in line else link()
    done = holdfast(there, *line.split())
    assert done.code == 1
    assert text in done.err
    assert "Usage:" not in done.err


def test_an_editor_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    there = link()
    editor = {"EDITOR": str(tmp_path / "no-editor"), "PATH": "/usr/bin:/bin"}
    done = holdfast(there, "app", "edit", NAME, environ=editor)
    assert done.code == 1
    assert "no-editor cannot be started: No such file or directory; nothing was changed" in done.err
    assert "hint: $KUBE_EDITOR, or $EDITOR, names the one to use" in done.err
    assert there.commands.asked == []


def test_a_patch_that_was_forgotten_is_asked_for() -> None:
    done = holdfast(link(), "app", "patch", NAME)
    assert (done.code, done.err.splitlines()[0]) == (
        1,
        'Error: required flag(s) "patch" not set',
    )


def test_habits_of_other_command_lines_are_understood() -> None:
    assert holdfast(FakeLink(), "--version").out.startswith("holdfast: v")
    assert holdfast(FakeLink(), "help", "app", "get").code == 0


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("s/:/=/", "Error: the edited text: line 1: this is no object\n"),
        (r"$a---\nproject: other", "Error: the edited text must hold exactly one document\n"),
    ],
)
def test_an_edit_that_cannot_be_used_is_kept_for_its_writer(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    there = link()
    editor = {"EDITOR": f"sed -i '{script}'", "PATH": "/usr/bin:/bin"}
    done = holdfast(there, "app", "edit", NAME, environ=editor)
    [kept] = tmp_path.iterdir()
    assert (done.code, there.commands.asked) == (1, [])
    assert done.err == f"nothing was changed; your text is kept in {kept}\n{said}"
    assert "overlays/prod" in kept.read_text()


class NothingMore(FakeQueries):
    """A cluster in which nothing happens any more."""

    async def watch_application(self, app: AppKey) -> AsyncIterator[dict[str, Any] | None]:
        yield self.apps[app]
        await asyncio.Event().wait()


def test_a_wait_that_ends_without_a_controller_says_that_none_runs() -> None:
    queries = NothingMore([examples.prod()])
    queries.answers[GetStatus] = {"leader": "", "namespace": "argocd"}
    done = holdfast(FakeLink(queries), "app", "wait", NAME, "--suspended", "--timeout", "1")
    assert done.code == 20
    assert f'timed out (1s) waiting for app "{NAME}" match desired state' in done.err
    assert "hint: no Holdfast controller runs in namespace argocd" in done.err


def test_a_wait_that_ends_shows_the_conditions_that_say_why() -> None:
    tree = examples.prod()
    why = {"type": "SyncError", "message": "Failed last sync attempt", "lastTransitionTime": ""}
    tree["status"]["conditions"] = [why]
    queries = NothingMore([tree])
    queries.answers[GetStatus] = {"leader": "one", "namespace": "argocd"}
    done = holdfast(FakeLink(queries), "app", "wait", NAME, "--suspended", "--timeout", "1")
    assert "SyncError  Failed last sync attempt" in done.out


def test_a_watch_that_ends_is_no_success() -> None:
    done = holdfast(link(), "app", "wait", NAME, "--suspended")
    assert done.code == 20
    assert "ended before it was as wanted" in done.err
