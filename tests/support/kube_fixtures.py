"""Fixtures of the cluster room's contract; `pytest_plugins` of a test module names this one.

`any_kubeconfig` runs a test on the real plane and on the sandbox, `plane` is a `Connection` to it,
`namespace` a fresh namespace there, and `proxy` a bad network in front of it.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.cluster.kubeconfig import Access, find_access
from holdfast.schema import types
from tests.support.kube import Proxy, connected, make_namespace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from holdfast.cluster.connection import Connection


@pytest.fixture(scope="session", params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def any_kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of each plane in turn."""
    running = request.getfixturevalue(f"{request.param}_plane")
    if request.param == "sandbox":
        # It reads its tables when it first needs them; here, where the loop may be blocked.
        for table in (files("holdfast.schema") / "tables").iterdir():
            types._find_table(table.name.removesuffix(".json"))
    path: Path = running.kubeconfig
    return path


@pytest.fixture
def any_access(any_kubeconfig: Path) -> Access:
    """How to reach each plane in turn."""
    return find_access(any_kubeconfig, environ={})


@pytest.fixture
async def plane(any_access: Access) -> AsyncIterator[Connection]:
    """A connection to each plane in turn."""
    async with connected(any_access) as connection:
        yield connection


@pytest.fixture
def real_access(real_plane: Any) -> Access:
    """How to reach the real plane."""
    return find_access(real_plane.kubeconfig, environ={})


@pytest.fixture
async def real(real_access: Access) -> AsyncIterator[Connection]:
    """A connection to the real plane, for what the sandbox does not claim to do."""
    async with connected(real_access) as connection:
        yield connection


@pytest.fixture
async def namespace(plane: Connection) -> str:
    """A fresh namespace on the plane of the test."""
    return await make_namespace(plane)


@pytest.fixture
async def proxy(any_access: Access) -> AsyncIterator[Proxy]:
    """A bad network in front of each plane in turn."""
    async with Proxy(any_access) as between:
        yield between
