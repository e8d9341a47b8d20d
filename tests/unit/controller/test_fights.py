"""A manager that keeps undoing us is named; the rest of the object is healed at full speed."""

from typing import Any

import pytest

from tests.support.builders import HEALING, app, config_map
from tests.support.rig import Rig, controlling, key_of

CM = key_of(config_map())


def set_data(**data: str) -> Any:
    return lambda tree: tree["data"].update(data)


async def synced(rig: Rig, *trees: dict[str, Any]) -> None:
    rig.git.commit(*trees)
    await rig.settle()
    assert rig.sync() == "Synced", rig.status()


async def test_a_fight_is_named_with_what_would_end_it() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1", b="1"))
        for _ in range(3):
            rig.cluster.edit(CM, set_data(a="theirs"), "other-operator")
            await rig.settle(2)
        conditions = rig.status().get("conditions") or []
        texts = [item["message"] for item in conditions if item["type"] == "FightWarning"]
        assert len(texts) == 1
        assert '"other-operator" keeps changing data.a' in texts[0]
        assert "jsonPointers: ['/data/a']" in texts[0]


@pytest.mark.parametrize(
    "rule",
    [{"jsonPointers": ["/data/a"]}, {"managedFieldsManagers": ["other-operator"]}],
    ids=["field", "manager"],
)
async def test_the_warning_of_a_fight_goes_with_the_ignore_rule_that_ends_it(
    rule: dict[str, Any],
) -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1", b="1"))
        for _ in range(3):
            rig.cluster.edit(CM, set_data(a="theirs"), "other-operator")
            await rig.settle(2)
        assert "FightWarning" in rig.conditions()
        rig.edit_app(ignoreDifferences=[{"group": "", "kind": "ConfigMap", **rule}])
        await rig.settle(10)  # not the minutes after which a fight is forgotten
        assert "FightWarning" not in rig.conditions()


async def test_an_ignore_rule_for_another_field_leaves_the_warning_of_a_fight() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1", b="1"))
        for _ in range(3):
            rig.cluster.edit(CM, set_data(a="theirs"), "other-operator")
            await rig.settle(2)
        rule = {"group": "", "kind": "ConfigMap", "jsonPointers": ["/data/b"]}
        rig.edit_app(ignoreDifferences=[rule])
        await rig.settle(10)
        assert "FightWarning" in rig.conditions()


async def test_the_rest_of_the_object_is_healed_while_a_field_backs_off() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1", b="1"))
        for _ in range(6):
            rig.cluster.edit(CM, set_data(a="theirs"), "other-operator")
            await rig.settle(0.1)
        assert rig.cluster.objects[CM]["data"] == {"a": "theirs", "b": "1"}  # it backs off
        rig.cluster.edit(CM, set_data(b="edited"), "kubectl-edit")
        await rig.settle(0.1)
        assert rig.cluster.objects[CM]["data"] == {"a": "theirs", "b": "1"}
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1", "b": "1"}


async def test_an_undeclared_field_of_a_person_goes_where_the_application_is_strict() -> None:
    strict = app(automated=HEALING, annotations={"holdfast.dev/strictness": "owned"})
    async with controlling(strict) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(CM, set_data(b="added"), "kubectl-edit")
        await rig.settle()
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_field_that_is_added_while_a_strict_heal_is_in_flight_goes_as_well() -> None:
    """Its event lies at or below the version of our answer: it is dropped as our own past."""
    strict = app(automated=HEALING, annotations={"holdfast.dev/strictness": "owned"})
    async with controlling(strict) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.latency_s = 1.0
        rig.cluster.edit(CM, set_data(a="edited"), "kubectl-edit")
        await rig.settle(0.4)  # the heal was sent, and is not committed
        rig.cluster.edit(CM, set_data(b="added"), "kubectl-edit")
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_an_undeclared_field_stays_by_default() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(CM, set_data(b="added"), "kubectl-edit")
        await rig.settle()
        assert rig.cluster.objects[CM]["data"] == {"a": "1", "b": "added"}
        assert rig.sync() == "Synced"
