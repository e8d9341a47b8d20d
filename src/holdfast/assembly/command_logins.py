"""How a command signs in to repositories: a person's own credentials, then the cluster's."""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from holdfast.assembly.places import cache_home
from holdfast.cluster.connection import Connection
from holdfast.domain.ports import Clock

if TYPE_CHECKING:
    from holdfast.assembly.repository_logins import RepositoryLogins
    from holdfast.sources.git_credentials import GitCredentials

_BELIEVED_S = 30.0


class CommandLogins:
    """Reads the repository Secrets when a remote repository is asked for, and not before."""

    def __init__(self, connection: Connection, namespace: str, clock: Clock) -> None:
        """Read nothing yet."""
        self._connection = connection
        self._namespace = namespace
        self._clock = clock
        self._logins: RepositoryLogins | None = None
        self._read_at: float | None = None

    async def prepare(self, url: str) -> None:
        """Read the cluster's Secrets and host keys, where the URL is remote.

        Who may not read them goes on without, and a line of the log says so.
        """
        from holdfast.sources.urls import find_local_path  # noqa: PLC0415 - libgit2 loads slowly

        now = self._clock.monotonic()
        is_fresh = self._read_at is not None and now - self._read_at < _BELIEVED_S
        if find_local_path(url) is not None or is_fresh:
            return
        if self._logins is None:
            from holdfast.assembly.repository_logins import RepositoryLogins  # noqa: PLC0415 - same
            from holdfast.sources.trust import Trust, default_known_hosts  # noqa: PLC0415 - same

            trust = Trust(str(cache_home() / "trust"), default_known_hosts())
            self._logins = RepositoryLogins(self._connection, self._namespace, trust)
        await self._logins.read()
        self._read_at = now

    def forget(self) -> None:
        """Read the Secrets anew when one is needed next: one was written."""
        self._read_at = None

    def __call__(self, url: str) -> "GitCredentials | None":
        """Return how to sign in."""
        own = _own_credentials(url)
        if own is not None or self._logins is None:
            return own
        return self._logins.credentials(url)


def _own_credentials(url: str) -> "GitCredentials | None":
    """Return `HOLDFAST_GIT_USERNAME` and `…_PASSWORD`, for https and `HOLDFAST_GIT_HOST` alone.

    The host must be named: whoever writes an Application chooses the URL, and could have the
    password sent anywhere.
    """
    from holdfast.sources.git_credentials import GitCredentials  # noqa: PLC0415 - same

    password = os.environ.get("HOLDFAST_GIT_PASSWORD", "")
    host = os.environ.get("HOLDFAST_GIT_HOST", "")
    parts = urlsplit(url)
    if not password or not host or parts.scheme != "https" or parts.netloc != host:
        return None
    return GitCredentials(os.environ.get("HOLDFAST_GIT_USERNAME", "git"), password)
