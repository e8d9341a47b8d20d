"""A storm: every Deployment deleted at once, until the last one is back."""

import asyncio
import time

from bench.api import Api
from bench.heal import Observer, Place, observing

_STORM_S = 300.0


async def storm(api: Api, places: list[Place]) -> float:
    """Delete all of these Deployments; return the seconds until each of them is back."""
    async with observing(api) as observer:
        waiting = [await _expect(api, observer, place) for place in places]
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for place in places:
                group.create_task(_delete(api, place))
        async with asyncio.timeout(_STORM_S):
            return max([await back for back in waiting]) - began


async def _expect(api: Api, observer: Observer, place: Place) -> "asyncio.Future[float]":
    _, live = await api.request("GET", _path(place))
    return observer.expect(place, live, anew=True)


async def _delete(api: Api, place: Place) -> None:
    status, answer = await api.request("DELETE", f"{_path(place)}?propagationPolicy=Background")
    if status >= 300:
        raise RuntimeError(f"delete {place}: {status} {answer.get('message')}")


def _path(place: Place) -> str:
    return f"/apis/apps/v1/namespaces/{place[0]}/deployments/{place[1]}"
