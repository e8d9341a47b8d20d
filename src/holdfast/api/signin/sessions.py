"""Who a request comes from, and people who come and go (docs/internals/argocd/api.md §2.1-2.6).

The order in which a local token is checked is the contract (§2.2):
  signature and time -> the account exists and is enabled -> it has the capability -> the token has
  an id -> which is not revoked -> an API key is listed -> a login is younger than the password.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection

from holdfast.api.access.builtin import ADMIN
from holdfast.api.access.projects import ProjectRoles, RoleToken, split_subject, subject_of
from holdfast.api.access.roles import LOCAL_ISSUER
from holdfast.api.caller import ANONYMOUS, Caller
from holdfast.api.failures import ApiError, invalid, unauthenticated
from holdfast.api.people import Account, Capability, Provider, TokenRecord
from holdfast.api.signin import cookies
from holdfast.api.signin.accounts import AccountBook
from holdfast.api.signin.guard import LoginGuard
from holdfast.api.signin.links import OneTimeLinks
from holdfast.api.signin.passwords import Passwords
from holdfast.api.signin.revocations import Revocations
from holdfast.api.signin.tokens import Claims, Mint, bad_session, issuer_of
from holdfast.domain.operation import parse_duration_s
from holdfast.domain.ports import Clock

MOST_NAME_BYTES = 32
WRONG = "Invalid username or password"
_BLANK = "Blank passwords are not allowed"
_RENEW_BELOW_S = 300.0
_DELAY_S = (0.5, 1.0)
_DURATION = "users.session.duration"
_DEFAULT_DURATION_S = 24 * 3600.0
_ANONYMOUS = "users.anonymous.enabled"


class SessionSettings(Protocol):
    """What sessions read of `argocd-cm`."""

    def text(self, key: str, default: str = "") -> str:
        """Return a value."""
        ...

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What sessions are made of."""

    settings: SessionSettings
    clock: Clock
    accounts: AccountBook
    passwords: Passwords
    mint: Mint
    revocations: Revocations
    projects: ProjectRoles
    links: OneTimeLinks
    guard: LoginGuard
    provider: Provider | None = None
    on_login: Callable[[bool], None] = lambda _good: None


class LocalSessions:
    """The ports `SignIn` and `Sessions`."""

    def __init__(self, parts: Parts, chance: random.Random | None = None) -> None:
        """Keep the parts.

        Args:
            parts: What it is made of.
            chance: For the delay after a failure.
        """
        self._parts = parts
        self._chance = chance or random.SystemRandom()

    # --- who asks -----------------------------------------------------------------------------

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Return the caller of a request.

        Raises:
            ApiError: 401, there is no token, or it is no good; 403, it came in a cookie and from
                a page that is not ours.
        """
        token, in_cookie = token_of(connection)
        if in_cookie:
            cookies.demand_from_us(connection, self._parts.settings)
        try:
            if not token:
                raise unauthenticated()
            caller = await self.read(token)
        except ApiError:
            if self._parts.settings.switch(_ANONYMOUS):
                return ANONYMOUS
            raise
        if in_cookie:
            self._renew(caller, connection)
        return caller

    async def identify_or_none(self, connection: HTTPConnection) -> Caller | None:
        """Return the caller, None when nobody is signed in."""
        try:
            caller = await self.identify(connection)
        except ApiError:
            return None
        return caller if caller.is_signed_in else None

    async def read(self, token: str) -> Caller:
        """Return whom a token names.

        Raises:
            ApiError: 401.
        """
        parts = self._parts
        issuer = issuer_of(token)
        if issuer != LOCAL_ISSUER:
            if parts.provider is None or not parts.provider.is_configured:
                raise bad_session("token has an unknown issuer")
            caller = await parts.provider.identify(token)
            if caller.token_id and parts.revocations.is_revoked(caller.token_id):
                raise bad_session("token is revoked, please re-login")
            return caller
        claims = parts.mint.read(token)
        self._demand_good(claims)
        return Caller(
            subject=claims.subject, username=claims.subject, issuer=LOCAL_ISSUER,
            issued_at=claims.issued_at, token_id=claims.id, expires_at=claims.expires_at,
            kind=claims.kind,
        )  # fmt: skip

    def is_still_good(self, caller: Caller) -> bool:
        """Whether the token of a caller still counts."""
        if caller.is_trusted:
            return True
        if not caller.subject:
            return self._parts.settings.switch(_ANONYMOUS)
        now = self._parts.clock.now().timestamp()
        if caller.expires_at and now >= caller.expires_at:
            return False
        if caller.issuer != LOCAL_ISSUER:
            return not self._parts.revocations.is_revoked(caller.token_id)
        claims = Claims(
            caller.subject, caller.kind, caller.issued_at, int(caller.expires_at), caller.token_id
        )
        try:
            self._demand_good(claims)
        except ApiError:
            return False
        return True

    def _demand_good(self, claims: Claims) -> None:
        role = split_subject(claims.subject)
        if role is not None:
            self._demand_listed(claims, *role)
            return
        account = self._parts.accounts.find(claims.subject)
        if account is None:
            raise bad_session(f"account {claims.subject} does not exist")
        if not account.is_enabled:
            raise bad_session(f"account {claims.subject} is disabled")
        if claims.kind not in account.capabilities:
            raise bad_session(f"account {claims.subject} does not have {claims.kind} capability")
        if not claims.id:
            raise bad_session("token does not have an unique identifier")
        if self._parts.revocations.is_revoked(claims.id):
            raise bad_session("token is revoked, please re-login")
        if claims.kind == Capability.API_KEY:
            if all(token.id != claims.id for token in account.tokens):
                raise bad_session(
                    f"account {claims.subject} does not have token with id {claims.id}"
                )
        elif claims.issued_at < int(account.password_changed_at):
            raise bad_session("account password has changed since token issued")

    def _demand_listed(self, claims: Claims, project: str, role: str) -> None:
        found = self._parts.projects.find(project, role)
        if found is None:
            raise bad_session(f"project {project} does not have role {role}")
        if not any(_is_listed(token, claims) for token in found.tokens):
            raise bad_session(f"role {role} of project {project} does not list this token")
        if claims.id and self._parts.revocations.is_revoked(claims.id):
            raise bad_session("token is revoked, please re-login")

    def _renew(self, caller: Caller, connection: HTTPConnection) -> None:
        """Give a browser whose session is about to end a new one (api.md §2.2)."""
        left = caller.expires_at - self._parts.clock.now().timestamp()
        if caller.kind != Capability.LOGIN or not caller.expires_at or left >= _RENEW_BELOW_S:
            return
        fresh = self._login_token(caller.subject)
        cookies.keep_pending(connection, self.cookies(fresh, connection))

    # --- coming and going ---------------------------------------------------------------------

    async def sign_in(self, username: str, password: str) -> str:
        """Return a new token for a name and its password.

        Raises:
            ApiError: 400, the name is too long; 401, anything else.
        """
        try:
            token = await self._sign_in(username, password)
        except ApiError:
            self._parts.on_login(False)
            raise
        self._parts.on_login(True)
        return token

    async def _sign_in(self, username: str, password: str) -> str:
        if len(username.encode()) > MOST_NAME_BYTES:
            raise invalid(f"Username is too long ({MOST_NAME_BYTES} bytes max)")
        if not password:
            raise unauthenticated(_BLANK)
        guard = self._parts.guard
        if not guard.enter():
            raise unauthenticated(WRONG)
        try:
            account = await self._check(username, password)
        finally:
            guard.leave()
        if not account.is_enabled:
            raise unauthenticated(f"Account {username} is disabled")
        if Capability.LOGIN not in account.capabilities:
            raise unauthenticated(f"Account {username} does not have login capability")
        return self._login_token(username)

    async def _check(self, username: str, password: str) -> Account:
        guard = self._parts.guard
        if not guard.is_locked(username):
            account = self._parts.accounts.find(username)
            hashed = account.password_hash if account is not None else ""
            if await self._parts.passwords.matches(password, hashed) and account is not None:
                guard.note_success(username)
                return account
            guard.note_failure(username)
        await self._parts.clock.sleep(self._chance.uniform(*_DELAY_S))
        raise unauthenticated(WRONG)

    async def redeem(self, code: str, connection: HTTPConnection) -> str:
        """Return a new token of the admin for a one-time code.

        Raises:
            ApiError: 401.
        """
        await self._parts.links.redeem(code, connection)
        admin = self._parts.accounts.find(ADMIN)
        if admin is None or not admin.is_enabled:
            raise unauthenticated(f"Account {ADMIN} is disabled")
        return self._login_token(ADMIN)

    async def sign_out(self, connection: HTTPConnection) -> Caller | None:
        """Revoke the token of a request; return whose it was, None when it was no good."""
        token, _ = token_of(connection)
        try:
            caller = await self.read(token) if token else None
        except ApiError:
            return None
        # An API key or a project's token is taken away where it is listed, not by who carries it.
        if caller is None or not caller.token_id:
            return caller
        if caller.kind == Capability.LOGIN or caller.issuer != LOCAL_ISSUER:
            await self._parts.revocations.revoke(caller.token_id, caller.expires_at)
        return caller

    def issue_project_token(
        self, project: str, role: str, token_id: str, seconds: int
    ) -> tuple[str, TokenRecord]:
        """Return a token of a project role, and what the project must list of it."""
        issued = self._parts.mint.issue(subject_of(project, role), "", seconds, token_id)
        return issued.text, issued.claims.record()

    def cookies(self, token: str, connection: HTTPConnection) -> list[str]:
        """Return `Set-Cookie` values that keep a token; `""` removes what is there."""
        secure = cookies.is_secure(connection)
        old = cookies.drop_cookies(connection.cookies, secure=secure)
        if not token:
            return old
        made = cookies.make_cookies(token, secure=secure)
        names = {cookie.partition("=")[0] for cookie in made}
        return [*made, *(one for one in old if one.partition("=")[0] not in names)]

    def _login_token(self, name: str) -> str:
        return self._parts.mint.issue(name, Capability.LOGIN, self._session_seconds()).text

    def _session_seconds(self) -> float:
        text = self._parts.settings.text(_DURATION)
        try:
            return parse_duration_s(text) if text else _DEFAULT_DURATION_S
        except ValueError:
            return _DEFAULT_DURATION_S


def token_of(connection: HTTPConnection) -> tuple[str, bool]:
    """Return the token of a request and whether it came in a cookie (api.md §2.1)."""
    header = connection.headers.get("authorization", "")
    bearer = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
    if bearer.count(".") >= 2:
        return bearer.strip(), False
    kept = cookies.join_cookies(connection.cookies)
    return (kept, True) if kept.count(".") == 2 else ("", False)


def _is_listed(token: RoleToken, claims: Claims) -> bool:
    if token.id:
        return token.id == claims.id
    return token.issued_at == claims.issued_at
