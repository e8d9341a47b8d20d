"""Own writes against own events, with delays drawn by seed (apply.md A2)."""

import random

import pytest

from tests.support.builders import HEALING, app, config_map
from tests.support.fake_cluster import Request
from tests.support.rig import Rig, controlling, key_of

CM = key_of(config_map())


async def live_value(rig: Rig, wanted: str) -> None:
    """Wait until the object holds a value; a minute is more than enough."""
    for _ in range(300):
        if rig.cluster.objects[CM]["data"]["n"] == wanted:
            return
        await rig.settle(0.2)
    raise AssertionError(f"{wanted} was never applied: {rig.status()}")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("seed", [7])
async def test_two_hundred_commits_are_one_write_each_and_never_go_back(seed: int) -> None:
    """Streams are late and out of order among each other; answers are slow."""
    rng = random.Random(seed)
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(n="0"))
        await rig.settle(10)
        rig.cluster.requests.clear()
        rig.cluster.event_delay = lambda _manifest: rng.choice((0.0, 0.0, 0.001, 0.05, 0.3, 1.5))
        for number in range(1, 201):
            rig.cluster.latency_s = rng.choice((0.001, 0.01, 0.2))
            rig.git.commit(config_map(n=str(number)))
            await live_value(rig, str(number))
            await rig.settle(rng.choice((0.0, 2.0)))
        await rig.settle(30)
        bodies = [r.body["data"]["n"] for r in rig.cluster.requests if r.verb == "apply"]
        assert bodies == [str(number) for number in range(1, 201)]


@pytest.mark.parametrize("seed", range(3))
async def test_edits_between_commits_never_bring_an_older_revision_back(seed: int) -> None:
    """A person edits and deletes while revisions follow each other."""
    rng = random.Random(seed)
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(n="0"))
        await rig.settle(10)
        written: list[int] = []

        async def note(request: Request) -> None:
            if request.verb == "apply":
                written.append(int(request.body["data"]["n"]))

        rig.cluster.after = note
        rig.cluster.event_delay = lambda _manifest: rng.choice((0.0, 0.002, 0.1))
        for number in range(1, 41):
            rig.cluster.latency_s = rng.choice((0.001, 0.05))
            rig.git.commit(config_map(n=str(number)))
            await rig.settle(rng.choice((0.0, 0.01, 0.3)))
            if rng.random() < 0.5:
                rig.cluster.remove(CM)
            elif CM in rig.cluster.objects:
                rig.cluster.edit(CM, lambda tree: tree["data"].update(n="edited"))
            await rig.settle(rng.choice((0.5, 90.0)))
        await rig.settle(400)
        assert written == sorted(written)
        assert rig.cluster.objects[CM]["data"] == {"n": "40"}
