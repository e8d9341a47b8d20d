"""What stands in for the provider when the extra `oidc` is not installed: it says so."""

from collections.abc import Callable

from starlette.requests import HTTPConnection

from holdfast.api.caller import Caller
from holdfast.api.failures import ApiError, Code
from holdfast.api.people import Step

WORDS = "sign-in at an OpenID Connect provider needs the extra `oidc`: pip install 'holdfast[oidc]'"


class MissingProvider:
    """The port `Provider`, without a library that speaks OpenID Connect."""

    def __init__(self, is_configured: Callable[[], bool]) -> None:
        """Keep the question whether anybody wants one."""
        self._is_configured = is_configured

    @property
    def is_configured(self) -> bool:
        """Whether `oidc.config` names a provider."""
        return self._is_configured()

    async def begin(self, connection: HTTPConnection, return_url: str) -> Step:
        """Say what is missing."""
        del connection, return_url
        raise ApiError(Code.UNIMPLEMENTED, WORDS)

    async def finish(self, connection: HTTPConnection) -> Step:
        """Say what is missing."""
        del connection
        raise ApiError(Code.UNIMPLEMENTED, WORDS)

    async def identify(self, token: str) -> Caller:
        """Say what is missing."""
        del token
        raise ApiError(Code.UNAUTHENTICATED, WORDS)

    def logout_location(self, token: str, back: str) -> str:
        """Return nothing: nobody signed in there."""
        del token, back
        return ""

    async def close(self) -> None:
        """Nothing is open."""
