"""Gathering and delivering, in virtual time: retries, limits, and what is never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from holdfast.domain.drift import Difference
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import AppKey
from holdfast.kit.backoff import Backoff
from holdfast.notices.messages import Origin
from holdfast.notices.notice import AppFacts
from holdfast.notices.sending import Sent
from holdfast.notices.settings import NoticeSettings, Target, TargetType
from holdfast.notices.teller import Teller, TellerLimits, TellerPorts
from tests.support import happenings as h
from tests.support.virtual_time import LoopClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import pytest

OPS = Target("ops", TargetType.WEBHOOK, "https://hooks.example/x", "$s:key", group_s=10.0)
CHAT = replace(OPS, name="chat", url="https://chat.example/x")
OK = Sent(True, "HTTP 200")
LATER = Sent(False, "HTTP 503", may_retry=True)


class Counts:
    """The port `Metrics`, as far as it is needed."""

    def __init__(self) -> None:
        self.counted: dict[tuple[str, str], float] = {}

    def increment(self, metric: str, amount: float = 1.0, /, **labels: str) -> None:
        assert metric == "holdfast_notifications_total"
        key = (labels["target"], labels["outcome"])
        self.counted[key] = self.counted.get(key, 0) + amount

    def observe(self, metric: str, value: float, /, **labels: str) -> None:
        raise AssertionError(metric)

    set_gauge = observe

    def drop(self, metric: str, /, **labels: str) -> None:
        raise AssertionError(metric)


@dataclass
class World:
    """A teller, and a courier that answers as it is told."""

    answers: list[Sent | None] = field(default_factory=list)
    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    secrets: dict[str, dict[str, str]] = field(default_factory=lambda: {"s": {"key": "k"}})
    is_unreachable: bool = False
    hanging: set[str] = field(default_factory=set)
    limits: TellerLimits = field(default_factory=lambda: TellerLimits(gather_s=0.0))

    async def deliver(self, item: dict[str, Any], seconds: float) -> Sent | None:
        self.sent.append((LoopClock().monotonic() - 1000.0, item))
        if item["target"]["name"] in self.hanging:
            await asyncio.sleep(seconds)
            return None
        return self.answers.pop(0) if self.answers else OK

    async def read_secrets(self, names: frozenset[str]) -> Mapping[str, Mapping[str, str]]:
        if self.is_unreachable:
            raise ClusterError("HF2001", "the API server cannot be reached")
        return {name: self.secrets.get(name, {}) for name in names}

    @contextlib.asynccontextmanager
    async def telling(self, *targets: Target) -> AsyncIterator[Teller]:
        origin = Origin("prod", "argocd")
        facts = AppFacts("default")
        ports = TellerPorts(
            LoopClock(), self.counts, lambda _: facts, self.deliver, self.read_secrets, origin
        )
        teller = Teller(ports, self.limits)
        teller.replace(NoticeSettings(targets))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(teller.gather()), group.create_task(teller.deliver())]
            yield teller
            for task in tasks:
                task.cancel()

    @property
    def times(self) -> list[float]:
        return [round(at_s) for at_s, _ in self.sent]

    def body(self, number: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.sent[number][1]["message"]["body"])
        return found


async def test_a_drift_is_told_once_its_group_is_over() -> None:
    world = World()
    async with world.telling(OPS) as teller:
        for happening in h.whole("e1"):
            teller.take(happening)
        await asyncio.sleep(60)
    assert world.times == [10]
    body = world.body()
    assert (body["cluster"], body["app"]["project"]) == ("prod", "default")
    assert body["entries"][0]["changes"] == [{"path": "spec.replicas", "before": 2, "after": 5}]
    assert body["entries"][0]["who"] == ["kubectl-edit"]
    assert world.sent[0][1]["target"]["secret"] == "k"
    assert world.counts.counted == {("ops", "sent"): 1}


async def test_a_receiver_that_fails_is_tried_again_with_growing_pauses_and_then_given_up() -> None:
    world = World(answers=[LATER] * 9)
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(600)
        assert teller.failures == {"ops": "HTTP 503"}
    assert world.times == [10, 11, 14, 23, 50, 110]
    assert len({item["message"]["id"] for _, item in world.sent}) == 1
    assert world.counts.counted == {("ops", "failed"): 1}


async def test_what_makes_no_sense_again_is_not_tried_again() -> None:
    world = World(answers=[Sent(False, "HTTP 404")])
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(60)
    assert world.times == [10]
    assert world.counts.counted == {("ops", "failed"): 1}


async def test_a_receiver_that_asks_to_wait_is_given_the_time() -> None:
    world = World(answers=[replace(LATER, retry_after_s=45.0)])
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(120)
        assert teller.failures == {}
    assert world.times == [10, 55]


async def test_one_target_that_fails_does_not_hold_another_up() -> None:
    world = World(answers=[None, OK])
    world.limits = TellerLimits(gather_s=0.0, backoff=Backoff(base_s=500.0, cap_s=500.0))
    async with world.telling(OPS, CHAT) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(20)
        teller.take(h.opened("e2", h.drift(Difference("spec.replicas", 2, 9))))
        await asyncio.sleep(60)
    told = [item["target"]["name"] for _, item in world.sent]
    assert told == ["ops", "chat", "chat"]


async def test_a_missing_secret_is_named_and_tried_again() -> None:
    world = World(secrets={})
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(12)
        assert world.sent == []
        world.secrets = {"s": {"key": "k"}}
        await asyncio.sleep(30)
    assert world.times == [14]
    assert world.counts.counted == {("ops", "sent"): 1}


async def test_secrets_that_cannot_be_read_are_a_reason_to_wait() -> None:
    world = World(is_unreachable=True)
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(600)
        assert "cannot be reached" in teller.failures["ops"]
    assert world.sent == []


async def test_more_than_the_queue_holds_is_dropped_and_counted() -> None:
    world = World(limits=TellerLimits(queue=5, gather_s=1.0))
    async with world.telling(OPS) as teller:
        for number in range(8):
            teller.take(h.opened(f"e{number}", h.drift(Difference("spec.x", 0, number))))
        await asyncio.sleep(30)
    assert len(world.body()["entries"]) == 5
    assert world.counts.counted == {("", "dropped"): 3, ("ops", "sent"): 1}


async def test_a_full_outbox_keeps_the_newest() -> None:
    world = World(answers=[LATER] * 3)
    world.limits = TellerLimits(outbox=2, gather_s=0.0, backoff=Backoff(base_s=100, cap_s=100))
    async with world.telling(OPS) as teller:
        for number in range(4):
            teller.take(h.opened(f"e{number}", app=AppKey("argocd", f"app{number}")))
        await asyncio.sleep(1000)
    assert world.counts.counted[("ops", "dropped")] == 2
    assert {world.body(n)["app"]["name"] for n in range(-2, 0)} == {"app2", "app3"}


async def test_nothing_is_kept_while_nobody_wants_it() -> None:
    world = World()
    async with world.telling() as teller:
        teller.take(h.opened("e1"))
        teller.replace(NoticeSettings((OPS,)))
        await asyncio.sleep(60)
    assert world.sent == []


async def test_a_changed_target_still_knows_what_it_was_told() -> None:
    world = World()
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(20)
        teller.replace(NoticeSettings((replace(OPS, url="https://new.example/"),), "eu"))
        teller.take(h.opened("e2"))
        teller.take(h.opened("e3", app=AppKey("argocd", "api")))
        await asyncio.sleep(60)
    assert [world.body(n)["app"]["name"] for n in range(2)] == ["web", "api"]
    assert world.body(1)["cluster"] == "eu"
    assert world.sent[1][1]["target"]["url"] == "https://new.example/"


async def test_a_target_that_hangs_delays_no_other() -> None:
    world = World(hanging={"ops"})
    async with world.telling(OPS, CHAT) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(11)  # ops hangs from now on, for 22 s
        teller.take(h.opened("e2", h.drift(key=h.SECRET)))
        await asyncio.sleep(15)
        names = [(round(at_s), item["target"]["name"]) for at_s, item in world.sent]
        assert names == [(10, "ops"), (10, "chat"), (21, "chat")]
        await asyncio.sleep(600)
    again = [at_s for at_s, item in world.sent if item["target"]["name"] == "ops"]
    assert len(again) == 2 * TellerLimits().attempts  # each message in its turn, none at once


async def test_what_waits_at_the_end_is_told_before_its_group_is_over() -> None:
    world = World()
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        await asyncio.sleep(1)
        began_s = LoopClock().monotonic()
        await teller.flush(2.0)
        assert LoopClock().monotonic() - began_s < 0.1
    assert world.counts.counted == {("ops", "sent"): 1}


async def test_the_end_waits_two_seconds_for_a_target_that_hangs_and_says_what_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(hanging={"ops"})
    async with world.telling(OPS, CHAT) as teller:
        teller.take(h.opened("e1"))
        began_s = LoopClock().monotonic()
        await teller.flush(2.0)
        assert 1.9 < LoopClock().monotonic() - began_s < 2.1
    assert world.counts.counted == {("chat", "sent"): 1}
    assert "HF4005 1 messages were not told before the end" in caplog.messages


async def test_the_end_tries_a_target_that_fails_once_and_waits_no_longer() -> None:
    world = World(answers=[LATER] * 9)
    async with world.telling(OPS) as teller:
        teller.take(h.opened("e1"))
        began_s = LoopClock().monotonic()
        await teller.flush(2.0)
        assert LoopClock().monotonic() - began_s < 0.1
    assert len(world.sent) == 1
