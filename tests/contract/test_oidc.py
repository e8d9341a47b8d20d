"""Sign-in at a real OpenID Connect provider, a process of its own on the loopback (api.md §2.7)."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from holdfast.api.failures import ApiError
from holdfast.api.signin.oidc.flow import OidcProvider
from holdfast.api.signin.oidc.late import LateProvider
from holdfast.api.signin.oidc.missing import MissingProvider
from holdfast.kit.clock import SystemClock
from tests.support.signed_in import HOST, Entrance, MemorySettings, request
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.api.people import Step

URL = f"http://{HOST}"
ANN = {"sub": "ann", "email": "ann@example.com", "groups": ["ops", "role:admin"], "team": "red"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider's address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--user-claims", json.dumps(ANN)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually_now(lambda: _answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class World:
    """A browser, us, and the provider."""

    def __init__(self, issuer: str, more: str = "", **config: str) -> None:
        self.settings = MemorySettings()
        self.settings.keys["oidc.secret"] = "hidden"
        self.settings.config = {
            "url": URL,
            "oidc.config": f"name: Test\nissuer: {issuer}\nclientID: holdfast\n"
            f"clientSecret: $oidc.secret\n{more}",
            **config,
        }
        self.provider = OidcProvider(self.settings, SystemClock())
        self.entrance = Entrance(SystemClock(), self.settings, provider=self.provider)
        self.cookies: dict[str, str] = {}

    def take(self, step: Step) -> None:
        for cookie in step.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)

    async def begin(self, return_url: str = "") -> Step:
        step = await self.provider.begin(request(), return_url)
        self.take(step)
        return step

    async def agree(self, step: Step, sub: str = "ann") -> str:
        """Signs in at the provider; returns the query that comes back."""
        async with httpx2.AsyncClient() as browser:
            answer = await browser.post(step.location, data={"sub": sub})
        back = answer.headers["location"]
        assert back.startswith(f"{URL}/auth/callback?")
        return str(urlsplit(back).query)

    async def finish(self, query: str, cookie: str | None = None) -> Step:
        asked = request(cookie=self.cookie if cookie is None else cookie)
        asked.scope["query_string"] = query.encode()
        return await self.provider.finish(asked)

    async def token(self) -> str:
        step = await self.begin()
        self.take(await self.finish(await self.agree(step)))
        return self.cookies["argocd.token"]


@pytest.fixture
async def world(issuer: str) -> AsyncIterator[World]:
    found = World(issuer)
    yield found
    await found.provider.close()


async def test_a_browser_goes_there_and_comes_back_signed_in(world: World) -> None:
    step = await world.begin("/applications/web?view=tree")
    asked = parse_qs(urlsplit(step.location).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email groups"]
    assert asked["redirect_uri"] == [f"{URL}/auth/callback"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "hidden" not in step.location
    back = await world.finish(await world.agree(step))
    assert back.location == f"{URL}/applications/web?view=tree"
    world.take(back)
    assert world.cookies["argocd.oauthstate"] == ""
    caller = await world.entrance.sessions.identify(request(cookie=world.cookie))
    assert (caller.subject, caller.username) == ("ann", "ann@example.com")
    assert caller.groups == ("ops", "role:admin")


async def test_an_id_token_is_a_bearer_and_can_be_revoked(world: World) -> None:
    token = await world.token()
    sessions = world.entrance.sessions
    caller = await sessions.identify(request("POST", bearer=token))
    assert caller.issuer.startswith("http://127.0.0.1")
    assert sessions.is_still_good(caller)
    if caller.token_id:
        await sessions.sign_out(request(bearer=token))
        assert not sessions.is_still_good(caller)


async def test_groups_come_from_the_claims_that_scopes_name(world: World) -> None:
    world.settings.policies["scopes"] = "[team, email]"
    caller = await world.provider.identify(await world.token())
    assert caller.groups == ("red", "ann@example.com")


async def test_groups_can_come_from_user_info(issuer: str) -> None:
    world = World(issuer, "enableUserInfoGroups: true\n")
    caller = await world.provider.identify(await world.token())
    assert caller.groups == ("ops", "role:admin")
    await world.provider.close()


async def _refusal(work: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await work
    return caught.value


async def test_an_answer_counts_for_the_browser_that_asked_alone(world: World) -> None:
    """Nobody can be signed in to somebody else's session by a link."""
    query = await world.agree(await world.begin())
    other = World(world.settings.config["oidc.config"].split("issuer: ")[1].split("\n")[0])
    await other.begin()
    for cookie in ("", "argocd.oauthstate=nonsense", other.cookie):
        error = await _refusal(world.finish(query, cookie))
        assert (error.status, "this browser" in error.message) == (400, True)
    await other.provider.close()


async def test_a_code_counts_once(world: World) -> None:
    query = await world.agree(await world.begin())
    await world.finish(query)
    assert (await _refusal(world.finish(query))).status == 400


async def test_a_refusal_of_the_provider_is_said_without_its_markup(world: World) -> None:
    step = await world.begin()
    state = parse_qs(urlsplit(step.location).query)["state"][0]
    error = await _refusal(world.finish(f"error=access_denied%3Cscript%3E&state={state}"))
    assert error.message == "the provider refused to sign in: access_deniedscript"


@pytest.mark.parametrize(
    ("return_url", "is_ours"),
    [
        ("", True),
        ("/applications", True),
        (f"{URL}/applications", True),
        ("https://more.example.com/argo/x", True),
        ("https://more.example.com/argocd-evil", False),
        ("https://evil.example.com/", False),
        (f"{URL}.evil.example.com/", False),
        (f"{URL}@evil.example.com/", False),
        ("//evil.example.com/", False),
        ("/\\evil.example.com/", False),
        ("javascript:alert(1)", False),
    ],
)
async def test_people_are_sent_back_to_our_own_addresses_alone(
    world: World, return_url: str, is_ours: bool
) -> None:
    world.settings.config["additionalUrls"] = "- https://more.example.com/argo\n"
    if is_ours:
        await world.begin(return_url)
    else:
        error = await _refusal(world.begin(return_url))
        assert error.status == 400
        assert error.message.startswith("Invalid redirect URL")


async def test_a_token_for_another_audience_is_refused(issuer: str, world: World) -> None:
    token = await world.token()
    other = World(issuer, "allowedAudiences: [somebody-else]\n")
    error = await _refusal(other.provider.identify(token))
    assert (error.status, "another audience" in error.message) == (401, True)
    await other.provider.close()


async def test_a_token_of_another_sign_in_is_refused(world: World) -> None:
    first = await world.begin()
    query = await world.agree(first)
    code = parse_qs(query)["code"][0]
    second = await world.begin()
    state = parse_qs(urlsplit(second.location).query)["state"][0]
    error = await _refusal(world.finish(f"code={code}&state={state}"))
    assert error.status in (400, 401)


_FOREIGN = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("how", ["another key", "alg none", "our algorithm", "expired", "issuer"])
async def test_a_forged_id_token_is_refused(issuer: str, world: World, how: str) -> None:
    token = await world.token()
    kid = jwt.get_unverified_header(token).get("kid")
    head = {"kid": str(kid)} if kid else {}
    words = jwt.decode(token, options={"verify_signature": False})
    if how == "alg none":
        forged = jwt.encode(words, "", "none", head)
    elif how == "our algorithm":
        forged = jwt.encode(words, "k" * 44, "HS256", head)
    else:
        changed = {**words, "exp": 1} if how == "expired" else words
        changed = {**changed, "iss": f"{issuer}/other"} if how == "issuer" else changed
        forged = jwt.encode(changed, _FOREIGN, "RS256", head)
    assert (await _refusal(world.provider.identify(forged))).status == 401


async def test_a_provider_that_is_away_is_a_503(world: World) -> None:
    world.settings.config["oidc.config"] = "issuer: http://127.0.0.1:9\nclientID: x\n"
    assert (await _refusal(world.begin())).status == 503


async def test_signing_out_goes_on_at_the_provider(issuer: str) -> None:
    world = World(issuer, "logoutURL: https://idp/out?t={{token}}&b={{logoutRedirectURL}}\n")
    token = await world.token()
    found = world.provider.logout_location(token, f"{URL}/")
    assert found.endswith("&b=http%3A%2F%2Fholdfast.example.com%2F")
    await world.provider.close()


async def test_the_libraries_are_loaded_at_the_first_question(world: World) -> None:
    late = LateProvider(world.settings, SystemClock())
    assert late.logout_location("token", URL) == ""
    token = await world.token()
    assert (late.is_configured, await late.identify(token)) == (
        True, await world.provider.identify(token),
    )  # fmt: skip
    world.settings.config["oidc.config"] = ""
    assert (await _refusal(late.begin(request(), f"{URL}/"))).status == 501
    await late.close()


def test_what_is_configured_is_asked_each_time() -> None:
    settings = MemorySettings()
    late = LateProvider(settings, SystemClock())
    settings.config["oidc.config"] = "issuer: https://idp\n"
    seen = [late.is_configured]
    settings.config["oidc.config"] = " "
    assert [*seen, late.is_configured] == [True, False]


async def test_a_wheel_without_the_extra_says_what_to_install() -> None:
    error = await _refusal(MissingProvider(lambda: True).begin(request(), ""))
    assert error.status == 501
    assert "pip install 'holdfast[oidc]'" in error.message
