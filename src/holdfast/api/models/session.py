"""Shapes of sessions and accounts (docs/internals/argocd/api.md §1.5)."""

from pydantic import Field

from holdfast.api.models.base import Shape


class SignInBody(Shape):
    """`POST /api/v1/session`."""

    username: str = Field("", max_length=4096)
    password: str = Field("", max_length=4096, repr=False)


class Token(Shape):
    """A token, or the end of one."""

    token: str


class UserInfo(Shape):
    """Who is signed in."""

    logged_in: bool = Field(False, alias="loggedIn")
    username: str = ""
    iss: str = ""
    groups: tuple[str, ...] = ()


class LinkQuery(Shape):
    """`GET /auth/once`."""

    code: str = Field("", max_length=200)


class LoginQuery(Shape):
    """`GET /auth/login`."""

    return_url: str = Field("", max_length=4096)


class CallbackQuery(Shape):
    """`GET /auth/callback`: what the provider sends along."""

    code: str = Field("", max_length=8192)
    state: str = Field("", max_length=1024)
    error: str = Field("", max_length=1024)


class AccountToken(Shape):
    """One API key of an account; times are Unix seconds."""

    id: str
    issued_at: int = Field(0, alias="issuedAt")
    expires_at: int = Field(0, alias="expiresAt")


class Account(Shape):
    """One account."""

    name: str
    enabled: bool = True
    capabilities: tuple[str, ...] = ()
    tokens: tuple[AccountToken, ...] = ()


class Accounts(Shape):
    """All accounts that the caller may see."""

    items: tuple[Account, ...] = ()


class CanI(Shape):
    """`yes` or `no`."""

    value: str


class PasswordBody(Shape):
    """`PUT /api/v1/account/password`."""

    name: str = ""
    current_password: str = Field("", alias="currentPassword", max_length=4096, repr=False)
    new_password: str = Field("", alias="newPassword", max_length=4096, repr=False)


class TokenBody(Shape):
    """`POST /api/v1/account/{name}/token`; `expiresIn` is seconds, 0 is never."""

    name: str = ""
    id: str = Field("", max_length=200)
    expires_in: int = Field(0, alias="expiresIn", le=10 * 366 * 86400)
