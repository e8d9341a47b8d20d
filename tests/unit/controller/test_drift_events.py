"""Kubernetes Events tell of drift: few, whole, and after the heals."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from holdfast.controller.drift_events import DriftEvents
from holdfast.controller.state import Registry
from holdfast.domain.application import Application
from holdfast.domain.events import Outcome, Reason
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.kit.tasks import Supervisor
from tests.support import builders
from tests.support import happenings as h
from tests.support.virtual_time import LoopClock

if TYPE_CHECKING:
    from holdfast.controller.status_writer import StatusWriter
    from holdfast.domain.events import Happening

CHANGED = "apps/Deployment prod/web was healed in 8 ms: spec.replicas changed by kubectl-edit"


class Told:
    """Stands in for the writer of status."""

    def __init__(self) -> None:
        self.events: list[tuple[Reason, str, bool]] = []

    def tell(self, _state: object, reason: Reason, text: str, *, warning: bool = False) -> None:
        self.events.append((reason, text, warning))


async def told(
    *seconds: list[Happening], wait_s: float = 3.0, busy: tuple[bool, ...] = ()
) -> list[tuple[Reason, str, bool]]:
    """Returns the Events of what happens, each list three seconds after the one before."""
    registry, out, clock = Registry("argocd"), Told(), LoopClock()
    registry.add_app(Application.parse(Manifest(builders.app("web"))))
    left = list(busy)
    async with Supervisor(clock) as supervisor:
        status = cast("StatusWriter", out)
        events = DriftEvents(
            registry, clock, supervisor, status, lambda: left.pop(0) if left else False
        )
        for happenings in seconds:
            for happening in happenings:
                events.take(happening)
            await clock.sleep(wait_s)
    return out.events


async def test_a_drift_that_is_healed_at_once_has_one_event_that_says_what_it_was() -> None:
    found = await told([h.opened("a"), h.healed("a"), h.closed("a")])
    assert found == [(Reason.DRIFT_HEALED, CHANGED, False)]


async def test_a_drift_that_lasts_has_one_event_with_the_reason() -> None:
    found = await told([h.opened("a"), h.decided("a", "hold", "paused", "paused by ann")])
    assert found == [
        (
            Reason.DRIFT_DETECTED,
            "apps/Deployment prod/web drifted: spec.replicas changed by kubectl-edit. "
            "Not healed: paused by ann",
            True,
        )
    ]


async def test_many_heals_of_a_second_are_one_event() -> None:
    happenings: list[Happening] = []
    for number in range(20):
        happenings += [h.opened(f"e{number}"), h.healed(f"e{number}")]
    ((reason, text, _),) = await told(happenings)
    assert reason is Reason.DRIFT_HEALED
    assert text == "20 drifts were healed in 8 ms at most: apps/Deployment prod/web"


async def test_many_drifts_name_the_first_and_count_the_rest() -> None:
    keys = [ResourceKey("", "ConfigMap", "prod", f"c{number}") for number in range(7)]
    ((_, text, _),) = await told([h.opened(key.name, h.drift(key=key)) for key in keys])
    assert text.startswith("7 objects drifted: ConfigMap prod/c0, ")
    assert text.endswith("ConfigMap prod/c4 and 2 more")


async def test_a_refusal_is_told_once_however_often_it_is_tried() -> None:
    refused = h.healed("a", outcome=Outcome.REFUSED, message="HF2013 a webhook says no")
    other = h.healed("a", outcome=Outcome.REFUSED, message="HF2014 over quota")
    found = await told([h.opened("a"), refused], [refused], [refused], [other], [h.closed("a")])
    assert [(reason, warning) for reason, _, warning in found] == [(Reason.HEAL_REFUSED, True)] * 2
    assert found[0][1].endswith("prod/web was refused: HF2013 a webhook says no")
    later = h.healed("b", outcome=Outcome.REFUSED, message="HF2013 a webhook says no")
    again = await told([h.opened("a"), refused], [h.closed("a")], [h.opened("b"), later])
    assert len(again) == 2


async def test_events_wait_while_many_heals_are_on_their_way_but_not_for_ever() -> None:
    happened: list[Happening] = [h.opened("a"), h.healed("a")]
    assert await told(happened, wait_s=3.0, busy=(True,) * 5) == []
    assert len(await told(happened, wait_s=20.0, busy=(True,) * 1000)) == 1


async def test_an_application_that_is_gone_has_no_events() -> None:
    registry, out, clock = Registry("argocd"), Told(), LoopClock()
    async with Supervisor(clock) as supervisor:
        status = cast("StatusWriter", out)
        events = DriftEvents(registry, clock, supervisor, status, lambda: False)
        events.take(h.opened("a"))
        await clock.sleep(3.0)
    assert out.events == []
