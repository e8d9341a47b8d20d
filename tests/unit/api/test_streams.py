"""Streams: what comes first, what comes later, and how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.api.ports import Services
from holdfast.domain.identity import ResourceKey
from holdfast.domain.queries import ResourceTree
from tests.support.api import ApiWorld
from tests.unit.api.test_applications import named, reader

if TYPE_CHECKING:
    from holdfast.api.live import LiveApplications

Tree = dict[str, Any]
STREAM = "/api/v1/stream/applications"


async def test_a_watch_begins_with_what_there_is_and_goes_on_with_changes() -> None:
    world = ApiWorld(named("web"))
    async with world.client.stream(STREAM) as messages:
        first = await messages.result()
        assert (first["type"], first["application"]["metadata"]["name"]) == ("ADDED", "web")
        world.cluster.put(named("api"))
        world.cluster.put({**named("web"), "status": {"sync": {"status": "Synced"}}})
        world.cluster.remove(ResourceKey("argoproj.io", "Application", "argocd", "api"))
        seen = [await messages.result() for _ in range(3)]
    assert [(m["type"], m["application"]["metadata"]["name"]) for m in seen] == [
        ("ADDED", "api"),
        ("MODIFIED", "web"),
        ("DELETED", "api"),
    ]


async def test_a_watch_from_a_version_has_no_burst_unless_it_names_an_application() -> None:
    world = ApiWorld(named("web"))
    version = world.applications.resource_version
    async with world.client.stream(f"{STREAM}?resourceVersion={version}") as messages:
        world.cluster.put(named("api"))
        assert (await messages.result())["application"]["metadata"]["name"] == "api"
    async with world.client.stream(f"{STREAM}?resourceVersion=1&name=web") as messages:
        assert (await messages.result())["application"]["metadata"]["name"] == "web"


async def test_what_is_older_than_the_given_version_is_dropped() -> None:
    world = ApiWorld(named("web"))
    async with world.client.stream(f"{STREAM}?resourceVersion=1000&name=web") as messages:
        world.cluster.version = 5000
        world.cluster.put({**named("web"), "status": {}})
        found = await messages.result()
    assert found["type"] == "MODIFIED"


async def test_fields_are_chosen_and_what_stays_the_same_is_sent_once() -> None:
    world = ApiWorld(named("web"))
    fields = "result.type,result.application.metadata.name,result.application.status.sync.status"
    async with world.client.stream(f"{STREAM}?fields={fields}") as messages:
        assert (await messages.result())["application"] == {"metadata": {"name": "web"}}
        for status in ("Synced", "Synced", "OutOfSync"):
            world.cluster.put({**named("web"), "status": {"sync": {"status": status}}})
        seen = [await messages.result() for _ in range(2)]
    assert [m["application"]["status"]["sync"]["status"] for m in seen] == ["Synced", "OutOfSync"]


async def test_a_watch_shows_only_what_the_caller_may_see() -> None:
    world = ApiWorld(named("web"), named("db", "data"), rules=reader("default/*"))
    async with world.client.as_("ann").stream(STREAM) as messages:
        assert (await messages.result())["application"]["metadata"]["name"] == "web"
        world.cluster.put(named("db2", "data"))
        world.cluster.put(named("web2"))
        assert (await messages.result())["application"]["metadata"]["name"] == "web2"
        world.roles.rules.clear()
        world.cluster.put(named("web3"))
        world.roles.rules.extend(reader("default/web4"))
        world.cluster.put(named("web4"))
        assert (await messages.result())["application"]["metadata"]["name"] == "web4"


async def test_a_watch_ends_when_the_token_is_revoked() -> None:
    world = ApiWorld(named("web"))
    async with world.client.stream(STREAM) as messages:
        await messages.result()
        world.sign_in.revoked.add("admin")
        world.cluster.put(named("api"))
        last = await messages.next()
        assert (last["error"]["http_code"], last["error"]["grpc_code"]) == (401, 16)
        assert await messages.next() is None


async def test_server_sent_events_have_the_gateways_form() -> None:
    world = ApiWorld(named("web"))
    async with world.client.stream(STREAM, accept="text/event-stream") as messages:
        assert messages.headers["content-type"].startswith("text/event-stream")
        assert (await messages.result())["type"] == "ADDED"


async def test_who_does_not_read_is_ended_and_holds_nothing() -> None:
    world = ApiWorld()
    follower = world.applications.follow()
    for number in range(2001):
        world.cluster.put(named(f"app-{number % 7}", labels={"n": str(number)}))
    with pytest.raises(Exception, match="read too slowly"):
        await follower.next()
    assert followers(world.applications) == 0


async def test_a_client_that_leaves_is_forgotten() -> None:
    world = ApiWorld(named("web"))
    async with world.client.stream(STREAM) as messages:
        await messages.result()
        assert followers(world.applications) == 1
    assert followers(world.applications) == 0


@pytest.mark.timeout(60)
async def test_hundreds_of_streams_hear_of_one_change() -> None:
    world = ApiWorld(named("web"))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        opened = asyncio.Semaphore(0)

        async def listen() -> str:
            async with world.client.stream(f"{STREAM}?name=web") as messages:
                await messages.result()
                opened.release()
                found: Tree = (await messages.result())["application"]
                return str(found["status"]["sync"]["status"])

        listeners = [tasks.create_task(listen()) for _ in range(300)]
        for _ in listeners:
            await opened.acquire()
        world.cluster.put({**named("web"), "status": {"sync": {"status": "Synced"}}})
    assert {each.result() for each in listeners} == {"Synced"}
    assert followers(world.applications) == 0


async def test_followers_of_a_tree_share_it_and_hear_of_its_changes() -> None:
    world = ApiWorld(named("web"))
    counted = Counting(world)
    async with (
        world.client.stream(f"{STREAM}/web/resource-tree") as one,
        world.client.stream(f"{STREAM}/web/resource-tree") as other,
    ):
        assert (await one.result())["nodes"] == []
        assert (await other.result())["nodes"] == []
        assert counted.built == 1
        world.cluster.put(CONFIG)
        world.cluster.put({**named("web"), "status": {"resources": [RESOURCE]}})
        for messages in (one, other):
            assert [node["name"] for node in (await messages.result())["nodes"]] == ["settings"]
        assert counted.built == 2
    assert followers(world.applications) == 0


async def test_a_tree_ends_with_its_application_and_with_the_right_to_see_it() -> None:
    world = ApiWorld(named("web"), named("api"), rules=reader("default/*"))
    client = world.client.as_("ann")
    async with client.stream(f"{STREAM}/web/resource-tree") as messages:
        await messages.result()
        world.cluster.remove(ResourceKey("argoproj.io", "Application", "argocd", "web"))
        assert (await messages.next())["error"]["http_code"] == 404
    async with client.stream(f"{STREAM}/api/resource-tree") as messages:
        await messages.result()
        world.roles.rules.clear()
        world.cluster.put({**named("api"), "status": {}})
        assert (await messages.next())["error"]["http_code"] == 403


async def test_the_tree_of_what_may_not_be_seen_is_refused_at_once() -> None:
    world = ApiWorld(named("web"), rules=reader("data/*"))
    reply = await world.client.as_("ann").get(f"{STREAM}/web/resource-tree")
    assert reply.status == 403


CONFIG: Tree = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "prod"},
}
RESOURCE = {"kind": "ConfigMap", "version": "v1", "namespace": "prod", "name": "settings"}


def followers(applications: LiveApplications) -> int:
    return len(applications._followers)


class Counting:
    """Counts how often a tree is asked for."""

    def __init__(self, world: ApiWorld) -> None:
        self.built = 0
        self._answer = world.world.queries.answer
        world.world.queries.answer = self.answer  # type: ignore[method-assign]
        assert isinstance(world.services, Services)

    async def answer(self, query: Any, who: str) -> Any:
        self.built += isinstance(query, ResourceTree)
        return await self._answer(query, who)
