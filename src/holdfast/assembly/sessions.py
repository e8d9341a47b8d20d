"""Signing in to a server and out of it, and what it says of accounts (api.md §1.5, §2)."""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from holdfast.api.signin.passwords import Passwords
from holdfast.assembly.contexts import Server
from holdfast.assembly.rest import Rest, segment
from holdfast.domain.errors import ClusterError, Retry
from holdfast.kit.clock import SystemClock

_TEST_S = 30.0
_ACCOUNT = "/api/v1/account"
_SESSION = "/api/v1/session"


class Reached(StrEnum):
    """How a server answers to TLS."""

    SECURE = "secure"
    NO_TLS = "no TLS"
    UNKNOWN_CERTIFICATE = "unknown certificate"


@contextlib.asynccontextmanager
async def asking(server: Server) -> AsyncIterator[Rest]:
    """Yield a way to a server, and close it."""
    rest = Rest(server, SystemClock())
    try:
        yield rest
    finally:
        await rest.close()


async def try_tls(server: Server) -> Reached:
    """Find out whether a server has TLS, and a certificate that is known here.

    Raises:
        ClusterError: HF2001, nobody answers there.
    """
    place = urlsplit(server.url)
    context = await asyncio.to_thread(ssl.create_default_context)
    if server.ca:
        context.load_verify_locations(cadata=server.ca.decode("ascii", "replace"))
    try:
        async with asyncio.timeout(_TEST_S):
            _, writer = await asyncio.open_connection(place.hostname, place.port, ssl=context)
    except ssl.SSLCertVerificationError:
        return Reached.UNKNOWN_CERTIFICATE
    except (ssl.SSLError, ConnectionResetError):
        return Reached.NO_TLS
    except (OSError, TimeoutError) as error:
        words = str(error) or f"no answer within {_TEST_S:g} s"
        raise ClusterError(
            "HF2001", f"the server cannot be reached: {words}", about=server.url,
            hint="look at the address and its port", retry=Retry.NEVER,
        ) from error  # fmt: skip
    writer.transport.abort()
    return Reached.SECURE


async def sign_in(server: Server, username: str, password: str) -> str:
    """Return a new token.

    Raises:
        HoldfastError: the server refused.
    """
    async with asking(server) as rest:
        body = {"username": username, "password": password}
        return str((await rest.send("POST", _SESSION, body=body)).tree["token"])


async def sign_out(server: Server) -> None:
    """Revoke the token of a server.

    Raises:
        HoldfastError: the server refused.
    """
    async with asking(server) as rest:
        await rest.send("DELETE", _SESSION)


async def user_info(server: Server) -> dict[str, Any]:
    """Return who is signed in."""
    async with asking(server) as rest:
        found: dict[str, Any] = await rest.get(f"{_SESSION}/userinfo")
        return found


async def accounts(server: Server) -> list[dict[str, Any]]:
    """Return all accounts that the caller may see."""
    async with asking(server) as rest:
        return list((await rest.get(_ACCOUNT)).get("items") or [])


async def account(server: Server, name: str) -> dict[str, Any]:
    """Return one account."""
    async with asking(server) as rest:
        found: dict[str, Any] = await rest.get(f"{_ACCOUNT}/{segment(name)}")
        return found


async def can_i(server: Server, action: str, resource: str, target: str) -> str:
    """Return `yes` or `no`."""
    path = "/".join(segment(part) for part in (resource, action, target))
    async with asking(server) as rest:
        return str((await rest.get(f"{_ACCOUNT}/can-i/{path}"))["value"])


async def change_password(server: Server, name: str, current: str, new: str) -> None:
    """Set the password of an account."""
    body = {"name": name, "currentPassword": current, "newPassword": new}
    async with asking(server) as rest:
        await rest.send("PUT", f"{_ACCOUNT}/password", body=body)


async def make_token(server: Server, name: str, token_id: str, seconds: int) -> str:
    """Return a new API key."""
    body = {"name": name, "id": token_id, "expiresIn": seconds}
    async with asking(server) as rest:
        answered = await rest.send("POST", f"{_ACCOUNT}/{segment(name)}/token", body=body)
        return str(answered.tree["token"])


async def delete_token(server: Server, name: str, token_id: str) -> None:
    """Take an API key away."""
    async with asking(server) as rest:
        path = f"{_ACCOUNT}/{segment(name)}/token/{segment(token_id)}"
        await rest.send("DELETE", path)


async def make_project_token(
    server: Server, project: str, role: str, token_id: str, seconds: int
) -> str:
    """Return a new token of a project's role."""
    body = {"id": token_id, "expiresIn": seconds}
    async with asking(server) as rest:
        return str((await rest.send("POST", _tokens(project, role), body=body)).tree["token"])


async def delete_project_token(server: Server, project: str, role: str, issued_at: int) -> None:
    """Take a token of a project's role away; `issued_at` is its Unix second."""
    async with asking(server) as rest:
        await rest.send("DELETE", f"{_tokens(project, role)}/{issued_at}")


def _tokens(project: str, role: str) -> str:
    return f"/api/v1/projects/{segment(project)}/roles/{segment(role)}/token"


def subject_of(token: str) -> str:
    """Return whom a token names, unchecked: only to save a person some typing."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return ""
    return str(claims.get("sub") or "").partition(":")[0] if isinstance(claims, dict) else ""


async def hash_password(password: str) -> str:
    """Return the bcrypt hash of a password, as `argocd-secret` keeps it."""
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()
