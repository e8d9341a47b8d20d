"""Fields that nearly always have their default take no room while they have it."""

from dataclasses import dataclass
from typing import Any

from holdfast.controller.rare import Rare


@dataclass(slots=True)
class Thing:
    name: str
    rare: dict[str, Any] | None = None

    count = Rare[int](0)
    words = Rare[tuple[str, ...]](())
    since = Rare[float | None](None)


def test_a_rare_field_has_its_default_and_takes_no_room() -> None:
    thing = Thing("a")
    assert (thing.count, thing.words, thing.since) == (0, (), None)
    assert thing.rare is None


def test_a_value_belongs_to_one_object_alone() -> None:
    one, two = Thing("a"), Thing("b")
    one.count += 1
    one.words = ("x",)
    assert (one.count, one.words, one.since) == (1, ("x",), None)
    assert (two.count, two.words) == (0, ())


def test_a_field_that_has_its_default_again_takes_no_room() -> None:
    thing = Thing("a")
    thing.count += 1
    thing.since = 0.0
    assert thing.since == 0.0
    thing.count -= 1
    thing.since = None
    assert thing.rare is None
    assert thing.count == 0
