"""Each numbered rule of `healing.decide`, in its order."""

import re
from dataclasses import replace

import pytest

import holdfast.healing.decide as module
from holdfast.domain.drift import DriftKind
from holdfast.domain.verdict import Heal, Hold, HoldReason, Nothing, Verdict, Wait
from holdfast.healing.decide import Situation, decide
from holdfast.healing.memory import HealMemory, HealPolicy, remember

NOW = 1000.0
POLICY = HealPolicy()
DRIFTED = Situation(kind=DriftKind.CHANGED, target_hash="h1")

# Everything that could hold a heal back, at once: each rule is shown by taking away what is
# above it, so that the table proves the order as well.
EVERYTHING = Situation(
    kind=DriftKind.EXTRA,
    target_hash="",
    app_deleting=True,
    observe_only=True,
    skips_reconcile=True,
    paused="ada until 12:00: migration",
    self_heals=False,
    observed="the Application says holdfast.dev/observe",
    window="a deny window is active",
    owner="argocd/other",
    is_hook=True,
    sync_running=True,
    terminating=True,
    finished_job=True,
    missing_prerequisite="Namespace prod",
)
RULES: tuple[tuple[dict[str, object], HoldReason], ...] = (
    ({}, HoldReason.APP_DELETING),
    ({"app_deleting": False}, HoldReason.OBSERVE_ONLY),
    ({"observe_only": False}, HoldReason.SKIP_RECONCILE),
    ({"skips_reconcile": False}, HoldReason.PAUSED),
    ({"paused": ""}, HoldReason.SELF_HEAL_OFF),
    ({"self_heals": True}, HoldReason.OBSERVED),
    ({"observed": ""}, HoldReason.WINDOW),
    ({"window": ""}, HoldReason.SHARED),
    ({"owner": ""}, HoldReason.HOOK),
    ({"is_hook": False}, HoldReason.NO_TARGET),
    ({"kind": DriftKind.CHANGED}, HoldReason.NO_TARGET),
    ({"target_hash": "h1"}, HoldReason.SYNC_RUNNING),
    ({"sync_running": False}, HoldReason.TERMINATING),
    ({"terminating": False}, HoldReason.FINISHED),
    ({"finished_job": False}, HoldReason.PREREQUISITE),
)
BUSY = HealMemory(recent=(NOW - 1,) * 5, last_end=NOW - 1)
REFUSED = remember(HealMemory(), POLICY, NOW - 1, refusal="field is immutable", manifest="h1")


# What comes after the holds, in the same way: all of it waits, and each line takes away what won.
WAITING = replace(DRIFTED, fought_until_s=NOW + 18, delayed_until_s=NOW + 3, git_until_s=NOW + 10)
LATER: tuple[tuple[dict[str, object], HealMemory, Verdict], ...] = (
    ({}, REFUSED, Hold(HoldReason.REFUSED, "field is immutable", NOW + 1)),
    ({}, BUSY, Wait(NOW + 18)),
    ({"fought_until_s": 0.0}, BUSY, Wait(NOW + 1)),
    ({"fought_until_s": 0.0}, HealMemory(), Wait(NOW + 3)),
    ({"fought_until_s": 0.0, "delayed_until_s": 0.0}, HealMemory(), Wait(NOW + 10)),
    (
        {"fought_until_s": 0.0, "delayed_until_s": 0.0, "git_until_s": 0.0},
        HealMemory(),
        Heal(),
    ),
)
FIRST_LATER = 2 + len(RULES)


def ask(situation: Situation, memory: HealMemory | None = None) -> Verdict:
    return decide(situation, memory or HealMemory(), POLICY, NOW)


def numbered_rules(docstring: str) -> dict[int, str]:
    found = re.findall(r"^ *(\d+)\. .*-> ?(.+)$", docstring, re.MULTILINE)
    return {int(number): outcome.strip() for number, outcome in found}


def shown_rules() -> dict[int, str]:
    """What the tables above show, by number."""
    shown = {1: "Nothing"}
    shown |= {place + 2: f"Hold({reason})" for place, (_, reason) in enumerate(RULES)}
    shown |= {FIRST_LATER + place: _in_words(row[2]) for place, row in enumerate(LATER)}
    return shown


def _in_words(verdict: Verdict) -> str:
    return f"Hold({verdict.reason})" if isinstance(verdict, Hold) else type(verdict).__name__


def test_without_a_difference_nothing_is_done_whatever_else_holds() -> None:
    assert ask(replace(EVERYTHING, kind=None)) == Nothing()


@pytest.mark.parametrize("place", range(len(RULES)), ids=lambda p: f"rule-{p + 2}-{RULES[p][1]}")
def test_a_hold_comes_in_the_order_of_the_docstring(place: int) -> None:
    situation = EVERYTHING
    for changes, _ in RULES[: place + 1]:
        situation = replace(situation, **changes)  # type: ignore[arg-type]
    verdict = ask(situation, REFUSED)
    assert isinstance(verdict, Hold)
    assert verdict.reason is RULES[place][1]
    assert verdict.detail, "a hold says why, in words for people"


@pytest.mark.parametrize("place", range(len(LATER)), ids=lambda p: f"rule-{FIRST_LATER + p}")
def test_what_comes_after_the_holds_is_in_the_order_of_the_docstring(place: int) -> None:
    changes, memory, verdict = LATER[place]
    situation = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert ask(situation, memory) == verdict


def test_a_manifest_that_was_refused_is_held_until_its_step_is_over() -> None:
    assert ask(DRIFTED, REFUSED) == Hold(HoldReason.REFUSED, "field is immutable", NOW + 1)


def test_another_manifest_is_tried_at_once_after_a_refusal() -> None:
    assert ask(replace(DRIFTED, target_hash="h2"), REFUSED) == Heal()


def test_a_refused_manifest_is_tried_once_more_after_its_step() -> None:
    assert decide(DRIFTED, REFUSED, POLICY, NOW + 1) == Heal()


def test_too_many_heals_in_a_minute_wait() -> None:
    assert ask(DRIFTED, BUSY) == Wait(NOW + 1)


def test_a_heal_waits_out_its_delay() -> None:
    delayed = replace(DRIFTED, delayed_until_s=NOW + 0.5)
    assert ask(delayed) == Wait(NOW + 0.5)
    assert decide(delayed, HealMemory(), POLICY, NOW + 0.5) == Heal()


def test_after_a_pause_a_heal_waits_for_a_look_at_git() -> None:
    resumed = replace(DRIFTED, git_until_s=NOW + 10)
    assert ask(resumed) == Wait(NOW + 10)
    assert decide(resumed, HealMemory(), POLICY, NOW + 10) == Heal()


def test_a_fight_waits_even_when_the_object_itself_may_be_healed() -> None:
    assert ask(replace(DRIFTED, fought_until_s=NOW + 18)) == Wait(NOW + 18)


def test_the_calendar_says_when_it_is_worth_looking_again() -> None:
    closed = replace(DRIFTED, window="a deny window is active", window_until_s=NOW + 60)
    assert ask(closed) == Hold(HoldReason.WINDOW, "a deny window is active", NOW + 60)


def test_otherwise_it_is_healed() -> None:
    assert ask(DRIFTED) == Heal()
    assert ask(replace(DRIFTED, kind=DriftKind.MISSING)) == Heal()


def test_every_numbered_rule_has_its_test() -> None:
    """Fails when somebody adds a rule to the docstring and none to the tables above."""
    assert numbered_rules(module.__doc__ or "") == shown_rules()


def test_a_rule_without_a_test_would_be_noticed() -> None:
    docstring = (module.__doc__ or "").replace(
        "  22. otherwise ", "  22. it rains -> Wait\n  23. otherwise "
    )
    assert len(numbered_rules(docstring)) == 23
    assert numbered_rules(docstring) != shown_rules()


def test_every_field_of_a_situation_takes_part_in_a_rule() -> None:
    shown = {name for changes, _ in RULES for name in changes}
    shown |= {name for changes, _, _ in LATER for name in changes}
    shown |= {"missing_prerequisite"}  # the last hold
    shown |= {"paused_until_s", "window_until_s"}  # when a hold is worth another look
    assert shown == set(Situation.__dataclass_fields__)


def test_a_pause_says_when_it_is_worth_looking_again() -> None:
    paused = replace(DRIFTED, paused="ada: migration", paused_until_s=NOW + 60)
    verdict = ask(paused)
    assert verdict == Hold(HoldReason.PAUSED, "ada: migration", NOW + 60)


def test_a_backoff_that_is_longer_than_the_delay_counts() -> None:
    assert ask(replace(DRIFTED, delayed_until_s=NOW + 0.5), BUSY) == Wait(NOW + 1)
