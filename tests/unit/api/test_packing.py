"""Answers in fewer bytes: who gets them, and which ones are never packed."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response, StreamingResponse

from holdfast.api.packing import LEAST_BYTES, Packed
from tests.support.page import PageClient, PageWorld
from tests.unit.requests.given import app

if TYPE_CHECKING:
    from tests.support.api import Reply

LIST = "/api/v1/applications"
GZIP = {"accept_encoding": "deflate, gzip;q=0.8"}


def named(number: int) -> dict[str, object]:
    return app(metadata={"name": f"app-{number}", "namespace": "argocd"})


class World(PageWorld):
    """A page and an API that pack what they answer, as long as `packs`."""

    def __init__(self, count: int = 20) -> None:
        super().__init__(*(named(number) for number in range(count)))
        self.packs = True
        self.plain = PageClient(self.client.server, "admin")
        self.client.outer = Packed(self.client.server, lambda: self.packs)

    async def packed(self, path: str, **headers: str) -> Reply:
        """The raw answer; what `client.get` would read it to be is no JSON any more."""
        client = Unchecked(self.client.server, "admin")
        client.outer = self.client.outer
        return await client.get(path, **{**GZIP, **headers})


class Unchecked(PageClient):
    def _check(self, method: str, path: str, reply: Reply, *, ours: bool) -> None:
        del method, path, reply, ours


@pytest.mark.parametrize("path", [LIST, "/applications", "/static/holdfast.css", "/swagger.json"])
async def test_what_is_large_is_packed_for_who_takes_it(path: str) -> None:
    world = World()
    plain, packed = await world.plain.get(path), await world.packed(path)
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) == len(packed.body) < len(plain.body) / 2
    if path != "/applications":  # which tells how long it took, and what time it is
        assert gzip.decompress(packed.body) == plain.body
    for header in ("cache-control", "content-type", "content-security-policy"):
        assert packed.headers.get(header) == plain.headers.get(header)
    # Who takes none gets it as it is, and caches between keep the two apart.
    as_it_is = await world.packed(path, accept_encoding="br, gzip;q=0")
    assert "content-encoding" not in as_it_is.headers
    assert "Accept-Encoding" in as_it_is.headers["vary"]


async def test_a_large_answer_is_packed_piece_by_piece() -> None:
    world = World(900)
    plain, packed = await world.plain.get(LIST), await world.packed(LIST)
    assert len(plain.body) > 256 * 1024
    assert "content-length" not in packed.headers
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/version", {}),  # too small to be worth it
        (LIST, {"sec_fetch_site": "cross-site"}),  # whose length another site may watch
        (LIST, {"accept_encoding": "identity"}),
        (LIST, {"accept_encoding": ""}),
    ],
)
async def test_this_is_never_packed(path: str, headers: dict[str, str]) -> None:
    reply = await World().packed(path, **headers)
    assert (reply.status, reply.headers.get("content-encoding")) == (200, None)


async def test_the_administrator_can_turn_it_off() -> None:
    world = World()
    world.packs = False
    assert "content-encoding" not in (await world.packed(LIST)).headers


def answering(answer: Response) -> Unchecked:
    """A client of an application that answers nothing else."""
    client = Unchecked(World(0).client.server, "admin")
    client.outer = Packed(answer, lambda: True)
    return client


async def test_answers_to_changes_are_not_packed_since_tokens_are_in_them() -> None:
    client = answering(Response(b"x" * LEAST_BYTES, media_type="text/plain"))
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD"):
        reply = await client.send(method, "/x", headers=GZIP)
        assert "content-encoding" not in reply.headers
    assert "content-encoding" in (await client.send("GET", "/x", headers=GZIP)).headers


async def test_a_quiet_stream_tells_its_headers_at_once() -> None:
    world = World()
    path = f"/api/v1/stream/applications?resourceVersion={world.applications.resource_version}"
    async with world.client.stream(path, **GZIP) as messages:
        assert (messages.status, messages.headers.get("content-encoding")) == (200, None)


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_stream_is_sent_as_it_comes(accept: str) -> None:
    world = World(2)
    async with world.client.stream("/api/v1/stream/applications", accept=accept, **GZIP) as told:
        assert "content-encoding" not in told.headers
        for name in ("app-0", "app-1"):
            assert (await told.result())["application"]["metadata"]["name"] == name
        world.cluster.put(named(77))
        assert (await told.result())["application"]["metadata"]["name"] == "app-77"


@pytest.mark.parametrize(("name", "value"), [("ETag", '"1"'), ("Content-Encoding", "br")])
async def test_a_tag_of_the_bytes_and_a_packed_file_stay_as_they_are(name: str, value: str) -> None:
    answer = Response(b"x" * LEAST_BYTES, 200, {name: value}, "text/plain")
    reply = await answering(answer).get("/x", **GZIP)
    assert (reply.headers[name.lower()], len(reply.body)) == (value, LEAST_BYTES)


async def test_what_has_no_length_is_a_stream_whatever_its_type() -> None:
    answer = StreamingResponse(iter([b"x" * 5000]), media_type="text/html")
    reply = await answering(answer).get("/x", **GZIP)
    assert ("content-encoding" in reply.headers, len(reply.body)) == (False, 5000)
