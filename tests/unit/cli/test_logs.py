"""`app logs`: every flag reaches the question; what cannot be read is said beside the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.domain.identity import AppKey
from holdfast.domain.log_lines import LogLine
from holdfast.domain.queries import PodLogs
from tests.support.command_line import holdfast
from tests.support.fakes import FakeLink, FakeQueries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def test_every_flag_has_its_effect_on_the_question() -> None:
    link = FakeLink()
    done = holdfast(
        link, "app", "logs", "web", "--group", "apps", "--kind", "Deployment", "--namespace",
        "prod", "--name", "web", "-c", "main", "-f", "--tail", "3", "--since-seconds", "60",
        "--until-time", "2026-01-02T15:04:05Z", "--filter", "!GET", "-m", "-p",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert link.queries.asked_logs == [
        PodLogs(
            AppKey("argocd", "web"),
            group="apps",
            kind="Deployment",
            namespace="prod",
            name="web",
            container="main",
            follow=True,
            tail=3,
            since_s=60,
            until="2026-01-02T15:04:05Z",
            filter="!GET",
            match_case=True,
            previous=True,
        )
    ]


def test_an_end_that_is_no_time_is_refused() -> None:
    done = holdfast(FakeLink(), "app", "logs", "web", "--until-time", "tomorrow")
    assert done.code == 1
    assert '--until-time "tomorrow": give a time with its zone' in done.err


def test_a_pod_that_cannot_be_read_is_said_on_stderr_and_by_the_exit_code() -> None:
    class OneFails(FakeQueries):
        async def logs(self, query: PodLogs) -> AsyncIterator[LogLine]:
            del query
            yield LogLine("started", "web-1")
            yield LogLine("HF2005 container is waiting to start", "web-2", is_problem=True)

    link = FakeLink()
    link.queries = OneFails()
    done = holdfast(link, "app", "logs", "web")
    assert (done.code, done.out) == (20, "started\n")
    assert done.err == "warning: pod web-2: HF2005 container is waiting to start\n"
