"""A drift began with the event that showed it first, whatever else is written meanwhile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from holdfast.controller.episodes import Episodes
from holdfast.controller.sighting import Sighting
from holdfast.controller.state import ObjectState
from holdfast.domain.events import DriftClosed, DriftDecided, DriftOpened, HealAttempted
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import Pause, pause_tree
from holdfast.domain.verdict import Hold, HoldReason, Nothing
from tests.support.builders import HEALING, app, config_map
from tests.support.rig import WEB, Rig, Told, controlling, key_of
from tests.support.virtual_time import LoopClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.domain.manifest import Tree

CM = key_of(config_map())


def fix(tree: Tree) -> None:
    tree["data"].update(a="x")


def paint(tree: Tree, data: dict[str, str]) -> None:
    tree["data"].update(data)


def opened(told: Told) -> list[DriftOpened]:
    return [one for one in told.happenings if isinstance(one, DriftOpened)]


def endings(told: Told) -> list[str]:
    return [one.how.value for one in told.happenings if isinstance(one, DriftClosed)]


def together(rig: Rig, *writes: Callable[[], Manifest]) -> list[int]:
    """Others write one after the other; the events are there before the heal lane has a turn."""
    rig.cluster.event_delay = lambda _manifest: 60.0
    seen = [write() for write in writes]
    for manifest in seen:
        rig.controller.lane.observe(rig.found(CM), manifest)
    return [manifest.version_number for manifest in seen]


async def test_a_status_that_comes_with_an_edit_is_not_taken_for_it() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        fence = rig.found(CM).fence
        edit = together(
            rig,
            lambda: rig.cluster.edit(CM, fix),
            lambda: rig.cluster.set_status(CM, {"observedGeneration": 2}),
        )[0]
        await rig.settle(5)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        (drift,) = opened(told)
        assert (drift.after, drift.version) == (fence, edit)
        assert len(rig.cluster.writes("apply")) == 2  # the sync, and one heal


async def test_an_edit_of_something_else_is_another_drift_after_the_same_version() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1", b="2"))
        await rig.settle(10)
        fence = rig.found(CM).fence
        second = together(
            rig,
            lambda: rig.cluster.edit(CM, fix),
            lambda: rig.cluster.edit(CM, lambda tree: tree["data"].update(b="y"), "another"),
        )[1]
        await rig.settle(5)
        (drift,) = opened(told)
        # Either may have been it: the journal names nobody whose version is not the one.
        assert (drift.after, drift.version) == (fence, second)
        assert len(drift.drift.differences) == 2


async def test_the_time_to_heal_begins_with_the_event_that_showed_the_drift() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        state = rig.found(CM)
        async with state.lock:  # somebody else writes it
            rig.cluster.edit(CM, fix)
            await rig.settle(0.5)
            rig.cluster.set_status(CM, {"observedGeneration": 2})
            await rig.settle(0.5)
        rig.controller.lane.settle(state)
        await rig.settle(5)
        (heal,) = [one for one in told.happenings if isinstance(one, HealAttempted)]
        assert 1.0 <= heal.seconds < 1.1


async def test_a_later_drift_begins_anew() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        versions = []
        for _ in range(2):
            versions.append(rig.cluster.edit(CM, fix).version_number)
            await rig.settle(5)
        assert [drift.version for drift in opened(told)] == versions


async def test_a_drift_that_git_declares_by_now_ends_as_adopted_while_it_is_paused() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause_of_the_object(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(5)
        assert endings(told) == []
        rig.cluster.requests.clear()
        rig.git.commit(config_map(a="x"))
        await rig.settle(5)
        assert endings(told) == ["adopted"]
        assert rig.cluster.writes("apply") == []
        assert rig.controller.registry.pauses


async def test_what_is_changed_later_in_a_held_drift_is_told_once_with_who_did_it() -> None:
    told = Told()
    async with controlling(app(automated=HEALING), listeners=(told,)) as rig:
        rig.git.commit(config_map(a="1", b="1", c="1"))
        await rig.settle(10)
        pause_of_the_object(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(5)
        for other in ({"b": "x"}, {"b": "y"}):
            rig.cluster.edit(CM, partial(paint, data=other))
            await rig.settle(5)
        rig.cluster.edit(CM, lambda tree: tree["data"].pop("c"))
        await rig.settle(5)
        assert len(opened(told)) == 1
        decided = [one for one in told.happenings if isinstance(one, DriftDecided)]
        assert [(one.decision, one.reason) for one in decided] == [
            ("hold", "paused"), ("more", "paused"), ("more", "paused"),
        ]  # fmt: skip
        first, second = (one.detail for one in decided[1:])
        assert first.startswith("data.b was changed, too, by ")
        assert second == "data.c was changed, too, by unknown"


async def test_a_drift_that_is_over_while_git_says_the_same_ends_as_reverted() -> None:
    told, clock = Told(), LoopClock()
    episodes, state = Episodes(clock, (told,)), ObjectState(CM, app=WEB)
    seen = Sighting(None, None, clock.monotonic(), clock.now())
    episodes.note(state, Hold(HoldReason.PAUSED, "paused by ann"), seen)
    episodes.note(state, Nothing(), seen)
    assert endings(told) == ["reverted"]


def pause_of_the_object(rig: Rig) -> None:
    spec = {
        "scope": "Object",
        "target": "web",
        "applicationNamespace": "argocd",
        "resource": {"group": CM.group, "kind": CM.kind, "namespace": CM.namespace,
                     "name": CM.name},
        "reason": "INC-123",
        "author": "ann",
        "untilResumed": True,
    }  # fmt: skip
    found = Pause.parse(Manifest(pause_tree("p", "argocd", spec)))
    assert found is not None
    rig.controller.registry.pauses = {"p": found}
    rig.controller.observer.pauses_changed()
