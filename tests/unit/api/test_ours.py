"""What Argo CD does not have: drift, pauses, adopting, the preview of a sync, status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.journal import Episode
from holdfast.domain.queries import GetStatus, ManagedResources
from tests.support.api import ApiWorld
from tests.support.fakes import NOON, FakeJournal
from tests.unit.api.test_applications import named, reader

Tree = dict[str, Any]
OURS = "/api/holdfast/v1"


def episode(number: int, app: str = "web", **rest: Any) -> Episode:
    return Episode(
        id=f"{number:016x}",
        source="here",
        app=AppKey("argocd", app),
        key=ResourceKey("apps", "Deployment", "prod", app),
        what="changed",
        changes=(),
        managers=("kubectl-edit",),
        detected_at=NOON,
        **rest,
    )


def world(*rules: tuple[str, str, str, str], journal: FakeJournal | None = None) -> ApiWorld:
    kept = journal or FakeJournal(
        episode(1, closed_at=NOON, closing="healed"), episode(2), episode(3, "db")
    )
    return ApiWorld(named("web"), named("db", "data"), journal=kept, rules=[ADMIN, *rules])


ADMIN = ("admin", "*", "*", "*")


async def test_episodes_are_shown_to_who_may_see_the_application() -> None:
    given = world(*reader("default/*"))
    everything = (await given.client.get(f"{OURS}/drift")).json["items"]
    assert len(everything) == 3
    ann = given.client.as_("ann")
    seen = (await ann.get(f"{OURS}/drift?open=true&limit=2")).json["items"]
    assert [item["app"]["name"] for item in seen] == ["web"]
    assert (await ann.get(f"{OURS}/drift/{2:016x}")).json["managers"] == ["kubectl-edit"]
    assert (await ann.get(f"{OURS}/drift/{3:016x}")).status == 404
    assert (await ann.get(f"{OURS}/drift-stats")).status == 403
    assert (await given.client.get(f"{OURS}/drift-stats")).json["episodes"] == 3


async def test_what_was_an_application_is_shown_to_who_may_see_all() -> None:
    given = world(*reader("default/*"), journal=FakeJournal(episode(4, "gone")))
    assert (await given.client.as_("ann").get(f"{OURS}/drift")).json["items"] == []
    assert len((await given.client.get(f"{OURS}/drift")).json["items"]) == 1


@pytest.mark.parametrize("name", ["zz", "%25", "00", "'--", "x" * 500, "..%2f"])
async def test_a_strange_id_is_not_there(name: str) -> None:
    assert (await world().client.get(f"{OURS}/drift/{name}")).status == 404


async def test_without_a_journal_there_is_no_drift_to_tell() -> None:
    reply = await ApiWorld().client.get(f"{OURS}/drift")
    assert (reply.status, reply.message) == (404, "no journal is kept here")


async def test_drift_is_streamed_as_it_opens_and_closes() -> None:
    given = world()
    async with given.client.stream(f"{OURS}/stream/drift") as messages:
        first = [(await messages.next())["app"]["name"] for _ in range(2)]
        assert sorted(first) == ["db", "web"]
        assert given.journal is not None
        given.journal.kept = (episode(2, closed_at=NOON, closing="healed"), episode(5))
        seen = [await messages.next() for _ in range(2)]
    assert [(item["id"], item["state"]) for item in seen] == [
        (f"{2:016x}", "healed"),
        (f"{5:016x}", "open"),
    ]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1000000", "since=soon", "open=perhaps", "unknown=1"]
)
async def test_a_senseless_question_is_refused_in_our_shape(query: str) -> None:
    reply = await world().client.get(f"{OURS}/drift?{query}")
    assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_argument")


def pause(**fields: Any) -> Tree:
    until = (NOON + timedelta(hours=1)).isoformat()
    return {"scope": "Application", "target": "web", "reason": "INC-1", "until": until, **fields}


async def test_an_application_is_paused_seen_and_resumed() -> None:
    given = world(*reader("default/*"), ("ann", "applications", "update", "default/*"))
    ann = given.client.as_("ann")
    made = (await ann.post(f"{OURS}/pauses", pause())).json
    assert made["outcome"] == "paused"
    assert made["object"]["spec"]["author"] == "ann"
    assert len((await ann.get(f"{OURS}/pauses?app=web")).json["items"]) == 1
    assert (await given.client.as_("bob").get(f"{OURS}/pauses")).json["items"] == []
    name = made["object"]["metadata"]["name"]
    assert (await given.client.as_("bob").delete(f"{OURS}/pauses/{name}")).status == 404
    assert (await ann.delete(f"{OURS}/pauses/{name}")).json["outcome"] == "resumed"
    assert (await ann.get(f"{OURS}/pauses")).json["items"] == []


async def test_pauses_are_streamed_as_they_begin_and_end() -> None:
    given = world(*reader("default/*"), ("ann", "applications", "update", "default/*"))
    ann, path = given.client.as_("ann"), f"{OURS}/stream/pauses"
    await given.client.post(f"{OURS}/pauses", pause(target="db", reason="not for ann"))
    first = (await ann.post(f"{OURS}/pauses", pause())).json["object"]["metadata"]["name"]
    async with ann.stream(path) as messages, given.client.as_("bob").stream(path) as others:
        seen = [await messages.next()]
        made = await ann.post(
            f"{OURS}/pauses", pause(reason="INC-2", until=None, untilResumed=True)
        )
        await ann.delete(f"{OURS}/pauses/{first}")
        seen += [await messages.next() for _ in range(2)]
        await given.client.post(f"{OURS}/pauses", pause(scope="All", target="", reason="for all"))
        everybody = await others.next()
    second = made.json["object"]["metadata"]["name"]
    assert [(item["type"], item["pause"]["metadata"]["name"]) for item in seen] == [
        ("ADDED", first), ("DELETED", first), ("ADDED", second)
    ]  # fmt: skip
    assert (everybody["type"], everybody["pause"]["spec"]["reason"]) == ("ADDED", "for all")


async def test_a_pause_that_runs_out_is_streamed_as_ended() -> None:
    given = world()
    await given.client.post(f"{OURS}/pauses", pause())
    async with given.client.stream(f"{OURS}/stream/pauses") as messages:
        assert (await messages.next())["type"] == "ADDED"
        given.clock.move(3601)
        assert (await messages.next())["type"] == "DELETED"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (pause(target="db"), 403),
        (pause(target="nothing"), 403),
        (pause(scope="All", target=""), 403),
        (pause(scope="Project", target="default"), 403),
        (pause(scope="Cluster", target="in-cluster"), 403),
        (pause(scope="Everything"), 400),
        (pause(reason=" "), 400),
        (pause(until="2020-01-01T00:00:00Z"), 400),
        (pause(until="2027-01-01T00:00:00"), 400),
        (pause(until=None), 400),
        (pause(untilResumed=True), 400),
        (pause(scope="Object"), 400),
        (pause(resource={"kind": "Deployment", "name": "web"}), 400),
        (pause(surprise=1), 400),
        ({}, 400),
    ],
)
async def test_a_pause_that_may_not_be_is_refused(body: Tree, status: int) -> None:
    given = world(*reader("default/*"), ("ann", "applications", "update", "default/*"))
    reply = await given.client.as_("ann").post(f"{OURS}/pauses", body)
    assert reply.status == status
    assert given.cluster.writes == []


async def test_a_preview_says_what_a_sync_would_do() -> None:
    given = world()
    base = {"hook": False, "modified": True, "liveState": {}, "targetState": {}}
    records = [
        {**base, "name": "a"},
        {**base, "name": "b", "liveState": None},
        {**base, "name": "c", "targetState": None},
        {**base, "name": "d", "modified": False},
        {**base, "name": "e", "hook": True},
    ]
    answers(given, ManagedResources, records)
    found = (await given.client.get(f"{OURS}/applications/web/preview")).json
    assert (found["creates"], found["changes"], found["prunes"]) == (1, 1, 1)
    assert [item["change"] for item in found["items"]] == ["change", "create", "prune"]


async def test_status_tells_a_reader_only_of_what_may_be_seen() -> None:
    given = world(*reader("default/*"))
    errors = [{"app": "argocd/web", "message": "x"}, {"app": "argocd/db", "message": "y"}]
    answers(
        given,
        GetStatus,
        {"connected": True, "version": "v1", "applications": {"Synced": 2}, "lastErrors": errors},
    )
    assert len((await given.client.get(f"{OURS}/status")).json["lastErrors"]) == 2
    seen = (await given.client.as_("ann").get(f"{OURS}/status")).json
    assert [item["app"] for item in seen["lastErrors"]] == ["argocd/web"]
    assert "applications" not in seen


async def test_adopting_needs_the_right_to_change_and_a_message() -> None:
    given = world(*reader("default/*"))
    path = f"{OURS}/applications/web/adopt"
    assert (await given.client.as_("ann").post(path, {"message": "m"})).status == 403
    assert (await given.client.post(path, {})).status == 400
    assert (await given.client.post(path, {"message": ""})).status == 400


def answers(world: ApiWorld, question: type, answer: Any) -> None:
    """Lets one kind of question have this answer."""
    before = world.world.queries.answer

    async def reply(query: Any, who: str) -> Any:
        return answer if isinstance(query, question) else await before(query, who)

    world.world.queries.answer = reply  # type: ignore[method-assign]


async def test_handing_over_needs_the_right_to_change_the_application() -> None:
    given = world(*reader("default/*"))
    path = f"{OURS}/applications/web/handover"
    assert (await given.client.as_("ann").post(path, {"dryRun": True})).status == 403
    assert (await given.client.post(path, {"dryRun": "perhaps"})).status == 400
    assert (await given.client.post(path, {"dryRun": True})).json["outcome"] == "handed over"


async def test_a_test_message_is_for_those_who_may_change_everything() -> None:
    given = world(*reader("default/*"))
    path = f"{OURS}/notifications/ops/test"
    assert (await given.client.as_("ann").post(path)).status == 403
    refused = await given.client.post(path)
    assert (refused.status, refused.json["error"]["code"]) == (400, "HF3009")


async def test_our_command_line_is_told_that_an_application_is_missing() -> None:
    given = world(*reader("default/*"))
    ours: dict[str, str] = {"Holdfast-Client": "0.1.0"}
    path = "/api/v1/applications/nothing"
    told = await given.client.send("GET", path, headers=ours)
    assert (told.status, told.json["error"]["code"]) == (404, "HF3003")
    for client, headers in ((given.client.as_("ann"), ours), (given.client, {})):
        assert (await client.send("GET", path, headers=headers)).status == 403
