"""A pause says that it is about to end, while there is still time to lengthen it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from holdfast.controller.pauses import Reminders
from holdfast.controller.state import Registry
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError
from holdfast.domain.events import Reason
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import ANNOUNCED_ANNOTATION, Pause, pause_tree
from holdfast.kit.tasks import Supervisor
from tests.support.builders import app
from tests.support.fake_cluster import FakeCluster, FakeSystemWriter, refusal
from tests.support.rig import Recorder
from tests.support.virtual_time import LoopClock

KEY = ResourceKey("holdfast.dev", "Pause", "argocd", "p")
NOBODY_THERE = [ClusterError("HF2001", "the API server cannot be reached")] * 2


class Given:
    """A registry with two Applications, in virtual time."""

    def __init__(self, clock: LoopClock, supervisor: Supervisor) -> None:
        self.clock = clock
        self.registry = Registry("argocd")
        for name in ("web", "shop"):
            self.registry.add_app(Application.parse(Manifest(app(name))))
        self.cluster = FakeCluster()
        self.supervisor = supervisor
        self.recorder = self.restart()

    def restart(self) -> Recorder:
        """Another process begins; it sees the Pause as it is stored."""
        recorder = Recorder()
        system = FakeSystemWriter(self.cluster)
        self.reminders = Reminders(self.registry, self.clock, self.supervisor, recorder, system)
        stored = self.cluster.live(KEY)
        if stored is not None:
            self.see(stored)
        return recorder

    def see(self, tree: dict[str, Any]) -> None:
        """The watch shows the Pause."""
        pause = Pause.parse(Manifest(tree))
        assert pause is not None
        self.registry.pauses = {"p": pause}
        self.reminders.plan()

    def pause(self, minutes: float, **spec: Any) -> None:
        """Makes a pause that begins now, or changes it."""
        now = self.clock.now()
        tree = pause_tree(
            "p",
            "argocd",
            {
                "reason": "INC-123",
                "author": "ann",
                "until": (now + timedelta(minutes=minutes)).isoformat(),
                **spec,
            },
        )
        tree["metadata"]["creationTimestamp"] = now.isoformat()
        before = self.cluster.live(KEY)
        if before is not None:
            tree["metadata"]["annotations"] = before["metadata"].get("annotations", {})
        self.cluster.put(tree)
        self.see(tree)

    @property
    def told(self) -> list[str]:
        return [event.app.name for event in self.recorder.events]


async def test_a_warning_comes_when_a_tenth_is_left() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(26.9 * 60)
        assert given.told == []
        await clock.sleep(0.2 * 60)
        assert given.told == ["web"]
        event = given.recorder.events[0]
        assert (event.reason, event.warning) == (Reason.PAUSE_EXPIRING, True)
        assert "INC-123" in event.message


async def test_everyone_whom_it_holds_is_told() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="All")
        await clock.sleep(28 * 60)
        assert sorted(given.told) == ["shop", "web"]


async def test_a_pause_that_was_resumed_or_lengthened_is_not_announced() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="All")
        await clock.sleep(60)
        given.registry.pauses = {}
        given.cluster.remove(KEY)
        given.reminders.plan()
        await clock.sleep(40 * 60)
        assert given.told == []
        given.pause(30, scope="Application", target="web")
        given.pause(300, scope="Application", target="web")
        await clock.sleep(100 * 60)
        assert given.told == []
        await clock.sleep(180 * 60)
        assert given.told == ["web"]


async def test_a_warning_outlives_a_restart() -> None:
    """It is about the pause: a tenth of its whole length, not of what is left at the start."""
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(20 * 60)
        another = given.restart()
        await clock.sleep(6.9 * 60)
        assert another.events == []
        await clock.sleep(0.2 * 60)
        assert [event.app.name for event in another.events] == ["web"]


async def test_a_warning_that_was_due_while_nobody_ran_comes_at_the_start() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        supervisor.cancel("pause p")  # the process dies
        await clock.sleep(29 * 60)
        another = given.restart()
        await clock.sleep(1)
        assert [event.app.name for event in another.events] == ["web"]


async def test_a_pause_without_an_end_is_never_announced() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(0, scope="All", until=None, untilResumed=True)
        await clock.sleep(86400)
        assert given.told == []


async def test_a_restart_in_the_last_tenth_does_not_tell_it_again() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(28 * 60)
        assert given.told == ["web"]
        another = given.restart()
        await clock.sleep(60)
        third = given.restart()
        await clock.sleep(10 * 60)
        assert (another.events, third.events) == ([], [])


async def test_another_end_is_announced_once_more_also_after_a_restart() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(28 * 60)
        given.pause(30, scope="Application", target="web")
        another = given.restart()
        await clock.sleep(20 * 60)
        assert another.events == []
        await clock.sleep(8 * 60)
        assert [event.app.name for event in another.events] == ["web"]


async def test_the_mark_names_the_end_that_was_announced() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(28 * 60)
        stored = given.cluster.live(KEY)
        assert stored is not None
        pause = Pause.parse(Manifest(stored))
        assert pause is not None
        assert pause.is_announced
        assert pause.until is not None
        assert stored["metadata"]["annotations"] == {ANNOUNCED_ANNOTATION: pause.until.isoformat()}


async def test_a_warning_comes_although_it_cannot_be_marked() -> None:
    """A warning with each restart is better than none."""
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.cluster.fail("merge-patch", "p", refusal("HF2002", 403))
        given.pause(30, scope="Application", target="web")
        await clock.sleep(27.1 * 60)
        assert given.told == ["web"]


async def test_a_mark_that_found_no_server_is_made_later_and_the_warning_comes_once() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.cluster.fail("merge-patch", "p", *NOBODY_THERE)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(27.2 * 60)
        assert given.told == ["web"]
        another = given.restart()
        await clock.sleep(60)
        assert another.events == []


async def test_a_pause_that_is_resumed_in_the_same_instant_is_not_announced() -> None:
    """Its deletion is not seen yet: the mark finds nothing."""
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        given.cluster.remove(KEY)
        await clock.sleep(28 * 60)
        assert given.told == []
