"""One-time sign-in links: `holdfast up` prints one, the first browser on this machine is in.

A code counts once, for five minutes, and from the loopback alone. Only its hash is kept; that it
was used outlives a restart, as revoked tokens do.
"""

import hashlib
import ipaddress
import secrets

from starlette.requests import HTTPConnection

from holdfast.api.failures import unauthenticated
from holdfast.api.signin.revocations import Revocations
from holdfast.domain.ports import Clock

LASTS_S = 300
PATH = "/auth/once"
_REFUSED = "this link was used, is too old, or is not for this machine"


def make_code() -> str:
    """Return a fresh code."""
    return secrets.token_urlsafe(32)


def link(base: str, code: str) -> str:
    """Return the address that a person opens; `base` is like `http://127.0.0.1:8080`."""
    return f"{base}{PATH}?code={code}"


class OneTimeLinks:
    """Codes that wait to be used."""

    def __init__(self, revocations: Revocations, clock: Clock) -> None:
        """Know no code."""
        self._revocations = revocations
        self._clock = clock
        self._until: dict[str, float] = {}

    def offer(self, code: str, until: float) -> None:
        """Take a code; `until` is Unix time."""
        self._until[_hash(code)] = until

    async def redeem(self, code: str, connection: HTTPConnection) -> None:
        """Use a code up.

        Raises:
            ApiError: 401, it does not count, or comes from another machine.
        """
        key = _hash(code)
        if not is_loopback(connection) or self._revocations.is_revoked(key):
            raise unauthenticated(_REFUSED)
        until = self._until.pop(key, 0.0)
        if self._clock.now().timestamp() >= until:
            raise unauthenticated(_REFUSED)
        await self._revocations.revoke(key, until)


def is_loopback(connection: HTTPConnection) -> bool:
    """Whether a request comes from this machine itself."""
    host = connection.client.host if connection.client is not None else ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hash(code: str) -> str:
    return "once:" + hashlib.sha256(code.encode()).hexdigest()
