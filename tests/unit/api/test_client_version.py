"""Who is too old to be served, by what it says of itself."""

from __future__ import annotations

import pytest

from tests.support.api import ApiWorld
from tests.unit.requests.given import app

PATH = "/api/v1/applications"


@pytest.mark.parametrize(
    "agent",
    ["argocd-client/v1.3.9", "argocd-client/1.3.0+f8d92e9 grpc-go/1.15.0", "argocd-client/0.12.0",
     "argocd-client/1.4.0-rc1"],
)  # fmt: skip
async def test_an_old_client_is_told_that_it_is_too_old_whoever_it_is(agent: str) -> None:
    world = ApiWorld(app())
    for path in (PATH, "/api/version"):
        for client in (world.client, world.client.as_("")):
            reply = await client.get(path, user_agent=agent)
            assert (reply.status, reply.json["code"]) == (400, 9)
            assert reply.message.startswith("unsatisfied client version constraint")


@pytest.mark.parametrize(
    "agent",
    ["argocd-client/v1.4.0", "argocd-client/1.4.1-rc1", "argocd-client/v3.6.0+abc grpc-go/1.70.0",
     "argocd-client/latest", "argocd-client/1.3", "argocd-client/1.3.0x", "Mozilla/5.0", "",
     "x argocd-client/1.0.0"],
)  # fmt: skip
async def test_every_other_client_is_served(agent: str) -> None:
    world = ApiWorld(app())
    assert (await world.client.get(PATH, user_agent=agent)).status == 200


async def test_a_git_host_and_a_picture_are_no_clients() -> None:
    reply = await ApiWorld(app()).client.get("/api/badge?name=a", user_agent="argocd-client/1.0.0")
    assert reply.status == 200
