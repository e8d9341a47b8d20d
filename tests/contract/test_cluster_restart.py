"""The API server dies and comes back: what was watched is watched again, and nothing is missed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.ports import WatchScope
from tests.support.kube import (
    CONFIG_MAP,
    RecordingSink,
    agrees_with_list,
    apply,
    config_map,
    connected,
    crd,
    make_namespace,
)
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.cluster.kubeconfig import Access
    from tests.support.plane import RealPlane


@pytest.fixture
def own_plane(start_plane: Callable[..., RealPlane]) -> RealPlane:
    return start_plane()


@pytest.fixture
def own_access(own_plane: RealPlane) -> Access:
    return find_access(own_plane.kubeconfig, environ={})


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_watches_survive_a_restart_of_the_api_server(
    own_plane: RealPlane, own_access: Access
) -> None:
    async with connected(own_access) as plane:
        place = await make_namespace(plane)
        kind = GroupVersionKind("shop.example.com", "v1", "Widget")
        await apply(plane, crd(kind.group))

        async def is_served() -> bool:
            await plane.kinds.refresh()
            return plane.kinds.find(kind) is not None

        await eventually(is_served)
        sinks = {
            WatchScope(CONFIG_MAP): RecordingSink(),
            WatchScope(CONFIG_MAP, place): RecordingSink(),
            WatchScope(kind): RecordingSink(),
        }
        for scope, sink in sinks.items():
            plane.watching.start(scope, sink)
        assert await plane.watching.wait_synced(list(sinks), 10)
        await asyncio.to_thread(own_plane.kill_apiserver)
        await until(lambda: plane.watching.lag_s() > 1.5)
        await asyncio.to_thread(own_plane.start_apiserver)
        for number in range(5):
            await apply(plane, config_map(place, f"cm-{number}"))
        await until(lambda: all(plane.watching.is_synced(scope) for scope in sinks), seconds=40)
        for scope, sink in sinks.items():
            await agrees_with_list(sink, plane, scope)
