"""What is behind git and what drifted is told apart, without the controller's memory (N29)."""

from __future__ import annotations

from typing import Any

from holdfast.domain.divergence import DIFFERS_ANNOTATION, Divergence, Divergences
from holdfast.domain.identity import ResourceKey
from holdfast.domain.queries import GetStatus, ManagedResources
from tests.support.command_line import holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries
from tests.unit.cli import examples

NAME = "go-sample-app-prod"
WEB = ResourceKey("apps", "Deployment", "prod", "web")
NEW = ResourceKey("", "ConfigMap", "prod", "new")
SAID = Divergences.count([(NEW, Divergence.BEHIND), (WEB, Divergence.BOTH)]).annotation()


def record(key: ResourceKey) -> dict[str, Any]:
    live = {"kind": key.kind, "metadata": {"name": key.name}, "spec": {"is": "live"}}
    return {
        "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name,
        "targetState": {**live, "spec": {"is": "git"}}, "liveState": live, "modified": True,
    }  # fmt: skip


def link(annotation: str | None = SAID) -> FakeLink:
    app = examples.prod()
    if annotation is not None:
        app["metadata"]["annotations"] = {DIFFERS_ANNOTATION: annotation}
    queries = FakeQueries([app])
    queries.answers[ManagedResources] = [record(WEB), record(NEW)]
    return FakeLink(queries, FakeCommands())


def test_app_get_counts_what_is_behind_git_and_what_drifted_below_the_sync_status() -> None:
    lines = holdfast(link(), "app", "get", NAME).out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("Sync Status:"))
    assert lines[at + 1 : at + 4] == [
        "Behind git:         2 objects",
        "Drifted:            1 object",
        "Health Status:      Healthy",
    ]


def test_app_get_says_nothing_of_either_where_there_is_neither() -> None:
    for annotation in (None, "somebody's text", '{"behind":0,"drifted":0,"objects":{}}'):
        out = holdfast(link(annotation), "app", "get", NAME).out
        assert "Behind git" not in out
        assert "Drifted" not in out


def test_app_diff_marks_each_object() -> None:
    out = holdfast(link(), "app", "diff", NAME).out
    assert "===== apps/Deployment prod/web ======\n(behind git, drifted)\n" in out
    assert "===== /ConfigMap prod/new ======\n(behind git)\n" in out


def test_app_diff_against_another_revision_says_nothing_of_what_was_found_for_this_one() -> None:
    assert "(behind git" not in holdfast(link(), "app", "diff", NAME, "--revision", "v2").out


def test_status_counts_objects_and_applications() -> None:
    found = link()
    found.queries.answers[GetStatus] = {
        "connected": True,
        "behindGit": {"applications": 1, "objects": 3},
        "drifted": {"applications": 0, "objects": 0},
    }
    out = holdfast(found, "status").out
    assert "Behind git:         3 objects of 1 application\n" in out
    assert "Drifted" not in out
