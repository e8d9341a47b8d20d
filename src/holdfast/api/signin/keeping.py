"""What may be done with accounts: passwords and API keys (docs/internals/argocd/api.md §2.4)."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from typing import Protocol

import re2

from holdfast.api.access.projects import split_subject
from holdfast.api.access.roles import LOCAL_ISSUER
from holdfast.api.caller import Caller
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.people import Account, Capability
from holdfast.api.signin.accounts import AccountBook, prefix_of, tokens_as_text
from holdfast.api.signin.passwords import MOST_BYTES, Passwords
from holdfast.api.signin.tokens import Mint
from holdfast.domain.ports import Clock

PATTERN_KEY = "passwordPattern"
DEFAULT_PATTERN = "^.{8,32}$"
_FRESH_S = 300.0
_TOKEN_ID = re.compile(r"[A-Za-z0-9._~:@-]{1,200}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class KeepingSettings(Protocol):
    """Where accounts are kept."""

    def text(self, key: str, default: str = "") -> str:
        """Return a value of `argocd-cm`."""
        ...

    async def put_secret(self, changes: dict[str, str | None]) -> None:
        """Set keys of `argocd-secret`."""
        ...


class AccountKeeper:
    """The port `Accounts`."""

    def __init__(
        self, settings: KeepingSettings, book: AccountBook, passwords: Passwords, mint: Mint,
        clock: Clock,
    ) -> None:  # fmt: skip
        """Keep what it is made of."""
        self._settings = settings
        self._book = book
        self._passwords = passwords
        self._mint = mint
        self._clock = clock
        self._writing = asyncio.Lock()

    def all(self) -> Sequence[Account]:
        """Return all, by name."""
        return self._book.all()

    def find(self, name: str) -> Account | None:
        """Return one."""
        return self._book.find(name)

    async def change_password(self, caller: Caller, name: str, current: str, new: str) -> None:
        """Set a password; whoever is here has told his own, or came a moment ago.

        Raises:
            ApiError: a password does not match, or the new one is not as it must be.
        """
        await self._demand_caller(caller, current)
        account = self._book.find(name)
        if account is None:
            raise ApiError(Code.NOT_FOUND, f"account '{name}' does not exist")
        pattern = self._settings.text(PATTERN_KEY) or DEFAULT_PATTERN
        if not await asyncio.to_thread(_fits, pattern, new):
            words = f"new password does not match the following expression: {pattern}"
            raise invalid(words)
        if len(new.encode()) > MOST_BYTES:
            raise invalid(f"the new password is longer than {MOST_BYTES} bytes")
        hashed = await self._passwords.hash(new)
        prefix = prefix_of(name)
        moment = self._clock.now().strftime(_TIME)
        await self._put({f"{prefix}password": hashed, f"{prefix}passwordMtime": moment})

    async def _demand_caller(self, caller: Caller, current: str) -> None:
        if caller.is_trusted:
            return
        if split_subject(caller.subject) is not None:
            raise invalid("a token of a project cannot change passwords")
        if caller.issuer != LOCAL_ISSUER:
            age = self._clock.now().timestamp() - caller.issued_at
            if age >= _FRESH_S:
                raise invalid("SSO token is too old: sign in again, then retry")
            return
        own = self._book.find(caller.subject)
        hashed = own.password_hash if own is not None else ""
        if not await self._passwords.matches(current, hashed):
            raise invalid("current password does not match")

    async def create_token(self, name: str, token_id: str, seconds: int) -> str:
        """Return a new API key; 0 seconds last for ever.

        Raises:
            ApiError: there is no such account, it has no such capability, or the id is taken.
        """
        if seconds < 0:
            raise invalid("expiresIn must not be negative")
        if token_id and _TOKEN_ID.fullmatch(token_id) is None:
            raise invalid("an id of a token has letters, digits, and any of . _ ~ : @ -")
        async with self._writing:
            account = self._get(name)
            if Capability.API_KEY not in account.capabilities:
                raise invalid(f"account '{name}' does not have {Capability.API_KEY} capability")
            wanted = token_id or str(uuid.uuid4())
            if any(token.id == wanted for token in account.tokens):
                raise invalid(f"account already has token with id '{wanted}'")
            issued = self._mint.issue(name, Capability.API_KEY, seconds, wanted)
            claims = issued.claims
            listed = (*account.tokens, claims.record())
            await self._put({f"{prefix_of(name)}tokens": tokens_as_text(listed)})
        return issued.text

    async def delete_token(self, name: str, token_id: str) -> None:
        """Forget an API key.

        Raises:
            ApiError: 404, there is none.
        """
        async with self._writing:
            account = self._get(name)
            left = [token for token in account.tokens if token.id != token_id]
            if len(left) == len(account.tokens):
                raise ApiError(Code.NOT_FOUND, f"token with id '{token_id}' does not exist")
            await self._put({f"{prefix_of(name)}tokens": tokens_as_text(left)})

    def _get(self, name: str) -> Account:
        account = self._book.find(name)
        if account is None:
            raise ApiError(Code.NOT_FOUND, f"account '{name}' does not exist")
        return account

    async def _put(self, changes: dict[str, str]) -> None:
        await self._settings.put_secret(dict(changes))
        self._book.forget()


def _fits(pattern: str, password: str) -> bool:
    """Whether a password is as `passwordPattern` wants it; what cannot be read fits nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options).search(password) is not None
    except re2.error:
        return False
