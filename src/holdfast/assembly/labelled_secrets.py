"""The port `StoredSettings`: repository and cluster Secrets, and how what they name answers."""

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from holdfast.assembly.command_logins import CommandLogins
from holdfast.assembly.lazy import LazyChecks
from holdfast.cluster.connection import Connection
from holdfast.cluster.kubeconfig import Access, Basic, SignIn, Token
from holdfast.cluster.repository_secrets import read_labelled_secrets
from holdfast.cluster.transport import Limits, Transport
from holdfast.domain.errors import ClusterError, ConfigurationError, Retry
from holdfast.domain.manifest import Tree
from holdfast.domain.stored_settings import SecretType, StoredSecret

_ANSWER_S = 10.0


class LabelledSecrets:
    """Reads the control namespace."""

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        checks: LazyChecks,
        logins: CommandLogins,
    ) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._namespace = namespace
        self._checks = checks
        self._logins = logins

    async def secrets(self, wanted: SecretType) -> Sequence[StoredSecret]:
        """Return all Secrets of a type, by name."""
        trees = await read_labelled_secrets(
            self._connection.calls, self._namespace, (wanted.value,)
        )
        found = [StoredSecret(tree, _decoded(tree)) for tree in trees]
        return sorted(found, key=lambda one: one.name)

    async def check_repository(self, url: str, secrets: Sequence[Tree]) -> None:
        """Ask a repository for its references."""
        await self._checks.check(url, secrets)

    async def cluster_version(self, server: str, config: Tree) -> str:
        """Return the version of another cluster."""
        access = access_of(server, config)
        transport = Transport(access, self._connection.clock, Limits(request_s=_ANSWER_S))
        try:
            answer = await transport.request("GET", "/version")
        finally:
            await transport.close()
        if answer.status != 200:
            raise ClusterError(
                "HF2002", f"it answers with HTTP {answer.status}", about=server, retry=Retry.NEVER
            )
        try:
            return str(orjson.loads(answer.body).get("gitVersion") or "")
        except (orjson.JSONDecodeError, AttributeError):
            raise ClusterError(
                "HF2010", "it is no Kubernetes API server", about=server, retry=Retry.NEVER
            ) from None

    def forget(self) -> None:
        """Read how repositories are signed in to anew."""
        self._logins.forget()


def access_of(server: str, config: Tree) -> Access:
    """Return how a cluster is reached, as Argo CD's cluster Secret says (api.md §1.7).

    Raises:
        ConfigurationError: HF3001, it asks for a way in that is not built, or is broken.
    """
    for key in ("awsAuthConfig", "execProviderConfig"):
        if config.get(key):
            raise ConfigurationError(
                "HF3001", f"its Secret signs in with {key}, which is not built", about=server,
                retry=Retry.NEVER,
            )  # fmt: skip
    tls = config.get("tlsClientConfig")
    tls = tls if isinstance(tls, dict) else {}
    sign_in: SignIn = None
    if config.get("bearerToken"):
        sign_in = Token(str(config["bearerToken"]))
    elif config.get("username"):
        sign_in = Basic(str(config["username"]), str(config.get("password") or ""))
    return Access(
        server=server.rstrip("/"),
        sign_in=sign_in,
        ca=_pem(tls, "caData", server),
        insecure=tls.get("insecure") is True,
        tls_server_name=str(tls.get("serverName") or ""),
        proxy_url=str(config.get("proxyUrl") or ""),
        client_cert=_pem(tls, "certData", server),
        client_key=_pem(tls, "keyData", server),
        origin=f"the Secret of the cluster {urlsplit(server).hostname}",
    )


def _pem(tls: Tree, key: str, server: str) -> bytes | None:
    if not tls.get(key):
        return None
    try:
        return base64.b64decode(str(tls[key]), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(
            "HF3001", f"{key} of its Secret is no base64", about=server, retry=Retry.NEVER
        ) from None


def _decoded(tree: Tree) -> dict[str, str]:
    values = {}
    for key, value in (tree.get("data") or {}).items():
        try:
            values[str(key)] = base64.b64decode(str(value), validate=True).decode()
        except ValueError:  # no base64, or no text
            continue
    return values
