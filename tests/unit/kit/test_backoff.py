"""Pauses grow, are capped, and never overflow."""

import random

from holdfast.kit.backoff import Backoff


def test_pauses_grow_up_to_the_cap() -> None:
    backoff = Backoff(base_s=2, factor=3, cap_s=300)
    assert [backoff.delay_s(n) for n in range(7)] == [0, 2, 6, 18, 54, 162, 300]
    assert backoff.delay_s(10_000) == 300


def test_jitter_only_lengthens_a_pause() -> None:
    backoff = Backoff(base_s=1, cap_s=1, jitter=0.5)
    pauses = [backoff.delay_s(1, random.Random(seed)) for seed in range(100)]
    assert min(pauses) >= 1
    assert max(pauses) <= 1.5
    assert len(set(pauses)) > 50
