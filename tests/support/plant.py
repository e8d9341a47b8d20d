"""Fixtures: one `holdfast run` that all scenarios of a module share, on each plane in turn.

`plant` is the process, `site` a person who works with it for one test.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.person import Person
from tests.support.process import sandbox_process
from tests.support.site import Site, new_control, start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.process import HoldfastProcess

REAL = pytest.param("real", marks=pytest.mark.real)
only_real = pytest.mark.parametrize("plant", [REAL], indirect=True)
"""For what the sandbox does not do: it calls no webhooks and counts no quota."""


@dataclass
class Plant:
    """A controller's process that all scenarios of one plane share."""

    kubeconfig: Path
    folder: Path
    control: str
    process: HoldfastProcess

    def stop(self) -> None:
        """Ends the process that runs now."""
        self.process.kill()

    def restart(self) -> None:
        """`kill -9`, and another one on the same data."""
        self.process.kill()
        self.process = start(self.kubeconfig, self.folder, self.control)
        self.process.is_leading()


@pytest.fixture(scope="module", params=["sandbox", REAL])
def plant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plant]:
    """`holdfast run` on the sandbox, then on the real control plane."""
    folder, control = tmp_path_factory.mktemp("plant"), new_control()
    with contextlib.ExitStack() as stack:
        if request.param == "sandbox":
            kubeconfig = stack.enter_context(sandbox_process())
        else:
            kubeconfig = request.getfixturevalue("real_plane").kubeconfig
        process = start(kubeconfig, folder, control)
        plant = Plant(kubeconfig, folder, control, process)
        stack.callback(plant.stop)
        process.is_leading()
        yield plant


@pytest.fixture
async def site(plant: Plant) -> AsyncIterator[Site]:
    """The plant, for one test."""
    async with Person(plant.kubeconfig) as person:
        site = Site(plant.kubeconfig, plant.folder, plant.control, person, plant.process)
        yield site
        await site.clean_up()
