"""What was fixed by hand during a pause and taken into git is not undone when the pause ends."""

from holdfast.domain.errors import RepositoryError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.pause import Pause, pause_tree
from tests.support.builders import HEALING, app, config_map
from tests.support.rig import Rig, controlling, key_of

CM = key_of(config_map())


def fix(tree: Tree) -> None:
    tree["data"].update(a="fixed")


OTHER = key_of(config_map("other"))


def pause(rig: Rig, **spec: object) -> None:
    spec = {"scope": "All", "reason": "INC-123", "author": "ann", "untilResumed": True, **spec}
    found = Pause.parse(Manifest(pause_tree("p", "argocd", spec)))
    assert found is not None
    rig.controller.registry.pauses = {"p": found}
    rig.controller.observer.pauses_changed()


def resume(rig: Rig) -> None:
    rig.controller.registry.pauses = {}
    rig.controller.observer.pauses_changed()


async def test_a_commit_that_nobody_told_us_of_is_read_before_anything_is_put_back() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(30)
        rig.git.commit(config_map(a="fixed"), is_told=False)
        rig.cluster.requests.clear()
        resume(rig)
        await rig.settle(30)
        assert rig.cluster.writes("apply") == []
        assert rig.cluster.objects[CM]["data"] == {"a": "fixed"}
        assert (rig.sync(), rig.status()["sync"]["revision"]) == ("Synced", rig.git.head)


async def test_what_git_does_not_say_is_put_back_as_soon_as_git_was_read() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(30)
        resume(rig)
        await rig.settle(2)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_commit_with_more_than_the_fix_is_synced_without_going_back_first() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(30)
        rig.git.commit(config_map(a="fixed", b="2"), is_told=False)
        seen: list[str] = []

        async def note(_request: object) -> None:
            seen.append(rig.cluster.objects[CM]["data"]["a"])

        rig.cluster.after = note
        resume(rig)
        await rig.settle(30)
        assert rig.cluster.objects[CM]["data"] == {"a": "fixed", "b": "2"}
        assert set(seen) == {"fixed"}


async def test_with_git_away_it_is_healed_after_ten_seconds_all_the_same() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause(rig)
        rig.cluster.edit(CM, fix)
        await rig.settle(30)
        rig.git.error = RepositoryError("HF1001", "away")
        resume(rig)
        await rig.settle(9)
        assert rig.cluster.objects[CM]["data"] == {"a": "fixed"}
        await rig.settle(2)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_drift_after_the_pause_is_healed_at_once() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        pause(rig)
        await rig.settle(30)
        resume(rig)
        await rig.settle(5)
        rig.git.error = RepositoryError("HF1001", "away")
        rig.cluster.edit(CM, fix)
        await rig.settle(0.5)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_commit_waits_if_its_sync_would_undo_what_a_pause_of_an_object_holds() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"), config_map("other", a="1"))
        await rig.settle(10)
        pause_of_one(rig)
        rig.git.commit(config_map(a="1"), config_map("other", a="2"))
        await rig.settle(10)
        assert rig.cluster.objects[OTHER]["data"] == {"a": "2"}, "it touches nothing that is paused"

        rig.cluster.edit(CM, fix)
        await rig.settle(5)
        rig.git.commit(config_map(a="1"), config_map("other", a="3"))
        await rig.settle(600)
        assert rig.cluster.objects[CM]["data"] == {"a": "fixed"}
        assert rig.cluster.objects[OTHER]["data"] == {"a": "2"}
        assert rig.sync() == "OutOfSync"

        resume(rig)
        await rig.settle(30)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert rig.cluster.objects[OTHER]["data"] == {"a": "3"}


async def test_what_is_paused_is_not_pruned_by_itself_and_a_person_may() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"), config_map("other", a="1"))
        await rig.settle(10)
        pause_of_one(rig)
        rig.git.commit(config_map("other", a="1"))
        await rig.settle(600)
        assert CM in rig.cluster.objects
        rig.request_sync({"sync": {"prune": True}, "initiatedBy": {"username": "ann"}})
        await rig.settle(30)
        assert CM not in rig.cluster.objects


def pause_of_one(rig: Rig) -> None:
    names = {"group": CM.group, "kind": CM.kind, "namespace": CM.namespace, "name": CM.name}
    pause(rig, scope="Object", target="web", applicationNamespace="argocd", resource=names)
