"""The Lease: one holder at a time, a stranger waits, a restarted holder goes on at once."""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.cluster.lease import LeaseSettings, LeaseTimes
from holdfast.domain.kinds import LEASE
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import SystemWrite
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from tests.support.kube import Proxy, connected
from tests.support.waiting import eventually, until

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection
    from holdfast.cluster.lease import LeaseHolder

pytest_plugins = ("tests.support.kube_fixtures",)

QUICK = LeaseTimes(duration_s=2.0, renew_s=0.5, deadline_s=1.5, retry_s=0.2)
SLOW = LeaseTimes(duration_s=15.0, renew_s=5.0, deadline_s=12.0, retry_s=0.2)
NOT_RUN_OUT_S = 8.0
"""What was renewed less than `SLOW.renew_s` ago runs out in 10 s at the earliest."""


async def _held_for(plane: Connection, namespace: str, seconds: float) -> bool:
    """Whether its holder has renewed the Lease for so long."""
    lease = await plane.reader.get(LEASE, namespace, "holdfast")
    assert lease is not None
    spec: Any = lease.tree["spec"]
    taken, renewed = (datetime.fromisoformat(spec[name]) for name in ("acquireTime", "renewTime"))
    return (renewed - taken).total_seconds() >= seconds


def _follows(candidate: _Candidate, holder: str) -> bool:
    return candidate.holder.holder == holder


class _Candidate:
    """A process that wants the Lease."""

    def __init__(
        self, plane: Connection, namespace: str, name: str, times: LeaseTimes = QUICK
    ) -> None:
        self.told: list[str] = []
        self.holder: LeaseHolder = plane.lease(
            LeaseSettings(
                namespace,
                name,
                times=times,
                gained=lambda: self.told.append("gained"),
                lost=lambda: self.told.append("lost"),
            )
        )
        self._supervisor = Supervisor(SystemClock())

    async def __aenter__(self) -> _Candidate:
        self._supervisor.spawn("lease", self.holder.run)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        """Ends without a word, as after `kill -9`."""
        await self._supervisor.stop()

    async def stop(self) -> None:
        """Ends in good order."""
        await self.die()
        await self.holder.release()


async def test_the_first_takes_the_lease_and_a_second_waits(
    plane: Connection, namespace: str
) -> None:
    async with _Candidate(plane, namespace, "first") as first:
        await until(lambda: first.holder.is_leader)
        async with _Candidate(plane, namespace, "second") as second:
            await eventually(lambda: _held_for(plane, namespace, QUICK.duration_s * 1.5))
            assert first.holder.is_leader
            assert not second.holder.is_leader
            assert second.holder.holder == "first"
            assert second.told == []
    assert first.told == ["gained"]


async def test_the_second_takes_over_when_the_first_dies(plane: Connection, namespace: str) -> None:
    async with _Candidate(plane, namespace, "first") as first:
        await until(lambda: first.holder.is_leader)
        async with _Candidate(plane, namespace, "second") as second:
            await first.die()
            loop = asyncio.get_running_loop()
            died = loop.time()
            await until(lambda: second.holder.is_leader)
            assert loop.time() - died > QUICK.duration_s - QUICK.renew_s - 0.2
            lease = await plane.reader.get(LEASE, namespace, "holdfast")
            assert lease is not None
            assert lease.at("spec", "holderIdentity") == "second"
            assert lease.at("spec", "leaseTransitions") == 1


async def test_the_second_takes_over_at_once_when_the_first_stops(
    plane: Connection, namespace: str
) -> None:
    async with _Candidate(plane, namespace, "first", SLOW) as first:
        await until(lambda: first.holder.is_leader)
        async with _Candidate(plane, namespace, "second", SLOW) as second:
            await until(lambda: second.holder.holder == "first")
            await first.stop()
            await until(lambda: second.holder.is_leader, seconds=NOT_RUN_OUT_S)
    assert first.told == ["gained", "lost"]


async def test_a_restarted_holder_goes_on_at_once(plane: Connection, namespace: str) -> None:
    async with _Candidate(plane, namespace, "same", SLOW) as before:
        await until(lambda: before.holder.is_leader)
    async with _Candidate(plane, namespace, "same", SLOW) as after:
        await until(lambda: after.holder.is_leader, seconds=NOT_RUN_OUT_S)
    lease = await plane.reader.get(LEASE, namespace, "holdfast")
    assert lease is not None
    assert lease.at("spec", "leaseTransitions") == 0


async def test_a_holder_whose_lease_was_taken_learns_it(plane: Connection, namespace: str) -> None:
    async with _Candidate(plane, namespace, "first") as first:
        await until(lambda: first.holder.is_leader)
        await plane.system.merge_patch(
            LEASE, namespace, "holdfast", {"spec": {"holderIdentity": "thief"}}, SystemWrite.LEASE
        )
        await until(lambda: "lost" in first.told)
        assert not first.holder.is_leader
        assert first.holder.holder == "thief"


async def test_a_lease_that_was_deleted_is_made_again(plane: Connection, namespace: str) -> None:
    async with _Candidate(plane, namespace, "first") as first:
        await until(lambda: first.holder.is_leader)
        await plane.system.delete(LEASE, namespace, "holdfast", SystemWrite.LEASE)
        await until(lambda: first.told == ["gained", "lost", "gained"])
        assert first.holder.is_leader


async def test_a_holder_that_cannot_renew_stops_before_another_may_start(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    async with connected(proxy.access) as far, _Candidate(far, namespace, "cut-off") as first:
        await until(lambda: first.holder.is_leader)
        async with _Candidate(plane, namespace, "second") as second:
            await until(lambda: second.holder.holder == "cut-off")
            proxy.is_away = True
            proxy.cut_all()
            await until(lambda: "lost" in first.told or second.holder.is_leader)
            assert first.told == ["gained", "lost"]
            assert not second.holder.is_leader
            await until(lambda: second.holder.is_leader)
            assert not first.holder.is_leader
            proxy.is_away = False


async def test_who_waits_watches_instead_of_asking(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    async with connected(proxy.access) as far, _Candidate(plane, namespace, "first", SLOW) as first:
        await until(lambda: first.holder.is_leader)
        async with _Candidate(far, namespace, "second", SLOW) as second:
            await until(lambda: second.holder.holder == "first")
            names = ("someone", "another", "third")
            for name in names:
                await plane.system.merge_patch(
                    LEASE,
                    namespace,
                    "holdfast",
                    {"spec": {"holderIdentity": name}},
                    SystemWrite.LEASE,
                )
                await until(functools.partial(_follows, second, name))
            # One read and one watch for each change, and no other question.
            assert proxy.count("GET", "watch=true") >= len(names)
            assert proxy.count("GET", "/leases") <= 2 + 2 * len(names)


async def test_a_lease_that_nobody_holds_is_free(plane: Connection, namespace: str) -> None:
    empty = {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.kind,
        "metadata": {"name": "holdfast", "namespace": namespace},
    }
    await plane.system.create(Manifest(empty), SystemWrite.LEASE)
    async with _Candidate(plane, namespace, "first") as first:
        await until(lambda: first.holder.is_leader)
        assert first.told == ["gained"]
