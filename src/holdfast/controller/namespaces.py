"""The destination namespace of Applications with `CreateNamespace=true`, for both lanes."""

import asyncio
import logging

from holdfast.controller.permits import Permits
from holdfast.controller.state import Registry
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError
from holdfast.domain.kinds import NAMESPACE
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions, Purpose, Refused
from holdfast.domain.ports import ClusterWriter
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)


class NamespaceKeeper:
    """Creates namespaces, each at most once at a time. They are not tracked (§6.8)."""

    def __init__(
        self, registry: Registry, writer: ClusterWriter, permits: Permits, supervisor: Supervisor
    ) -> None:
        """Keep the ports."""
        self._registry = registry
        self._writer = writer
        self._permits = permits
        self._supervisor = supervisor
        self._locks: dict[str, asyncio.Lock] = {}

    def find(self, name: str) -> Manifest | None:
        """Return the namespace as far as it is known, None when it is missing."""
        known = self._registry.namespaces
        if not name or (known is not None and name not in known):
            return None
        return _manifest(name)

    async def ensure(self, app: Application, manifest: Manifest) -> str:
        """Apply the namespace; return the refusal, or `""`."""
        permit = self._permits.permit(app, NAMESPACE, manifest.key, Purpose.NAMESPACE)
        if isinstance(permit, Refused):
            return permit.message
        async with self._locks.setdefault(manifest.name, asyncio.Lock()):
            try:
                await self._writer.apply(manifest, permit, ApplyOptions())
            except ClusterError as error:
                return error.explain()
        if self._registry.namespaces is not None:
            self._registry.namespaces.setdefault(manifest.name, False)
        log.info("namespace created name=%s app=%s", manifest.name, app.key)
        return ""

    def ask(self, app: Application, name: str) -> None:
        """Create a namespace in the background: the heal lane found it gone."""
        task = f"namespace {name}"
        if not self._supervisor.is_running(task):
            self._supervisor.once(task, self.ensure(app, _manifest(name)))


def _manifest(name: str) -> Manifest:
    return Manifest(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
    )
