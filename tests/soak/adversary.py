"""Somebody who changes and deletes what Holdfast looks after; the same seed does the same again.

What is random is drawn from one generator for each worker; only how fast the cluster answers is
not in the seed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.soak.declared import edited, noise
from tests.support.waiting import quiet_for, until

if TYPE_CHECKING:
    import random

    from tests.soak.oracle import Oracle
    from tests.support.person import Person, Ref

Tree = dict[str, Any]
DRIFTS = (
    "edit", "edit", "patch", "patch", "label", "unlabel", "annotate", "scale",
    "delete", "delete", "delete-foreground", "delete-orphan", "recreate",
)  # fmt: skip
NOISE = ("noise", "status", "label-noise")
NOISE_SHARE, OVERLAP_SHARE = 0.3, 0.15
REST_S = 21.0
"""An object rests so long for each drift: five heals in a minute are at once, more would wait, and
wait longer each time until one has held for a minute. Two bursts of three must not share one."""
HEALED_S = 60.0


@dataclass
class Adversary:
    """Does harm, and writes down what it did.

    Attributes:
        done: One line for each action, by object.
        counts: How many of each sort.
        drifts: How many actions could be drift.
    """

    person: Person
    oracle: Oracle
    done: dict[Ref, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    drifts: int = 0
    _serial: int = 0
    _rests_until: dict[Ref, float] = field(default_factory=dict)

    async def work(self, refs: list[Ref], rng: random.Random, until_s: float) -> None:
        """Works on these objects alone until a moment of the monotonic clock."""
        while time.monotonic() < until_s:
            await quiet_for(rng.uniform(0.05, 0.8), why="an adversary has a pace")
            ref = rng.choice(refs)
            if rng.random() < NOISE_SHARE:
                await self._act(rng.choice(NOISE), ref, rng)
                continue
            rested = [r for r in refs if self._rests_until.get(r, 0.0) <= time.monotonic()]
            if rested:
                await self._harm(rng.choice(rested), rng)

    async def _harm(self, ref: Ref, rng: random.Random) -> None:
        """Makes an object drift, sometimes again before it was healed; waits for the heal."""
        times = rng.choice((2, 3)) if rng.random() < OVERLAP_SHARE else 1
        before = self.oracle.pasts[ref].drifts
        for _ in range(times):
            await self._act(rng.choice(DRIFTS), ref, rng)
        self._rests_until[ref] = time.monotonic() + REST_S * times
        past = self.oracle.pasts[ref]
        await until(lambda: past.drifts > before and past.is_equal, seconds=HEALED_S)

    async def _act(self, what: str, ref: Ref, rng: random.Random) -> None:
        if ref.kind != "Deployment" and what in ("scale", "status"):
            what = "patch" if what == "scale" else "label-noise"
        self._serial += 1
        number = self._serial
        self.drifts += what in DRIFTS
        self.counts[what] = self.counts.get(what, 0) + 1
        answer = await self._do(what, ref, number, rng)
        self.done.setdefault(ref, []).append(f"#{number} {what} -> {answer}")

    async def _do(self, what: str, ref: Ref, number: int, rng: random.Random) -> int:
        tree = self.oracle.pasts[ref].tree
        who = f"person-{number}"  # the same one three times would be a fight, which is not meant
        if what.startswith("delete"):
            return await self._delete(ref, what.partition("-")[2].capitalize() or "Background")
        if what == "recreate":
            await self._delete(ref, "Background")
            other = edited(tree, number)
            other["metadata"]["namespace"] = ref.namespace
            return (await self.person.send("POST", ref.collection, other, fieldManager=who)).status
        if what == "edit":
            return await self._edit(ref, number, who)
        path, body = ref.path, _body(what, tree, number, rng)
        if what in ("scale", "status"):
            path = f"{path}/{what}"
        return await self._patch(path, body, "noise" if what in NOISE else who)

    async def _edit(self, ref: Ref, number: int, who: str) -> int:
        """kubectl edit: read, change, write; once more when the object has moved."""
        status = 409
        for _ in range(5):
            answer = await self.person.send("GET", ref.path)
            if answer.status != 200:
                return answer.status
            body = edited(answer.tree, number)
            status = (await self.person.send("PUT", ref.path, body, fieldManager=who)).status
            if status != 409:
                break
        return status

    async def _patch(self, path: str, body: Tree, who: str) -> int:
        merge = "application/merge-patch+json"
        return (await self.person.send("PATCH", path, body, merge, fieldManager=who)).status

    async def _delete(self, ref: Ref, propagation: str) -> int:
        body = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": propagation,
        }
        return (await self.person.send("DELETE", ref.path, body)).status


def _body(what: str, tree: Tree, number: int, rng: random.Random) -> Tree:
    """The merge patch of an action that is no more than one."""
    if what == "noise":
        return noise(tree, number)
    bodies: dict[str, Tree] = {
        "scale": {"spec": {"replicas": rng.choice((0, 2, 3))}},
        "status": {"status": {"observedGeneration": 0}},
        "label": {"metadata": {"labels": {"tier": f"t{number}"}}},
        "unlabel": {"metadata": {"labels": {"team": None}}},
        "annotate": {"metadata": {"annotations": {"team.example/owner": f"o{number}"}}},
        "label-noise": {"metadata": {"annotations": {"team.example/noise": str(number)}}},
    }
    if what in bodies:
        return bodies[what]
    changed = edited(tree, number)
    return {key: changed[key] for key in changed if changed[key] != tree[key]}


async def all_work(adversary: Adversary, refs: list[Ref], rng: random.Random, until_s: float,
                   workers: int) -> None:  # fmt: skip
    """Lets several of them work, each on objects of its own."""
    generators = [type(rng)(rng.getrandbits(64)) for _ in range(workers)]
    async with asyncio.TaskGroup() as group:
        for number, generator in enumerate(generators):
            group.create_task(adversary.work(refs[number::workers], generator, until_s))
