"""`--disable-auth`: everybody may do everything. On loopback only; `assembly` sees to that."""

from starlette.requests import HTTPConnection

from holdfast.api.caller import TRUSTED, Caller


class OpenSignIn:
    """The port `SignIn` when sign-in is switched off."""

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Return the one caller there is."""
        del connection
        return TRUSTED

    async def identify_or_none(self, connection: HTTPConnection) -> Caller | None:
        """Return the one caller there is."""
        del connection
        return TRUSTED

    def is_still_good(self, caller: Caller) -> bool:
        """Say yes."""
        del caller
        return True


class OpenRoles:
    """The port `Roles` when sign-in is switched off."""

    def allows(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        """Say yes."""
        del caller, resource, action, target
        return True
