"""Laws of deciding: one verdict, the same each time, and a bounded number of heals."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.drift import DriftKind
from holdfast.domain.verdict import Heal, Hold, Nothing, Wait
from holdfast.healing.decide import Situation, decide
from holdfast.healing.memory import HealMemory, HealPolicy, remember, undone

POLICY = HealPolicy()
situations = st.builds(
    Situation,
    kind=st.none() | st.sampled_from(DriftKind),
    target_hash=st.sampled_from(["", "h1", "h2"]),
    app_deleting=st.booleans(),
    observe_only=st.booleans(),
    skips_reconcile=st.booleans(),
    self_heals=st.booleans(),
    owner=st.sampled_from(["", "argocd/other"]),
    is_hook=st.booleans(),
    sync_running=st.booleans(),
    terminating=st.booleans(),
    finished_job=st.booleans(),
    missing_prerequisite=st.sampled_from(["", "Namespace prod"]),
    paused=st.sampled_from(["", "ada: migration"]),
)
pauses = st.floats(0.0, 900.0)


@st.composite
def memories(draw: st.DrawFn) -> tuple[HealMemory, float]:
    """A memory that heals and refusals made, and the present moment."""
    memory, now = HealMemory(), 0.0
    for pause in draw(st.lists(pauses, max_size=20)):
        now += pause
        if draw(st.booleans()):
            memory = undone(memory, now)
        refusal = draw(st.sampled_from(["", "", "immutable"]))
        memory = remember(memory, POLICY, now, refusal=refusal, manifest="h1")
    return memory, now + draw(pauses)


@given(situations, memories())
def test_a_verdict_is_the_same_each_time(
    situation: Situation, remembered: tuple[HealMemory, float]
) -> None:
    memory, now = remembered
    assert decide(situation, memory, POLICY, now) == decide(situation, memory, POLICY, now)


@given(situations, memories())
def test_whatever_waits_says_a_moment_in_the_future_that_is_not_far(
    situation: Situation, remembered: tuple[HealMemory, float]
) -> None:
    memory, now = remembered
    match decide(situation, memory, POLICY, now):
        case Wait(until_s):
            assert now < until_s <= now + POLICY.cap_s
        case Hold(_, detail, until_s):
            assert detail
            assert until_s is None or now < until_s <= now + POLICY.cap_s
        case Heal() | Nothing():
            pass


@given(situations, memories())
def test_nothing_is_healed_while_paused_observing_or_deleting(
    situation: Situation, remembered: tuple[HealMemory, float]
) -> None:
    memory, now = remembered
    if situation.paused or situation.observe_only or situation.app_deleting:
        assert decide(situation, memory, POLICY, now) != Heal()


@given(st.lists(st.floats(0.01, 30.0), min_size=1, max_size=400))
def test_heals_of_one_object_are_bounded_however_it_is_fought_over(gaps: list[float]) -> None:
    """Nobody who undoes within half a minute gets more than the curve allows."""
    drifted = Situation(kind=DriftKind.CHANGED, target_hash="h1")
    memory, now, heals = HealMemory(), 0.0, 0
    for gap in gaps:
        now += gap
        memory = undone(memory, now)
        if isinstance(decide(drifted, memory, POLICY, now), Heal):
            heals += 1
            memory = remember(memory, POLICY, now)
    allowed = POLICY.free_heals + 6 + now / 60.0 * POLICY.free_heals
    assert heals <= allowed


@given(memories())
def test_a_drift_is_healed_in_the_end(remembered: tuple[HealMemory, float]) -> None:
    memory, now = remembered
    drifted = Situation(kind=DriftKind.CHANGED, target_hash="h1")
    assert decide(drifted, memory, POLICY, now + POLICY.cap_s) == Heal()
