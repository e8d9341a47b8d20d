"""What people see of heals ranks below the heals themselves."""

from tests.support.builders import HEALING, app, config_map
from tests.support.rig import Rig, controlling, key_of

CM = key_of(config_map())


def status_writes(rig: Rig) -> int:
    return sum(request.verb == "merge-patch" for request in rig.cluster.requests)


async def test_status_waits_while_many_heals_are_on_their_way() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        rig.cluster.requests.clear()
        rig.controller.lane.at_work += 20
        rig.cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
        await rig.settle(4)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert status_writes(rig) == 0
        rig.controller.lane.at_work -= 20
        await rig.settle(3)
        assert status_writes(rig) > 0


async def test_status_is_written_in_the_end_although_the_storm_goes_on() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        rig.cluster.requests.clear()
        rig.controller.lane.at_work += 20
        rig.cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
        await rig.settle(15)
        assert status_writes(rig) > 0
