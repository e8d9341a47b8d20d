"""Logs of several pods: which, merged how, and how they end. Waiting takes no time here."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.controller.requests.pod_logs import BUFFERED_LINES, PATIENCE_S, Well, find_pods, merge
from holdfast.controller.requests.pod_logs import read_all as read_pods
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.log_lines import LogLine, nanoseconds
from holdfast.domain.manifest import Manifest
from holdfast.domain.queries import PodLogs
from tests.support.fakes import FakeCluster
from tests.support.virtual_time import LoopClock
from tests.unit.requests.given import WEB, app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Tree = dict[str, Any]


def line(second: float, text: str, pod: str = "a") -> LogLine:
    whole, part = divmod(round(second * 1000), 1000)
    return LogLine.parse(f"2026-01-02T12:00:{whole:02}.{part:03}000000Z {text}", pod)


async def printed(*lines: LogLine | float) -> AsyncGenerator[LogLine, None]:
    """Lines, and seconds in which none comes."""
    for each in lines:
        if isinstance(each, LogLine):
            yield each
        else:
            await asyncio.sleep(each)


async def broken(*lines: LogLine) -> AsyncGenerator[LogLine, None]:
    for each in lines:
        yield each
    raise ClusterError("HF2005", "container is waiting to start")


async def merged(*streams: AsyncGenerator[LogLine, None], follows: bool = False) -> list[str]:
    wells = [Well(f"pod-{number}", stream) for number, stream in enumerate(streams)]
    return [each.text async for each in merge(wells, LoopClock(), follows=follows)]


async def test_lines_of_several_pods_come_by_their_time() -> None:
    found = await merged(
        printed(line(1, "a1"), line(4, "a4"), line(5, "a5")),
        printed(0.5, line(2, "b2"), line(3, "b3"), 30.0, line(6, "b6")),
    )
    assert found == ["a1", "b2", "b3", "a4", "a5", "b6"]


async def test_a_silent_pod_does_not_hold_up_the_others_while_they_are_followed() -> None:
    wells = [
        Well("silent", printed(3600.0, line(9, "late"))),
        Well("busy", printed(line(1, "one"), 10.0, line(2, "two"), 10.0)),
    ]
    clock = LoopClock()
    began = clock.monotonic()
    lines = merge(wells, clock, follows=True)
    seen = [(each.text, round(clock.monotonic() - began, 3)) async for each in lines]
    assert seen == [("one", 1.0), ("two", 10 + PATIENCE_S), ("late", 3600.0)]


async def test_followed_lines_that_arrive_nearly_together_come_by_their_time() -> None:
    found = await merged(
        printed(2.0, line(2.00, "second"), 5.0),
        printed(2.05, line(1.99, "first"), 5.0),
        printed(60.0),
        follows=True,
    )
    assert found == ["first", "second"]


async def test_a_long_log_is_read_no_further_ahead_than_allowed() -> None:
    taken = 0

    async def endless() -> AsyncGenerator[LogLine, None]:
        nonlocal taken
        while True:
            taken += 1
            yield line(1, "again")

    wells = [Well("long", endless()), Well("short", printed(5.0, line(2, "end")))]
    async with aclosing(merge(wells, LoopClock(), follows=False)) as lines:
        async for _ in lines:
            break
    assert taken <= BUFFERED_LINES + 2


async def test_the_only_pod_that_fails_fails_the_question_after_its_lines() -> None:
    wells = [Well("one", broken(line(1, "before")))]
    lines = merge(wells, LoopClock(), follows=False)
    assert (await anext(lines)).text == "before"
    with pytest.raises(ClusterError, match="waiting to start"):
        await anext(lines)


async def test_one_of_several_pods_that_fails_is_said_once_and_the_others_go_on() -> None:
    wells = [Well("bad", broken()), Well("good", printed(1.0, line(1, "fine")))]
    found = [each async for each in merge(wells, LoopClock(), follows=False)]
    assert [(each.pod, each.text, each.is_problem) for each in found] == [
        ("bad", "HF2005 container is waiting to start", True),
        ("a", "fine", False),
    ]


async def test_a_stream_that_is_left_early_is_closed() -> None:
    closed = asyncio.Event()

    async def forever() -> AsyncGenerator[LogLine, None]:
        try:
            yield line(1, "one")
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with aclosing(merge([Well("a", forever())], LoopClock(), follows=True)) as lines:
        async for _ in lines:
            break
    assert closed.is_set()


class OnePod:
    """The port `PodLogSource`: every pod printed the same."""

    def __init__(self, *lines: LogLine) -> None:
        self.given = lines

    async def lines(
        self, pod: Manifest, container: str, query: PodLogs
    ) -> AsyncGenerator[LogLine, None]:
        del pod, container, query
        for each in self.given:
            yield each


def pod(name: str, *containers: str, **metadata: Any) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "prod", "uid": name, **metadata},
        "spec": {"containers": [{"name": each} for each in containers]},
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (PodLogs(WEB, filter="get"), ["GET /a", "get /b"]),
        (PodLogs(WEB, filter="get", match_case=True), ["get /b"]),
        (PodLogs(WEB, filter="!get"), ["started", "done"]),
        (PodLogs(WEB, filter="!get", match_case=True), ["started", "GET /a", "done"]),
        (PodLogs(WEB, until="2026-01-02T12:00:02Z"), ["started", "GET /a"]),
        (PodLogs(WEB, until="2026-01-02T13:00:02.5+01:00"), ["started", "GET /a"]),
    ],
)
async def test_lines_are_chosen_by_text_and_by_time(query: PodLogs, expected: list[str]) -> None:
    source = OnePod(line(1, "started"), line(2, "GET /a"), line(3, "get /b"), line(4, "done"))
    chosen = [(Manifest(pod("a", "main")), "")]
    found = [each.text async for each in read_pods(source, chosen, query, LoopClock())]
    assert found == expected


def tree_of(*pods: Tree) -> Tree:
    nodes: list[Tree] = [{"group": "apps", "kind": "Deployment", "namespace": "prod", "name": "web",
              "uid": "d"}]  # fmt: skip
    for each in pods:
        name = each["metadata"]["name"]
        nodes.append({"group": "", "kind": "Pod", "namespace": "prod", "name": name, "uid": name,
                      "parentRefs": [{"uid": "d"}]})  # fmt: skip
    return {"nodes": nodes}


async def choose(*pods: Tree, **query: Any) -> list[tuple[str, str]]:
    application = Application.parse(Manifest(app()))
    chosen = await find_pods(FakeCluster(*pods), application, tree_of(*pods), PodLogs(WEB, **query))
    return [(manifest.name, container) for manifest, container in chosen]


async def test_pods_are_found_by_what_they_grew_out_of() -> None:
    pods = (pod("a", "main"), pod("b", "main"))
    assert await choose(*pods, kind="Deployment", name="web") == [("a", ""), ("b", "")]
    assert await choose(*pods, kind="Pod", name="b") == [("b", "")]
    with pytest.raises(ConfigurationError, match="no pod that matches"):
        await choose(*pods, kind="StatefulSet")


async def test_only_pods_with_the_container_are_read() -> None:
    pods = (pod("a", "main", "sidecar"), pod("b", "main"))
    assert await choose(*pods, container="sidecar") == [("a", "sidecar")]
    with pytest.raises(ConfigurationError, match="has a container 'nobody'") as refused:
        await choose(*pods, container="nobody")
    assert refused.value.hint == "there are: main, sidecar"


async def test_the_default_container_of_a_pod_is_taken() -> None:
    default = {"kubectl.kubernetes.io/default-container": "main"}
    assert await choose(pod("a", "proxy", "main", annotations=default)) == [("a", "main")]


async def test_more_pods_than_anybody_reads_are_refused() -> None:
    pods = [pod(f"p{number}", "main") for number in range(11)]
    with pytest.raises(ConfigurationError, match="11 pods match; at most 10"):
        await choose(*pods)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1970-01-01T00:00:01.123456789Z", 1_123_456_789),
        ("1970-01-01T00:00:01", 0),
        ("started", 0),
        ("", 0),
    ],
)
def test_times_of_lines_are_read_to_the_nanosecond(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


def test_a_line_without_a_time_is_kept_whole() -> None:
    assert LogLine.parse("unable to retrieve container logs", "a").text == (
        "unable to retrieve container logs"
    )
    assert LogLine.parse("2026-01-02T12:00:01Z ", "a").text == ""
