"""Tokens that count no more before their time: in memory, and in a Secret that outlives us.

`holdfast-revoked-tokens` holds a hash of each token's id and when the token would have ended, so
that a restart and other processes of ours know it too (Argo CD asks its Redis, api.md §2.2).
"""

import hashlib
import logging
from typing import Protocol

from holdfast.api.news import News
from holdfast.domain.errors import HoldfastError
from holdfast.domain.ports import Clock

log = logging.getLogger(__name__)

SECRET = "holdfast-revoked-tokens"  # noqa: S105 - the name of an object
FOR_EVER = 0
_MOST_KEPT = 10_000


class OtherSecrets(Protocol):
    """Secrets of the control namespace beside `argocd-secret`."""

    async def read_other_secret(self, name: str) -> dict[str, bytes] | None:
        """Return one, None when there is none."""
        ...

    async def put_other_secret(self, name: str, changes: dict[str, str | None]) -> None:
        """Set (or with None remove) keys of one; it is created when it is missing."""
        ...


class Revocations:
    """What was revoked."""

    def __init__(self, secrets: OtherSecrets, clock: Clock, news: News) -> None:
        """Know of none; `load` reads what others and earlier processes revoked."""
        self._secrets = secrets
        self._clock = clock
        self._news = news
        self._until: dict[str, int] = {}

    def is_revoked(self, token_id: str) -> bool:
        """Whether a token counts no more."""
        return bool(self._until) and _key(token_id) in self._until

    async def load(self) -> None:
        """Read the Secret; what is revoked here stays revoked."""
        try:
            found = await self._secrets.read_other_secret(SECRET) or {}
        except HoldfastError as error:
            log.warning("revoked tokens cannot be read: %s", error.describe())
            return
        now = self._clock.now().timestamp()
        fresh = {key: int(value) for key, value in found.items() if value.isdigit()}
        fresh = {key: until for key, until in fresh.items() if not until or until > now}
        if fresh.keys() - self._until.keys():
            self._until |= fresh
            self._news.tell()

    async def revoke(self, token_id: str, until: float) -> None:
        """Let a token count no more; `until` is when it would have ended, 0 for never."""
        now = self._clock.now().timestamp()
        gone = [key for key, end in self._until.items() if end and end <= now]
        for key in gone:
            del self._until[key]
        key = _key(token_id)
        self._until[key] = int(until)
        self._news.tell()
        if len(self._until) > _MOST_KEPT:
            log.warning("more than %d revoked tokens: this one is kept in memory only", _MOST_KEPT)
            return
        try:
            changes: dict[str, str | None] = {**dict.fromkeys(gone), key: str(int(until))}
            await self._secrets.put_other_secret(SECRET, changes)
        except HoldfastError as error:
            log.warning("a revoked token is kept in memory only: %s", error.describe())


def _key(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()[:40]
