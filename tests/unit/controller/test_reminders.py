"""A pause says that it is about to end, while there is still time to lengthen it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from holdfast.controller.pauses import Reminders
from holdfast.controller.state import Registry
from holdfast.domain.application import Application
from holdfast.domain.events import Reason
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import Pause, pause_tree
from holdfast.kit.tasks import Supervisor
from tests.support.builders import app
from tests.support.rig import Recorder
from tests.support.virtual_time import LoopClock


class Given:
    """A registry with two Applications, in virtual time."""

    def __init__(self, clock: LoopClock, supervisor: Supervisor) -> None:
        self.clock = clock
        self.registry = Registry("argocd")
        for name in ("web", "shop"):
            self.registry.add_app(Application.parse(Manifest(app(name))))
        self.recorder = Recorder()
        self.reminders = Reminders(self.registry, clock, supervisor, self.recorder)

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
        pause = Pause.parse(Manifest(tree))
        assert pause is not None
        self.registry.pauses = {"p": pause}
        self.reminders.plan()

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
        another = Recorder()  # of the process that begins now
        Reminders(given.registry, clock, supervisor, another).plan()
        await clock.sleep(6.9 * 60)
        assert another.events == []
        await clock.sleep(0.2 * 60)
        assert [event.app.name for event in another.events] == ["web"]


async def test_a_warning_that_was_due_while_nobody_ran_comes_at_the_start() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(30, scope="Application", target="web")
        await clock.sleep(29 * 60)
        another = Recorder()
        Reminders(given.registry, clock, supervisor, another).plan()
        await clock.sleep(1)
        assert [event.app.name for event in another.events] == ["web"]


async def test_a_pause_without_an_end_is_never_announced() -> None:
    clock = LoopClock()
    async with Supervisor(clock) as supervisor:
        given = Given(clock, supervisor)
        given.pause(0, scope="All", until=None, untilResumed=True)
        await clock.sleep(86400)
        assert given.told == []
