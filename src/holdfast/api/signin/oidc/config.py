"""`oidc.config` of `argocd-cm`, with `$key` taken from Secrets (api.md §2.7)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.kit.yamlio import YamlError, load_one

KEY = "oidc.config"
_SCOPES = ("openid", "profile", "email", "groups")
_REFERENCE = re.compile(r"\$([A-Za-z0-9._-]+)(?::([A-Za-z0-9._-]+))?")
_HINT = "see `oidc.config` in the operator manual of Argo CD"


class OidcSettings(Protocol):
    """What the provider's settings are read from."""

    def text(self, key: str, default: str = "") -> str:
        """Return a value of `argocd-cm`."""
        ...

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value of `argocd-cm`."""
        ...

    def rbac(self) -> dict[str, str]:
        """Return all of `argocd-rbac-cm`."""
        ...

    def secret(self, key: str) -> str:
        """Return a value of `argocd-secret`."""
        ...

    async def read_settings_secret(self, name: str) -> dict[str, bytes] | None:
        """Return another Secret labelled `app.kubernetes.io/part-of: argocd`."""
        ...


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """One provider.

    Attributes:
        audiences: Of ID tokens; one of them must be named.
        uses_pkce: Whether `oidc.config` asks for PKCE in browsers' flows; ours always uses it.
        root_ca: PEM, `""` for the system's.
        verifies_tls: False only by `oidc.tls.insecure.skip.verify`.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str
    cli_client_id: str = ""
    scopes: tuple[str, ...] = _SCOPES
    claims: tuple[tuple[str, Any], ...] = ()
    audiences: tuple[str, ...] = ()
    skips_missing_audience: bool = False
    logout_url: str = ""
    root_ca: str = ""
    uses_pkce: bool = False
    verifies_tls: bool = True
    wants_user_info: bool = False
    user_info_path: str = ""

    def all_audiences(self) -> tuple[str, ...]:
        """Return whom a token may be for."""
        if self.audiences:
            return self.audiences
        return tuple(one for one in (self.client_id, self.cli_client_id) if one)


async def read_config(settings: OidcSettings) -> OidcConfig | None:
    """Return the provider, None when there is none.

    Raises:
        ConfigurationError: HF3009, `oidc.config` cannot be read.
    """
    text = settings.text(KEY)
    if not text.strip():
        return None
    try:
        tree = load_one(text)
    except YamlError as error:
        raise _wrong(f"it is no YAML: {error}") from error
    if not isinstance(tree, dict):
        raise _wrong("it is no mapping")
    filled = await _filled(tree, settings)
    issuer, client_id = str(filled.get("issuer") or ""), str(filled.get("clientID") or "")
    if not issuer.startswith(("https://", "http://")) or not client_id:
        raise _wrong("it needs `issuer`, an address, and `clientID`")
    wanted = filled.get("requestedIDTokenClaims")
    return OidcConfig(
        name=str(filled.get("name") or "OIDC"),
        issuer=issuer,
        client_id=client_id,
        client_secret=str(filled.get("clientSecret") or ""),
        cli_client_id=str(filled.get("cliClientID") or ""),
        scopes=tuple(_texts(filled.get("requestedScopes"))) or _SCOPES,
        claims=tuple(wanted.items()) if isinstance(wanted, dict) else (),
        audiences=tuple(_texts(filled.get("allowedAudiences"))),
        skips_missing_audience=bool(filled.get("skipAudienceCheckWhenTokenHasNoAudience")),
        logout_url=str(filled.get("logoutURL") or ""),
        root_ca=str(filled.get("rootCA") or ""),
        uses_pkce=bool(filled.get("enablePKCEAuthentication")),
        verifies_tls=not settings.switch("oidc.tls.insecure.skip.verify"),
        wants_user_info=bool(filled.get("enableUserInfoGroups")),
        user_info_path=str(filled.get("userInfoPath") or ""),
    )


def group_claims(settings: OidcSettings) -> tuple[str, ...]:
    """Return the claims that hold groups: `scopes` of `argocd-rbac-cm`."""
    text = settings.rbac().get("scopes", "")
    try:
        found = tuple(_texts(load_one(text))) if text.strip() else ()
    except YamlError:
        found = ()
    return found or ("groups",)


async def _filled(value: Any, settings: OidcSettings) -> Any:
    if isinstance(value, dict):
        return {key: await _filled(item, settings) for key, item in value.items()}
    if isinstance(value, list):
        return [await _filled(item, settings) for item in value]
    found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    name, key = found[1], found[2]
    if key is None:
        return settings.secret(name)
    other = await settings.read_settings_secret(name) or {}
    return other.get(key, b"").decode("utf-8", "replace").strip()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (str(item) for item in value)


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(
        "HF3009", f"{KEY} in argocd-cm cannot be used: {why}", hint=_HINT, retry=Retry.NEVER
    )
