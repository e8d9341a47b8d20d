"""`POST /api/webhook`: a git host says that something was pushed (api.md §6)."""

import logging
from collections.abc import Sequence
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response

from holdfast.api.applications import key_of
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code
from holdfast.api.models.base import Nothing
from holdfast.api.push_matching import concerns, deployed_from, told_name
from holdfast.api.reading import TooLargeError, read_body
from holdfast.api.table import Needs, Route
from holdfast.api.webhooks import Provider, Push, find_provider, read_pushes
from holdfast.domain.commands import RefreshApplication
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey

log = logging.getLogger(__name__)

_MIB = 1024 * 1024
_MOST_MIB = 50


async def _webhook(call: Call[Nothing, None]) -> Response:
    services = call.services
    address = call.request.client.host if call.request.client is not None else ""
    if not services.intake.admit(address, services.clock.monotonic()):
        raise ApiError(Code.RESOURCE_EXHAUSTED, "too many webhooks; try again in a while")
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    provider = find_provider(headers)
    if provider is None:
        return PlainTextResponse("Unknown webhook event\n", 400)
    limit = _limit_mib(services.settings.text("webhook.maxPayloadSizeMB"))
    try:
        body = await read_body(call.request, limit * _MIB)
    except TooLargeError:
        words = f"Webhook processing failed: the payload is larger than {limit} MB\n"
        return PlainTextResponse(words, 400)
    try:
        pushes = read_pushes(provider, body, headers, _secret(call, provider))
    except ApiError as error:
        return PlainTextResponse(f"{error.message}\n", 400)
    services.news.handling(1)
    try:
        chosen = await _choose(call, pushes)
    except BaseException:
        services.news.handling(-1)
        raise
    return Response(status_code=200, background=BackgroundTask(_refresh, call, chosen))


async def _choose(call: Call[Any, Any], pushes: Sequence[Push]) -> list[AppKey]:
    """Return whom the pushes concern; each is counted."""
    chosen, known = list[AppKey](), set[tuple[str, str]]()
    async for tree in call.services.applications.each():
        known |= deployed_from(tree)
        if any(concerns(push, tree) for push in pushes):
            chosen.append(key_of(tree))
    for push in pushes:
        call.services.news.was_pushed(told_name(push, known))
    return chosen


def _secret(call: Call[Any, Any], provider: Provider) -> str:
    secret = call.services.settings.secret
    if provider.secret != "webhook.azuredevops":  # noqa: S105 - the name of a key
        return secret(provider.secret)
    name, password = secret(f"{provider.secret}.username"), secret(f"{provider.secret}.password")
    return f"{name}:{password}" if name or password else ""


def _limit_mib(text: str) -> int:
    return min(int(text), _MOST_MIB) if text.isascii() and text.isdigit() and text else _MOST_MIB


async def _refresh(call: Call[Any, Any], apps: Sequence[AppKey]) -> None:
    """Ask for a look at git; the answer was sent already."""
    command = call.services.commands.carry_out
    try:
        for app in apps:
            try:
                await command(RefreshApplication(app, wait=False), "webhook")
            except HoldfastError as error:
                log.warning("a webhook could not refresh app=%s: %s", app, error.message)
    finally:
        call.services.news.handling(-1)


ROUTES = (
    Route("POST", "/api/webhook", _webhook, "A git host tells of a push.", needs=Needs.NOTHING),
)
