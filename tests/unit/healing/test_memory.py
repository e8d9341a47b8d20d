"""The curve of heals of one object: five at once, then 2, 6, 18 … 300 s (DESIGN §4.4)."""

import pytest

from holdfast.healing.memory import (
    HealMemory,
    HealPolicy,
    next_attempt_at,
    remember,
    restored,
    undone,
    wait_after,
)

POLICY = HealPolicy()


def fight(heals: int, memory: HealMemory | None = None, at: float = 0.0) -> list[float]:
    """Waits before each heal of an object that is undone at once each time."""
    memory, waits = memory or HealMemory(), []
    for _ in range(heals):
        memory = undone(memory, at)
        due = max(at, next_attempt_at(memory, POLICY, at))
        waits.append(due - at)
        at = due
        memory = remember(memory, POLICY, at)
    return waits


def after(heals: int) -> tuple[HealMemory, float]:
    """The memory after so many heals of a fight, and the moment of the last."""
    memory, at = HealMemory(), 0.0
    for _ in range(heals):
        memory = undone(memory, at)
        at = max(at, next_attempt_at(memory, POLICY, at))
        memory = remember(memory, POLICY, at)
    return memory, at


def test_five_heals_are_free_and_then_the_wait_grows_to_its_cap() -> None:
    assert fight(13) == [0, 0, 0, 0, 0, 2, 6, 18, 54, 162, 300, 300, 300]


def test_waits_are_the_curve_of_argo_cd() -> None:
    assert [wait_after(step, POLICY) for step in range(7)] == [2, 6, 18, 54, 162, 300, 300]


def test_a_very_long_fight_does_not_overflow() -> None:
    assert wait_after(10_000, POLICY) == 300


def test_a_heal_that_held_for_a_minute_is_free_again() -> None:
    memory, at = after(6)
    memory = undone(memory, at + 60)
    assert next_attempt_at(memory, POLICY, at + 60) == at + 60


def test_a_heal_that_held_for_less_is_not() -> None:
    memory, at = after(7)
    memory = undone(memory, at + 10)
    assert next_attempt_at(memory, POLICY, at + 10) == at + 18


def test_after_a_long_step_the_heal_must_hold_for_as_long_as_the_step() -> None:
    memory, at = after(10)  # the last one waited 162 s
    assert next_attempt_at(undone(memory, at + 100), POLICY, at + 100) == at + 300
    assert next_attempt_at(undone(memory, at + 162), POLICY, at + 162) == at + 162


def test_the_time_that_drift_waits_for_its_heal_is_no_time_that_the_heal_held() -> None:
    memory, at = after(10)
    memory = undone(memory, at + 1)
    assert next_attempt_at(memory, POLICY, at + 299) == at + 300
    again = remember(memory, POLICY, at + 300)
    assert again.step == memory.step + 1


def test_only_the_first_sight_of_drift_counts() -> None:
    memory, at = after(1)
    assert undone(undone(memory, at + 1), at + 50).undone_at == at + 1


def test_drift_that_goes_away_by_itself_lets_the_heal_hold_on() -> None:
    memory, at = after(6)
    assert restored(undone(memory, at + 1)) == memory
    assert restored(memory) is memory


def test_after_it_held_the_curve_begins_anew() -> None:
    memory, at = after(9)
    memory = remember(undone(memory, at + 400), POLICY, at + 400)
    assert (memory.step, len(memory.recent)) == (0, 1)


def test_five_heals_spread_over_more_than_a_minute_cost_nothing() -> None:
    memory = HealMemory()
    for number in range(50):
        at = number * 13.0
        memory = undone(memory, at)
        assert next_attempt_at(memory, POLICY, at) == at
        memory = remember(memory, POLICY, at)


def test_refusals_wait_from_the_first_on() -> None:
    memory, at, waits = HealMemory(), 0.0, []
    for _ in range(7):
        memory = remember(memory, POLICY, at, refusal="no", manifest="h")
        due = next_attempt_at(memory, POLICY, at)
        waits.append(due - at)
        at = due
    assert waits == [2, 6, 18, 54, 162, 300, 300]


def test_a_refusal_keeps_the_words_and_what_was_refused() -> None:
    memory = remember(HealMemory(), POLICY, 1.0, refusal="immutable", manifest="h")
    assert (memory.refusal, memory.refused_hash) == ("immutable", "h")


def test_an_accepted_heal_forgets_the_refusal() -> None:
    memory = remember(HealMemory(), POLICY, 1.0, refusal="immutable", manifest="h")
    memory = remember(memory, POLICY, 9.0)
    assert (memory.refusal, memory.refused_hash) == ("", "")


def test_time_does_not_make_a_refusal_a_heal_that_held() -> None:
    memory = remember(HealMemory(), POLICY, 0.0, refusal="no", manifest="h")
    memory = remember(memory, POLICY, 500.0, refusal="no", manifest="h")
    assert next_attempt_at(memory, POLICY, 500.0) == 506.0


def test_the_memory_does_not_grow() -> None:
    memory, _ = after(500)
    assert len(memory.recent) <= 64


@pytest.mark.parametrize("heals", [0, 1, 4])
def test_a_person_who_deletes_a_few_times_does_not_wait(heals: int) -> None:
    memory, at = after(heals)
    assert next_attempt_at(memory, POLICY, at) == at
