"""When another manager keeps undoing us, and what a heal of the rest carries."""

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.healing.fights import (
    Undo,
    describe,
    fights,
    note_heal,
    note_undos,
    with_values,
)
from holdfast.healing.memory import HealPolicy
from holdfast.schema.field_path import FieldName, ListKey, Path, field_path
from holdfast.schema.projection import MISSING

KEY = ResourceKey("apps", "Deployment", "prod", "web")
REPLICAS = field_path("spec", "replicas")
IMAGE: Path = (
    FieldName("spec"),
    FieldName("containers"),
    ListKey((("name", "web"),)),
    FieldName("image"),
)
LIVE = Manifest(
    {
        "spec": {
            "replicas": 4,
            "containers": [{"name": "side", "image": "s"}, {"name": "web", "image": "x"}],
        }
    }
)
POLICY = HealPolicy()


def undone(*times: float, manager: str = "hpa", path: Path = REPLICAS) -> tuple[Undo, ...]:
    known: tuple[Undo, ...] = ()
    for at in times:
        known = note_undos(known, [(path, manager)], at)
    return known


def test_three_undos_within_five_minutes_are_a_fight() -> None:
    assert fights(undone(0, 100), POLICY, 101) == ()
    (fight,) = fights(undone(0, 100, 200), POLICY, 201)
    assert (fight.manager, fight.undos) == ("hpa", 3)


def test_undos_far_apart_are_no_fight() -> None:
    assert fights(undone(0, 200, 400, 600), POLICY, 601) == ()


def test_undos_by_different_managers_are_no_fight() -> None:
    known = note_undos(undone(0, 1), [(REPLICAS, "somebody else")], 2)
    assert fights(known, POLICY, 3) == ()


def test_five_heals_of_a_field_are_at_once_then_the_wait_grows() -> None:
    known: tuple[Undo, ...] = ()
    now_s, waits = 0.0, []
    for _ in range(10):
        known = note_undos(known, [(REPLICAS, "hpa")], now_s)
        going_on = fights(known, POLICY, now_s)
        until_s = going_on[0].until_s if going_on else now_s
        waits.append(round(until_s - now_s))
        now_s = max(now_s, until_s)
        known = note_heal(known, [REPLICAS], POLICY, now_s)
    assert waits == [0, 0, 0, 0, 0, 2, 6, 18, 54, 162]


def test_a_fight_is_forgotten_when_nothing_happens_for_long() -> None:
    assert fights(undone(0, 1, 2), POLICY, 2 + 601) == ()


def test_a_fight_is_described_with_manager_field_and_remedy() -> None:
    (fight,) = fights(undone(0, 1, 2), POLICY, 2)
    text = describe(KEY, [fight], LIVE, 2)
    for part in ('"hpa"', "spec.replicas", "3 times", "at once", "/spec/replicas"):
        assert part in text


def test_several_fields_of_one_manager_are_told_in_one_sentence_with_one_entry() -> None:
    known = undone(0, 1, 2)
    for at in (0, 1, 2, 3):
        known = note_undos(known, [(IMAGE, "hpa")], at)
    text = describe(KEY, fights(known, POLICY, 3), LIVE, 3)
    for part in ("spec.replicas", "image", "3 and 4 times", "they are", "the fields",
                 "jsonPointers: ['/spec/replicas'], jqPathExpressions: ["):  # fmt: skip
        assert part in text


def test_a_heal_of_the_rest_carries_the_live_value() -> None:
    target = {"spec": {"replicas": 1, "containers": [{"name": "web", "image": "y"}]}}
    carried = with_values(target, [(REPLICAS, 4), (IMAGE, "x")])
    assert carried == {"spec": {"replicas": 4, "containers": [{"name": "web", "image": "x"}]}}
    assert target["spec"]["replicas"] == 1  # the target itself stays as it was


def test_a_field_that_is_not_live_is_left_out() -> None:
    assert with_values({"spec": {"replicas": 1}}, [(REPLICAS, MISSING)]) == {"spec": {}}
