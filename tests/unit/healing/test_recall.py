"""A restart neither resets a backoff nor forgets a fight: the journal tells what went before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from holdfast.domain.journal import Episode, FieldChange, HealMade
from holdfast.healing.fights import fights
from holdfast.healing.memory import HealPolicy, next_attempt_at, remember, undone
from holdfast.healing.recall import recall
from holdfast.schema.field_path import field_path
from tests.support import happenings as h

POLICY = HealPolicy()
NOW_S = 1000.0
REPLICAS = FieldChange("spec.replicas", 2, 5, ("autoscaler",))


def ago(seconds: float) -> datetime:
    return h.NOON - timedelta(seconds=seconds)


def to_s(moment: datetime) -> float:
    return NOW_S - (h.NOON - moment).total_seconds()


def episode(seconds: float, *heals: HealMade, closing: str = "healed", **changes: Any) -> Episode:
    fields: dict[str, Any] = {
        "id": h.new_id(),
        "source": "s",
        "app": h.WEB,
        "key": h.DEPLOYMENT,
        "what": "changed",
        "changes": (REPLICAS,),
        "managers": ("autoscaler",),
        "detected_at": ago(seconds),
        "closing": closing,
        "heals": heals,
    }
    return Episode(**{**fields, **changes})


def heal(seconds: float, outcome: str = "healed", **changes: Any) -> HealMade:
    return HealMade(ago(seconds), outcome, 0.01, changes.pop("message", ""), (), **changes)


def test_five_heals_in_a_minute_make_the_sixth_wait_after_a_restart_as_well() -> None:
    past = [episode(t, heal(t)) for t in (20, 16, 12, 8, 4)]
    found = recall([*past, episode(3, closing="interrupted")], POLICY, to_s)[h.DEPLOYMENT]
    assert next_attempt_at(found.memory, POLICY, NOW_S) == NOW_S - 4 + 2
    assert found.memory.undone_at == NOW_S - 3


def test_the_memory_is_the_one_that_the_last_process_had() -> None:
    """The same heals, once remembered in the process and once recalled."""
    memory = recall([], POLICY, to_s).get(h.DEPLOYMENT)
    assert memory is None
    kept, past = recall([episode(90, heal(90))], POLICY, to_s)[h.DEPLOYMENT].memory, []
    kept = remember(kept.__class__(), POLICY, NOW_S - 90)
    past.append(episode(90, heal(90)))
    for seconds in (80, 70, 60, 55, 50, 48, 42):
        kept = remember(undone(kept, NOW_S - seconds), POLICY, NOW_S - seconds)
        past.append(episode(seconds, heal(seconds, step=kept.step)))
    found = recall(reversed(past), POLICY, to_s)[h.DEPLOYMENT].memory
    assert (found.step, found.last_end, found.refusal) == (kept.step, kept.last_end, "")
    assert next_attempt_at(found, POLICY, NOW_S) == next_attempt_at(kept, POLICY, NOW_S)


def test_a_refusal_of_the_same_manifest_goes_on_waiting() -> None:
    refused = heal(5, "refused", message="HF2013 no", manifest="abc", step=3)
    found = recall([episode(400, refused, closing="interrupted")], POLICY, to_s)[h.DEPLOYMENT]
    assert (found.memory.refusal, found.memory.refused_hash) == ("HF2013 no", "abc")
    assert next_attempt_at(found.memory, POLICY, NOW_S) == NOW_S - 5 + 54


def test_what_the_server_never_judged_does_not_count() -> None:
    found = recall([episode(5, heal(5, "postponed"))], POLICY, to_s)[h.DEPLOYMENT]
    assert found.memory.last_end is None


def test_a_fight_is_known_after_a_restart() -> None:
    found = recall([episode(t, heal(t)) for t in (40, 30, 20)], POLICY, to_s)[h.DEPLOYMENT]
    (fight,) = fights(found.undos, POLICY, NOW_S)
    assert (fight.path, fight.manager, fight.undos) == (
        field_path("spec", "replicas"), "autoscaler", 3,
    )  # fmt: skip


def test_what_still_differs_is_no_new_undo() -> None:
    left_open = episode(5, closing="interrupted")
    assert recall([left_open], POLICY, to_s)[h.DEPLOYMENT].differing == {
        field_path("spec", "replicas")
    }
    twice = [episode(8, closing="interrupted"), left_open]
    (undo,) = recall(twice, POLICY, to_s)[h.DEPLOYMENT].undos
    assert len(undo.times) == 1


def test_a_drift_that_somebody_put_back_does_not_end_the_heal_before_it() -> None:
    past = [episode(100, heal(100)), episode(10, closing="reverted")]
    assert recall(past, POLICY, to_s)[h.DEPLOYMENT].memory.undone_at is None
