"""A provider: what it publishes of itself, its keys, and the tokens that it signs.

Everything is fetched when it is first needed and kept; keys are fetched again when a token names
one that we do not know, at most each half minute. Tokens are read with asymmetric algorithms alone.
"""

import asyncio
import ssl
from typing import Any

import httpx2
import jwt

from holdfast.api.failures import ApiError, Code
from holdfast.api.signin.oidc.config import OidcConfig
from holdfast.api.signin.tokens import bad_session, check_times
from holdfast.domain.ports import Clock

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
)
_TIMEOUT_S = 10.0
_MOST_BYTES = 1024 * 1024
_AGAIN_S = 30.0
_WELL_KNOWN = "/.well-known/openid-configuration"


class RemoteProvider:
    """One provider, as `oidc.config` names it."""

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        """Reach for nothing yet."""
        self.config = config
        self._clock = clock
        self._client: httpx2.AsyncClient | None = None
        self._facts: dict[str, Any] = {}
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched_at: float | None = None
        self._fetching = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def tls(self) -> ssl.SSLContext:
        """Return how the provider is trusted; made in a thread, since it reads many files."""
        return await asyncio.to_thread(_context, self.config)

    async def facts(self) -> dict[str, Any]:
        """Return what the provider publishes of itself.

        Raises:
            ApiError: 503, it cannot be reached, or says something else than it should.
        """
        if not self._facts:
            found = await self._get(self.config.issuer.rstrip("/") + _WELL_KNOWN)
            if str(found.get("issuer") or "").rstrip("/") != self.config.issuer.rstrip("/"):
                raise _away("it says that it is another issuer")
            self._facts = found
        return self._facts

    async def verify(self, token: str, nonce: str = "") -> dict[str, Any]:
        """Return the claims of an ID token, checked: signature, issuer, audience, time, nonce.

        Raises:
            ApiError: 401, the token is no good; 503, the keys cannot be fetched.
        """
        facts = await self.facts()
        key = await self._key(token)
        try:
            words: dict[str, Any] = jwt.decode(
                token, key, [key.algorithm_name], issuer=str(facts["issuer"]),
                options={
                    "require": ["iss", "sub", "exp", "iat"], "verify_aud": False,
                    "verify_exp": False, "verify_nbf": False, "verify_iat": False,
                },
            )  # fmt: skip
        except jwt.InvalidTokenError as error:
            raise bad_session("token signature, issuer or claims are invalid") from error
        check_times(words, self._clock.now().timestamp())
        self._check_audience(words)
        if nonce and words.get("nonce") != nonce:
            raise bad_session("token is not for this sign-in")
        return words

    def _check_audience(self, words: dict[str, Any]) -> None:
        found = words.get("aud")
        named = {str(one) for one in found} if isinstance(found, list) else {str(found or "")}
        if not named - {""} and self.config.skips_missing_audience:
            return
        if named.isdisjoint(self.config.all_audiences()):
            raise bad_session("token is for another audience")

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise bad_session("token is malformed") from error
        algorithm, kid = str(header.get("alg")), str(header.get("kid") or "")
        if algorithm not in ALGORITHMS:
            raise bad_session("token signature is invalid")
        key = self._find_key(kid)
        if key is None:
            await self._fetch_keys()
            key = self._find_key(kid)
        if key is None or key.get("alg", algorithm) != algorithm:
            raise bad_session("token is signed with an unknown key")
        try:
            return jwt.PyJWK.from_dict(key, algorithm)
        except (jwt.InvalidKeyError, jwt.PyJWKError, ValueError, TypeError) as error:
            raise bad_session("token is signed with an unknown key") from error

    def _find_key(self, kid: str) -> dict[str, Any] | None:
        if not kid and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _fetch_keys(self) -> None:
        async with self._fetching:
            now = self._clock.monotonic()
            if self._fetched_at is not None and now - self._fetched_at < _AGAIN_S:
                return
            found = await self._get(str((await self.facts()).get("jwks_uri") or ""))
            self._fetched_at = now
            listed = [item for item in found.get("keys") or () if isinstance(item, dict)]
            self._keys = {
                str(item.get("kid") or number): item
                for number, item in enumerate(listed)
                if item.get("use", "sig") == "sig"
            }

    async def user_info(self, access_token: str) -> dict[str, Any]:
        """Return what the provider knows of the person.

        Raises:
            ApiError: 503, it does not answer.
        """
        path = self.config.user_info_path
        address = (
            self.config.issuer.rstrip("/") + path
            if path
            else str((await self.facts()).get("userinfo_endpoint") or "")
        )
        return await self._get(address, {"Authorization": f"Bearer {access_token}"})

    async def _get(self, address: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        if self._client is None:
            self._client = await asyncio.to_thread(
                httpx2.AsyncClient,
                verify=await self.tls(), timeout=_TIMEOUT_S, follow_redirects=False,
                trust_env=True,
            )  # fmt: skip
        try:
            answer = await self._client.get(address, headers=headers or {})
            if answer.status_code != 200 or len(answer.content) > _MOST_BYTES:
                raise _away(f"it answered {answer.status_code}")
            found = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise _away(type(error).__name__) from error
        if not isinstance(found, dict):
            raise _away("it answered something else than JSON objects")
        return found


def _context(config: OidcConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=config.root_ca or None)
    if config.root_ca:
        context.load_default_certs()
    if not config.verifies_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _away(why: str) -> ApiError:
    return ApiError(Code.UNAVAILABLE, f"the OpenID Connect provider cannot be asked: {why}")
