"""Accounts: who there is, what they may, their passwords and keys (api.md §1.5, §2.4)."""

from typing import Any

from holdfast.api.access.builtin import ACTIONS, RESOURCES
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.models.base import JsonObject, Nothing
from holdfast.api.models.session import (
    Account,
    Accounts,
    CanI,
    PasswordBody,
    Token,
    TokenBody,
)
from holdfast.api.people import Account as Known
from holdfast.api.people import Accounts as Keeping
from holdfast.api.table import KIB, Route

_RESOURCE = "accounts"
_COMPOSITE = frozenset({"action", "update", "delete"})


def _keeping(call: Call[Any, Any]) -> Keeping:
    if call.services.accounts is None:
        raise ApiError(Code.UNIMPLEMENTED, "accounts are not kept here")
    return call.services.accounts


def _is_self(call: Call[Any, Any], name: str) -> bool:
    return call.caller.issuer == "argocd" and call.caller.subject == name


def _may(call: Call[Any, Any], action: str, name: str) -> bool:
    return _is_self(call, name) or call.may(_RESOURCE, action, name)


def _demand(call: Call[Any, Any], action: str, name: str) -> None:
    if not _is_self(call, name):
        call.demand(_RESOURCE, action, name)


def _tree(account: Known) -> JsonObject:
    return {
        "name": account.name,
        "enabled": account.is_enabled,
        "capabilities": list(account.capabilities),
        "tokens": [
            {"id": token.id, "issuedAt": token.issued_at, "expiresAt": token.expires_at}
            for token in account.tokens
        ],
    }


async def _list(call: Call[Nothing, None]) -> JsonObject:
    accounts = _keeping(call).all()
    return {"items": [_tree(one) for one in accounts if _may(call, "get", one.name)]}


async def _get(call: Call[Nothing, None]) -> JsonObject:
    name = call.path["name"]
    _demand(call, "get", name)
    found = _keeping(call).find(name)
    if found is None:
        raise ApiError(Code.NOT_FOUND, f"account '{name}' does not exist")
    return _tree(found)


async def _can_i(call: Call[Nothing, None]) -> JsonObject:
    resource, action = call.path["resource"], call.path["action"]
    if action not in ACTIONS and action.split("/")[0] not in _COMPOSITE:
        raise invalid(f"unknown action {action[:100]}: one of {', '.join(ACTIONS)}")
    if resource not in RESOURCES:
        raise invalid(f"unknown resource {resource[:100]}: one of {', '.join(RESOURCES)}")
    return {"value": "yes" if call.may(resource, action, call.path["subresource"]) else "no"}


async def _password(call: Call[Nothing, PasswordBody]) -> JsonObject:
    body = call.body
    name = body.name or call.caller.subject
    if call.caller.issuer == "argocd" or call.caller.is_trusted:
        _demand(call, "update", name)
    else:
        call.demand(_RESOURCE, "update", name)
    await _keeping(call).change_password(
        call.caller, name, body.current_password, body.new_password
    )
    return {}


async def _create_token(call: Call[Nothing, TokenBody]) -> JsonObject:
    name = call.path["name"]
    _demand(call, "update", name)
    token = await _keeping(call).create_token(name, call.body.id, call.body.expires_in)
    return {"token": token}


async def _delete_token(call: Call[Nothing, None]) -> JsonObject:
    name = call.path["name"]
    _demand(call, "update", name)
    await _keeping(call).delete_token(name, call.path["id"])
    return {}


_BASE = "/api/v1/account"

ROUTES = (
    Route("GET", _BASE, _list, "List accounts.", answer=Accounts),
    Route("GET", f"{_BASE}/can-i/{{resource}}/{{action}}/{{subresource:rest}}", _can_i,
          "Whether the caller may do that.", answer=CanI),
    Route("PUT", f"{_BASE}/password", _password, "Set a password.",
          body=PasswordBody, answer=Nothing, body_bytes=16 * KIB),
    Route("GET", f"{_BASE}/{{name}}", _get, "An account.", answer=Account),
    Route("POST", f"{_BASE}/{{name}}/token", _create_token, "Make an API key.",
          body=TokenBody, answer=Token, optional_body=True, body_bytes=16 * KIB),
    Route("DELETE", f"{_BASE}/{{name}}/token/{{id}}", _delete_token, "Take an API key away.",
          answer=Nothing),
)  # fmt: skip
