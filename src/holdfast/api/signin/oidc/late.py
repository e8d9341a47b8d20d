"""The provider as it is at first: nothing of OpenID Connect is loaded before somebody wants it.

Its libraries take 5 MB, and few installations have `oidc.config`.
"""

import asyncio
from typing import Protocol

from starlette.requests import HTTPConnection

from holdfast.api.caller import Caller
from holdfast.api.people import Provider, Step
from holdfast.api.signin.oidc.config import OidcSettings
from holdfast.api.signin.oidc.missing import MissingProvider
from holdfast.domain.ports import Clock

_OF_THE_EXTRA = ("authlib", "httpx2", "joserfc")


class ClosingProvider(Provider, Protocol):
    """A provider, and the end of it."""

    async def close(self) -> None:
        """Close the connections."""
        ...


class LateProvider:
    """The port `Provider`; makes the real one, or what stands in for it, at the first question."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        """Load nothing: `oidc.config` may come and change at any time."""
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._real: ClosingProvider | None = None

    @property
    def is_configured(self) -> bool:
        """Whether `oidc.config` names a provider."""
        return bool(self._settings.text("oidc.config").strip())

    async def load(self) -> ClosingProvider:
        """Return the real one; the import runs on a thread."""
        async with self._lock:
            if self._real is None:
                self._real = await asyncio.to_thread(self._make)
            return self._real

    async def begin(self, connection: HTTPConnection, return_url: str) -> Step:
        """Return where to sign in."""
        return await (await self.load()).begin(connection, return_url)

    async def finish(self, connection: HTTPConnection) -> Step:
        """Take the provider's answer."""
        return await (await self.load()).finish(connection)

    async def identify(self, token: str) -> Caller:
        """Return whom an ID token names."""
        return await (await self.load()).identify(token)

    def logout_location(self, token: str, back: str) -> str:
        """Return where the provider signs out; `""` before anybody has signed in there."""
        return self._real.logout_location(token, back) if self._real is not None else ""

    async def close(self) -> None:
        """Close the connections."""
        if self._real is not None:
            await self._real.close()

    def _make(self) -> ClosingProvider:
        try:
            from holdfast.api.signin.oidc.flow import OidcProvider  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
                raise
            return MissingProvider(lambda: self.is_configured)
        return OidcProvider(self._settings, self._clock)
