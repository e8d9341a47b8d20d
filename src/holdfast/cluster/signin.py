"""Credentials that may change while we run: token files and credential plugins.

A request asks `current()`, which is a look into a variable. Only when it gives None, or when
the server answers 401, something is read or run again.
"""

import asyncio
import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from holdfast.cluster.kubeconfig import Access, Basic, ExecPlugin, Token, TokenFile
from holdfast.domain.errors import ConfigurationError, Retry, ToolError
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.ports import Clock
from holdfast.kit import process

TOKEN_FILE_READ_AGAIN_S = 60.0  # as client-go: a projected token is renewed long before it ends
EXEC_TIMEOUT_S = 60.0
EXPIRY_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries.

    Attributes:
        headers: Authorization and impersonation.
        client_cert, client_key: PEM of a certificate that a plugin gave, or None.
    """

    headers: Mapping[str, str]
    client_cert: bytes | None = None
    client_key: bytes | None = None


class SignInSource:
    """Gives the credentials of one access and renews them.

    A source without anything to renew never gives None, and `renew` says that it can't help.
    """

    def __init__(self, access: Access, clock: Clock) -> None:
        """Sign in lazily: the first request obtains the credentials."""
        self._access = access
        self._clock = clock
        self._current: Credentials | None = None
        self._valid_until = float("inf")  # monotonic seconds
        self._expires_at: datetime | None = None
        self._lock = asyncio.Lock()

    @property
    def can_renew(self) -> bool:
        """Whether asking again can give other credentials."""
        return isinstance(self._access.sign_in, TokenFile | ExecPlugin)

    def current(self) -> Credentials | None:
        """Return valid credentials without waiting, or None when `obtain` must be awaited."""
        if self._current is None or self._clock.monotonic() >= self._valid_until:
            return None
        if self._expires_at is not None and self._clock.now() >= self._expires_at:
            return None
        return self._current

    async def obtain(self) -> Credentials:
        """Return valid credentials, reading the file or running the plugin if need be.

        Raises:
            ConfigurationError: HF3001, the token file cannot be read.
            ToolError: HF4004, the plugin failed.
        """
        async with self._lock:
            return self.current() or await self._fetch()

    async def renew(self, refused: Credentials) -> bool:
        """The server refused these credentials; return whether there are others now."""
        if not self.can_renew:
            return False
        async with self._lock:
            if self._current is refused:
                await self._fetch()
        return self._current is not None and self._current != refused

    async def _fetch(self) -> Credentials:
        found = Credentials({})
        match self._access.sign_in:
            case Token(value):
                found = Credentials({"Authorization": f"Bearer {value}"})
            case Basic(username, password):
                pair = base64.b64encode(f"{username}:{password}".encode()).decode()
                found = Credentials({"Authorization": f"Basic {pair}"})
            case TokenFile(path):
                token = await asyncio.to_thread(_read_token, str(path))
                found = Credentials({"Authorization": f"Bearer {token}"})
                self._valid_until = self._clock.monotonic() + TOKEN_FILE_READ_AGAIN_S
            case ExecPlugin() as plugin:
                found, self._expires_at = await self._run(plugin)
            case None:
                pass  # a client certificate, or an anonymous server
        if self._access.impersonate:
            found = Credentials(
                {**found.headers, **dict(self._access.impersonate)},
                found.client_cert,
                found.client_key,
            )
        self._current = found
        return found

    async def _run(self, plugin: ExecPlugin) -> tuple[Credentials, datetime | None]:
        who = f"the credential plugin `{plugin.command}` of user {plugin.user}"
        if plugin.needs_terminal:
            raise _failed(f"{who} demands a terminal (interactiveMode: Always).", plugin)
        env = {**os.environ, **dict(plugin.env)}
        env["KUBERNETES_EXEC_INFO"] = orjson.dumps(_exec_info(plugin, self._access)).decode()
        try:
            done = await process.run(
                [plugin.command, *plugin.args],
                env=env,
                limits=process.Limits(timeout_s=EXEC_TIMEOUT_S, output_bytes=1024 * 1024),
            )
        except process.ProcessError as error:
            raise _failed(f"{who}: {error}.", plugin) from error
        if done.code != 0:
            raise _failed(f"{who} ended with status {done.code}: {done.complaint()}", plugin)
        return _parse_credential(done.stdout, who, plugin)


def _read_token(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    except OSError as error:
        raise ConfigurationError(
            "HF3001", f"The token file {path} cannot be read: {error.strerror}."
        ) from error
    if not token:
        raise ConfigurationError("HF3001", f"The token file {path} is empty.")
    return token


def _exec_info(plugin: ExecPlugin, access: Access) -> Tree:
    spec: Tree = {"interactive": False}
    if plugin.provide_cluster_info:
        cluster: Tree = {"server": access.server}
        if access.ca is not None:
            cluster["certificate-authority-data"] = base64.b64encode(access.ca).decode()
        if access.insecure:
            cluster["insecure-skip-tls-verify"] = True
        if access.tls_server_name:
            cluster["tls-server-name"] = access.tls_server_name
        if access.proxy_url:
            cluster["proxy-url"] = access.proxy_url
        spec["cluster"] = cluster
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


def _parse_credential(
    output: bytes, who: str, plugin: ExecPlugin
) -> tuple[Credentials, datetime | None]:
    try:
        tree: JSON = orjson.loads(output)
    except orjson.JSONDecodeError as error:
        # What it printed may be a credential, so it is not quoted.
        raise _failed(f"{who} did not print JSON.", plugin) from error
    if not isinstance(tree, dict) or tree.get("kind") != "ExecCredential":
        raise _failed(f"{who} did not print an ExecCredential.", plugin)
    if tree.get("apiVersion") != plugin.api_version:
        raise _failed(f"{who} speaks {tree.get('apiVersion')!r}, not {plugin.api_version}.", plugin)
    status = tree.get("status")
    status = status if isinstance(status, dict) else {}
    token, cert = status.get("token"), status.get("clientCertificateData")
    key = status.get("clientKeyData")
    if not token and not (cert and key):
        raise _failed(f"{who} gave neither a token nor a client certificate with its key.", plugin)
    return (
        Credentials(
            {"Authorization": f"Bearer {token}"} if token else {},
            cert.encode() if cert and key else None,
            key.encode() if cert and key else None,
        ),
        _expiry(status.get("expirationTimestamp"), who, plugin),
    )


def _expiry(value: JSON, who: str, plugin: ExecPlugin) -> datetime | None:
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)) - EXPIRY_MARGIN
    except ValueError as error:
        raise _failed(f"{who} gave an expirationTimestamp that is no time.", plugin) from error


def _failed(message: str, plugin: ExecPlugin) -> ToolError:
    hint = plugin.install_hint or "Run the plugin by hand, as kubectl would, and look at its words."
    sentence = message[0].upper() + message[1:]
    return ToolError("HF4004", sentence, hint=hint, retry=Retry.BACKOFF)
