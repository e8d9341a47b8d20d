"""Both lanes on the same objects: one lock, and each leaves to the other what is its own."""

import pytest

from holdfast.controller import status
from holdfast.domain.errors import Retry
from holdfast.planning.refresh import Level
from tests.support.builders import HEALING, app, config_map, deployment, waved
from tests.support.fake_cluster import Request, refusal
from tests.support.rig import controlling, key_of

CM = key_of(config_map())


async def test_two_writes_to_one_object_never_overlap() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="0"))
        await rig.settle(10)
        flying, most = 0, 0

        async def begin(request: Request) -> None:
            nonlocal flying, most
            if request.verb == "apply":
                flying += 1
                most = max(most, flying)

        async def end(request: Request) -> None:
            nonlocal flying
            flying -= request.verb == "apply"

        rig.cluster.before, rig.cluster.after = begin, end
        rig.cluster.latency_s = 0.5
        for number in range(1, 10):
            rig.git.commit(config_map(a=str(number)))
            await rig.settle(0.7)
            rig.cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
            await rig.settle(6)
        assert most == 1
        await rig.settle(400)
        assert rig.cluster.objects[CM]["data"] == {"a": "9"}


async def test_a_later_wave_that_drifts_is_left_to_the_running_sync() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(deployment("first"), waved(config_map(a="1"), 1))
        await rig.settle(10)
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first", image="web:2"), waved(config_map(a="2"), 1))
        await rig.settle(5)
        rig.cluster.requests.clear()
        rig.cluster.remove(CM)
        await rig.settle(20)
        assert rig.cluster.writes() == []
        rig.cluster.roll_out(key_of(deployment("first")))
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "2"}
        assert rig.cluster.writes("apply") == ["apply ConfigMap prod/web"]


async def test_an_earlier_wave_that_drifts_is_healed_to_the_new_revision_at_once() -> None:
    first = key_of(config_map("first"))
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("first", a="1"), waved(deployment("slow"), 1))
        await rig.settle(10)
        rig.cluster.rollout_s = None
        rig.git.commit(
            config_map("first", a="2"),
            waved(deployment("slow", image="web:2"), 1),
            waved(config_map("last"), 2),
        )
        await rig.settle(5)
        assert rig.phase() == "Running"
        rig.cluster.edit(first, lambda tree: tree["data"].update(a="edited"))
        await rig.settle(1)
        assert rig.cluster.objects[first]["data"] == {"a": "2"}


async def test_a_sync_that_was_refused_leaves_the_heal_lane_its_old_truth() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        words = [refusal("HF2005", 400, Retry.NEVER, "not valid")]
        rig.cluster.fail("apply", "web", *words)
        rig.git.commit(config_map(a="2"))
        await rig.settle(2)
        rig.cluster.remove(CM)
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        await rig.settle(60)
        assert rig.cluster.objects[CM]["data"] == {"a": "2"}, "the retry still comes"


async def test_nothing_is_left_behind_when_an_application_and_its_objects_are_gone() -> None:
    finalizer = "resources-finalizer.argocd.argoproj.io"
    async with controlling() as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        for _ in range(3):
            rig.cluster.put(app(automated=HEALING, finalizers=(finalizer,)))
            await rig.settle(10)
            rig.cluster.remove(key_of(app()))
            await rig.settle(60)
        kinds = {key.kind for key in rig.controller.registry.objects}
        assert "ConfigMap" not in kinds
        assert rig.controller.registry.apps == {}
        assert rig.controller.lane._looks == {}
        assert rig.controller.queue_length == 0


async def test_a_round_of_many_objects_looks_again_only_at_those_that_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unpacking every object for each round would block the heal lane (apply.md C1)."""
    monkeypatch.setattr(status, "_MADE_ANEW", 1)
    one, two = key_of(config_map("one")), key_of(config_map("two"))
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        before = rig.found(one).view, rig.found(two).view
        rig.cluster.edit(one, lambda tree: tree["data"].update(z="theirs"), "other")
        await rig.settle(1)
        rig.controller.refresh(rig.state().key, Level.LATEST_FORCED)
        await rig.settle(5)
        assert rig.found(one).view is not before[0]
        assert rig.found(two).view is before[1]
