"""The way of a browser to the provider and back (docs/internals/argocd/api.md §2.7).

    /auth/login ─▶ provider ─▶ /auth/callback ─▶ cookie, return_url

Authorization code with PKCE (S256), `state` and `nonce`; the ID token becomes the session.
"""

import asyncio
import secrets
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from starlette.requests import HTTPConnection

from holdfast.api.caller import Caller
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.people import Step
from holdfast.api.signin.cookies import (
    drop_cookies,
    is_secure,
    make_cookies,
    origin_of,
    own_addresses,
)
from holdfast.api.signin.oidc.config import OidcConfig, OidcSettings, group_claims, read_config
from holdfast.api.signin.oidc.provider import RemoteProvider
from holdfast.api.signin.oidc.state import COOKIE, LASTS_S, State, cookie, open_seal, seal
from holdfast.domain.ports import Clock

CALLBACK = "/auth/callback"
_START = "/applications"
_KEY = "server.secretkey"
_MOST_PEOPLE = 10_000


class OidcProvider:
    """The port `Provider`."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        """Read nothing yet: `oidc.config` may come and change at any time."""
        self._settings = settings
        self._clock = clock
        self._remote: RemoteProvider | None = None
        self._groups: dict[str, list[str]] = {}

    @property
    def is_configured(self) -> bool:
        """Whether `oidc.config` names a provider."""
        return bool(self._settings.text("oidc.config").strip())

    async def close(self) -> None:
        """Close the connections."""
        if self._remote is not None:
            await self._remote.close()

    # --- tokens -------------------------------------------------------------------------------

    async def identify(self, token: str) -> Caller:
        """Return whom an ID token names.

        Raises:
            ApiError: 401; 503.
        """
        remote = await self._provider()
        return self._caller(await remote.verify(token))

    def _caller(self, words: dict[str, Any]) -> Caller:
        federated = words.get("federated_claims")
        dex_id = federated.get("user_id") if isinstance(federated, dict) else None
        subject = str(dex_id or words["sub"])
        found = [*self._named_groups(words), *self._groups.get(str(words["sub"]), ())]
        return Caller(
            subject=subject,
            username=str(words.get("email") or subject),
            groups=tuple(dict.fromkeys(found)),
            issuer=str(words["iss"]),
            issued_at=int(words["iat"]),
            token_id=str(words.get("jti") or words.get("at_hash") or ""),
            expires_at=float(words["exp"]),
        )

    def logout_location(self, token: str, back: str) -> str:
        """Return where the provider signs out, `""` when `logoutURL` is not set."""
        if self._remote is None or not self._remote.config.logout_url:
            return ""
        address = self._remote.config.logout_url
        address = address.replace("{{token}}", quote(token, safe=""))
        return address.replace("{{logoutRedirectURL}}", quote(back, safe=""))

    # --- the way there and back ---------------------------------------------------------------

    async def begin(self, connection: HTTPConnection, return_url: str) -> Step:
        """Return where to sign in.

        Raises:
            ApiError: 400, `return_url` is not ours; 501, there is no provider; 503.
        """
        target = self._own(return_url, connection)
        remote = await self._provider()
        facts = await remote.facts()
        state = State(
            state=secrets.token_urlsafe(18),
            nonce=secrets.token_urlsafe(18),
            verifier=secrets.token_urlsafe(48),
            return_url=target,
            until=self._clock.now().timestamp() + LASTS_S,
        )
        config, extra = remote.config, {}
        if config.claims:
            import orjson  # noqa: PLC0415 - few ask for claims

            extra["claims"] = orjson.dumps({"id_token": dict(config.claims)}).decode()
        async with await self._client(remote, connection) as client:
            location, _ = client.create_authorization_url(
                str(facts.get("authorization_endpoint") or ""), state=state.state,
                nonce=state.nonce, code_verifier=state.verifier, **extra,
            )  # fmt: skip
        sealed = seal(state, self._settings.secret(_KEY))
        return Step(location, (cookie(sealed, secure=is_secure(connection)),))

    async def finish(self, connection: HTTPConnection) -> Step:
        """Take the provider's answer, and return to where the browser came from.

        Raises:
            ApiError: 400, it is not the answer to what this browser asked; 401; 503.
        """
        query = connection.query_params
        state = self._state(connection, query.get("state", ""))
        if query.get("error"):
            raise invalid(f"the provider refused to sign in: {_word(query['error'])}")
        remote = await self._provider()
        facts = await remote.facts()
        try:
            async with await self._client(remote, connection) as client:
                answer = await client.fetch_token(
                    str(facts.get("token_endpoint") or ""), grant_type="authorization_code",
                    code=query.get("code", ""), code_verifier=state.verifier,
                )  # fmt: skip
        except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
            raise invalid("the provider did not take the code that it gave") from error
        token = str(answer.get("id_token") or "")
        words = await remote.verify(token, state.nonce)
        if remote.config.wants_user_info:
            await self._keep_groups(remote, str(words["sub"]), str(answer.get("access_token")))
        secure = is_secure(connection)
        made = make_cookies(token, secure=secure)
        names = {one.partition("=")[0] for one in made}
        old = drop_cookies(connection.cookies, secure=secure)
        kept = [*made, *(one for one in old if one.partition("=")[0] not in names)]
        return Step(state.return_url, (*kept, cookie("", secure=secure)))

    async def _keep_groups(self, remote: RemoteProvider, subject: str, access: str) -> None:
        """Ask the provider for the groups of a person, where the ID token has none."""
        found = await remote.user_info(access)
        if str(found.get("sub")) != subject:
            raise invalid("the provider told about somebody else")
        while len(self._groups) >= _MOST_PEOPLE:
            del self._groups[next(iter(self._groups))]
        self._groups[subject] = self._named_groups(found)

    def _named_groups(self, words: dict[str, Any]) -> list[str]:
        found: list[str] = []
        for claim in group_claims(self._settings):
            value = words.get(claim)
            found += [str(one) for one in value] if isinstance(value, list) else []
            found += [value] if isinstance(value, str) and value else []
        return found

    def _state(self, connection: HTTPConnection, given: str) -> State:
        now = self._clock.now().timestamp()
        kept = connection.cookies.get(COOKIE, "")
        state = open_seal(kept, self._settings.secret(_KEY), now) if kept else None
        if state is None or not secrets.compare_digest(state.state.encode(), given.encode()):
            raise invalid("this is not the answer to a sign-in that this browser began; try again")
        return state

    async def _provider(self) -> RemoteProvider:
        config = await read_config(self._settings)
        if config is None:
            raise ApiError(Code.UNIMPLEMENTED, "no OpenID Connect provider is configured")
        if self._remote is None or self._remote.config != config:
            old, self._remote = self._remote, RemoteProvider(config, self._clock)
            if old is not None:
                await old.close()
        return self._remote

    async def _client(
        self, remote: RemoteProvider, connection: HTTPConnection
    ) -> AsyncOAuth2Client:
        config: OidcConfig = remote.config
        # In a thread: the client reads files of the system when it is made.
        return await asyncio.to_thread(
            AsyncOAuth2Client,
            client_id=config.client_id,
            client_secret=config.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if config.client_secret else "none",
            scope=" ".join(config.scopes),
            redirect_uri=self._base(connection) + CALLBACK,
            code_challenge_method="S256",
            verify=await remote.tls(),
            timeout=10.0,
        )

    def _base(self, connection: HTTPConnection) -> str:
        """Return our own address: the one of `argocd-cm` that this browser uses, else `url`."""
        here = f"{connection.url.scheme}://{connection.headers.get('host', '')}".lower()
        addresses = own_addresses(self._settings)
        for address in addresses:
            if origin_of(address) == here:
                return address.rstrip("/")
        if not addresses:
            raise ApiError(Code.FAILED_PRECONDITION, "`url` in argocd-cm must say where we are")
        return addresses[0].rstrip("/")

    def _own(self, return_url: str, connection: HTTPConnection) -> str:
        """Return an address to go back to, once it is ours."""
        base = self._base(connection)
        if not return_url:
            return base + _START
        if return_url.startswith("/") and return_url[1:2] not in ("/", "\\"):
            return base + return_url
        for address in own_addresses(self._settings):
            below = urlsplit(address).path.rstrip("/") + "/"
            is_below = f"{urlsplit(return_url).path}/".startswith(below)
            if origin_of(return_url) == origin_of(address) and is_below:
                return return_url
        raise invalid("Invalid redirect URL: the protocol and host (including port) must match "
                      "and the path must be within allowed URLs if provided")  # fmt: skip


def _word(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char in "_-. ")[:100]
