"""The first start: keys of `argocd-secret` that are missing are added, nothing else is touched.

The first password of the admin is kept in `argocd-initial-admin-secret`, which may be deleted
(docs/internals/argocd/api.md §2.2, §2.4). Two processes that start at once agree on the password:
who creates that Secret decides it.
"""

import base64
import secrets
from typing import Protocol

from holdfast.api.signin.passwords import Passwords, make_password
from holdfast.domain.ports import Clock

INITIAL = "argocd-initial-admin-secret"
_PASSWORD = "password"  # noqa: S105 - the name of a key
_KEY_BYTES = 32
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class FirstSettings(Protocol):
    """What the first start reads and writes."""

    def secret(self, key: str) -> str:
        """Return a value of `argocd-secret`."""
        ...

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value of `argocd-cm`."""
        ...

    async def fill_secret(self, changes: dict[str, str | None]) -> None:
        """Set keys of `argocd-secret` that were missing."""
        ...

    async def make_secret(self, name: str, values: dict[str, str]) -> bool:
        """Create another Secret; False when it exists already."""
        ...

    async def read_other_secret(self, name: str) -> dict[str, bytes] | None:
        """Return another Secret."""
        ...


async def prepare(settings: FirstSettings, passwords: Passwords, clock: Clock) -> bool:
    """Add what is missing; return whether the admin got a first password just now."""
    changes: dict[str, str | None] = {}
    if not settings.secret("server.secretkey"):
        changes["server.secretkey"] = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    is_new = not settings.secret("admin.password") and settings.switch(
        "admin.enabled", default=True
    )
    if is_new:
        password = await _first_password(settings)
        changes["admin.password"] = await passwords.hash(password)
        if not settings.secret("admin.passwordMtime"):
            changes["admin.passwordMtime"] = clock.now().strftime(_TIME)
    if changes:
        await settings.fill_secret(changes)
    return is_new


async def _first_password(settings: FirstSettings) -> str:
    password = make_password()
    if await settings.make_secret(INITIAL, {_PASSWORD: password}):
        return password
    found = await settings.read_other_secret(INITIAL) or {}
    return found.get(_PASSWORD, b"").decode("utf-8", "replace") or password


def how_to_read(namespace: str) -> str:
    """Return what a person is told about the first password."""
    return (
        f"the first password of admin: kubectl -n {namespace} get secret {INITIAL} "
        "-o jsonpath='{.data.password}' | base64 -d"
    )
