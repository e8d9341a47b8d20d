"""Redaction takes a time that grows with the text, whatever the text is: it comes from outside."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.kit.redact import redact

# What the rules look for, whole and cut off, and what stands between.
FRAGMENTS = (
    "eyJ", "eyJ-", "eyJaaaaaaaa.", "eyJaaaaaaaa.b.", ".", "-", "--", "_", "token", "token=",
    "token = ", "password:", "api_key", 'secret="', "secret='", '"', "'", "://", "://a:b", "@", "/",
    "bearer ", "Basic", "authorization", "Authorization: ", "authorization: bearer ", "=", " ",
    "\t", "\n", "-----BEGIN ", "-----BEGIN A PRIVATE KEY-----", "-----END ", "PRIVATE KEY", "A ",
    "ghp_", "glpat-", "github_pat_", "xoxb-", "a", "aB9", "é", ",",
)  # fmt: skip
SHORT, TIMES = 10_000, 4
MOST = 10.0  # linear is 4, the square 16
FLOOR_S = 0.002  # below it the clock tells nothing


def took_s(text: str) -> float:
    """The least of three: other processes only ever add."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        redact(text)
        times.append(time.thread_time() - began)
    return min(times)


def grows_with_its_length(head: str, unit: str) -> None:
    short, long = (head + unit * (size // len(unit)) for size in (SHORT, SHORT * TIMES))
    assert took_s(long) < MOST * max(took_s(short), FLOOR_S), repr((head, unit))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    head=st.sampled_from(("", *FRAGMENTS)),
    unit=st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=3).map("".join),
)
def test_four_times_the_text_takes_about_four_times_as_long(head: str, unit: str) -> None:
    grows_with_its_length(head, unit)


@pytest.mark.parametrize("unit", ["eyJ-", "eyJ-a.", "token ", "://a", "-----BEGIN ", "a@", "é-eyJ"])
def test_texts_that_are_known_to_be_hostile_take_no_longer(unit: str) -> None:
    grows_with_its_length("", unit)


def test_a_megabyte_takes_less_than_a_second() -> None:
    assert took_s("eyJ-" * 250_000) < 1.0
