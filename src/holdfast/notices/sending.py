"""Sends one message to one target. Runs in the worker process: it may block.

Redirects are not followed: a signed message goes where it was addressed and nowhere else. No text
of an answer and no address is told on, since both may hold secrets; the status is.
"""

import importlib
import logging
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from holdfast.notices.settings import Target, TargetType
from holdfast.notices.signing import DELIVERY, SIGNATURE, TIMESTAMP, sign

NO_APPRISE = "apprise is not installed here: pip install 'holdfast[notify]'"
_MOST_READ = 64 * 1024
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one attempt.

    Attributes:
        detail: What happened, for people.
        may_retry: Whether another attempt makes sense.
        retry_after_s: How long the receiver asks to wait; None when it says nothing.
    """

    ok: bool
    detail: str
    may_retry: bool = False
    retry_after_s: float | None = None

    def to_tree(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def send(target: Target, message: dict[str, str], timestamp: int) -> Sent:
    """Send a message once.

    Args:
        target: Where to, without references.
        message: `id`, `body`, `title`, `text`.
        timestamp: Unix seconds, for the signature.
    """
    if target.type is TargetType.WEBHOOK:
        return _post(target, message, timestamp)
    return _notify(target, message)


def _post(target: Target, message: dict[str, str], timestamp: int) -> Sent:
    body = message["body"].encode()
    headers = {
        **target.headers,
        "Content-Type": "application/json",
        "User-Agent": "holdfast",
        TIMESTAMP: str(timestamp),
        SIGNATURE: sign(target.secret, timestamp, body),
        DELIVERY: message["id"],
    }
    try:
        if not target.url.startswith(("https://", "http://")):
            return Sent(False, "the address begins with neither https:// nor http://")
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            target.url, body, headers, method="POST"
        )
        with _OPENER.open(request, timeout=target.timeout_s) as answer:
            answer.read(_MOST_READ)
            return Sent(True, f"HTTP {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            return _refused(error)
    except (OSError, HTTPException, ValueError) as error:
        return Sent(False, _reason(error), may_retry=not isinstance(error, ValueError))


def _refused(error: urllib.error.HTTPError) -> Sent:
    if 300 <= error.code < 400:
        return Sent(False, f"HTTP {error.code}: redirects are not followed; give the final address")
    later = error.code in _LATER or error.code >= 500
    after = error.headers.get("Retry-After", "")
    seconds = float(after) if after.isascii() and after.isdigit() else None
    return Sent(False, f"HTTP {error.code} {_phrase(error.code)}".strip(), later, seconds)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reason(error: Exception) -> str:
    """Return what went wrong, without the address."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return str(reason.strerror)
    return type(reason).__name__ if isinstance(reason, Exception) else "the address is not valid"


def _notify(target: Target, message: dict[str, str]) -> Sent:
    try:
        apprise = importlib.import_module("apprise")  # only who needs it pays for it
    except ImportError:
        return Sent(False, NO_APPRISE)
    # Its log lines name addresses; what matters is told below.
    logging.getLogger("apprise").disabled = True
    asset = apprise.AppriseAsset(app_id="Holdfast", app_desc="Holdfast", app_url="")
    service = apprise.Apprise.instantiate(target.url, asset=asset, suppress_exceptions=True)
    if service is None:
        return Sent(False, "apprise knows no such address")
    service.socket_connect_timeout = service.socket_read_timeout = target.timeout_s
    if hasattr(service, "redirects"):
        service.redirects = False
    gathered = apprise.Apprise(asset=asset)
    gathered.add(service)
    if gathered.notify(title=message["title"], body=message["text"]):
        return Sent(True, "apprise delivered it")
    return Sent(False, "apprise could not deliver it", may_retry=True)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Turns a redirect into an error."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirects)
