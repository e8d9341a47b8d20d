"""Making and ending pauses: what is refused, what is written, what is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.domain.commands import PauseHealing, ResumeHealing, SyncApplication
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import PAUSE, Pause, PauseScope
from holdfast.domain.plan import SystemWrite
from holdfast.domain.queries import ListPauses
from tests.support.fakes import NOON
from tests.unit.requests.given import WEB, World, app

HOUR = timedelta(hours=1)
DEPLOYMENT = ResourceKey("apps", "Deployment", "prod", "web")


def world(*objects: dict[str, Any]) -> World:
    managed = {"group": "apps", "kind": "Deployment", "namespace": "prod", "name": "web"}
    made = World(app(status={"resources": [managed]}), *objects)
    verbs = ("get", "list", "watch", "create", "delete")
    made.kinds.known[PAUSE] = KindInfo(PAUSE, "pauses", namespaced=True, verbs=verbs)
    return made


def of_web(**changes: Any) -> PauseHealing:
    fields: dict[str, Any] = {
        "scope": PauseScope.APPLICATION,
        "reason": "INC-123",
        "until": NOON + HOUR,
        "target": "web",
        "app_namespace": "argocd",
        **changes,
    }
    return PauseHealing(**fields)


async def active(world: World, key: AppKey | None = None) -> list[Pause]:
    trees = await world.ask(ListPauses(key))
    return [found for tree in trees if (found := Pause.parse(Manifest(tree)))]


async def test_a_pause_says_what_who_why_and_until_when() -> None:
    given = world()
    done = await given.do(of_web(), "ann@example.com")
    assert done.outcome == "paused"
    pause = (await active(given))[0]
    assert (pause.scope, pause.target, pause.reason) == (
        PauseScope.APPLICATION,
        "web",
        "INC-123",
    )
    assert (pause.author, pause.until) == ("ann@example.com", NOON + HOUR)
    assert given.cluster.writes[0][0] == "create"
    assert given.cluster.writes[0][2] is SystemWrite.PAUSE


async def test_a_pause_of_one_object_holds_that_object_alone() -> None:
    given = world()
    await given.do(of_web(resource=DEPLOYMENT))
    pause = (await active(given, WEB))[0]
    assert pause.scope is PauseScope.OBJECT
    assert pause.holds_object(WEB, DEPLOYMENT)
    assert not pause.holds_object(WEB, ResourceKey("", "Service", "prod", "web"))


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (of_web(reason=" "), "HF3009", "needs a reason"),
        (of_web(until=NOON - HOUR), "HF3009", "is over"),
        (of_web(until=NOON + timedelta(days=8)), "HF3009", "7 days at most"),
        (of_web(target="wbe"), "HF3003", "not found"),
        (
            of_web(resource=ResourceKey("apps", "Deployment", "prod", "wbe")),
            "HF3009",
            "manages no apps/Deployment prod/wbe",
        ),
        (of_web(scope=PauseScope.PROJECT, target="team"), "HF3004", "not found"),
        (of_web(scope=PauseScope.CLUSTER, target="https://other"), "HF3009", "no Application"),
    ],
    ids=["no reason", "past", "too long", "no app", "no object", "no project", "no cluster"],
)
async def test_a_pause_that_would_hold_nothing_or_too_long_is_refused(
    command: PauseHealing, code: str, words: str
) -> None:
    given = world()
    with pytest.raises(ConfigurationError, match=words) as failure:
        await given.do(command)
    assert failure.value.code == code
    assert given.written == []


async def test_a_pause_without_the_kind_says_how_to_install_it() -> None:
    given = world()
    del given.kinds.known[PAUSE]
    with pytest.raises(ConfigurationError) as failure:
        await given.do(of_web())
    assert failure.value.code == "HF3010"
    assert await active(given) == []


async def test_a_pause_until_resumed_has_no_end() -> None:
    given = world()
    await given.do(of_web(until=None))
    given.clock.move(30 * 86400)
    assert [pause.until for pause in await active(given)] == [None]


async def test_a_pause_ends_by_itself() -> None:
    given = world()
    await given.do(of_web())
    given.clock.move(3601)
    assert await active(given) == []
    assert len(await given.ask(ListPauses(ended=True))) == 1


async def test_resuming_an_application_ends_its_pauses_and_those_of_its_objects() -> None:
    given = world()
    await given.do(of_web())
    await given.do(of_web(resource=DEPLOYMENT))
    resume = ResumeHealing(scope=PauseScope.APPLICATION, target="web", app_namespace="argocd")
    done = await given.do(resume)
    assert len((done.tree or {})["resumed"]) == 2
    assert await active(given) == []


async def test_resuming_one_object_leaves_the_pause_of_the_whole() -> None:
    given = world()
    await given.do(of_web())
    await given.do(of_web(resource=DEPLOYMENT))
    done = await given.do(
        ResumeHealing(
            scope=PauseScope.APPLICATION,
            target="web",
            app_namespace="argocd",
            resource=ResourceKey("apps", "Deployment", "", "web"),
        )
    )
    assert [pause.scope for pause in await active(given)] == [PauseScope.APPLICATION]
    assert "still paused by" in done.notes[0]


async def test_resuming_says_which_wider_pause_still_holds() -> None:
    given = world()
    await given.do(of_web(scope=PauseScope.ALL, target="", app_namespace=""), "ann")
    resume = ResumeHealing(scope=PauseScope.APPLICATION, target="web", app_namespace="argocd")
    with pytest.raises(ConfigurationError, match="not paused by itself") as failure:
        await given.do(resume)
    assert "paused by ann" in failure.value.hint
    await given.do(of_web())
    done = await given.do(resume)
    assert done.notes[0].startswith("still paused by ann")


@pytest.mark.parametrize("name", ["in-cluster", "https://kubernetes.default.svc"])
async def test_a_cluster_is_known_by_its_name_and_by_its_server(name: str) -> None:
    given = world()
    await given.do(of_web(scope=PauseScope.CLUSTER, target=name, app_namespace=""))
    assert len(await active(given, WEB)) == 1
    await given.do(ResumeHealing(scope=PauseScope.CLUSTER, target="in-cluster"))
    assert await active(given) == []


async def test_a_pause_is_ended_by_its_id_and_all_by_one_word() -> None:
    given = world()
    await given.do(of_web())
    await given.do(of_web(scope=PauseScope.PROJECT, target="default", app_namespace=""))
    first = (await active(given))[0]
    await given.do(ResumeHealing(pause_id=first.id))
    assert len(await active(given)) == 1
    with pytest.raises(ConfigurationError, match="there is no pause"):
        await given.do(ResumeHealing(pause_id=first.id))
    await given.do(ResumeHealing())
    assert await active(given) == []


async def test_a_pause_that_is_deleted_holds_no_longer_while_it_is_still_there() -> None:
    given = world()
    await given.do(of_web())
    await given.do(of_web(reason="another"))
    first, second = await active(given)
    tree = {**first.manifest.tree}
    tree["metadata"] = {**tree["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    given.cluster.put(tree)
    assert [pause.id for pause in await active(given)] == [second.id]


async def test_a_sync_during_a_pause_goes_on_and_says_that_the_pause_stays() -> None:
    given = world()
    await given.do(of_web(), "ann")
    done = await given.do(SyncApplication(WEB))
    assert done.outcome == "requested"
    assert "the pause stays" in done.notes[-1]
    assert len(await active(given)) == 1


async def test_pauses_that_ended_long_ago_are_removed_when_a_new_one_is_made() -> None:
    given = world()
    await given.do(of_web())
    given.clock.move(3 * 86400)
    await given.do(of_web(until=given.clock.now() + HOUR))
    assert len(await given.ask(ListPauses(ended=True))) == 1
