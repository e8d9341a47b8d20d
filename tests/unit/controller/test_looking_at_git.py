"""When git is looked at: by the clock, on request, and which Applications at all."""

import random
from typing import Any

from holdfast.config.settings import ControllerSettings, RefreshSettings
from holdfast.controller.schedule import Schedule
from holdfast.domain.errors import RepositoryError
from tests.support.builders import HEALING, SERVER, app, config_map
from tests.support.rig import APP, Rig, controlling, quick

Tree = dict[str, Any]


def revision(rig: Rig, name: str = "web") -> str:
    return str(rig.status(name)["sync"]["revision"])


async def seconds_until_looked(rig: Rig) -> float:
    """Wait until git is asked again; return how long that took, in whole seconds."""
    asked, began = rig.git.resolved, rig.clock.monotonic()
    while rig.git.resolved == asked:
        await rig.settle(1)
    return rig.clock.monotonic() - began


async def test_git_is_looked_at_every_two_to_three_minutes() -> None:
    async with controlling(app(automated=HEALING), settings=ControllerSettings()) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        await seconds_until_looked(rig)
        waits = [await seconds_until_looked(rig) for _ in range(8)]
        assert min(waits) >= 119
        assert max(waits) <= 182
        assert max(waits) - min(waits) > 5, "the jitter spreads them"
        sha = rig.git.commit(config_map(a="2"), is_told=False)
        await seconds_until_looked(rig)
        await rig.settle(10)
        assert (revision(rig), rig.sync()) == (sha, "Synced")


async def test_looks_are_spread_over_a_minute() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        waits = []
        for seed in range(40):
            schedule = Schedule(RefreshSettings(), rig.clock, random.Random(seed))
            waits.append(schedule.next_look_s(rig.state()) or 0.0)
        assert min(waits) >= 120 - 5
        assert max(waits) <= 180
        assert max(waits) - min(waits) > 40


async def test_a_refresh_that_is_asked_for_looks_at_once_and_is_answered() -> None:
    for kind in ("normal", "hard"):
        async with controlling(app(automated=HEALING)) as rig:
            rig.git.commit(config_map(a="1"))
            await rig.settle()
            sha = rig.git.commit(config_map(a="2"), is_told=False)

            def ask(tree: Tree, kind: str = kind) -> None:
                annotations = tree["metadata"].setdefault("annotations", {})
                annotations["argocd.argoproj.io/refresh"] = kind

            rig.cluster.edit(APP, ask)
            await rig.settle(3)
            assert revision(rig) == sha
            left = rig.app()["metadata"].get("annotations") or {}
            assert "argocd.argoproj.io/refresh" not in left


async def test_a_repository_that_cannot_be_read_is_a_condition_at_once() -> None:
    """A deviation (appendix B 9): Argo CD keeps the first error to itself for three minutes."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.git.error = RepositoryError("HF1001", "the repository cannot be read")
        rig.git.commit(config_map(a="2"))
        await rig.settle(2)
        assert "cannot be read" in rig.conditions()["ComparisonError"]


async def test_only_applications_that_the_selector_chooses_are_looked_after() -> None:
    mine, other = app("mine", automated=HEALING), app("other", automated=HEALING)
    mine["metadata"]["labels"] = {"team": "a"}
    async with controlling(mine, other, settings=quick(selector="team=a")) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert rig.sync("mine") == "Synced"
        assert "status" not in rig.app("other")
        key = APP.__class__(APP.group, APP.kind, APP.namespace, "other")
        rig.cluster.edit(key, lambda tree: tree["metadata"].update(labels={"team": "a"}))
        await rig.settle()
        assert rig.status("other")["sync"]["revision"]


async def test_in_cluster_is_the_cluster_of_the_controller() -> None:
    by_name = app(
        "name", automated=HEALING, destination={"name": "in-cluster", "namespace": "prod"}
    )
    unknown = app("unknown", automated=HEALING, destination={"name": "far", "namespace": "prod"})
    both = app(
        "both",
        automated=HEALING,
        destination={"name": "in-cluster", "server": SERVER, "namespace": "prod"},
    )
    async with controlling(by_name, unknown, both) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert rig.sync("name") == "Synced"
        for name in ("unknown", "both"):
            assert "InvalidSpecError" in rig.conditions(name)
            assert "operationState" not in rig.status(name)
