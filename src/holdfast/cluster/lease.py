"""One holder at a time: the Lease `holdfast` (coordination.k8s.io).

    waiting ──(free, ours, or silent for its whole duration)──▶ holding ──(renew every third)──┐
       ▲                                                          │  ▲───────────────────────┘
       └──(taken by another, or not renewed in time)──────────────┘

* The identity is stable: a holder that was killed and started again goes on at once, only a
  stranger waits (docs/internals/argocd/apply.md C2).
* Who waits watches the Lease instead of asking again and again, and takes it once its holder has
  said nothing for the Lease's duration, measured on our own clock from the last change we saw.
* `is_leader` is about time too: a holder that cannot renew stops believing in itself before
  anybody else may take over.
* A clean stop empties the Lease, so that the next one goes on at once.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import random
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import orjson

from holdfast.cluster.calls import READ_HEADERS, Calls
from holdfast.cluster.lines import LineSplitter
from holdfast.cluster.paths import collection_path
from holdfast.cluster.reader import Reader
from holdfast.domain.errors import ClusterError, ConfigurationError, HoldfastError, Retry
from holdfast.domain.kinds import LEASE
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds.

    Attributes:
        duration_s: Others may take the Lease when its holder was silent for so long.
        renew_s: How often the holder speaks.
        deadline_s: The holder gives up when it could not renew for so long; below `duration_s`.
        retry_s: Pause after a failure.
    """

    duration_s: float = 15.0
    renew_s: float = 5.0
    deadline_s: float = 12.0
    retry_s: float = 1.0


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Which Lease, as whom, and who is told.

    Attributes:
        namespace: The control namespace.
        identity: From `claim_identity`.
        name: Of the Lease.
        times: Durations.
        gained: Called on the loop when we became the holder.
        lost: Called on the loop when we are not any more.
        notes: Annotations that the holder leaves with each renewal, for `holdfast status`.
    """

    namespace: str
    identity: str
    name: str = "holdfast"
    times: LeaseTimes = field(default_factory=LeaseTimes)
    gained: Callable[[], None] = _nothing
    lost: Callable[[], None] = _nothing
    notes: Callable[[], Mapping[str, str]] = dict


class StableIdentity:
    """Who we are, the same after a restart; held by one process at a time."""

    def __init__(self, name: str, file: IO[bytes] | None = None) -> None:
        """Keep the lock file open as long as the identity is used."""
        self.name = name
        self._file = file

    def release(self) -> None:
        """Let another process be this."""
        if self._file is not None:
            self._file.close()
            self._file = None


def claim_identity(data_dir: Path | None, environ: Mapping[str, str]) -> StableIdentity:
    """Return the identity of this process.

    Args:
        data_dir: The data folder; it is created. None keeps nothing: then a restart is a stranger.
        environ: `HOLDFAST_POD_UID` (downward API) names a pod.

    Raises:
        ConfigurationError: HF3007, another process has this folder.
    """
    host = socket.gethostname()
    if uid := environ.get("HOLDFAST_POD_UID"):
        return StableIdentity(f"{host}_{uid}")
    if data_dir is None:
        return StableIdentity(f"{host}_{os.getpid()}_{secrets.token_hex(4)}")
    folder = data_dir.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / "identity.lock", "a+b")  # noqa: SIM115 - kept open on purpose
    except OSError as error:
        raise ConfigurationError(
            "HF3009", f"The data folder {folder} cannot be used: {error.strerror}."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ConfigurationError(
            "HF3007",
            f"Another process uses the data folder {folder}.",
            hint="Stop it first, or give this one a folder of its own with --data.",
            retry=Retry.NEVER,
        ) from error
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return StableIdentity(f"{host}_{digest}", file)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A Lease as we last saw it, and when that was on our own clock."""

    lease: Manifest
    at: float

    @property
    def holder(self) -> str:
        return str(self.lease.at("spec", "holderIdentity") or "")


class LeaseHolder:
    """Tries to hold the Lease for as long as it runs."""

    def __init__(
        self,
        calls: Calls,
        system: SystemWriter,
        clock: Clock,
        rng: random.Random,
        settings: LeaseSettings,
    ) -> None:
        """Hold nothing yet; `run` tries.

        Args:
            calls: The server.
            system: Writes the Lease.
            clock: Time.
            rng: Spreads those who wait.
            settings: Which Lease, as whom, and who is told.
        """
        self._calls = calls
        self._reader = Reader(calls)
        self._system = system
        self._clock = clock
        self._rng = rng
        self._namespace = settings.namespace
        self._identity = settings.identity
        self._name = settings.name
        self._times = settings.times
        self._gained = settings.gained
        self._lost = settings.lost
        self._notes = settings.notes
        self._leading = False
        self._renewed_at = float("-inf")
        self._lease: Manifest | None = None
        self.holder = ""  # who holds it, as far as we know

    @property
    def is_leader(self) -> bool:
        """Whether we hold the Lease, and renewed it recently enough to be sure."""
        return self._leading and self._clock.monotonic() - self._renewed_at < self._times.duration_s

    async def run(self) -> None:
        """Wait for the Lease, hold it, wait again … until cancelled."""
        while True:
            try:
                await self._wait_and_take()
            except HoldfastError as error:
                log.warning("waiting for the lease: %s", error.describe())
                await self._clock.sleep(self._times.retry_s * (1.0 + self._rng.random()))
                continue
            await self._hold()

    async def release(self) -> None:
        """Give the Lease back, so that the next holder need not wait. After `run` has ended."""
        if not self._leading or self._lease is None:
            return
        self._stop_leading("giving the lease back", logging.INFO)
        spec = {
            **self._lease.tree["spec"],
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "renewTime": _micro_time(self._clock.now()),
        }
        with contextlib.suppress(HoldfastError):
            await self._system.replace(
                Manifest({**self._lease.tree, "spec": spec}), SystemWrite.LEASE
            )

    # --- waiting -----------------------------------------------------------------------------

    async def _wait_and_take(self) -> None:
        seen: _Seen | None = None
        while True:
            lease = await self._reader.get(LEASE, self._namespace, self._name)
            if lease is None:
                if await self._create():
                    return
                continue
            now = self._clock.monotonic()
            if seen is None or seen.lease.resource_version != lease.resource_version:
                seen = _Seen(lease, now)
            self.holder = seen.holder
            left = seen.at + _duration_s(lease, self._times.duration_s) - now
            if seen.holder in ("", self._identity) or left <= 0:
                if await self._take(lease):
                    return
                continue
            await self._watch_until_changed(lease, left)

    async def _create(self) -> bool:
        now = _micro_time(self._clock.now())
        lease: Tree = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": _whole(self._times.duration_s),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }
        began = self._clock.monotonic()
        try:
            self._held(await self._system.create(Manifest(lease), SystemWrite.LEASE), began)
        except ClusterError as error:
            if error.code != "HF2011":
                raise
            return False
        return True

    async def _take(self, lease: Manifest) -> bool:
        now = _micro_time(self._clock.now())
        spec = dict(lease.at("spec") or {})
        if spec.get("holderIdentity") != self._identity:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = now
        began = self._clock.monotonic()
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": _whole(self._times.duration_s),
            "renewTime": now,
        }
        try:
            taken = await self._system.replace(
                Manifest({**lease.tree, "spec": spec}), SystemWrite.LEASE
            )
        except ClusterError as error:
            if error.code in ("HF2004", "HF2003"):
                return False  # somebody else took it, or it was deleted: look again
            raise
        self._held(taken, began)
        return True

    async def _watch_until_changed(self, lease: Manifest, seconds: float) -> None:
        """Return when the Lease changed, or when the time is over."""
        info = await self._calls.discovery.get(LEASE)
        words = {
            "watch": "true",
            "fieldSelector": f"metadata.name={self._name}",
            "resourceVersion": lease.resource_version,
            "timeoutSeconds": str(_whole(seconds)),
        }
        # A little longer than the holder's time: whoever waits together does not jump together.
        limit_s = seconds + 0.5 * self._rng.random()
        stream = None
        try:
            async with asyncio.timeout(limit_s):
                stream = await self._calls.transport.open_stream(
                    f"{collection_path(info, self._namespace)}?{urlencode(words)}",
                    READ_HEADERS,
                    silence_s=limit_s + 1.0,
                )
                splitter = LineSplitter()
                while stream.status == 200 and (chunk := await stream.read()):
                    if any(_is_change(bytes(line)) for line in splitter.feed(chunk)):
                        return
            # The server ended it early (410, restart): no reason to ask again in a hurry.
            await self._clock.sleep(min(seconds, self._times.retry_s))
        except TimeoutError:
            return
        finally:
            if stream is not None:
                stream.close()

    # --- holding -----------------------------------------------------------------------------

    async def _hold(self) -> None:
        while self._leading:
            await self._clock.sleep(self._times.renew_s)
            await self._renew_until_deadline()

    async def _renew_until_deadline(self) -> None:
        while True:
            left = self._renewed_at + self._times.deadline_s - self._clock.monotonic()
            if left <= 0:
                log.warning("the lease could not be renewed in time")
                self._stop_leading()
                return
            try:
                async with asyncio.timeout(left):
                    if await self._renew():
                        return
            except TimeoutError:
                continue
            except HoldfastError as error:
                log.warning("renewing the lease: %s", error.describe())
            if not self._leading:
                return
            await self._clock.sleep(min(self._times.retry_s, max(left, 0.0)))

    async def _renew(self) -> bool:
        """Renew; False when it must be tried again, or when it was lost."""
        if self._lease is None:
            return False
        began = self._clock.monotonic()
        spec = {**self._lease.tree["spec"], "renewTime": _micro_time(self._clock.now())}
        lease = Manifest({**self._lease.tree, "spec": spec})
        for name, value in self._notes().items():
            lease = lease.with_annotation(name, value)
        try:
            renewed = await self._system.replace(lease, SystemWrite.LEASE)
        except ClusterError as error:
            if error.code not in ("HF2003", "HF2004"):
                raise
            found = await self._reader.get(LEASE, self._namespace, self._name)
            if found is None or found.at("spec", "holderIdentity") != self._identity:
                self.holder = str(found.at("spec", "holderIdentity") or "") if found else ""
                self._stop_leading()
            self._lease = found
            return False
        self._lease, self._renewed_at = renewed, began
        return True

    def _held(self, lease: Manifest, since: float) -> None:
        self._lease, self._renewed_at, self.holder = lease, since, self._identity
        self._leading = True
        log.info("holding the lease as %s", self._identity)
        self._gained()

    def _stop_leading(
        self, message: str = "not holding the lease any more", level: int = logging.WARNING
    ) -> None:
        if self._leading:
            self._leading = False
            log.log(level, message)
            self._lost()


def _is_change(line: bytes) -> bool:
    event = orjson.loads(line)
    return event.get("type") in ("ADDED", "MODIFIED", "DELETED", "ERROR")


def _duration_s(lease: Manifest, default: float) -> float:
    value = lease.at("spec", "leaseDurationSeconds")
    return float(value) if isinstance(value, int) and value > 0 else default


def _whole(seconds: float) -> int:
    return max(1, round(seconds + 0.499))


def _micro_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
