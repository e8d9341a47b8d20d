"""Exit codes are `argocd`'s (docs/internals/argocd/api.md §4.2); questions go to stderr."""

from __future__ import annotations

import io
from typing import Any

from holdfast.cli.root import run
from holdfast.cli.session import Session
from holdfast.domain.commands import Command, DeleteApplication, Done, SyncApplication, UpdateSpec
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.queries import GetStatus, ManagedResources
from tests.support.command_line import holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries
from tests.unit.cli import examples

NAME = "go-sample-app-prod"


class Terminal(io.StringIO):
    """An output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def link(*versions: Any) -> FakeLink:
    queries = FakeQueries([examples.prod()])
    if versions:
        queries.versions[examples.PROD] = list(versions)
    queries.answers[GetStatus] = {"leader": "laptop", "namespace": "argocd"}
    return FakeLink(queries, FakeCommands(lambda _command: Done("requested", examples.prod())))


def after(**state: Any) -> dict[str, Any]:
    tree = examples.prod()
    tree["status"]["operationState"].update(state)
    return tree


def test_a_sync_that_failed_ends_with_1_and_says_why() -> None:
    failed = after(phase="Failed", message="one or more objects failed to apply")
    result = holdfast(link(failed), "app", "sync", NAME)
    assert result.code == 1
    assert "Operation has completed with phase: Failed" in result.err
    assert "one or more objects failed to apply" in result.err


def test_a_sync_that_leaves_something_to_prune_ends_with_1_and_shows_the_way() -> None:
    left = after()
    left["status"]["sync"]["status"] = "OutOfSync"
    left["status"]["operationState"]["syncResult"]["resources"][2]["status"] = "PruneSkipped"
    result = holdfast(link(left), "app", "sync", NAME)
    assert result.code == 1
    assert result.err == f"1 resources require pruning\n\nhint: holdfast app sync {NAME} --prune\n"


def test_a_rollback_that_failed_ends_with_0_as_argocds_does() -> None:
    assert holdfast(link(after(phase="Failed")), "app", "rollback", NAME, "0").code == 0


def test_an_error_of_the_cluster_ends_with_20() -> None:
    def refuse(_command: Command) -> Done:
        raise ClusterError("HF2002", "you may not", hint="ask somebody who may")

    broken = FakeLink(FakeQueries([examples.prod()]), FakeCommands(refuse))
    result = holdfast(broken, "app", "sync", NAME)
    assert (result.code, result.err) == (20, "HF2002: you may not\n\nhint: ask somebody who may\n")


def test_a_data_folder_in_use_ends_with_1() -> None:
    def refuse(_command: Command) -> Done:
        raise ConfigurationError("HF3007", "in use by process 7")

    assert holdfast(FakeLink(FakeQueries([examples.prod()]), FakeCommands(refuse)), "app",
                    "terminate-op", NAME).code == 1  # fmt: skip


def test_no_difference_ends_with_0_and_one_with_the_code_that_was_asked_for() -> None:
    same = link()
    same.queries.answers[ManagedResources] = []
    assert holdfast(same, "app", "diff", NAME).code == 0
    differs = link()
    record = {"kind": "ConfigMap", "name": "new", "targetState": {"kind": "ConfigMap"}}
    differs.queries.answers[ManagedResources] = [record]
    assert holdfast(differs, "app", "diff", NAME).code == 1
    assert holdfast(differs, "app", "diff", NAME, "--diff-exit-code", "7").code == 7
    assert holdfast(differs, "app", "diff", NAME, "--exit-code=false").code == 0


def test_a_resource_that_becomes_degraded_ends_a_wait_for_health_with_20() -> None:
    worse = examples.prod()
    worse["status"]["health"]["status"] = "Progressing"
    worse["status"]["resources"][1]["health"]["status"] = "Progressing"
    worst = examples.prod()
    worst["status"]["health"]["status"] = "Degraded"
    worst["status"]["resources"][1]["health"]["status"] = "Degraded"
    result = holdfast(link(worse, worst), "app", "wait", NAME, "--health")
    assert result.code == 20
    assert "health state has transitioned from Progressing to Degraded" in result.err


def test_an_unknown_application_ends_a_wait_at_once() -> None:
    result = holdfast(link(), "app", "wait", "nowhere")
    assert result.code == 20
    assert result.out == ""


def test_nothing_that_matches_a_selector_ends_with_1() -> None:
    result = holdfast(FakeLink(), "app", "sync", "-l", "team=a")
    assert result.code == 1
    assert "No matching apps found for filter: selector team=a" in result.err


def test_options_are_sent_only_when_one_was_given() -> None:
    plain, chosen = link(after()), link(after())
    holdfast(plain, "app", "sync", NAME, "--async")
    holdfast(chosen, "app", "sync", NAME, "--async", "--replace", "--retry-limit", "2")
    first, second = plain.commands.asked[0], chosen.commands.asked[0]
    assert isinstance(first, SyncApplication)
    assert isinstance(second, SyncApplication)
    assert (first.options, first.retry) == (None, None)
    assert second.options == ("Replace=true",)
    assert second.retry == {
        "limit": 2,
        "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"},
    }


def delete(answer: str, *words: str) -> tuple[FakeLink, str]:
    """Delete on a terminal, with an answer to the question."""
    out, err, there = Terminal(), io.StringIO(), link()
    session = Session(
        out=out, err=err, stdin=io.StringIO(answer), environ={}, connect=there.connect
    )
    assert run(["app", "delete", NAME, *words], session) == 0
    return there, err.getvalue()


def test_on_a_terminal_a_deletion_with_objects_is_confirmed() -> None:
    there, asked = delete("n\n")
    question = f"Are you sure you want to delete '{NAME}' and all its resources? [y/n] "
    assert asked.startswith(question)
    assert there.commands.asked == []
    there, _ = delete("y\n")
    assert there.commands.asked == [DeleteApplication(examples.PROD, cascade=True)]


def test_nobody_is_asked_with_yes_or_where_objects_stay() -> None:
    there, asked = delete("", "--yes")
    assert asked == ""
    assert len(there.commands.asked) == 1
    there, asked = delete("", "--cascade=false")
    assert asked == ""
    assert there.commands.asked == [DeleteApplication(examples.PROD, cascade=False)]


def test_an_edit_writes_what_the_editor_left() -> None:
    there = link()
    editor = {"EDITOR": "sed -i s/HEAD/v2/", "PATH": "/usr/bin:/bin"}
    assert holdfast(there, "app", "edit", NAME, environ=editor).code == 0
    [command] = there.commands.asked
    assert isinstance(command, UpdateSpec)
    assert command.spec["source"]["targetRevision"] == "v2"


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    there = link()
    result = holdfast(
        there, "app", "edit", NAME, environ={"EDITOR": "true", "PATH": "/usr/bin:/bin"}
    )
    assert result.err == "Edit cancelled, no changes made.\n"
    assert there.commands.asked == []
