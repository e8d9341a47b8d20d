"""A minute of the soak that `make soak` runs for twenty (tests/soak)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soak.soak import growth_of, soak

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.plane import RealPlane

SEED = 20_261_126


@pytest.mark.timeout(300)
async def test_a_minute_of_harm_ends_as_git_says_with_one_episode_for_each_drift(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    report = await soak(real_plane.kubeconfig, tmp_path, seconds=60.0, seed=SEED)
    assert report.drifts > 30, report.describe()


def test_growth_is_that_of_the_fitted_line() -> None:
    assert growth_of([(0.0, 10.0), (1.0, 12.0), (2.0, 14.0)]) == 4.0
    assert abs(growth_of([(float(n), 50.0 + n % 2) for n in range(100)])) < 0.1
