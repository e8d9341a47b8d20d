"""Whether somebody who reads a long stream may still do so.

A stream lasts for days; a token is revoked or expires, a role is taken away meanwhile. Roles are
asked before each thing that is sent; the token before each thing, and at least every 15 s.
"""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import unauthenticated

RECHECK_S = 15.0


def demand_good_token(call: Call[Any, Any]) -> None:
    """Refuse who was signed in when the stream began, and is no more.

    Raises:
        ApiError: 401.
    """
    if not call.services.sign_in.is_still_good(call.caller):
        raise unauthenticated("the session has ended")
