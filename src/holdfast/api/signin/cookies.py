"""The cookie `argocd.token`, in parts when it is long, and where it may come from (§2.3)."""

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from holdfast.api.failures import ApiError, denied

NAME = "argocd.token"
MOST_BYTES = 4093
MOST_PARTS = 20
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ATTRIBUTES = "Path=/; HttpOnly; SameSite=Lax"
_PENDING = "holdfast.cookies"


class OriginSettings(Protocol):
    """Where our own pages may be served."""

    def text(self, key: str, default: str = "") -> str:
        """Return a value of `argocd-cm`."""
        ...


def make_cookies(token: str, *, secure: bool) -> list[str]:
    """Return `Set-Cookie` values that keep a token.

    Raises:
        ApiError: the token does not fit into `MOST_PARTS` cookies.
    """
    attributes = _attributes(secure)
    room = MOST_BYTES - len(f"{NAME}-{MOST_PARTS}=; {attributes}") - len(f"{MOST_PARTS}:")
    parts = [token[at : at + room] for at in range(0, len(token), room)] or [""]
    if len(parts) > MOST_PARTS:
        raise denied("the token is too long for cookies")
    values = parts if len(parts) == 1 else [f"{len(parts)}:{parts[0]}", *parts[1:]]
    return [f"{_name(at)}={value}; {attributes}" for at, value in enumerate(values)]


def drop_cookies(names: Iterable[str], *, secure: bool) -> list[str]:
    """Return `Set-Cookie` values that remove every part there is, and the first in any case."""
    ours = {NAME, *(name for name in names if name.startswith(f"{NAME}-"))}
    return [f"{name}=; Max-Age=0; {_attributes(secure)}" for name in sorted(ours)[: MOST_PARTS + 1]]


def is_secure(connection: HTTPConnection) -> bool:
    """Whether a cookie that is set now shall come back by TLS alone: the request came by it."""
    return bool(connection.scope.get("scheme") == "https")


def join_cookies(cookies: dict[str, str]) -> str:
    """Return the token of a request, `""` when there is none or parts are missing."""
    first = cookies.get(NAME, "")
    count, colon, rest = first.partition(":")
    if not colon:
        return first
    if not count.isdigit() or not 1 <= int(count) <= MOST_PARTS:
        return ""
    parts = [rest, *(cookies.get(_name(at), "") for at in range(1, int(count)))]
    return "".join(parts) if all(parts) else ""


def _name(at: int) -> str:
    return f"{NAME}-{at}" if at else NAME


def _attributes(secure: bool) -> str:
    return f"{_ATTRIBUTES}; Secure" if secure else _ATTRIBUTES


def is_from_us(connection: HTTPConnection, settings: OriginSettings) -> bool:
    """Whether `Origin` is this server, or one of the addresses that `argocd-cm` gives it."""
    origin = connection.headers.get("origin", "").lower().rstrip("/")
    if "://" not in origin:
        return False
    if urlsplit(origin).netloc == connection.headers.get("host", "").lower():
        return True
    return origin in {origin_of(address) for address in own_addresses(settings)}


def demand_from_us(connection: HTTPConnection, settings: OriginSettings) -> None:
    """Refuse a change that a cookie would allow but that does not come from our own pages.

    Raises:
        ApiError: 403.
    """
    if connection.scope.get("method", "GET") in SAFE_METHODS:
        return
    if not is_from_us(connection, settings):
        raise OriginError


class OriginError(ApiError):
    """403: a cookie came with a change, and the page that sent it is not ours."""

    def __init__(self) -> None:
        """Say so."""
        refusal = denied("the Origin of this request is not this server")
        super().__init__(refusal.code, refusal.message)


def own_addresses(settings: OriginSettings) -> list[str]:
    """Return `url` and `additionalUrls`."""
    lines = settings.text("additionalUrls").splitlines()
    listed = [line.strip().removeprefix("-").strip().strip("\"'") for line in lines]
    return [address for address in (settings.text("url").strip(), *listed) if "://" in address]


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def keep_pending(connection: HTTPConnection, cookies: Iterable[str]) -> None:
    """Remember cookies that the answer of this request shall set."""
    connection.scope.setdefault(_PENDING, []).extend(cookies)


def add_pending(connection: HTTPConnection, response: Response) -> None:
    """Set the cookies that were remembered for this answer."""
    for cookie in connection.scope.get(_PENDING, ()):
        response.headers.append("set-cookie", cookie)
