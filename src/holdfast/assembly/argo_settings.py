"""The port `api.ports.Settings`: ConfigMaps and the Secret of Argo CD, followed live.

`argocd-cm`, `argocd-rbac-cm`, `argocd-cmd-params-cm` and `argocd-secret` of the control namespace
(docs/internals/argocd/api.md §10). Nothing in them is changed or removed but the keys that sign-in
owns; a missing object reads as empty.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdfast.assembly.control_secrets import ControlSecrets
from holdfast.cluster.connection import Connection
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.kinds import CONFIG_MAP, SECRET_V1
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)

SETTINGS = "argocd-cm"
ROLES = "argocd-rbac-cm"
PARAMETERS = "argocd-cmd-params-cm"
SECRET = "argocd-secret"  # noqa: S105 - the name of an object
_AGAIN_S = 1.0
_PART_OF = {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": SECRET}


class ArgoSettings(ControlSecrets):
    """Settings of the control namespace (a `WatchSink`).

    Attributes:
        namespace: The control namespace.
        changed: Called at each change.
    """

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        supervisor: Supervisor,
        *,
        observes: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> None:
        """Know nothing before `start`; what is `given` wins over what stands there."""
        super().__init__(connection, namespace, observes=observes)
        self._supervisor = supervisor
        self._config: dict[str, dict[str, str]] = {SETTINGS: {}, ROLES: {}, PARAMETERS: {}}
        self._given = dict(given or {})
        self._secrets: dict[str, str] = {}
        self._is_stale = False
        self._writes = 0
        self._listed = asyncio.Event()
        self._followed: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        self.changed: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Read everything, and follow its changes."""
        await self._read()
        watching = self._connection.watching
        watching.start(WatchScope(CONFIG_MAP, self.namespace), self)
        watching.start(WatchScope(SECRET_V1, self.namespace), self)
        await self._listed.wait()

    # --- reading ------------------------------------------------------------------------------

    def text(self, key: str, default: str = "") -> str:
        """Return a value of `argocd-cm`, or of `argocd-cmd-params-cm` where it has none."""
        if key in self._given:
            return self._given[key]
        found = self._config[SETTINGS].get(key)
        return self._config[PARAMETERS].get(key, default) if found is None else found

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value, found as `text`."""
        value = self.text(key)
        return value.strip().lower() == "true" if value else default

    def cm(self) -> dict[str, str]:
        """Return all of `argocd-cm`."""
        return dict(self._config[SETTINGS])

    def rbac(self) -> dict[str, str]:
        """Return all of `argocd-rbac-cm`."""
        return dict(self._config[ROLES])

    def secret(self, key: str) -> str:
        """Return a value of `argocd-secret`, `""` when it is not set."""
        return self._secrets.get(key, "")

    def secrets(self) -> dict[str, str]:
        """Return all of `argocd-secret`, decoded."""
        return dict(self._secrets)

    # --- writing ------------------------------------------------------------------------------

    async def put_secret(self, changes: dict[str, str | None]) -> None:
        """Set (or with None remove) keys of `argocd-secret`; it is created when it is missing.

        Raises:
            ConfigurationError: HF3006, Holdfast only observes.
        """
        await self.put_keys(SECRET, changes, _PART_OF)
        self._take(changes)

    async def fill_secret(self, changes: dict[str, str | None]) -> None:
        """Set keys of `argocd-secret` that were missing; where it observes, in this process."""
        await self.fill_keys(SECRET, changes, _PART_OF)
        self._take(changes)

    def _take(self, changes: dict[str, str | None]) -> None:
        # What was written counts from now on, whatever the watch says when.
        self._writes += 1
        for key, value in changes.items():
            if value is None:
                self._secrets.pop(key, None)
            else:
                self._secrets[key] = value

    def follow_secret(self, name: str, read: "Callable[[], Coroutine[Any, Any, None]]") -> None:
        """Call `read` at each change of another Secret."""
        self._followed[name] = read

    # --- WatchSink ----------------------------------------------------------------------------

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Take a change of one of them."""
        if scope.gvk == CONFIG_MAP and manifest.name in self._config:
            data = {} if event is EventKind.DELETED else manifest.tree.get("data") or {}
            self._config[manifest.name] = {key: str(value) for key, value in data.items()}
            self._tell()
        elif scope.gvk == SECRET_V1 and manifest.name == SECRET:
            self._is_stale = True
            if not self._supervisor.is_running("argocd-secret"):
                self._supervisor.once("argocd-secret", self._read_again())
        elif scope.gvk == SECRET_V1 and manifest.name in self._followed:
            self._supervisor.once(manifest.name, self._followed[manifest.name]())

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """The ConfigMaps that a list lacks are empty."""
        del version
        if scope.gvk != CONFIG_MAP:
            return
        names = {key.name for key in keys}
        for name in self._config:
            if name not in names:
                self._config[name] = {}
        self._listed.set()
        self._tell()

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Settings stay as they are known."""
        log.warning("settings are not followed kind=%s: %s", scope.gvk, error)
        self._listed.set()

    async def _read_again(self) -> None:
        while self._is_stale:
            self._is_stale = False
            if not await self._read():
                self._is_stale = True
                await SystemClock().sleep(_AGAIN_S)
                continue
            self._tell()

    async def _read(self) -> bool:
        """Read `argocd-secret`; False when it could not be read, and is to be read again."""
        try:
            await self.read()
        except ClusterError as error:
            log.warning("%s cannot be read: %s", SECRET, error.describe())
            return False
        return True

    async def read(self) -> None:
        """Read `argocd-secret` now.

        Raises:
            ClusterError: it cannot be read; what was known stays.
        """
        writes, found = self._writes, await self.read_other_secret(SECRET)
        while writes != self._writes:  # what was read before a write must not replace it
            writes, found = self._writes, await self.read_other_secret(SECRET)
        values = (found or {}).items()
        self._secrets = {key: value.decode("utf-8", "replace") for key, value in values}

    def _tell(self) -> None:
        for changed in self.changed:
            changed()
