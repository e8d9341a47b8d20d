"""What leaves the worker: signed webhooks and apprise, against a receiver on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.errors import ConfigurationError
from holdfast.notices.courier import Courier
from holdfast.notices.sending import NO_APPRISE, send
from holdfast.notices.settings import Target, TargetType
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MESSAGE = {"id": "m1", "body": '{"title":"é"}', "title": "web healed", "text": "by ada"}


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    async with contextlib.AsyncExitStack() as stack:
        made = Courier()
        stack.push_async_callback(made.stop)
        yield made


def item(target: Target) -> dict[str, Any]:
    return {"target": target.to_tree(), "message": MESSAGE, "timestamp": 1767355200}


def webhook(receiver: Receiver, **changes: Any) -> Target:
    fields: dict[str, Any] = {"secret": "key", "timeout_s": 5.0, "url": receiver.url, **changes}
    return Target("ops", TargetType.WEBHOOK, **fields)


async def test_a_webhook_is_signed_over_time_and_body(courier: Courier) -> None:
    async with Receiver() as receiver:
        target = webhook(receiver, headers={"X-Team": "a"})
        sent = await courier.deliver(item(target), 5.0)
        got = await receiver.next()
    assert sent is not None
    assert (sent.ok, sent.detail) == (True, "HTTP 200")
    expected = hmac.new(b"key", b"1767355200." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["holdfast-signature"] == f"v1={expected}"
    assert got.headers["holdfast-timestamp"] == "1767355200"
    assert got.headers["holdfast-delivery"] == "m1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-team"] == "a"
    assert got.body == MESSAGE["body"].encode()


@pytest.mark.parametrize(
    ("answer", "may_retry", "after", "words"),
    [
        pytest.param("404 Not Found", False, None, "HTTP 404 Not Found", id="not found"),
        pytest.param("503 Busy", True, None, "HTTP 503 Service Unavailable", id="busy"),
        pytest.param("429 Slow\r\nRetry-After: 7", True, 7.0, "HTTP 429", id="slow down"),
        pytest.param("302 Found\r\nLocation: /x", False, None, "redirects", id="redirect"),
        pytest.param("307 Found\r\nLocation: /x", False, None, "redirects", id="another redirect"),
    ],
)
async def test_what_a_receiver_refuses_is_told(
    courier: Courier, answer: str, may_retry: bool, after: float | None, words: str
) -> None:
    async with Receiver(answer) as receiver:
        sent = await courier.deliver(item(webhook(receiver)), 5.0)
        assert len(receiver.got) == 1  # redirects are not followed
    assert sent is not None
    assert (sent.ok, sent.may_retry, sent.retry_after_s) == (False, may_retry, after)
    assert words in sent.detail


async def test_a_receiver_that_says_nothing_does_not_hold_another_up(courier: Courier) -> None:
    async with Receiver() as silent, Receiver() as quick, asyncio.TaskGroup() as group:
        silent.silent = True
        waiting = group.create_task(courier.deliver(item(webhook(silent, timeout_s=3.0)), 10.0))
        await silent.next()  # it has the message and says nothing
        for _ in range(3):
            fast = await courier.deliver(item(webhook(quick)), 5.0)
            assert fast is not None
            assert fast.ok
        assert not waiting.done()
        slow = await waiting
    assert slow is not None
    assert (slow.ok, slow.may_retry, slow.detail) == (False, True, "no answer in time")


async def test_the_end_waits_for_no_receiver(courier: Courier) -> None:
    async with Receiver() as silent, asyncio.TaskGroup() as group:
        silent.silent = True
        waiting = group.create_task(courier.deliver(item(webhook(silent, timeout_s=30.0)), 60.0))
        await silent.next()
        waiting.cancel()
        async with asyncio.timeout(5.0):
            await courier.stop()


async def test_no_address_is_told_when_nobody_answers(courier: Courier) -> None:
    target = Target("ops", TargetType.WEBHOOK, "http://127.0.0.1:1/token-abc", "key")
    sent = await courier.deliver(item(target), 5.0)
    assert sent is not None
    assert sent.detail == "Connection refused"


async def test_apprise_delivers(courier: Courier) -> None:
    async with Receiver() as receiver:
        target = Target("chat", TargetType.APPRISE, f"json://{receiver.address}/")
        sent = await courier.deliver(item(target), 20.0)
        got = (await receiver.next()).json()
    assert sent is not None
    assert sent.ok
    assert (got["title"], got["message"]) == ("web healed", "by ada")


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    sent = send(Target("chat", TargetType.APPRISE, "json://x/"), MESSAGE, 0)
    assert (sent.ok, sent.may_retry, sent.detail) == (False, False, NO_APPRISE)
    assert "pip install 'holdfast[notify]'" in sent.detail


async def test_a_wrong_configuration_names_all_that_is_wrong(courier: Courier) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await courier.read({"target.a": "url: x", "b": ""})
    assert caught.value.code == "HF3014"
    assert "target.a: " in caught.value.message
    assert "b: no such key" in caught.value.message
