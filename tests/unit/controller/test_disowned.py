"""Values are as they should be, and only our ownership is gone: nothing drifted (N29)."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from holdfast.domain.divergence import DIFFERS_ANNOTATION
from holdfast.domain.events import Closing, DriftClosed, DriftOpened, HealAttempted
from holdfast.domain.manifest import Manifest
from holdfast.healing.hand_over import handed_over
from tests.support.builders import HEALING, app, config_map
from tests.support.rig import Told, controlling, key_of

if TYPE_CHECKING:
    from tests.support.rig import Rig

A, B = key_of(config_map("a")), key_of(config_map("b"))


def differs(rig: Rig) -> dict[str, str]:
    text = rig.app()["metadata"].get("annotations", {}).get(DIFFERS_ANNOTATION)
    if text is None:
        return {}
    objects: dict[str, str] = json.loads(text)["objects"]
    return {name.rpartition("/")[2]: why for name, why in objects.items()}


def hand_over(rig: Rig) -> None:
    """What `holdfast handover` writes: our entries become Argo CD's."""
    for key in (A, B):
        tree = copy.deepcopy(rig.cluster.objects[key])
        tree["metadata"]["managedFields"] = handed_over(Manifest(tree), "Update")
        rig.cluster.commit(tree)


def managers(rig: Rig) -> list[str]:
    fields = rig.cluster.objects[A]["metadata"]["managedFields"]
    return [entry["manager"] for entry in fields]


def edit(rig: Rig, value: str) -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["data"]["a"] = value

    rig.cluster.edit(A, change)


async def synced(rig: Rig) -> None:
    rig.git.commit(config_map("a", a="1"), config_map("b", a="1"))
    rig.request_sync()
    await rig.settle(10)
    assert rig.sync() == "Synced"


async def test_what_was_handed_over_and_is_behind_git_has_not_drifted() -> None:
    told = Told()
    async with controlling(app(), listeners=(told,)) as rig:
        await synced(rig)
        hand_over(rig)
        await rig.settle(10)
        assert (rig.sync(), differs(rig)) == ("Synced", {})
        rig.git.commit(config_map("a", a="2"), config_map("b", a="1"))
        await rig.settle(10)
        assert (rig.sync(), differs(rig)) == ("OutOfSync", {"a": "behind"})
        edit(rig, "by hand")
        await rig.settle(10)
        assert differs(rig) == {"a": "both"}
        opened = [one for one in told.happenings if isinstance(one, DriftOpened)]
        assert [one.drift.key for one in opened] == [A]


async def test_a_value_that_somebody_put_back_is_no_drift_any_more() -> None:
    told = Told()
    async with controlling(app(), listeners=(told,)) as rig:
        await synced(rig)
        rig.git.commit(config_map("a", a="2"), config_map("b", a="1"))
        await rig.settle(10)
        edit(rig, "by hand")
        await rig.settle(10)
        assert differs(rig) == {"a": "both"}
        edit(rig, "1")
        await rig.settle(10)
        assert differs(rig) == {"a": "behind"}
        closed = [one.how for one in told.happenings if isinstance(one, DriftClosed)]
        assert closed == [Closing.REVERTED]


async def test_ownership_is_taken_back_once_self_heal_is_on() -> None:
    told = Told()
    async with controlling(app(), listeners=(told,)) as rig:
        await synced(rig)
        hand_over(rig)
        await rig.settle(10)
        assert "holdfast" not in managers(rig)
        rig.edit_app(syncPolicy={"automated": HEALING})
        await rig.settle(10)
        assert "holdfast" in managers(rig)
        healed = {one.drift.key for one in told.happenings if isinstance(one, HealAttempted)}
        assert healed == {A, B}
