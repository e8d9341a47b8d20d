"""Scenarios run on the sandbox and on the real control plane: `plane` is each in turn.

`plant` and `site` come from `tests.support.plant`: a `holdfast run` that a module shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.plant import plant as plant
from tests.support.plant import site as site
from tests.support.sandbox import AnyPlane, SandboxPlane

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sandbox_plane() -> Iterator[SandboxPlane]:
    """One sandbox for the whole session. Each scenario works in namespaces of its own."""
    plane = SandboxPlane.start()
    yield plane
    plane.stop()


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def plane(request: pytest.FixtureRequest) -> AnyPlane:
    """The sandbox, then the real control plane. What the sandbox lacks takes `real_plane`."""
    found: AnyPlane = request.getfixturevalue(f"{request.param}_plane")
    return found
