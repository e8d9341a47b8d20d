"""Accounts and sessions as routes see them (docs/internals/argocd/api.md §1.5, §2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.requests import HTTPConnection

from holdfast.api.caller import Caller


class Capability(StrEnum):
    """What an account may be used for."""

    LOGIN = "login"
    API_KEY = "apiKey"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as its account lists it; times are Unix seconds, `expires_at` 0 is never."""

    id: str
    issued_at: int
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """One local account.

    Attributes:
        password_hash: bcrypt, `""` when it has none.
        password_changed_at: Unix seconds, 0 when unknown.
    """

    name: str
    is_enabled: bool = True
    capabilities: tuple[str, ...] = (Capability.LOGIN,)
    password_hash: str = ""
    password_changed_at: float = 0.0
    tokens: tuple[TokenRecord, ...] = ()


class Accounts(Protocol):
    """Local accounts, and what may be done with them."""

    def all(self) -> Sequence[Account]:
        """Return all, by name."""
        ...

    def find(self, name: str) -> Account | None:
        """Return one."""
        ...

    async def change_password(self, caller: Caller, name: str, current: str, new: str) -> None:
        """Set a password; `caller` has been asked for rights.

        Raises:
            ApiError: a password does not match, or is not as `passwordPattern` wants it.
        """
        ...

    async def create_token(self, name: str, token_id: str, seconds: int) -> str:
        """Return a new API key of an account; 0 seconds last for ever.

        Raises:
            ApiError: the account has no such capability, or the id is taken.
        """
        ...

    async def delete_token(self, name: str, token_id: str) -> None:
        """Forget an API key.

        Raises:
            ApiError: 404, there is none.
        """
        ...


class Sessions(Protocol):
    """People who come and go."""

    async def sign_in(self, username: str, password: str) -> str:
        """Return a new token.

        Raises:
            ApiError: 400 or 401.
        """
        ...

    async def sign_out(self, connection: HTTPConnection) -> Caller | None:
        """Revoke the token of a request; return whose it was, None when it was no good."""
        ...

    async def redeem(self, code: str, connection: HTTPConnection) -> str:
        """Return a new token for a one-time code.

        Raises:
            ApiError: 401, the code is not known, used, too old, or comes from elsewhere.
        """
        ...

    def issue_project_token(
        self, project: str, role: str, token_id: str, seconds: int
    ) -> tuple[str, TokenRecord]:
        """Return a token of a project role, and what the project must list of it."""
        ...

    def cookies(self, token: str, connection: HTTPConnection) -> list[str]:
        """Return `Set-Cookie` values that keep a token; `""` removes what is there."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Where a browser goes next, and the cookies it takes along."""

    location: str
    cookies: tuple[str, ...] = ()


class Provider(Protocol):
    """Sign-in at an OpenID Connect provider (api.md §2.7)."""

    @property
    def is_configured(self) -> bool:
        """Whether `oidc.config` names one."""
        ...

    async def begin(self, connection: HTTPConnection, return_url: str) -> Step:
        """Return where to sign in.

        Raises:
            ApiError: there is no provider, it cannot be reached, or the address to return to is
                not ours.
        """
        ...

    async def finish(self, connection: HTTPConnection) -> Step:
        """Take the provider's answer.

        Raises:
            ApiError: it is not the answer to what this browser asked, or it is no good.
        """
        ...

    def logout_location(self, token: str, back: str) -> str:
        """Return where the provider signs out, `""` when it does not say."""
        ...

    async def identify(self, token: str) -> Caller:
        """Return whom an ID token names.

        Raises:
            ApiError: 401.
        """
        ...
