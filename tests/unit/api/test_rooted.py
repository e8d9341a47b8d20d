"""Everything below a path: what comes in loses it, what goes out has it."""

from __future__ import annotations

import pytest
from starlette.responses import HTMLResponse, RedirectResponse

from holdfast.api.root_path import read_root
from holdfast.api.rooted import Rooted
from tests.support.page import PageClient, PageWorld, Shown
from tests.unit.requests.given import app

ROOT = "/tools/holdfast"
PERSON = {"accept": "text/html"}


class World(PageWorld):
    """A page below `ROOT`."""

    def __init__(self, *, takes_off: bool = True) -> None:
        super().__init__(app())
        self.rooted = Rooted(self.client.server)
        self.rooted.root, self.rooted.takes_off = ROOT, takes_off
        self.client.outer = self.rooted

    async def seen(self, path: str) -> Shown:
        reply = await self.client.get(path)
        return Shown(reply.status, reply.body.decode(), reply.headers)


async def test_every_link_of_a_screen_stays_below_the_path() -> None:
    world = World()
    screens = ["/applications", "/applications/argocd/web", "/settings/repositories", "/pauses",
               "/applications/new", "/nothing"]  # fmt: skip
    for path in screens:
        shown = await world.seen(ROOT + path)
        names = ("href", "src", "action", "data-below")
        links = [(tag, a[name]) for tag, a in shown.tags for name in names if name in a]
        local = [link for _, link in links if link.startswith("/")]
        assert local
        assert [link for link in local if not link.startswith(ROOT + "/")] == []
        assert [link for link in local if link.startswith(ROOT + ROOT)] == []
        assert len(shown.html.encode()) == int(shown.headers["content-length"])


async def test_a_link_of_a_screen_and_a_file_of_it_are_found() -> None:
    world = World()
    shown = await world.seen(f"{ROOT}/applications")
    files = [a["href"] for tag, a in shown.tags if tag == "link"]
    for path in (*files, *(link for link in shown.links() if "/argocd/web" in link)):
        assert (await world.client.get(path)).status == 200


async def test_the_api_and_a_webhook_answer_below_the_path() -> None:
    world = World()
    reply = await world.client.get(f"{ROOT}/api/v1/applications/web")
    assert (reply.status, reply.json["metadata"]["name"]) == (200, "web")
    async with world.client.stream(f"{ROOT}/api/v1/stream/applications") as messages:
        assert (await messages.result())["application"]["metadata"]["name"] == "web"
    headers = {"x-github-event": "ping"}
    hook = await world.client.send("POST", f"{ROOT}/api/webhook", b"{}", headers)
    assert hook.status == 200


async def test_who_must_sign_in_is_led_there_and_back() -> None:
    world = World()
    client = PageClient(world.client.server)
    client.outer = world.rooted
    reply = await client.get(f"{ROOT}/applications?find=x", **PERSON)
    assert reply.status == 303
    assert reply.headers["location"] == f"{ROOT}/login?return_url=%2Fapplications%3Ffind%3Dx"
    shown = await client.get(reply.headers["location"], **PERSON)
    assert b'data-then="/applications?find=x"' in shown.body  # the script adds the path


async def test_a_person_outside_the_path_is_led_into_it_and_a_program_is_told() -> None:
    world = World()
    for path in ("/", "/auth/once?code=a%2Fb", "/applications?x=1", "//evil.example/x"):
        reply = await world.client.get(path, **PERSON)
        assert reply.status == 307
        assert reply.headers["location"] == f"{ROOT}/{path.lstrip('/')}"
    reply = await world.client.get(f"{ROOT}?a=b")
    assert (reply.status, reply.headers["location"]) == (307, f"{ROOT}/?a=b")
    for path in ("/api/v1/applications", f"{ROOT}x/applications", "/tools"):
        reply = await world.client.get(path)
        assert (reply.status, ROOT.encode() in reply.body) == (404, True)
    assert (await world.client.send("POST", "/x", b"", PERSON)).status == 404
    assert (await world.client.get("/healthz")).body == b"ok"


async def test_where_a_proxy_took_the_path_off_answers_have_it_all_the_same() -> None:
    world = World(takes_off=False)
    shown = await world.seen("/applications")
    assert f"{ROOT}/applications/new" in shown.links()
    assert (await world.client.get("/", **PERSON)).headers["location"] == f"{ROOT}/applications"


@pytest.mark.parametrize(
    ("cookie", "rooted"),
    [
        ("a=b; Path=/; HttpOnly", f"a=b; Path={ROOT}; HttpOnly"),
        ("a=b; HttpOnly; path=/", f"a=b; HttpOnly; path={ROOT}"),
        ("a=b; Path=/own", "a=b; Path=/own"),
    ],
)
async def test_cookies_are_for_the_path_alone(cookie: str, rooted: str) -> None:
    answer = HTMLResponse("x")
    answer.headers.append("set-cookie", cookie)
    client = PageClient(World().client.server)
    outer = Rooted(answer)
    outer.root = ROOT
    client.outer = outer
    assert (await client.get("/")).headers["set-cookie"] == rooted


async def test_what_leads_elsewhere_is_left_alone() -> None:
    client = PageClient(World().client.server)
    for location in ("https://git.example/x", "//git.example/x"):
        outer = Rooted(RedirectResponse(location))
        outer.root = ROOT
        client.outer = outer
        assert (await client.get("/")).headers["location"] == location


async def test_words_of_others_that_look_like_links_are_left_alone() -> None:
    world = PageWorld(app({"project": ' x href="/a" src="/b'}))
    plain = await world.shown("/applications")
    outer = Rooted(world.client.server)
    outer.root = ROOT
    world.client.outer = outer
    reply = await world.client.get("/applications")
    rooted = Shown(reply.status, reply.body.decode(), reply.headers)
    assert 'href="/a"' in plain.words
    assert 'href="/a" src="/b' in rooted.words


@pytest.mark.parametrize("text", ["", "/", " / ", "//"])
def test_no_path_is_none(text: str) -> None:
    assert read_root(text) == ""


@pytest.mark.parametrize("text", ["a", "/a", "a/", "/a/"])
def test_slashes_at_the_ends_do_not_matter(text: str) -> None:
    assert read_root(text) == "/a"


@pytest.mark.parametrize("text", ["/a b", "/a/../b", "/a//b", "/ä", "/a?b", '/a"b', "/a\nb", "/.a"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        read_root(text)
