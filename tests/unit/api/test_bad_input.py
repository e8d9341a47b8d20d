"""What nobody should send: each is refused in the documented shape, and tells nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from holdfast.api import answering
from tests.support.api import ApiWorld, _scope
from tests.unit.requests.given import app

if TYPE_CHECKING:
    from starlette.types import Message

    from holdfast.api.live import LiveApplications

V1, OURS = "/api/v1", "/api/holdfast/v1"
WEB = f"{V1}/applications/web"
MIB = 1024 * 1024


def followers(live: LiveApplications) -> int:
    return len(live._followers)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{V1}/applications", b"{"),
        ("POST", f"{V1}/applications", b"\xff\xfe{}"),
        ("POST", f"{V1}/applications", b"[]"),
        ("POST", f"{V1}/applications", b"null"),
        ("POST", f"{V1}/applications", b'"text"'),
        ("POST", f"{V1}/applications", b"NaN"),
        ("POST", f"{V1}/applications", b""),
        ("POST", f"{V1}/applications", {"metadata": [], "spec": {}}),
        ("POST", f"{V1}/applications", {"metadata": {"name": "x" * 300}, "spec": {}}),
        ("POST", f"{V1}/applications", {"metadata": {"name": {"$gt": ""}}, "spec": {}}),
        ("POST", f"{V1}/applications", {"metadata": {"name": "../../x"}, "spec": {}}),
        ("POST", f"{V1}/applications", {"metadata": {"name": "a\r\nb: c"}, "spec": {}}),
        ("POST", f"{V1}/applications", b'{"metadata":' + b'{"a":' * 5000 + b"1" + b"}" * 5001),
        ("POST", f"{WEB}/sync", {"dryRun": "perhaps"}),
        ("POST", f"{WEB}/sync", {"resources": [{"name": "x"}]}),
        ("POST", f"{WEB}/sync", {"strategy": {"guess": {}}}),
        ("POST", f"{WEB}/rollback", {"id": 1e400}),
        ("POST", f"{WEB}/rollback", b'{"id": 99999999999999999999999999}'),
        ("PATCH", WEB, {"patch": "{", "patchType": "merge"}),
        ("PATCH", WEB, {"patch": "{}", "patchType": "<script>"}),
        ("PATCH", WEB, {"patch": '[{"op":"move","path":"/x","from":"/y"}]', "patchType": "json"}),
        ("PUT", f"{WEB}/spec", b"[1]"),
        ("GET", f"{WEB}/logs?tailLines=-1", None),
        ("GET", f"{WEB}/logs?sinceTime=yesterday", None),
        ("GET", f"{V1}/applications?selector=a%20in%20(", None),
        ("GET", f"{WEB}/manifests?sourcePositions=x", None),
        ("POST", f"{OURS}/pauses", {"scope": "Application", "reason": "x", "surprise": 1}),
        ("POST", f"{OURS}/pauses", {"scope": "Everything", "reason": "x"}),
        ("GET", f"{OURS}/drift?limit=0", None),
        ("GET", f"{OURS}/drift?surprise=1", None),
    ],
)
async def test_a_senseless_request_is_a_mistake_of_its_sender(
    method: str, path: str, body: Any
) -> None:
    world = ApiWorld(app())
    reply = await world.client.send(method, path, body)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json"), reply.body
    assert world.cluster.writes == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(declared: bool) -> None:
    world = ApiWorld(app())
    asked: list[int] = []
    answers: list[Message] = []

    async def receive() -> Message:
        asked.append(1)
        return {"type": "http.request", "body": b"x" * MIB, "more_body": True}

    async def send(message: Message) -> None:
        answers.append(message)

    headers = {"content-type": "application/json", "authorization": "Bearer admin"}
    if declared:
        headers["content-length"] = str(10**12)
    async with asyncio.timeout(10):
        await world.client.server(_scope("POST", f"{WEB}/sync", headers), receive, send)
    assert answers[0]["status"] == 413
    assert len(asked) == (0 if declared else 5), "4 MB are taken, and no more is read"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{V1}/applications/..%2f..%2fsecrets", 403),
        (f"{V1}/applications/web%00", 403),
        (f"{V1}/applications/web%0d%0aSet-Cookie:%20a=b", 403),
        (f"{V1}/applications/%3Cscript%3E?project=default", 404),
        (f"{V1}/projects/..%2f..", 404),
        (f"{V1}/applications/web/../../settings", 404),
        (f"{V1}/applications//web", 404),
        (f"{V1}/%2e%2e/%2e%2e/etc/passwd", 404),
        (f"{OURS}/drift/..%2f..", 404),
    ],
)
async def test_a_path_leads_nowhere_else(path: str, status: int) -> None:
    reply = await ApiWorld(app()).client.get(path)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert all("\n" not in value and "\r" not in value for value in reply.headers.values())
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("content", ["", "text/plain", "application/json; charset=utf-8",
                                     "application/x-www-form-urlencoded"])  # fmt: skip
async def test_a_form_of_another_page_changes_nothing(content: str) -> None:
    world = ApiWorld(app())
    for method, path in (("POST", f"{WEB}/sync"), ("DELETE", WEB), ("POST", f"{OURS}/pauses")):
        reply = await world.client.send(method, path, {}, {"content-type": content})
        assert (reply.status, reply.body) == (415, b"Invalid content type\n")
    assert world.cluster.writes == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{V1}/applications", 200),
        (f"{V1}/applications/nothing", 403),
        (f"{V1}/nothing", 404),
        (f"{V1}/session/userinfo", 200),
        (f"{OURS}/status", 200),
        ("/api/badge?name=web", 200),
        ("/swagger.json", 200),
    ],
)
async def test_an_answer_is_data_and_no_page(path: str, status: int) -> None:
    reply = await ApiWorld(app()).client.get(path)
    assert reply.status == status
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "no-store" in reply.headers["cache-control"]


async def test_an_error_that_nobody_foresaw_tells_a_number_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = ApiWorld(app())

    async def fail(_query: Any, _who: str) -> None:
        raise RuntimeError("postgresql://holdfast:hunter2@db")

    monkeypatch.setattr(world.services.queries, "answer", fail)
    for path in (f"{WEB}/manifests", f"{OURS}/status"):
        reply = await world.client.get(path)
        assert reply.status == 500
        assert b"hunter2" not in reply.body
        number = reply.message.rsplit(" ", 1)[1]
        assert number in caplog.text, "the log tells more under this number"


async def test_a_reader_who_takes_nothing_is_left_and_holds_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "SLOW_READER_S", 0.05)
    world = ApiWorld(app())
    took: list[Message] = []
    stuck = asyncio.Event()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        took.append(message)
        if len(took) > 1:
            stuck.set()
            await asyncio.Event().wait()  # the window of this reader is full, for ever

    headers = {"authorization": "Bearer admin"}
    scope = _scope("GET", f"{V1}/stream/applications", headers)
    running = asyncio.ensure_future(world.client.server(scope, receive, send))
    await stuck.wait()
    async with world.client.stream(f"{V1}/stream/applications") as messages:
        assert (await messages.result())["type"] == "ADDED", "the others are not held"
        async with asyncio.timeout(10):
            await asyncio.wait({running})
        assert followers(world.applications) == 1
    assert running.exception() is not None, "so that uvicorn closes the connection"
    assert orjson.loads(took[1]["body"])["result"]["type"] == "ADDED"
