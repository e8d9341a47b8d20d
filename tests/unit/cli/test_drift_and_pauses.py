"""What `drift`, `pause`, `resume` and `pauses` print and ask for, to the letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.assembly.journal import open_journal
from holdfast.domain.application import SELF_HEAL_ANNOTATION
from holdfast.domain.audit import Culprit
from holdfast.domain.commands import Command, Done, PauseHealing, ResumeHealing
from holdfast.domain.divergence import DIFFERS_ANNOTATION, Divergence, Divergences
from holdfast.domain.drift import FieldOwner
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.journal import DecisionMade, Episode, FieldChange, HealMade
from holdfast.domain.pause import PauseScope, pause_tree
from holdfast.domain.queries import ListPauses
from tests.support.command_line import check_golden, holdfast
from tests.support.fakes import NOON, FakeCommands, FakeJournal, FakeLink, FakeQueries
from tests.unit.cli import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLDEN = Path(__file__).parent / "golden"
IN_HALF_AN_HOUR = "2026-01-02T15:34:05Z"
SEEN = NOON - timedelta(minutes=12)
EPISODES = (
    Episode(
        id="3f9c2d1b7ab1b0d8",
        source="https://127.0.0.1:16443 argocd",
        app=AppKey("argocd", "go-sample-app-prod"),
        key=ResourceKey("apps", "Deployment", "prod", "prod-go-sample-app"),
        what="changed",
        changes=(
            FieldChange(
                "spec.replicas",
                2,
                5,
                ("kubectl-edit",),
                (FieldOwner("kubectl-edit", "Update", "2026-01-02T14:58:01Z"),),
            ),
            FieldChange(
                'spec.template.spec.containers[name="web"].image',
                "registry.example/web:1",
                "registry.example/web:2",
                ("kubectl-edit",),
            ),
            FieldChange("metadata.labels.tier", "front", None),
        ),
        managers=("kubectl-edit",),
        detected_at=SEEN,
        decisions=(
            DecisionMade(SEEN, "hold", "paused", "paused by ann until noon: INC-123 (pause web-1)"),
        ),
    ),
    Episode(
        id="a17e55b0c2d94f63",
        source="https://127.0.0.1:16443 argocd",
        app=AppKey("argocd", "go-sample-app-prod"),
        key=ResourceKey("", "Service", "prod", "prod-go-sample-app"),
        what="missing",
        changes=(),
        managers=(),
        detected_at=SEEN - timedelta(hours=2),
        closed_at=SEEN - timedelta(hours=2) + timedelta(milliseconds=9),
        closing="healed",
        heals=(
            HealMade(
                SEEN - timedelta(hours=2) + timedelta(milliseconds=9), "healed", 0.0084, "", ()
            ),
        ),
        culprit=Culprit(
            username="ann@example.com",
            impersonator="admin",
            user_agent="kubectl/v1.36.3 (linux/amd64)",
            source_ip="10.0.0.7",
            verb="delete",
            subresource="",
            audit_id="8e1c7d52-6c7b-4c52-9a4f-0f1f3f0a8f11",
            matched_by="uid",
            at=SEEN - timedelta(hours=2),
        ),
    ),
)


def pause(name: str, **spec: Any) -> dict[str, Any]:
    tree = pause_tree(name, "argocd", {"reason": "INC-123", "author": "ann@example.com", **spec})
    tree["metadata"]["creationTimestamp"] = "2026-01-02T15:04:05Z"
    return tree


APP_PAUSE = pause(
    "go-sample-app-prod-3f9c2d",
    scope="Application",
    target="go-sample-app-prod",
    applicationNamespace="argocd",
    until=IN_HALF_AN_HOUR,
)
PAUSES = [
    APP_PAUSE,
    pause(
        "web-a17e55",
        scope="Object",
        target="web",
        until="2026-01-03T18:00:00Z",
        resource={"group": "apps", "kind": "Deployment", "name": "web"},
    ),
    pause("all-c2d94f", scope="All", untilResumed=True),
]


def link() -> FakeLink:
    drifted = examples.prod()
    drifted["status"]["resources"][1]["status"] = "OutOfSync"
    drifted["status"]["sync"]["status"] = "OutOfSync"
    drifted["spec"]["syncPolicy"]["automated"]["selfHeal"] = True
    queries = FakeQueries([drifted, examples.dev()])
    queries.answers = {ListPauses: PAUSES}
    return FakeLink(queries, FakeCommands(_answer), journal=FakeJournal(*EPISODES))


def _answer(command: Command) -> Done:
    match command:
        case PauseHealing():
            spec = {"scope": command.scope.value, "target": command.target}
            until = command.until.strftime("%Y-%m-%dT%H:%M:%SZ") if command.until else None
            tree = pause(
                "made-3f9c2d",
                **{**spec, "until": until, "untilResumed": command.until is None or None},
            )
            if command.resource:
                key = command.resource
                tree["spec"]["scope"] = "Object"
                tree["spec"]["resource"] = {
                    "group": key.group,
                    "kind": key.kind,
                    "namespace": key.namespace,
                    "name": key.name,
                }
            return Done("paused", tree)
        case ResumeHealing(pause_id="nothing"):
            raise ConfigurationError(
                "HF3006", 'there is no pause "nothing"', hint="`holdfast pauses` shows them"
            )
        case ResumeHealing(scope=None, pause_id=""):
            return Done("resumed", {"resumed": PAUSES})
        case ResumeHealing():
            return Done("resumed", {"resumed": [APP_PAUSE]})
        case _:
            return Done("updated", examples.prod(), ("note: paused by ann: the pause stays",))


CASES: Sequence[tuple[str, list[str]]] = (
    ("drift-list", ["drift", "list"]),
    ("drift-list-wide", ["drift", "list", "-o", "wide"]),
    ("drift-list-open", ["drift", "list", "--open", "--since", "2h"]),
    ("drift-list-bad-since", ["drift", "list", "--since", "yesterday"]),
    ("drift-show", ["drift", "show", "3f9c"]),
    ("drift-show-deleted", ["drift", "show", "a17e"]),
    ("drift-stats", ["drift", "stats", "--since", "7d"]),
    ("app-pause", ["app", "pause", "web", "--for", "30m", "--reason", "INC-123"]),
    ("app-pause-object", ["app", "pause", "web", "--until", "18:00", "--reason", "INC-123",
     "--resource", "apps:Deployment:prod/web"]),
    ("app-pause-without-end", ["app", "pause", "web", "--reason", "INC-123"]),
    ("app-pause-without-reason", ["app", "pause", "web", "--for", "30m"]),
    ("app-pause-two-ends", ["app", "pause", "web", "--for", "30m", "--until-resumed",
     "--reason", "x"]),
    ("app-resume", ["app", "resume", "go-sample-app-prod"]),
    ("proj-pause", ["proj", "pause", "team-a", "--until", "2026-01-03T18:00:00+02:00",
     "--reason", "move"]),
    ("cluster-pause", ["cluster", "pause", "https://kubernetes.default.svc", "--for", "2h",
     "--reason", "upgrade"]),
    ("pause-all", ["pause", "--all", "--until-resumed", "--reason", "INC-123"]),
    ("pause-nothing", ["pause", "--for", "30m", "--reason", "INC-123"]),
    ("resume-all", ["resume", "--all"]),
    ("resume-unknown", ["resume", "nothing"]),
    ("resume-what", ["resume"]),
    ("pauses", ["pauses"]),
    ("app-get-paused", ["app", "get", "go-sample-app-prod"]),
)  # fmt: skip


@pytest.mark.parametrize(("name", "line"), CASES, ids=[name for name, _ in CASES])
def test_a_command_prints_what_its_golden_file_shows(name: str, line: list[str]) -> None:
    result = holdfast(link(), *line)
    check_golden(GOLDEN / f"{name}.txt", f"$ holdfast {' '.join(line)}\n{result.transcript}")


@pytest.mark.parametrize(
    "line", ["drift list -o json", "drift show 3f9c -o json", "drift stats -o json",
             "pauses -o json"],
)  # fmt: skip
def test_json_on_stdout_is_json_and_nothing_else(line: str) -> None:
    result = holdfast(link(), *line.split())
    assert result.code == 0, result.err
    json.loads(result.out)


def test_nothing_is_paused_is_said_on_stderr() -> None:
    nothing = link()
    nothing.queries.answers = {ListPauses: []}
    result = holdfast(nothing, "pauses")
    assert (result.code, result.out, result.err) == (0, "", "nothing is paused\n")


def test_what_is_held_at_the_last_sync_is_put_back_and_a_new_commit_goes_on_waiting() -> None:
    web = ResourceKey("apps", "Deployment", "prod", "prod-go-sample-app")
    service = replace(web, group="", kind="Service")
    app = examples.prod()
    app["spec"]["syncPolicy"] = {}
    app["metadata"]["annotations"] = {
        SELF_HEAL_ANNOTATION: "last-synced",
        DIFFERS_ANNOTATION: Divergences.count(
            [(service, Divergence.BEHIND), (web, Divergence.DRIFTED)]
        ).annotation(),
    }
    for item in app["status"]["resources"]:
        item["status"] = "OutOfSync"
    queries = FakeQueries([app])
    queries.answers = {ListPauses: PAUSES}
    asked = FakeLink(queries, FakeCommands(_answer))
    said = holdfast(asked, "app", "resume", "go-sample-app-prod").err
    assert said == "put back in go-sample-app-prod: apps/Deployment prod/prod-go-sample-app\n"
    shown = holdfast(asked, "app", "get", "go-sample-app-prod").out
    assert "resume puts back: apps/Deployment prod/prod-go-sample-app\n" in shown

    del app["metadata"]["annotations"][SELF_HEAL_ANNOTATION]
    said = holdfast(asked, "app", "resume", "go-sample-app-prod").err
    assert "differs from git, and self-heal is off" in said


def test_an_application_that_is_not_paused_shows_no_line_about_it() -> None:
    nothing = link()
    nothing.queries.answers = {ListPauses: []}
    assert "Paused" not in holdfast(nothing, "app", "get", "go-sample-app-prod").out


def test_the_filters_of_a_list_reach_the_journal() -> None:
    asked = link()
    holdfast(asked, "drift", "list", "--app", "web", "--since", "2h", "--limit", "7")
    wanted = asked.journal.wanted[0]
    assert (wanted.app, wanted.since, wanted.limit) == ("web", NOON - timedelta(hours=2), 7)


def test_a_pause_asks_for_what_the_flags_say() -> None:
    asked = link()
    holdfast(asked, "app", "pause", "team-b/web", "--for", "1h30m", "--reason", "INC-123",
             "--resource", "apps:Deployment:web")  # fmt: skip
    assert asked.commands.asked == [
        PauseHealing(
            PauseScope.APPLICATION,
            "INC-123",
            datetime(2026, 1, 2, 16, 34, 5, tzinfo=UTC),
            "web",
            "team-b",
            ResourceKey("apps", "Deployment", "", "web"),
        )
    ]


@pytest.mark.parametrize("text", ["30", "soon", "-5m", "0s", "1h 30m", "30m!"])
def test_a_length_of_time_that_cannot_be_read_is_refused(text: str) -> None:
    asked = link()
    result = holdfast(asked, "app", "pause", "web", f"--for={text}", "--reason", "x")
    assert result.code == 1
    assert "give a duration such as 30m" in result.err
    assert asked.commands.asked == []


def test_a_journal_that_is_not_there_says_where_it_looked(tmp_path: Path) -> None:
    place = str(tmp_path / "journal.db")
    asked = link()
    asked.journal = open_journal(place)  # type: ignore[assignment] # the real one
    result = holdfast(asked, "drift", "list")
    assert result.code == 20
    assert f"HF3012: there is no journal at {place}" in result.err


def test_what_was_changed_later_is_shown_with_the_heal_that_put_it_back() -> None:
    held = EPISODES[0]
    more = (*held.changes, FieldChange("metadata.labels.team", "a", "b", ("kubectl-label",)))
    healed = replace(held, heals=(HealMade(NOON, "healed", 0.01, "", more),))
    asked = link()
    asked.journal = FakeJournal(healed)
    shown = holdfast(asked, "drift", "show", "3f9c").out
    assert shown.count("spec.replicas: 2 -> 5") == 2
    assert 'metadata.labels.team: "a" -> "b"   by kubectl-label' in shown


@pytest.mark.parametrize(
    ("automated", "annotation", "said"),
    [
        ({"selfHeal": True}, "", ["Self-heal:          on"]),
        ({"selfHeal": True, "enabled": False}, "", []),
        ({"selfHeal": False}, "", []),
        (None, "last-synced", ["Self-heal:          on, to what was synced last"]),
        (None, "", []),
    ],
)
def test_app_get_says_whether_changes_by_hand_are_put_back(
    automated: dict[str, bool] | None, annotation: str, said: list[str]
) -> None:
    app = examples.prod()
    app["spec"]["syncPolicy"] = {"automated": automated} if automated is not None else {}
    app["metadata"]["annotations"] = {"holdfast.dev/self-heal": annotation}
    shown = holdfast(
        FakeLink(FakeQueries([app]), FakeCommands()), "app", "get", "go-sample-app-prod"
    ).out
    assert [line for line in shown.splitlines() if line.startswith("Self-heal")] == said
