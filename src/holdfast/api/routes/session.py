"""Sign in, sign out, who am I (docs/internals/argocd/api.md §1.5, §2.5-2.7)."""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from holdfast.api.call import Answer, Call
from holdfast.api.failures import ApiError, Code, denied, invalid
from holdfast.api.models.base import JsonObject, Nothing
from holdfast.api.models.session import (
    CallbackQuery,
    LinkQuery,
    LoginQuery,
    SignInBody,
    Token,
    UserInfo,
)
from holdfast.api.people import Provider, Sessions, Step
from holdfast.api.signin.cookies import (
    NAME,
    demand_from_us,
    join_cookies,
    keep_pending,
    own_addresses,
)
from holdfast.api.table import KIB, Needs, Route

_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_START = "/applications"
_LINK_IS_OVER = "/login?problem=link"


def sessions_of(call: Call[Any, Any]) -> Sessions:
    """Return the sessions.

    Raises:
        ApiError: sign-in is switched off.
    """
    if call.services.sessions is None:
        raise ApiError(Code.UNIMPLEMENTED, "sign-in is switched off (--disable-auth)")
    return call.services.sessions


def _provider(call: Call[Any, Any]) -> Provider:
    if call.services.provider is None:
        raise ApiError(Code.UNIMPLEMENTED, "sign-in is switched off (--disable-auth)")
    return call.services.provider


async def _sign_in(call: Call[Nothing, SignInBody]) -> Answer:
    sessions = sessions_of(call)
    token = await sessions.sign_in(call.body.username, call.body.password)
    keep_pending(call.request, sessions.cookies(token, call.request))
    return Answer({"token": token}, headers=dict(_NO_STORE))


async def _sign_out(call: Call[Nothing, None]) -> Answer:
    sessions = sessions_of(call)
    if NAME in call.request.cookies:
        demand_from_us(call.request, call.services.settings)
    await sessions.sign_out(call.request)
    keep_pending(call.request, sessions.cookies("", call.request))
    return Answer({"token": ""}, headers=dict(_NO_STORE))


async def _user_info(call: Call[Nothing, None]) -> JsonObject:
    caller = call.caller
    if not caller.is_signed_in or caller.is_trusted:
        return {"loggedIn": False}
    return {
        "loggedIn": True,
        "username": caller.username,
        "iss": caller.issuer,
        "groups": list(caller.groups),
    }


async def _log_out(call: Call[Nothing, None]) -> Response:
    """End the session of a browser, and go to where the provider ends its own."""
    request, sessions = call.request, sessions_of(call)
    token = join_cookies(request.cookies)
    if not token:
        raise invalid("Auth cookie not found")
    if request.headers.get("sec-fetch-site", "") == "cross-site":
        raise denied("another site may not sign anybody out")
    caller = await sessions.sign_out(request)
    addresses = own_addresses(call.services.settings)
    target = addresses[0].rstrip("/") + "/" if addresses else "/"
    if caller is not None and call.services.provider is not None and caller.kind == "":
        target = call.services.provider.logout_location(token, target) or target
    return _go(call, Step(target, tuple(sessions.cookies("", request))))


async def _once(call: Call[LinkQuery, None]) -> Response:
    sessions = sessions_of(call)
    try:
        token = await sessions.redeem(call.query.code, call.request)
    except ApiError:
        if "text/html" not in call.request.headers.get("accept", ""):
            raise
        # A second click of somebody who is in leads in; others are told, and may sign in.
        return _go(call, Step(_LINK_IS_OVER))
    return _go(call, Step(_START, tuple(sessions.cookies(token, call.request))))


async def _login(call: Call[LoginQuery, None]) -> Response:
    return _go(call, await _provider(call).begin(call.request, call.query.return_url))


async def _callback(call: Call[CallbackQuery, None]) -> Response:
    return _go(call, await _provider(call).finish(call.request))


def _go(call: Call[Any, Any], step: Step) -> Response:
    if urlsplit(step.location).scheme not in ("", "http", "https"):
        raise invalid("this is no address of the web")
    keep_pending(call.request, step.cookies)
    return RedirectResponse(step.location, 303, headers=dict(_NO_STORE))


ROUTES = (
    Route("POST", "/api/v1/session", _sign_in, "Sign in with name and password.",
          body=SignInBody, answer=Token, needs=Needs.NOTHING, body_bytes=16 * KIB,
          refusals=(401,)),
    Route("DELETE", "/api/v1/session", _sign_out, "Sign out: the token counts no more.",
          answer=Token, needs=Needs.NOTHING, refusals=(403,)),
    Route("GET", "/api/v1/session/userinfo", _user_info, "Who is signed in.",
          answer=UserInfo, needs=Needs.NOTHING),
    Route("GET", "/auth/logout", _log_out, "Sign a browser out.", needs=Needs.NOTHING),
    Route("POST", "/auth/logout", _log_out, "Sign a browser out.", needs=Needs.NOTHING),
    Route("GET", "/auth/once", _once, "Use a one-time sign-in link.", query=LinkQuery,
          needs=Needs.NOTHING),
    Route("GET", "/auth/login", _login, "Go to the OpenID Connect provider.", query=LoginQuery,
          needs=Needs.NOTHING),
    Route("GET", "/auth/callback", _callback, "Come back from the provider.",
          query=CallbackQuery, needs=Needs.NOTHING),
)  # fmt: skip
