"""Keeps the credentials of repositories as the Secrets of the control namespace have them."""

import logging

from holdfast.cluster.connection import Connection
from holdfast.cluster.repository_secrets import SECRET_TYPE_LABEL, read_repository_secrets
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import SECRET_V1
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.tasks import Supervisor
from holdfast.sources.credentials import RepositoryCredentials

log = logging.getLogger(__name__)


class RepositoryLogins:
    """Reads repository Secrets at the start and whenever one of them changes (a `WatchSink`)."""

    def __init__(self, connection: Connection, namespace: str, supervisor: Supervisor) -> None:
        """Know none before `start`."""
        self._connection = connection
        self._namespace = namespace
        self._supervisor = supervisor
        self._is_stale = False
        self.credentials = RepositoryCredentials()

    async def start(self) -> None:
        """Read them, and follow their changes."""
        await self._read()
        self._connection.watching.start(WatchScope(SECRET_V1, self._namespace), self)

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Read again when a repository Secret came, changed or went."""
        # Listed ones count, too: one may have come between the first read and the list.
        if manifest.label(SECRET_TYPE_LABEL) is None:
            return
        self._is_stale = True
        if not self._supervisor.is_running("repository logins"):
            self._supervisor.once("repository logins", self._read_again())

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Nothing to do: the Secrets are read as a whole."""

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Private repositories stay as they are known."""
        log.warning("repository Secrets are not followed: %s", error)

    async def _read_again(self) -> None:
        while self._is_stale:
            self._is_stale = False
            await self._read()

    async def _read(self) -> None:
        try:
            secrets = await read_repository_secrets(self._connection.calls, self._namespace)
        except ClusterError as error:
            log.warning("repositories are read without credentials: %s", error.describe())
            return
        self.credentials.replace(secrets)
