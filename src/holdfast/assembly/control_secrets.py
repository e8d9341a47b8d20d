"""Secrets of the control namespace, read and written by name.

Where Holdfast only observes, what it needs for itself is kept in this process: nothing is written.
"""

from holdfast.cluster.connection import Connection
from holdfast.cluster.settings_secrets import create_secret, merge_secret, read_secret
from holdfast.domain.errors import ClusterError, ConfigurationError, Retry

_SETTINGS_LABEL = ("app.kubernetes.io/part-of", "argocd")
_MISSING = "HF2003"
_EXISTS = "HF2011"


class ControlSecrets:
    """Secrets of one namespace.

    Attributes:
        namespace: The control namespace.
        observes: Whether nothing may be written.
    """

    def __init__(self, connection: Connection, namespace: str, *, observes: bool = False) -> None:
        """Keep where they are."""
        self._connection = connection
        self.namespace = namespace
        self.observes = observes
        self._kept: dict[str, dict[str, bytes | None]] = {}

    async def read_settings_secret(self, name: str) -> dict[str, bytes] | None:
        """Return a Secret labelled as a part of Argo CD; None when there is none, or no label.

        What `argocd-cm` may name is limited by the label: who writes settings reads no other.
        """
        calls = self._connection.calls
        return await read_secret(calls, self.namespace, name, label=_SETTINGS_LABEL)

    async def read_other_secret(self, name: str) -> dict[str, bytes] | None:
        """Return another Secret of the control namespace, None when there is none."""
        found = await read_secret(self._connection.calls, self.namespace, name)
        if name not in self._kept:
            return found
        merged = {**self._kept[name], **(found or {})}
        return {key: value for key, value in merged.items() if value is not None}

    async def put_other_secret(self, name: str, changes: dict[str, str | None]) -> None:
        """Set (or with None remove) keys of another Secret; it is created when it is missing."""
        await self.fill_keys(name, changes, {})

    async def make_secret(self, name: str, values: dict[str, str]) -> bool:
        """Create another Secret; False when it exists already."""
        if self.observes:
            return True
        encoded = {key: value.encode() for key, value in values.items()}
        calls = self._connection.calls
        try:
            await create_secret(calls, self.namespace, name, encoded, {})
        except ClusterError as error:
            if error.code == _EXISTS:
                return False
            raise
        return True

    async def fill_keys(
        self, name: str, texts: dict[str, str | None], labels: dict[str, str]
    ) -> None:
        """Set keys that Holdfast needs for itself, and that nobody asked for."""
        if self.observes:
            self._kept.setdefault(name, {}).update(_encoded(texts))
            return
        await self.put_keys(name, texts, labels)

    async def put_keys(
        self, name: str, texts: dict[str, str | None], labels: dict[str, str]
    ) -> None:
        """Set (or with None remove) keys of a Secret; one that is made gets the labels.

        Raises:
            ConfigurationError: HF3006, Holdfast only observes.
        """
        if self.observes:
            raise ConfigurationError(
                "HF3006",
                "Holdfast only observes (--observe), and writes nothing",
                hint="start it without --observe",
                retry=Retry.NEVER,
            )
        changes = _encoded(texts)
        calls = self._connection.calls
        try:
            await merge_secret(calls, self.namespace, name, changes)
        except ClusterError as error:
            if error.code != _MISSING:
                raise
            values = {key: value for key, value in changes.items() if value is not None}
            await self._create_or_merge(name, values, labels)

    async def _create_or_merge(
        self, name: str, values: dict[str, bytes], labels: dict[str, str]
    ) -> None:
        calls = self._connection.calls
        try:
            await create_secret(calls, self.namespace, name, values, labels)
        except ClusterError as error:
            if error.code != _EXISTS:
                raise
            # Another process of ours made it meanwhile.
            await merge_secret(calls, self.namespace, name, dict(values))


def _encoded(changes: dict[str, str | None]) -> dict[str, bytes | None]:
    return {key: None if value is None else value.encode() for key, value in changes.items()}
