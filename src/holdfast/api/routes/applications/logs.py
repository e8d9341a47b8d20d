"""Logs of pods (docs/internals/argocd/api.md §1.6.12)."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from holdfast.api.applications import demand_application, key_of, project_of, target_of, which
from holdfast.api.call import Call, Stream
from holdfast.api.failures import denied, invalid
from holdfast.api.models.resources import LogEntry, LogsQuery
from holdfast.api.standing import demand_good_token
from holdfast.api.table import Route
from holdfast.domain.log_lines import LogLine
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import PodLogs

_NAME = "/api/v1/applications/{name}"
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


async def _logs(call: Call[LogsQuery, None]) -> Stream:
    query = call.query
    tree = await demand_application(call, "get", which(call, query))
    call.demand("logs", "get", target_of(call, tree))
    question = _question(call, tree)
    if query.download:
        headers = {"Content-Disposition": f'attachment;filename="{_file_name(question)}"'}
        return Stream(_texts(call, tree, question), text=True, waits=True, headers=headers)
    return Stream(_entries(call, tree, question), waits=not query.follow)


def _question(call: Call[LogsQuery, None], tree: Tree) -> PodLogs:
    query = call.query
    pod = call.path.get("pod") or query.pod_name
    # A pod is named by itself; else those are meant that grew out of an object.
    about = ("", "Pod", pod) if pod else (query.group, query.kind, query.resource_name)
    return PodLogs(
        key_of(tree),
        group=about[0],
        kind=about[1],
        namespace=query.namespace,
        name=about[2],
        container=query.container,
        follow=query.follow,
        tail=query.tail_lines,
        since_s=query.since_seconds or _seconds_since(call, query.since_time),
        until=query.until_time,
        filter=query.filter,
        match_case=query.match_case,
        previous=query.previous,
    )


def _seconds_since(call: Call[LogsQuery, None], text: str) -> int:
    if not text:
        return 0
    try:
        since = datetime.fromisoformat(text)
        return max(1, round((call.services.clock.now() - since).total_seconds()))
    except (ValueError, TypeError) as error:
        raise invalid("sinceTime: give a time as RFC 3339") from error


async def _lines(
    call: Call[LogsQuery, None], tree: Tree, question: PodLogs
) -> AsyncGenerator[LogLine, None]:
    """Yield lines as long as the caller may read them; roles are asked before each."""
    target, project = target_of(call, tree), project_of(tree)
    async with aclosing(call.services.queries.logs(question)) as lines:  # type: ignore[type-var]
        async for line in lines:
            demand_good_token(call)
            now = call.services.applications.find(question.app)
            if now is None or project_of(now) != project or not call.may("logs", "get", target):
                raise denied()
            yield line


async def _entries(
    call: Call[LogsQuery, None], tree: Tree, question: PodLogs
) -> AsyncGenerator[JSON, None]:
    last_at = ""
    async with aclosing(_lines(call, tree, question)) as lines:
        async for line in lines:
            last_at = line.at or last_at
            yield _entry(line.text, line.at, line.pod, last=False)
    yield _entry("", last_at, "", last=True)


async def _texts(
    call: Call[LogsQuery, None], tree: Tree, question: PodLogs
) -> AsyncGenerator[JSON, None]:
    async with aclosing(_lines(call, tree, question)) as lines:
        async for line in lines:
            yield line.text


def _entry(content: str, at: str, pod: str, *, last: bool) -> Tree:
    return {
        "content": content,
        "timeStamp": at or None,
        "timeStampStr": at,
        "podName": pod,
        "last": last,
    }


def _file_name(question: PodLogs) -> str:
    parts = (question.namespace, question.name, question.container)
    if question.kind != "Pod" or not all(parts):
        return "log.log"
    return _NOT_IN_A_FILE_NAME.sub("_", "-".join(parts)) + ".log"


ROUTES = (
    Route("GET", f"{_NAME}/logs", _logs, "Logs of the pods of an object.",
          query=LogsQuery, answer=LogEntry, streams=True),
    Route("GET", f"{_NAME}/pods/{{pod}}/logs", _logs, "Logs of a pod.",
          query=LogsQuery, answer=LogEntry, streams=True),
)  # fmt: skip
