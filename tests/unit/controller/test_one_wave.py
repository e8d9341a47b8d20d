"""What happens within one wave when a part of it fails (controller.md §6.3)."""

from holdfast.domain.errors import Retry
from tests.support.builders import (
    app,
    config_map,
    deployment,
    service,
    sync_operation,
    waved,
)
from tests.support.fake_cluster import refusal
from tests.support.rig import controlling, key_of

NO = refusal("HF2002", 403, Retry.NEVER, "you may not")


async def test_a_kind_that_fails_does_not_stop_the_kinds_after_it() -> None:
    """Appendix B 7: ConfigMaps come before Services, and those before Deployments."""
    async with controlling(app()) as rig:
        rig.git.commit(config_map("first"), service("middle"), deployment("last"))
        await rig.settle()
        rig.cluster.fail("apply", "middle", NO)
        rig.request_sync()
        await rig.settle(10)
        assert rig.phase() == "Failed"
        assert rig.rows() == {"first": "Synced", "middle": "SyncFailed", "last": "Synced"}
        assert key_of(deployment("last")) in rig.cluster.objects


async def test_nothing_is_applied_in_a_wave_whose_prune_fails() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map("gone"), config_map("kept", a="1"))
        await rig.settle()
        rig.request_sync()
        await rig.settle(10)
        rig.git.commit(config_map("kept", a="2"))
        await rig.settle()
        rig.cluster.fail("delete", "gone", NO)
        rig.request_sync(sync_operation(prune=True))
        await rig.settle(10)
        assert rig.phase() == "Failed"
        assert rig.rows() == {"gone": "SyncFailed"}
        assert rig.cluster.objects[key_of(config_map("kept"))]["data"] == {"a": "1"}

        rig.request_sync(sync_operation(prune=True))
        await rig.settle(10)
        assert rig.phase() == "Succeeded"
        assert key_of(config_map("gone")) not in rig.cluster.objects
        assert rig.cluster.objects[key_of(config_map("kept"))]["data"] == {"a": "2"}


async def test_the_next_wave_waits_until_what_was_pruned_is_gone() -> None:
    held = config_map("gone")
    async with controlling(app()) as rig:
        rig.git.commit(held, waved(config_map("later", a="1"), 1))
        await rig.settle()
        rig.request_sync()
        await rig.settle(10)
        assert rig.phase() == "Succeeded"
        rig.cluster.edit(key_of(held), lambda tree: tree["metadata"].update(finalizers=["x/y"]))
        rig.git.commit(waved(config_map("later", a="2"), 1))
        await rig.settle()
        rig.request_sync(sync_operation(prune=True))
        await rig.settle(10)
        assert rig.phase() == "Running"
        assert rig.message() == "waiting for deletion of /ConfigMap/gone"
        later = key_of(config_map("later"))
        assert rig.cluster.objects[later]["data"] == {"a": "1"}
        rig.cluster.edit(key_of(held), lambda tree: tree["metadata"].pop("finalizers"))
        rig.cluster.remove(key_of(held))
        await rig.settle(10)
        assert rig.phase() == "Succeeded"
        assert rig.cluster.objects[later]["data"] == {"a": "2"}
