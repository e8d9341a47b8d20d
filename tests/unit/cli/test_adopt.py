"""What `app adopt` prints and asks for, to the letter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.commands import AdoptDrift, Command, Done
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import PlanAdoption
from tests.support.command_line import check_golden, holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries

GOLDEN = Path(__file__).parent / "golden"
WEB = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
PLAN: dict[str, Any] = {
    "diff": "diff --git a/web.yaml b/web.yaml\n--- a/web.yaml\n+++ b/web.yaml\n"
    "@@ -1 +1 @@\n-replicas: 2\n+replicas: 5\n",
    "files": [{"repoURL": "https://git.example/shop", "path": "web.yaml", "new": False}],
    "adopted": [
        {**WEB, "field": "spec.replicas", "git": 2, "live": 5, "file": "web.yaml"},
        {**WEB, "field": "metadata.labels.note", "git": None, "live": "x" * 90, "file": "web.yaml"},
    ],
    "refused": [
        {
            "group": "",
            "kind": "Secret",
            "namespace": "shop",
            "name": "web",
            "fields": ["data.password"],
            "reason": "it is a Secret; values of Secrets are never written into git",
            "patch": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\ndata:\n"
            '  password: "++++++++"\n',
        }
    ],
}
COMMIT = {
    "repoURL": "https://git.example/shop",
    "sha": "3f9c2d1b7ab1b0d8",
    "branch": "inc-123",
    "author": "Ada <ada@example.org>",
    "pushed": True,
}
NOTHING: dict[str, Any] = {"diff": "", "files": [], "adopted": [], "refused": []}


def link(plan: dict[str, Any], **more: Any) -> FakeLink:
    queries = FakeQueries()
    queries.answers[PlanAdoption] = plan

    def carry_out(command: Command) -> Done:
        assert isinstance(command, AdoptDrift)
        return Done("committed", {**plan, **more})

    return FakeLink(queries, FakeCommands(carry_out))


@pytest.mark.parametrize(
    ("name", "plan", "flags"),
    [
        ("adopt-diff", PLAN, ()),
        ("adopt-nothing", NOTHING, ()),
        ("adopt-all-refused", {**NOTHING, "refused": PLAN["refused"]}, ()),
        ("adopt-push", PLAN, ("--branch", "inc-123", "--push", "-m", "INC-123")),
        ("adopt-no-message", PLAN, ("--commit",)),
        ("adopt-push-where", PLAN, ("--commit", "-m", "x", "--push")),
        ("adopt-both", PLAN, ("--commit", "--diff", "-m", "x")),
    ],
)
def test_a_command_prints_what_its_golden_file_shows(
    name: str, plan: dict[str, Any], flags: tuple[str, ...]
) -> None:
    commits = [COMMIT] if plan is PLAN else []
    result = holdfast(link(plan, commits=commits), "app", "adopt", "web", *flags)
    check_golden(GOLDEN / f"{name}.txt", result.transcript)


def test_json_is_the_plan_and_nothing_else() -> None:
    result = holdfast(link(PLAN), "app", "adopt", "web", "-o", "json")
    assert (result.code, json.loads(result.out), result.err) == (0, PLAN, "")


def test_a_commit_says_who_and_where() -> None:
    there = link(PLAN, commits=[COMMIT])
    flags = ("--commit", "-m", "INC-123", "--author", "Ada <ada@example.org>")
    assert holdfast(there, "app", "adopt", "web", *flags).code == 0
    assert there.commands.asked == [
        AdoptDrift(AppKey("argocd", "web"), "INC-123", author="Ada <ada@example.org>")
    ]
