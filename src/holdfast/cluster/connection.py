"""`connect`: from a kubeconfig to everything that speaks to one cluster."""

import base64
import binascii
import logging
import random
import secrets
from dataclasses import dataclass, field

import orjson

from holdfast.cluster.calls import READ_HEADERS, Calls, refusal
from holdfast.cluster.discovery import Discovery
from holdfast.cluster.events import EventRecorder
from holdfast.cluster.kubeconfig import Access
from holdfast.cluster.lease import LeaseHolder, LeaseSettings
from holdfast.cluster.paths import object_path
from holdfast.cluster.reader import Reader
from holdfast.cluster.sealing import Sealer
from holdfast.cluster.system import ReadOnlySystem, System
from holdfast.cluster.transport import Limits, Transport
from holdfast.cluster.watch import Watcher, WatchTimes
from holdfast.cluster.writer import ReadOnlyWriter, Writer
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.kinds import SECRET_V1
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

INSTALLATION_SECRET = "holdfast"  # noqa: S105 - the name of an object
INSTALLATION_KEY = "installation-key"
KEY_BYTES = 32
_BUSY_REQUESTS = 4  # so many are on their way in a storm or a big sync, never at rest


@dataclass(frozen=True, slots=True)
class Options:
    """How to connect.

    Attributes:
        observe: Send no write: `writer` refuses and `system` only counts.
        limits: Times and counts of requests.
        watch_times: How long streams last.
    """

    observe: bool = False
    limits: Limits = field(default_factory=Limits)
    watch_times: WatchTimes = field(default_factory=WatchTimes)


@dataclass(frozen=True, slots=True)
class Connection:
    """One cluster, ready to use. The attributes implement the ports of the same names."""

    access: Access
    kinds: Discovery
    reader: Reader
    writer: Writer | ReadOnlyWriter
    system: System | ReadOnlySystem
    sealing: Sealer
    watching: Watcher
    calls: Calls
    clock: Clock
    rng: random.Random

    async def settle_installation_key(self, namespace: str) -> bool:
        """Seal with the key of this installation from now on; make one if there is none.

        To be called once the control namespace exists and before the first watch starts: what was
        sealed before has other tokens. Until then, and when it may not be read or kept, a random
        key of this process is used; then hashes don't survive a restart, and nothing else differs.

        Returns:
            Whether the key is one that outlives this process.
        """
        try:
            found = await self._read_key(namespace)
            if found is None and not isinstance(self.system, ReadOnlySystem):
                found = await self._make_key(namespace)
        except HoldfastError as error:
            log.warning("the installation key is not available: %s", error.describe())
            return False
        if found is None:
            return False
        self.sealing.rekey(found)
        return True

    def lease(self, settings: LeaseSettings) -> LeaseHolder:
        """Return a holder for the Lease of this cluster; it holds nothing before it runs."""
        return LeaseHolder(self.calls, self.system, self.clock, self.rng, settings)

    def events(self) -> EventRecorder:
        """Return a recorder of Events on Applications of this cluster."""
        transport = self.calls.transport
        return EventRecorder(
            self.system, self.clock, is_busy=lambda: transport.in_flight > _BUSY_REQUESTS
        )

    async def close(self) -> None:
        """Stop watching and close all connections."""
        self.watching.close()
        await self.calls.transport.close()

    async def _read_key(self, namespace: str) -> bytes | None:
        info = await self.kinds.get(SECRET_V1)
        answer = await self.calls.transport.request(
            "GET",
            object_path(info, namespace, INSTALLATION_SECRET),
            headers=READ_HEADERS,
            repeatable=True,
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal(answer, about=f"Secret {namespace}/{INSTALLATION_SECRET}")
        value = (orjson.loads(answer.body).get("data") or {}).get(INSTALLATION_KEY, "")
        try:
            key = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < KEY_BYTES:
            log.warning(
                "Secret %s/%s holds no usable %s; a key of this process is used",
                namespace,
                INSTALLATION_SECRET,
                INSTALLATION_KEY,
            )
            return None
        return key

    async def _make_key(self, namespace: str) -> bytes | None:
        key = secrets.token_bytes(KEY_BYTES)
        secret = Manifest(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": INSTALLATION_SECRET,
                    "namespace": namespace,
                    "labels": {"app.kubernetes.io/part-of": "holdfast"},
                },
                "type": "Opaque",
                "data": {INSTALLATION_KEY: base64.b64encode(key).decode()},
            }
        )
        try:
            await self.system.create(secret, SystemWrite.INSTALLATION_KEY)
        except ClusterError as error:
            if error.code != "HF2011":
                raise
            return await self._read_key(namespace)  # another process was faster
        return key


async def connect(
    access: Access,
    *,
    clock: Clock,
    supervisor: Supervisor,
    rng: random.Random,
    options: Options | None = None,
) -> Connection:
    """Reach a cluster and learn its kinds.

    Args:
        access: From `kubeconfig.find_access`.
        clock: Time.
        supervisor: Owns the watches' tasks.
        rng: Spreads reconnections.
        options: Observe only, times.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses us.
        ConfigurationError: HF3001, certificates or token files can't be used.
        ToolError: HF4004, a credential plugin failed.
    """
    chosen = options or Options()
    transport = Transport(access, clock, chosen.limits)
    discovery = Discovery(transport, clock)
    sealer = Sealer(secrets.token_bytes(KEY_BYTES))
    calls = Calls(transport, discovery, sealer)
    try:
        await discovery.refresh()
    except BaseException:
        await transport.close()
        raise
    return Connection(
        access=access,
        kinds=discovery,
        reader=Reader(calls),
        writer=ReadOnlyWriter(calls) if chosen.observe else Writer(calls),
        system=ReadOnlySystem() if chosen.observe else System(calls),
        sealing=sealer,
        watching=Watcher(calls, clock, supervisor, rng, chosen.watch_times),
        calls=calls,
        clock=clock,
        rng=rng,
    )
