"""`POST /audit`: who may come, how much, and what is made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette

from holdfast.assembly.audit import AuditIntake, AuditLimits, read_token
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import GroupKind, GroupVersionKind
from holdfast.domain.kinds import KindInfo
from holdfast.journal.audit_events import (
    MOST_CHARS,
    AuditBodyError,
    read_event,
    split_events,
)
from tests.support import happenings as h
from tests.support.virtual_time import LoopClock

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.domain.audit import DriftAttributed

TOKEN = "0123456789abcdef" * 2


class Kinds:
    """Knows Deployments."""

    def find_preferred(self, kind: GroupKind) -> KindInfo | None:
        gvk = GroupVersionKind("apps", "v1", "Deployment")
        return KindInfo(gvk, "deployments", namespaced=True) if kind == gvk.group_kind else None


class Journal:
    def __init__(self) -> None:
        self.told: list[DriftAttributed] = []

    def attribute(self, attributed: DriftAttributed) -> None:
        self.told.append(attributed)


class Webhook:
    """An API server that posts audit events."""

    def __init__(self, limits: AuditLimits | None = None) -> None:
        self.journal = Journal()
        self.read = 0
        self.intake = AuditIntake(TOKEN, self.journal, LoopClock(), limits)  # type: ignore[arg-type]
        self.intake._kinds = Kinds()  # type: ignore[assignment]
        self._app = Starlette(routes=[self.intake.route()])

    async def post(
        self, body: bytes, authorization: str = f"Bearer {TOKEN}", method: str = "POST"
    ) -> tuple[int, Any, dict[str, str]]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            self.read += 1
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": "/audit", "raw_path": b"/audit",
            "query_string": b"timeout=30s", "root_path": "", "scheme": "https",
            "headers": [(b"authorization", authorization.encode())] if authorization else [],
        }  # fmt: skip
        await self._app(scope, receive, send)
        text = b"".join(message.get("body", b"") for message in sent[1:])
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], json.loads(text) if text[:1] == b"{" else text, headers


def event(**changes: Any) -> dict[str, Any]:
    """A deletion by ann, as kube-apiserver logs it at level Metadata."""
    fields: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "a-1",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/prod/deployments/web?fieldManager=kubectl-edit",
        "verb": "delete",
        "user": {"username": "ann", "groups": ["people", "system:authenticated"]},
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "kubectl/v1.36.3 (linux/amd64) kubernetes/abc",
        "objectRef": {"resource": "deployments", "namespace": "prod", "name": "web",
                      "apiGroup": "apps", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-01-02T11:59:59.990000Z",
        "stageTimestamp": "2026-01-02T12:00:00.000000Z",
    }  # fmt: skip
    return {**fields, **changes}


def batch(*events: Any) -> bytes:
    tree = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events}
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
)
async def test_without_the_token_not_a_byte_of_the_body_is_read(authorization: str) -> None:
    webhook = Webhook()
    status, tree, headers = await webhook.post(batch(event()), authorization)
    assert (status, webhook.read) == (401, 0)
    assert tree["error"]["code"] == "unauthenticated"
    assert TOKEN not in json.dumps(tree)
    assert headers["www-authenticate"] == "Bearer"


async def test_a_batch_names_who_deleted_an_object() -> None:
    webhook = Webhook()
    webhook.intake.attribution.take(h.opened("5" * 16, h.drift()))
    gone = event(responseObject={"kind": "Status", "details": {"uid": "u1"}})
    assert (await webhook.post(batch(event(verb="get"), gone)))[0] == 200
    (told,) = webhook.journal.told
    assert (told.episode, told.matched_by) == ("5" * 16, "uid")
    assert told.request == h.asked(
        manager="kubectl-edit", uid="u1", user_agent="kubectl/v1.36.3 (linux/amd64) kubernetes/abc"
    )


async def test_too_much_is_refused() -> None:
    webhook = Webhook(AuditLimits(body_bytes=4000, events=3))
    assert (await webhook.post(b"x" * 4001))[0] == 413
    small = {"verb": "get"}
    status, tree, _ = await webhook.post(batch(*[small] * 4))
    assert (status, tree["error"]["code"]) == (413, "too_large")
    assert (await webhook.post(batch(*[small] * 3)))[0] == 200


async def test_too_many_are_refused_until_time_has_passed() -> None:
    webhook = Webhook(AuditLimits(per_s=1.0, burst=2.0))
    assert [(await webhook.post(batch()))[0] for _ in range(3)] == [200, 200, 429]
    await webhook.intake._clock.sleep(1.0)
    assert (await webhook.post(batch()))[0] == 200
    assert (await webhook.post(batch()))[2]["retry-after"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"\xff", b'{"items": [',
        b'{"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [1]}',
        b'{"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [{',
        b'{"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [' + b"[" * 100_000,
    ],
)  # fmt: skip
async def test_what_is_no_list_of_events_is_refused(body: bytes) -> None:
    assert (await Webhook().post(body))[0] == 400


async def test_only_post_is_answered() -> None:
    assert (await Webhook().post(b"", method="GET"))[0] == 405


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "ResponseStarted"},
        {"verb": "watch"},
        {"responseStatus": {"code": 409}},
        {"responseStatus": None},
        {"requestURI": "/x?dryRun=All"},
        {"objectRef": {"resource": "deployments", "subresource": "status"}},
        {"objectRef": "web"},
        {"stageTimestamp": "yesterday"},
        {"stageTimestamp": 5},
    ],
)
def test_what_changed_nothing_is_no_request(changes: dict[str, Any]) -> None:
    assert read_event(event()) is not None
    assert read_event(event(**changes)) is None


def test_impersonation_tells_both() -> None:
    found = read_event(event(impersonatedUser={"username": "bob"}))
    assert found is not None
    assert (found.username, found.impersonator) == ("bob", "ann")


def test_the_manager_of_a_request_without_one_is_its_program() -> None:
    found = read_event(event(requestURI="/x"))
    assert found is not None
    assert found.manager == "kubectl"


def test_what_a_client_says_of_itself_is_cut() -> None:
    found = read_event(event(userAgent="x" * 10_000, user={"username": "y" * 10_000}))
    assert found is not None
    assert (len(found.user_agent), len(found.username)) == (256, 256)


def test_events_are_decoded_one_by_one() -> None:
    """The first is there although the second is broken: nothing is decoded ahead."""
    events = split_events(batch(event()).decode()[:-2] + ", {")
    assert next(events).event == event()
    with pytest.raises(AuditBodyError):
        next(events)


def large(fill: Any, megabytes: int = 1) -> dict[str, Any]:
    """An event with an object of several megabytes."""
    times = megabytes * 1024 * 1024 // len(json.dumps(fill))
    response = {"metadata": {"uid": "u-1"}, "data": [fill] * times}
    return event(responseObject=response, requestObject={"data": [fill]})


@pytest.mark.parametrize(
    "fill",
    ["x" * 100, "x" * 500_000, '\\"{[' * 30, {"a": {"b": ["c", {}]}}, 7, "é" * 50, "]}"],
    ids=["texts", "long texts", "escapes", "brackets", "numbers", "wide letters", "false ends"],
)
def test_a_large_event_is_passed_over_in_steps_and_read_without_its_objects(fill: Any) -> None:
    body = batch(event(auditID="before"), large(fill), event(auditID="after")).decode()
    assert len(body) > 2 * MOST_CHARS
    found: list[dict[str, Any]] = []
    for piece in split_events(body):
        assert piece.chars <= 2 * MOST_CHARS
        if piece.event is not None:
            found.append(piece.event)
    assert [one["auditID"] for one in found] == ["before", "a-1", "after"]
    who = read_event(found[1])
    assert who is not None
    assert (who.username, who.name, who.uid) == ("ann", "web", "")  # the answer is left out


async def test_an_event_that_is_large_beside_its_objects_is_left_out_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    webhook, strange = Webhook(), event(annotations=["x" * 100] * 10_000)
    for _ in range(2):
        status, _, _ = await webhook.post(batch(strange, event(auditID="after")))
        assert status == 200
    assert sum("stays unknown" in line for line in caplog.messages) == 1


@pytest.mark.parametrize("end", ["", '"', "[", '{"a": "'])
def test_a_large_event_without_an_end_is_refused(end: str) -> None:
    body = batch(event()).decode()[:-2] + ', {"a": "' + "x" * 1_000_000 + end
    with pytest.raises(AuditBodyError):
        list(split_events(body))


def test_a_short_or_missing_token_is_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short-secret\n")
    with pytest.raises(ConfigurationError, match="shorter than 16") as found:
        read_token(str(tmp_path / "token"))
    assert "short-secret" not in str(found.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_token(str(tmp_path / "none"))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(str(tmp_path / "token")) == TOKEN


async def test_what_the_journal_knew_is_matched_with_what_comes_after_a_start() -> None:
    webhook = Webhook()
    drift = h.opened(h.new_id(), h.drift())
    gone = event(responseObject={"kind": "Status", "details": {"uid": "u1"}})
    for _ in range(2):  # the second time after a lost Lease, when it was matched already
        webhook.intake.recall([drift])
        status, _, _ = await webhook.post(batch(gone))
        assert status == 200
    assert [one.episode for one in webhook.journal.told] == [drift.episode]
