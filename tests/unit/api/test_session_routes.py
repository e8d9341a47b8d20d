"""Sessions, accounts and settings over HTTP, with real tokens and real roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse

from holdfast.api.access.roles import PolicyRoles
from holdfast.api.call import Stream
from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from holdfast.api.table import Route
from tests.support.api import ApiClient, ApiWorld
from tests.support.fakes import FakeClock
from tests.support.signed_in import Entrance, MemorySettings
from tests.unit.requests.given import app

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Coroutine

    from holdfast.api.call import Call

SESSION = "/api/v1/session"
ACCOUNT = "/api/v1/account"
OURS = "http://holdfast"


def never(_name: str, coroutine: Coroutine[Any, Any, object]) -> None:
    coroutine.close()


@dataclass
class Guarded:
    """The API behind real sign-in and roles."""

    api: ApiWorld
    entrance: Entrance
    roles: PolicyRoles
    client: ApiClient

    async def as_(self, name: str) -> ApiClient:
        token = await self.entrance.sessions.sign_in(name, "correct horse")
        return self.client.as_(token)

    async def allow(self, csv: str) -> None:
        self.entrance.settings.policies["policy.csv"] = csv
        await self.roles.load()


async def guarded(*more: Route) -> Guarded:
    api, settings = ApiWorld(app({"project": "shop"})), MemorySettings()
    assert isinstance(api.clock, FakeClock)
    entrance = Entrance(api.clock, settings)
    await entrance.give("admin", "correct horse")
    await entrance.give("ann", "correct horse", "login, apiKey")
    roles = PolicyRoles(settings, entrance.projects, entrance.news, never)
    await roles.load()
    services = replace(
        api.services,
        sign_in=entrance.sessions, sessions=entrance.sessions, accounts=entrance.keeper,
        roles=roles, settings=settings, news=entrance.news,
    )  # fmt: skip
    page = PlainTextResponse("no page", 404)
    client = ApiClient(ApiServer((*all_routes(), *more), services, page))
    return Guarded(api, entrance, roles, client)


@pytest.fixture
async def world() -> Guarded:
    return await guarded()


ADMIN = {"username": "admin", "password": "correct horse"}


async def test_signing_in_gives_a_token_and_a_cookie(world: Guarded) -> None:
    reply = await world.client.post(SESSION, ADMIN)
    assert reply.status == 200
    assert reply.headers["set-cookie"].startswith(f"argocd.token={reply.json['token']};")
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert reply.headers["cache-control"] == "no-store"
    info = await world.client.as_(reply.json["token"]).get(f"{SESSION}/userinfo")
    assert info.json == {"loggedIn": True, "username": "admin", "iss": "argocd", "groups": []}


async def test_wrong_name_and_wrong_password_get_the_very_same_answer(world: Guarded) -> None:
    wrong = await world.client.post(SESSION, {**ADMIN, "password": "x"})
    nobody = await world.client.post(SESSION, {**ADMIN, "username": "nobody"})
    assert (wrong.status, wrong.body, wrong.headers) == (401, nobody.body, nobody.headers)
    assert "set-cookie" not in wrong.headers


async def test_nobody_is_nobody(world: Guarded) -> None:
    assert (await world.client.get(f"{SESSION}/userinfo")).json == {"loggedIn": False}
    assert (await world.client.get(ACCOUNT)).status == 401


async def test_a_password_is_never_echoed(world: Guarded) -> None:
    reply = await world.client.post(SESSION, {"username": "admin", "password": {"x": "s3cret"}})
    assert reply.status == 400
    assert b"s3cret" not in reply.body


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_form_of_another_page_cannot_sign_in(world: Guarded, content: str) -> None:
    reply = await world.client.send("POST", SESSION, ADMIN, {"content-type": content})
    assert reply.status == 415


async def test_signing_out_ends_the_token(world: Guarded) -> None:
    token = (await world.client.post(SESSION, ADMIN)).json["token"]
    gone = await world.client.as_(token).delete(SESSION)
    assert gone.json == {"token": ""}
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert (await world.client.as_(token).get(ACCOUNT)).status == 401


async def test_another_page_cannot_sign_anybody_out(world: Guarded) -> None:
    token = (await world.client.post(SESSION, ADMIN)).json["token"]
    cookie = f"argocd.token={token}"
    refused = await world.client.send("DELETE", SESSION, headers={"cookie": cookie})
    assert refused.status == 403
    foreign = {"cookie": cookie, "sec-fetch-site": "cross-site"}
    assert (await world.client.send("GET", "/auth/logout", headers=foreign)).status == 403
    assert (await world.client.as_(token).get(ACCOUNT)).status == 200
    reply = await world.client.send("GET", "/auth/logout", headers={"cookie": cookie})
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert (await world.client.as_(token).get(ACCOUNT)).status == 401


async def test_a_browser_without_a_session_has_nothing_to_end(world: Guarded) -> None:
    assert (await world.client.get("/auth/logout")).status == 400


async def test_a_cookie_changes_nothing_without_our_origin(world: Guarded) -> None:
    token = (await world.client.post(SESSION, ADMIN)).json["token"]
    headers = {"cookie": f"argocd.token={token}", "host": "holdfast"}
    body = {"name": "admin", "currentPassword": "correct horse", "newPassword": "battery staple"}
    path = f"{ACCOUNT}/password"
    assert (await world.client.send("PUT", path, body, headers)).status == 403
    ours = {**headers, "origin": OURS}
    assert (await world.client.send("PUT", path, body, ours)).status == 200


async def test_a_one_time_link_sets_the_cookie_and_opens_the_page(world: Guarded) -> None:
    world.entrance.links.offer("code", world.api.clock.now().timestamp() + 300)
    reply = await world.client.get("/auth/once?code=code")
    assert (reply.status, reply.headers["location"]) == (303, "/applications")
    assert reply.headers["set-cookie"].startswith("argocd.token=ey")
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert (await world.client.get("/auth/once?code=code")).status == 401
    told = await world.client.get("/auth/once?code=code", accept="text/html,*/*")
    assert (told.status, told.headers["location"]) == (303, "/login?problem=link")


async def test_sign_in_elsewhere_is_said_to_be_missing(world: Guarded) -> None:
    assert (await world.client.get("/auth/login")).status == 501


# --- accounts ---------------------------------------------------------------------------------


async def test_everybody_sees_himself_and_who_may_sees_all(world: Guarded) -> None:
    ann, admin = await world.as_("ann"), await world.as_("admin")
    assert [one["name"] for one in (await ann.get(ACCOUNT)).json["items"]] == ["ann"]
    assert [one["name"] for one in (await admin.get(ACCOUNT)).json["items"]] == ["admin", "ann"]
    assert (await ann.get(f"{ACCOUNT}/ann")).json["capabilities"] == ["login", "apiKey"]
    refused = await ann.get(f"{ACCOUNT}/admin")
    missing = await ann.get(f"{ACCOUNT}/nobody")
    assert (refused.status, missing.status) == (403, 403)
    assert refused.message.startswith("permission denied: accounts, get, admin, sub: ann, iat: ")
    assert (await admin.get(f"{ACCOUNT}/nobody")).status == 404


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("applications/get/shop%2Fweb", "yes"),
        ("applications/get/shop/web", "yes"),
        ("applications/get/*/*", "no"),
        ("applications/sync/shop/web", "no"),
        ("applications/rollback/shop/web", "no"),
        ("applications/action%2Fapps%2FDeployment%2Frestart/shop/web", "yes"),
        ("projects/get/shop", "no"),
    ],
)
async def test_can_i(world: Guarded, path: str, value: str) -> None:
    await world.allow(
        "p, ann, applications, get, shop/*, allow\n"
        "p, ann, applications, action/apps/*, shop/*, allow"
    )
    ann = await world.as_("ann")
    assert (await ann.get(f"{ACCOUNT}/can-i/{path}")).json == {"value": value}


@pytest.mark.parametrize("path", ["planets/get/x", "applications/fly/x"])
async def test_can_i_knows_no_such_thing(world: Guarded, path: str) -> None:
    assert (await (await world.as_("ann")).get(f"{ACCOUNT}/can-i/{path}")).status == 400


async def test_api_keys_are_made_listed_used_and_taken_away(world: Guarded) -> None:
    ann = await world.as_("ann")
    made = await ann.post(f"{ACCOUNT}/ann/token", {"id": "ci", "expiresIn": 3600})
    key = world.client.as_(made.json["token"])
    listed = (await key.get(f"{ACCOUNT}/ann")).json["tokens"]
    assert listed[0]["expiresAt"] - listed[0]["issuedAt"] == 3600
    assert (await ann.delete(f"{ACCOUNT}/ann/token/ci")).json == {}
    assert (await key.get(f"{ACCOUNT}/ann")).status == 401
    assert (await ann.delete(f"{ACCOUNT}/ann/token/ci")).status == 404
    assert (await ann.post(f"{ACCOUNT}/admin/token", {})).status == 403
    assert (await (await world.as_("admin")).post(f"{ACCOUNT}/ann/token")).status == 200


async def test_somebody_else_s_password_takes_a_right_and_one_s_own(world: Guarded) -> None:
    ann, admin = await world.as_("ann"), await world.as_("admin")
    path = f"{ACCOUNT}/password"
    body = {"name": "admin", "currentPassword": "correct horse", "newPassword": "battery staple"}
    assert (await ann.put(path, body)).status == 403
    for_ann = {**body, "name": "ann"}
    assert (await admin.put(path, {**for_ann, "currentPassword": "x"})).status == 400
    assert (await admin.put(path, for_ann)).status == 200
    reply = await world.client.post(SESSION, {"username": "ann", "password": "battery staple"})
    assert reply.status == 200


# --- settings ---------------------------------------------------------------------------------


async def test_settings_tell_more_to_who_is_signed_in_and_no_secret_to_anybody(
    world: Guarded,
) -> None:
    world.entrance.settings.config |= {
        "url": "https://argo.example.com",
        "ui.bannercontent": "closed on Friday",
        "oidc.config": "name: Okta\nissuer: https://idp\nclientID: $hidden\nclientSecret: s3cret",
        "resource.customizations.health.apps_Deployment": "return {}",
    }
    outside = await world.client.get("/api/v1/settings")
    assert outside.json["oidcConfig"] == {"name": "Okta", "issuer": "https://idp"}
    assert "uiBannerContent" not in outside.json
    assert "controllerNamespace" not in outside.json
    inside = await (await world.as_("ann")).get("/api/v1/settings")
    assert inside.json["uiBannerContent"] == "closed on Friday"
    assert inside.json["passwordPattern"] == "^.{8,32}$"
    assert inside.json["resourceOverrides"] == {"apps/Deployment": {"health": "return {}"}}
    assert b"s3cret" not in outside.body + inside.body


async def test_local_logins_may_be_off(world: Guarded) -> None:
    assert (await world.client.get("/api/v1/settings")).json["userLoginsDisabled"] is False
    world.entrance.settings.config |= {"admin.enabled": "false", "accounts.ann": "apiKey"}
    world.entrance.book.forget()
    assert (await world.client.get("/api/v1/settings")).json["userLoginsDisabled"] is True


# --- long streams -----------------------------------------------------------------------------


def endless(began: asyncio.Event) -> Route:
    async def items() -> AsyncIterator[Any]:
        yield {"number": 1}
        began.set()
        await type(began)().wait()  # nothing comes any more

    async def handle(call: Call[Any, Any]) -> Stream:
        call.demand("applications", "get", "shop/web")
        return Stream(items())

    return Route("GET", "/api/v1/stream/endless", handle, "Never ends.", streams=True)


@pytest.fixture
async def streaming() -> Guarded:
    import asyncio  # noqa: PLC0415

    found = await guarded(endless(asyncio.Event()))
    await found.allow("p, ann, applications, get, shop/*, allow")
    return found


async def _revoke(world: Guarded, client: ApiClient) -> None:
    await client.delete(SESSION)


async def _take_the_right(world: Guarded, _client: ApiClient) -> None:
    await world.allow("")


async def _disable(world: Guarded, _client: ApiClient) -> None:
    world.entrance.settings.config["accounts.ann.enabled"] = "false"
    world.entrance.book.forget()
    world.roles.settings_changed()


async def _allow_more(world: Guarded, _client: ApiClient) -> None:
    await world.allow("p, ann, applications, *, shop/*, allow")


@pytest.mark.parametrize(
    ("change", "code"), [(_revoke, 401), (_take_the_right, 403), (_disable, 401)]
)
async def test_a_stream_ends_with_the_rights_of_its_reader(
    streaming: Guarded, change: Any, code: int
) -> None:
    ann = await streaming.as_("ann")
    async with ann.stream("/api/v1/stream/endless") as messages:
        assert await messages.result() == {"number": 1}
        await _allow_more(streaming, ann)
        await change(streaming, ann)
        last = await messages.next()
    assert last["error"]["http_code"] == code


async def test_a_stream_ends_with_its_token(streaming: Guarded) -> None:
    streaming.entrance.settings.config["users.session.duration"] = "1s"
    ann = await streaming.as_("ann")
    async with ann.stream("/api/v1/stream/endless") as messages:
        await messages.result()
        assert (await messages.next())["error"]["http_code"] == 401
