"""Requests of any form: each is answered as the API's own document says (`make fuzz-api`: longer).

The seed is fixed, so that a failure here is one of the change at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fuzz.fuzz import example, fuzz

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 6
SEED = 5


@pytest.mark.timeout(180)
def test_no_request_is_answered_in_a_way_that_the_document_does_not_know(tmp_path: Path) -> None:
    with example(tmp_path) as (base, token, process):
        report = fuzz(tmp_path, base, token, seconds=SECONDS, seed=SEED, phases="coverage,fuzzing")
        assert report.cases > 100
        assert not process.has_said("request failed|Traceback"), process.text
