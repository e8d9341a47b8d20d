"""Keeps how repositories are reached, as the control namespace says.

Secrets say how to sign in, two ConfigMaps which host keys and certificates are trusted
(docs/internals/argocd/controller.md §10.2).
"""

import logging

from holdfast.cluster.connection import Connection
from holdfast.cluster.repository_secrets import SECRET_TYPE_LABEL, read_repository_secrets
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import CONFIG_MAP, SECRET_V1
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.tasks import Supervisor
from holdfast.sources.credentials import RepositoryCredentials
from holdfast.sources.trust import Trust

log = logging.getLogger(__name__)

KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
CERTIFICATES = "argocd-tls-certs-cm"


class RepositoryLogins:
    """Reads them at the start and whenever one of them changes (a `WatchSink`)."""

    def __init__(self, connection: Connection, namespace: str, trust: Trust) -> None:
        """Know none before `start` or `read`."""
        self._trust = trust
        self._connection = connection
        self._namespace = namespace
        self._supervisor: Supervisor | None = None
        self._is_stale = False
        self.credentials = RepositoryCredentials()

    async def start(self, supervisor: Supervisor, *, shares_config_maps: bool = False) -> None:
        """Read them, and follow their changes.

        Args:
            supervisor: For reading again.
            shares_config_maps: Somebody else watches the ConfigMaps and tells of them: a scope has
                one sink, and a watch of our own would take them from the controller.
        """
        self._supervisor = supervisor
        await self.read()
        for kind in (SECRET_V1,) if shares_config_maps else (SECRET_V1, CONFIG_MAP):
            self._connection.watching.start(WatchScope(kind, self._namespace), self)

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Read again when a repository Secret came, changed or went."""
        # Listed ones count, too: one may have come between the first read and the list.
        is_secret = scope.gvk == SECRET_V1 and manifest.label(SECRET_TYPE_LABEL) is not None
        is_trust = scope.gvk == CONFIG_MAP and manifest.name in (KNOWN_HOSTS, CERTIFICATES)
        if not is_secret and not is_trust:
            return
        self._is_stale = True
        supervisor = self._supervisor
        if supervisor is not None and not supervisor.is_running("repository logins"):
            supervisor.once("repository logins", self._read_again())

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Nothing to do: the Secrets are read as a whole."""

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Private repositories stay as they are known."""
        log.warning("repository Secrets are not followed: %s", error)

    async def _read_again(self) -> None:
        while self._is_stale:
            self._is_stale = False
            await self.read()

    async def read(self) -> None:
        """Read them once; what may not be read is logged, and stays as it is known."""
        try:
            secrets = await read_repository_secrets(self._connection.calls, self._namespace)
        except ClusterError as error:
            log.warning("repositories are read without credentials: %s", error.describe())
        else:
            self.credentials.replace(secrets)
        try:
            hosts, certificates = await self._data(KNOWN_HOSTS), await self._data(CERTIFICATES)
        except ClusterError as error:
            log.warning("host keys and certificates are not read: %s", error.describe())
        else:
            await self._trust.replace(hosts.get("ssh_known_hosts", ""), certificates)

    async def _data(self, name: str) -> dict[str, str]:
        found = await self._connection.reader.get(CONFIG_MAP, self._namespace, name)
        data = found.tree.get("data") if found is not None else None
        return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}
