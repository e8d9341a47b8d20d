"""Who a request comes from, and who is kept out (docs/internals/argocd/api.md §2)."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from starlette.responses import Response

from holdfast.api.caller import ANONYMOUS, Caller
from holdfast.api.failures import ApiError
from holdfast.api.signin import cookies, first_start
from holdfast.api.signin.accounts import read_accounts
from holdfast.api.signin.guard import MOST_AT_ONCE
from holdfast.api.signin.links import link, make_code
from holdfast.api.signin.revocations import SECRET, Revocations
from holdfast.api.signin.sessions import LocalSessions
from tests.support.fakes import FakeClock
from tests.support.signed_in import HOST, KEY, PASSWORDS, Entrance, MemorySettings, request

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.requests import Request

ORIGIN = f"https://{HOST}"


@pytest.fixture
async def entrance() -> Entrance:
    found = Entrance(FakeClock(), MemorySettings())
    await found.give("admin", "correct horse")
    return found


async def refusal(work: Awaitable[Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await work
    return caught.value


async def signed_in(entrance: Entrance, name: str = "admin") -> str:
    return await entrance.sessions.sign_in(name, "correct horse")


def forged(claims: dict[str, Any], key: str = KEY, algorithm: str = "HS256") -> str:
    now = FakeClock().now().timestamp()
    words = {"iss": "argocd", "sub": "admin:login", "iat": int(now), "jti": "x", **claims}
    words = {name: value for name, value in words.items() if value is not None}
    return jwt.encode(words, key, algorithm)


async def test_a_name_and_its_password_give_a_token_that_names_the_caller(
    entrance: Entrance,
) -> None:
    token = await signed_in(entrance)
    words = jwt.decode(token, KEY, ["HS256"], options={"verify_exp": False})
    assert words["iss"] == "argocd"
    assert words["sub"] == "admin:login"
    assert words["exp"] - words["iat"] == 24 * 3600
    caller = await entrance.sessions.identify(request(bearer=token))
    assert (caller.subject, caller.username, caller.issuer) == ("admin", "admin", "argocd")


async def test_the_length_of_a_session_is_a_setting(entrance: Entrance) -> None:
    entrance.settings.config["users.session.duration"] = "1h"
    words = jwt.decode(await signed_in(entrance), KEY, ["HS256"], options={"verify_exp": False})
    assert words["exp"] - words["iat"] == 3600


@pytest.mark.parametrize(
    ("name", "password", "status", "words"),
    [
        ("admin", "wrong", 401, "Invalid username or password"),
        ("nobody", "correct horse", 401, "Invalid username or password"),
        ("", "correct horse", 401, "Invalid username or password"),
        ("admin", "", 401, "Blank passwords are not allowed"),
        ("a" * 33, "x", 400, "Username is too long (32 bytes max)"),
        ("ä" * 17, "x", 400, "Username is too long (32 bytes max)"),
        ("off", "correct horse", 401, "Account off is disabled"),
        ("off", "wrong", 401, "Invalid username or password"),
        ("robot", "correct horse", 401, "Account robot does not have login capability"),
        ("admin", "x" * 4000, 401, "Invalid username or password"),
    ],
)
async def test_a_login_is_refused(
    entrance: Entrance, name: str, password: str, status: int, words: str
) -> None:
    await entrance.give("off", "correct horse")
    entrance.settings.config["accounts.off.enabled"] = "false"
    await entrance.give("robot", "correct horse", "apiKey")
    error = await refusal(entrance.sessions.sign_in(name, password))
    assert (error.status, error.message) == (status, words)


async def test_a_password_is_hashed_for_a_name_that_nobody_has(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time that a refusal takes would tell who has an account."""
    asked: list[str] = []
    real = PASSWORDS.matches

    async def matches(password: str, hashed: str) -> bool:
        asked.append(hashed)
        return await real(password, hashed)

    monkeypatch.setattr(PASSWORDS, "matches", matches)
    await refusal(entrance.sessions.sign_in("nobody", "x"))
    await refusal(entrance.sessions.sign_in("admin", "x"))
    assert len(asked) == 2


@pytest.mark.parametrize("name", ["admin", "nobody"])
async def test_five_failures_lock_a_name_for_five_minutes(entrance: Entrance, name: str) -> None:
    clock = entrance.clock
    assert isinstance(clock, FakeClock)
    for _ in range(5):
        await refusal(entrance.sessions.sign_in(name, "wrong"))
    error = await refusal(entrance.sessions.sign_in(name, "correct horse"))
    assert error.message == "Invalid username or password"
    clock.move(301)
    if name == "admin":
        assert await signed_in(entrance)


async def test_a_success_forgets_the_failures(entrance: Entrance) -> None:
    for _ in range(3):
        for _ in range(4):
            await refusal(entrance.sessions.sign_in("admin", "wrong"))
        await signed_in(entrance)


async def test_too_many_logins_at_once_are_refused_like_a_wrong_password(
    entrance: Entrance,
) -> None:
    for _ in range(MOST_AT_ONCE):
        assert entrance.guard.enter()
    error = await refusal(entrance.sessions.sign_in("admin", "correct horse"))
    assert (error.status, error.message) == (401, "Invalid username or password")
    entrance.guard.leave()
    assert await signed_in(entrance)


def none_token() -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    body = json.dumps({"iss": "argocd", "sub": "admin:login", "iat": 0, "jti": "x"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}."


NOW = int(FakeClock().now().timestamp())


@pytest.mark.parametrize(
    ("token", "words"),
    [
        pytest.param("", "no session information", id="none"),
        pytest.param("one.part", "no session information", id="too-few-dots"),
        pytest.param("a.b.c", "malformed", id="nonsense"),
        pytest.param(none_token(), "signature is invalid", id="alg-none"),
        pytest.param(forged({}, "another key that is long enough to be one"),
                     "signature is invalid", id="another-key"),
        pytest.param(forged({}, KEY * 2, "HS512"), "signature is invalid", id="another-algorithm"),
        pytest.param(forged({"exp": NOW - 1}), "expired", id="expired"),
        pytest.param(forged({"nbf": NOW + 3600}), "not valid yet", id="not-yet"),
        pytest.param(forged({"iat": None}), "lacks a claim", id="no-iat"),
        pytest.param(forged({"iss": "evil"}), "unknown issuer", id="another-issuer"),
        pytest.param(forged({"iss": None}), "unknown issuer", id="no-issuer"),
        pytest.param(forged({"jti": ""}), "unique identifier", id="no-id"),
        pytest.param(forged({"sub": "nobody:login"}), "does not exist", id="unknown-account"),
        pytest.param(forged({"sub": "admin:apiKey"}), "apiKey capability", id="no-capability"),
        pytest.param(forged({"sub": "admin:root"}), "does not exist", id="unknown-capability"),
        pytest.param(forged({"sub": "proj:shop:ci"}), "does not have role", id="unknown-project"),
        pytest.param("x" * 90_000 + ".b.c", "malformed", id="huge"),
    ],
)  # fmt: skip
async def test_a_token_is_refused(entrance: Entrance, token: str, words: str) -> None:
    error = await refusal(entrance.sessions.identify(request(bearer=token)))
    assert error.status == 401
    assert words in error.message
    assert await entrance.sessions.identify_or_none(request(bearer=token)) is None


async def test_a_token_counts_until_its_end(entrance: Entrance) -> None:
    token = await signed_in(entrance)
    caller = await entrance.sessions.read(token)
    assert isinstance(entrance.clock, FakeClock)
    entrance.clock.move(24 * 3600 - 1)
    assert entrance.sessions.is_still_good(caller)
    entrance.clock.move(1)
    assert not entrance.sessions.is_still_good(caller)
    assert "expired" in (await refusal(entrance.sessions.read(token))).message


async def test_a_new_password_ends_older_sessions(entrance: Entrance) -> None:
    caller = await entrance.sessions.read(await signed_in(entrance))
    assert isinstance(entrance.clock, FakeClock)
    entrance.clock.move(5)
    await entrance.keeper.change_password(caller, "admin", "correct horse", "battery staple")
    assert not entrance.sessions.is_still_good(caller)
    assert (await refusal(signed_in(entrance))).status == 401
    assert await entrance.sessions.sign_in("admin", "battery staple")


@pytest.mark.parametrize(
    ("current", "new", "words"),
    [
        ("wrong", "battery staple", "current password does not match"),
        ("correct horse", "short", "does not match the following expression: ^.{8,32}$"),
        ("correct horse", "x" * 33, "does not match the following expression"),
        ("correct horse", "😀" * 20, "longer than 72 bytes"),
    ],
)
async def test_a_new_password_is_refused(
    entrance: Entrance, current: str, new: str, words: str
) -> None:
    caller = await entrance.sessions.read(await signed_in(entrance))
    error = await refusal(entrance.keeper.change_password(caller, "admin", current, new))
    assert words in error.message
    assert entrance.sessions.is_still_good(caller)


async def test_an_outside_caller_must_have_come_a_moment_ago(entrance: Entrance) -> None:
    old = Caller("u1", issuer="https://login", issued_at=NOW - 301)
    error = await refusal(entrance.keeper.change_password(old, "admin", "", "battery staple"))
    assert error.status == 400
    assert "too old" in error.message


async def test_a_token_of_a_project_changes_no_password(entrance: Entrance) -> None:
    ci = Caller("proj:shop:ci", issuer="argocd")
    error = await refusal(entrance.keeper.change_password(ci, "admin", "", "battery staple"))
    assert error.status == 400


async def test_an_api_key_counts_while_its_account_lists_it(entrance: Entrance) -> None:
    await entrance.give("robot", "x", "apiKey, login")
    token = await entrance.keeper.create_token("robot", "ci", 0)
    caller = await entrance.sessions.read(token)
    assert (caller.subject, caller.kind, caller.expires_at) == ("robot", "apiKey", 0)
    assert json.loads(entrance.settings.keys["accounts.robot.tokens"])[0]["id"] == "ci"
    taken = await refusal(entrance.keeper.create_token("robot", "ci", 0))
    assert "already has token" in taken.message
    await entrance.keeper.delete_token("robot", "ci")
    assert not entrance.sessions.is_still_good(caller)
    assert (await refusal(entrance.keeper.delete_token("robot", "ci"))).status == 404


async def test_an_account_without_the_capability_gets_no_key(entrance: Entrance) -> None:
    error = await refusal(entrance.keeper.create_token("admin", "", 0))
    assert "does not have apiKey capability" in error.message


@pytest.mark.parametrize(
    ("listed", "is_good"),
    [
        ({"iat": NOW, "id": "a"}, True),
        ({"iat": NOW}, True),
        ({"iat": NOW, "id": "b"}, False),
        ({"iat": NOW - 1}, False),
    ],
)
async def test_a_project_token_counts_while_its_role_lists_it(
    entrance: Entrance, listed: dict[str, Any], is_good: bool
) -> None:
    token, record = entrance.sessions.issue_project_token("shop", "ci", "a", 0)
    assert record.id == "a"
    roles = [{"name": "ci", "jwtTokens": [listed]}]
    entrance.projects.take({"metadata": {"name": "shop"}, "spec": {"roles": roles}})
    found = await entrance.sessions.identify_or_none(request(bearer=token))
    assert (found is not None and found.subject == "proj:shop:ci") is is_good


async def test_signing_out_revokes_and_outlives_a_restart(entrance: Entrance) -> None:
    token = await signed_in(entrance)
    heard: list[str] = []
    entrance.news.listen(lambda: heard.append("news"))
    caller = await entrance.sessions.sign_out(request(cookie=f"argocd.token={token}"))
    assert caller is not None
    assert heard
    assert not entrance.sessions.is_still_good(caller)
    again = Entrance(entrance.clock, entrance.settings)
    await again.revocations.load()
    assert "revoked" in (await refusal(again.sessions.read(token))).message


async def test_who_carries_an_api_key_does_not_revoke_it_by_signing_out(
    entrance: Entrance,
) -> None:
    await entrance.give("robot", "x", "apiKey")
    token = await entrance.keeper.create_token("robot", "ci", 0)
    await entrance.sessions.sign_out(request(bearer=token))
    assert (await entrance.sessions.read(token)).subject == "robot"


async def test_revoked_tokens_are_forgotten_after_their_time() -> None:
    settings, clock = MemorySettings(), FakeClock()
    entrance = Entrance(clock, settings)
    await entrance.revocations.revoke("a", NOW + 10)
    clock.move(11)
    await entrance.revocations.revoke("b", NOW + 1000)
    assert len(settings.others[SECRET]) == 1
    fresh = Revocations(settings, clock, entrance.news)
    await fresh.load()
    assert fresh.is_revoked("b")
    assert not fresh.is_revoked("a")


async def test_a_session_about_to_end_is_renewed_in_the_browser(entrance: Entrance) -> None:
    token = await signed_in(entrance)
    early = request(cookie=f"argocd.token={token}")
    await entrance.sessions.identify(early)
    assert _cookies_of(early) == []
    assert isinstance(entrance.clock, FakeClock)
    entrance.clock.move(24 * 3600 - 299)
    late = request(cookie=f"argocd.token={token}")
    await entrance.sessions.identify(late)
    fresh = _cookies_of(late)[0].partition(";")[0].partition("=")[2]
    assert fresh != token
    assert (await entrance.sessions.read(fresh)).subject == "admin"


def _cookies_of(asked: Request) -> list[str]:
    response = Response()
    cookies.add_pending(asked, response)
    return response.headers.getlist("set-cookie")


async def test_signing_in_never_takes_over_a_token_that_was_there(entrance: Entrance) -> None:
    """Session fixation: what an attacker planted is thrown away."""
    planted = await signed_in(entrance)
    fresh = await signed_in(entrance)
    assert fresh != planted
    asked = request("POST", cookie=f"argocd.token=2:{planted}; argocd.token-1=x")
    found = entrance.sessions.cookies(fresh, asked)
    assert found[0].startswith(f"argocd.token={fresh};")
    assert found[1].startswith("argocd.token-1=; Max-Age=0")


# --- cookies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers", "is_allowed"),
    [
        ("GET", {}, True),
        ("HEAD", {}, True),
        ("POST", {}, False),
        ("DELETE", {"origin": "null"}, False),
        ("POST", {"origin": "https://evil.example.com"}, False),
        ("POST", {"origin": f"https://{HOST}.evil.example.com"}, False),
        ("POST", {"origin": f"https://{HOST}:444"}, False),
        ("POST", {"referer": f"https://{HOST}/x"}, False),
        ("POST", {"origin": f"https://{HOST}"}, True),
        ("PUT", {"origin": f"HTTPS://{HOST.upper()}"}, True),
        ("PATCH", {"origin": "https://argo.example.com"}, True),
        ("PATCH", {"origin": "https://more.example.com:8443"}, True),
    ],
)
async def test_a_cookie_counts_for_a_change_only_from_our_own_pages(
    entrance: Entrance, method: str, headers: dict[str, str], is_allowed: bool
) -> None:
    entrance.settings.config["url"] = "https://argo.example.com/argocd"
    entrance.settings.config["additionalUrls"] = '- "https://more.example.com:8443"\n'
    token = await signed_in(entrance)
    asked = request(method, cookie=f"argocd.token={token}", **headers)
    if is_allowed:
        assert (await entrance.sessions.identify(asked)).subject == "admin"
    else:
        error = await refusal(entrance.sessions.identify(asked))
        assert error.status == 403
        assert "Origin" in error.message


async def test_a_bearer_needs_no_origin(entrance: Entrance) -> None:
    token = await signed_in(entrance)
    assert (await entrance.sessions.identify(request("POST", bearer=token))).subject == "admin"


async def test_a_foreign_page_gains_nothing_where_anonymous_is_allowed(
    entrance: Entrance,
) -> None:
    entrance.settings.config["users.anonymous.enabled"] = "true"
    assert await entrance.sessions.identify(request()) == ANONYMOUS
    assert await entrance.sessions.identify(request(bearer=none_token())) == ANONYMOUS
    token = await signed_in(entrance)
    asked = request("POST", cookie=f"argocd.token={token}")
    assert (await refusal(entrance.sessions.identify(asked))).status == 403


@pytest.mark.parametrize("length", [1, 3000, 4000, 9000, 60_000])
def test_a_long_token_goes_into_several_cookies_and_comes_back(length: int) -> None:
    token = "t" * length
    made = cookies.make_cookies(token, secure=True)
    assert all(len(one) <= 4093 for one in made)
    assert all("HttpOnly" in one and "SameSite=Lax" in one and "Secure" in one for one in made)
    sent = dict(one.partition(";")[0].split("=", 1) for one in made)
    assert cookies.join_cookies(sent) == token
    if length > 4000:
        assert sent["argocd.token"].startswith(f"{len(made)}:")


def test_a_token_that_needs_too_many_cookies_is_refused() -> None:
    with pytest.raises(ApiError):
        cookies.make_cookies("t" * 100_000, secure=False)


@pytest.mark.parametrize(
    "sent",
    [
        {"argocd.token": "3:a", "argocd.token-1": "b"},
        {"argocd.token": "99:a"},
        {"argocd.token": "0:a"},
        {"argocd.token": "x:a"},
        {},
    ],
)
def test_cookies_with_missing_parts_are_no_token(sent: dict[str, str]) -> None:
    assert cookies.join_cookies(sent) == ""


# --- one-time links ---------------------------------------------------------------------------


async def test_a_one_time_link_signs_in_once(entrance: Entrance) -> None:
    code = make_code()
    assert link("http://127.0.0.1:8080", code).endswith(f"/auth/once?code={code}")
    entrance.links.offer(code, NOW + 300)
    token = await entrance.sessions.redeem(code, request())
    assert (await entrance.sessions.read(token)).subject == "admin"
    assert (await refusal(entrance.sessions.redeem(code, request()))).status == 401
    again = Entrance(entrance.clock, entrance.settings)
    await again.revocations.load()
    again.links.offer(code, NOW + 300)
    assert (await refusal(again.sessions.redeem(code, request()))).status == 401


@pytest.mark.parametrize(
    ("client", "seconds", "code"),
    [("192.0.2.1", 0, "right"), ("127.0.0.1", 301, "right"), ("127.0.0.1", 0, "wrong")],
)
async def test_a_one_time_link_is_refused(
    entrance: Entrance, client: str, seconds: int, code: str
) -> None:
    entrance.links.offer("right", NOW + 300)
    assert isinstance(entrance.clock, FakeClock)
    entrance.clock.move(seconds)
    error = await refusal(entrance.sessions.redeem(code, request(client=client)))
    assert (error.status, "link" in error.message) == (401, True)


# --- first start, accounts --------------------------------------------------------------------


async def test_the_first_start_adds_what_is_missing_and_keeps_the_first_password() -> None:
    settings, clock = MemorySettings(keys={"webhook.github.secret": "s"}), FakeClock()
    assert await first_start.prepare(settings, PASSWORDS, clock)
    password = settings.others[first_start.INITIAL]["password"].decode()
    assert len(password) == 16
    assert settings.keys["admin.password"].startswith("$2a$")
    assert settings.keys["webhook.github.secret"] == "s"
    assert await Entrance(clock, settings).sessions.sign_in("admin", password)
    before = dict(settings.keys)
    assert not await first_start.prepare(settings, PASSWORDS, clock)
    assert settings.keys == before
    assert password not in str(settings.keys)


async def test_a_first_start_that_broke_off_goes_on_with_the_password_that_was_made() -> None:
    settings = MemorySettings(others={first_start.INITIAL: {"password": b"made before"}})
    assert await first_start.prepare(settings, PASSWORDS, FakeClock())
    assert await Entrance(FakeClock(), settings).sessions.sign_in("admin", "made before")


async def test_a_disabled_admin_gets_no_password() -> None:
    settings = MemorySettings(config={"admin.enabled": "false"}, keys={})
    assert not await first_start.prepare(settings, PASSWORDS, FakeClock())
    assert set(settings.keys) == {"server.secretkey"}
    assert settings.others == {}


def test_what_to_do_names_the_command() -> None:
    assert "kubectl -n argocd get secret argocd-initial-admin-secret" in first_start.how_to_read(
        "argocd"
    )


def test_accounts_are_read_from_both_objects() -> None:
    config = {
        "accounts.ann": "apiKey, login",
        "accounts.bob": "login",
        "accounts.bob.enabled": "false",
        "accounts.admin": "login, apiKey",
    }
    secrets = {"accounts.ann.tokens": '[{"id":"a","iat":1,"exp":2}]', "admin.tokens": "nonsense"}
    found = read_accounts(config, secrets)
    assert sorted(found) == ["admin", "ann", "bob"]
    assert found["ann"].capabilities == ("apiKey", "login")
    assert found["ann"].tokens[0].expires_at == 2
    assert not found["bob"].is_enabled
    assert found["admin"].tokens == ()
    assert read_accounts({"admin.enabled": "false"}, {})["admin"].is_enabled is False


async def test_logins_are_counted_good_and_bad(entrance: Entrance) -> None:
    counted: list[bool] = []
    parts = replace(entrance.sessions._parts, on_login=counted.append)
    sessions = LocalSessions(parts, random.Random(7))
    await entrance.give("admin", "correct horse")
    assert await sessions.sign_in("admin", "correct horse")
    for name, password in (("admin", "wrong"), ("ghost", "x"), ("admin", ""), ("x" * 40, "x")):
        await refusal(sessions.sign_in(name, password))
    assert counted == [True, False, False, False, False]
