"""A pause holds a sync that nobody asked for, also one that runs already; a person's goes on."""

from holdfast.domain.errors import Retry
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.pause import Pause, pause_tree
from tests.support.builders import HEALING, annotated, app, config_map
from tests.support.fake_cluster import refusal
from tests.support.rig import APP, Rig, controlling, key_of

FIRST, LAST = key_of(config_map("first")), key_of(config_map("last"))


HELD = "paused by ann until it is resumed: INC-123 (pause p)"


def pause(rig: Rig) -> None:
    spec = {"scope": "All", "reason": "INC-123", "author": "ann", "untilResumed": True}
    found = Pause.parse(Manifest(pause_tree("p", "argocd", spec)))
    assert found is not None
    rig.controller.registry.pauses = {"p": found}
    rig.controller.observer.pauses_changed()


def resume(rig: Rig) -> None:
    rig.controller.registry.pauses = {}
    rig.controller.observer.pauses_changed()


def terminate(tree: Tree) -> None:
    tree["status"]["operationState"]["phase"] = "Terminating"


def waves(value: str) -> tuple[Tree, Tree]:
    last = annotated(config_map("last", a=value), **{"argocd.argoproj.io/sync-wave": "1"})
    return config_map("first", a=value), last


async def test_the_next_wave_waits_for_the_end_of_a_pause() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(*waves("1"))
        await rig.settle(10)
        paused: list[str] = []

        async def pause_after_the_first(request: object) -> None:
            if str(request) == f"apply {FIRST}" and not paused:
                paused.append("now")
                pause(rig)

        rig.cluster.after = pause_after_the_first
        rig.git.commit(*waves("2"))
        await rig.settle(600)
        assert rig.cluster.objects[FIRST]["data"] == {"a": "2"}
        assert rig.cluster.objects[LAST]["data"] == {"a": "1"}
        assert (rig.phase(), rig.message()) == ("Running", HELD)

        resume(rig)
        await rig.settle(10)
        assert rig.cluster.objects[LAST]["data"] == {"a": "2"}
        assert (rig.phase(), rig.sync()) == ("Succeeded", "Synced")


async def test_another_attempt_does_not_undo_what_is_done_during_a_pause() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("first", a="1"), config_map("last", a="1"))
        await rig.settle(10)
        rig.cluster.fail("apply", "last", *[refusal("HF2013", 403, Retry.BACKOFF, "denied")] * 2)
        rig.git.commit(config_map("first", a="2"), config_map("last", a="2"))
        await rig.settle(3)
        assert rig.phase() == "Running"
        pause(rig)
        rig.cluster.edit(FIRST, lambda tree: tree["data"].update(a="fixed"))
        await rig.settle(600)
        assert rig.cluster.objects[FIRST]["data"] == {"a": "fixed"}

        resume(rig)
        await rig.settle(60)
        assert rig.cluster.objects[FIRST]["data"] == {"a": "2"}
        assert rig.sync() == "Synced"


async def test_what_a_person_asked_for_goes_on_through_all_its_waves() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(*waves("1"))
        await rig.settle(10)
        pause(rig)
        rig.request_sync({"sync": {}, "initiatedBy": {"username": "ann"}})
        await rig.settle(30)
        assert (rig.phase(), rig.sync()) == ("Succeeded", "Synced")
        assert rig.cluster.objects[LAST]["data"] == {"a": "1"}


async def test_a_held_operation_can_be_terminated() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(*waves("1"))
        await rig.settle(10)
        rig.cluster.fail("apply", "first", refusal("HF2013", 403, Retry.BACKOFF, "denied"))
        rig.git.commit(*waves("2"))
        await rig.settle(3)
        pause(rig)
        await rig.settle(10)
        assert rig.phase() == "Running"
        rig.cluster.edit(APP, terminate)
        await rig.settle(10)
        assert rig.phase() == "Failed"
