"""The heal lane, from a watch event to the apply (DESIGN §4.3, apply.md A1-A3)."""

from typing import Any

from holdfast.domain.errors import Retry
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import NAMESPACE
from holdfast.domain.ports import WatchScope
from tests.support.builders import (
    HEALING,
    app,
    config_map,
    custom_resource_definition,
    deployment,
    job,
    namespace,
    widget,
)
from tests.support.fake_cluster import UNREACHABLE, Request, refusal
from tests.support.rig import APP, Rig, controlling, key_of

CM = key_of(config_map())


async def synced(rig: Rig, *trees: dict[str, Any]) -> None:
    """Commit some manifests and let the controller sync them."""
    rig.git.commit(*trees)
    await rig.settle()
    assert rig.phase() == "Succeeded", rig.status()
    assert rig.sync() == "Synced", rig.status()
    rig.cluster.requests.clear()


def set_data(**data: str) -> Any:
    return lambda tree: tree["data"].update(data)


async def test_a_changed_object_is_put_back_with_one_apply() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle()
        assert rig.cluster.writes() == ["apply ConfigMap prod/web"]
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_deleted_object_is_created_again_after_asking_for_the_application() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.remove(CM)
        await rig.settle(0.5)
        assert [str(r) for r in rig.cluster.requests] == [
            "get argoproj.io/Application argocd/web",
            "apply ConfigMap prod/web",
        ]


async def test_our_own_write_is_no_drift_when_its_event_comes_before_the_answer() -> None:
    """apply.md A2: in a third of the cases it does."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.latency_s = 1.0
        for value in "23456":
            rig.git.commit(config_map(a=value))
            await rig.settle(20)
        assert rig.cluster.writes() == ["apply ConfigMap prod/web"] * 5
        assert rig.found(CM).memory.recent == ()


async def test_our_own_write_is_no_drift_when_its_event_comes_long_after_the_answer() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.event_delay = lambda _manifest: 3.0
        rig.git.commit(config_map(a="2"))
        await rig.settle(1.0)
        rig.git.commit(config_map(a="3"))
        await rig.settle(30)
        assert rig.cluster.writes() == ["apply ConfigMap prod/web"] * 2
        assert rig.cluster.objects[CM]["data"] == {"a": "3"}


async def test_an_edit_during_a_heal_is_healed_after_it() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1", b="1"))
        rig.cluster.latency_s = 1.0
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(0.9)  # the heal is committed and not answered
        rig.cluster.edit(CM, set_data(b="edited"))
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1", "b": "1"}
        assert rig.cluster.writes() == ["apply ConfigMap prod/web"] * 2


async def test_a_deletion_that_comes_while_a_heal_is_in_flight_is_healed_after_it() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.latency_s = 1.0
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(0.9)
        rig.cluster.remove(CM)
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_heal_that_loses_the_race_with_a_deletion_does_not_create_by_its_change() -> None:
    """The first apply carries the uid and is refused; the deletion is then healed as one."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.latency_s = 1.0
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(0.2)
        rig.cluster.remove(CM)
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        bodies = [r.body["metadata"] for r in rig.cluster.requests if r.verb == "apply"]
        assert [("uid" in body) for body in bodies] == [True, False]


async def test_an_object_that_somebody_else_created_again_is_healed_as_a_change() -> None:
    """While we ask for the Application, a person's `kubectl create` is faster."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.latency_s = 1.0
        rig.cluster.remove(CM)
        await rig.settle(0.2)
        rig.cluster.put(config_map(a="by hand", z="extra"))
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"]["a"] == "1"
        bodies = [r.body["metadata"] for r in rig.cluster.requests if r.verb == "apply"]
        assert all("uid" in body for body in bodies), "a change must carry the uid"


async def test_nothing_is_healed_when_the_application_went_in_the_same_instant() -> None:
    """apply.md A3: the object's event may come first although the Application is gone."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.event_delay = lambda m: 2.0 if m.kind == "Application" else 0.0
        rig.cluster.remove(APP)
        rig.cluster.remove(CM)
        await rig.settle(30)
        assert rig.cluster.writes() == []
        assert CM not in rig.cluster.objects


async def test_nothing_is_healed_when_self_heal_was_switched_off_a_moment_ago() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.event_delay = lambda m: 2.0 if m.kind == "Application" else 0.0
        rig.edit_app(syncPolicy={"automated": {"selfHeal": False}})
        rig.cluster.remove(CM)
        await rig.settle(1.0)
        assert rig.cluster.writes() == []


async def test_switching_self_heal_on_heals_what_had_drifted() -> None:
    async with controlling(app(automated={"selfHeal": False})) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle()
        assert rig.cluster.writes() == []
        rig.edit_app(syncPolicy={"automated": HEALING})
        await rig.settle()
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_the_sixth_heal_within_a_minute_waits_and_then_comes() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        for _ in range(6):
            rig.cluster.edit(CM, set_data(a="edited"))
            await rig.settle(0.1)
        assert len(rig.cluster.writes()) == 5
        assert rig.cluster.objects[CM]["data"] == {"a": "edited"}
        await rig.settle(3)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert len(rig.cluster.writes()) == 6


async def test_a_fight_of_an_hour_costs_a_bounded_number_of_writes() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        for _ in range(3600):
            if rig.cluster.objects[CM]["data"]["a"] == "1":
                rig.cluster.edit(CM, set_data(a="theirs"), "other-operator")
            await rig.settle(1)
        assert 5 <= len(rig.cluster.writes()) <= 25


async def test_a_refused_heal_is_tried_again_by_itself_after_its_step() -> None:
    """The timer must survive a look that comes too early."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        refused = [refusal("HF2005", 400, Retry.NEVER, "not valid") for _ in range(2)]
        rig.cluster.fail("apply", "web", *refused)
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(7)
        assert rig.cluster.writes() == []
        await rig.settle(2)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_webhook_that_refuses_for_ever_is_not_asked_every_second() -> None:
    """DESIGN §4.4, apply.md A1: a refusal that remains is one try for each backoff step."""
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        tries: list[str] = []

        async def count(request: Request) -> None:
            if request.verb == "apply":
                tries.append(str(request))

        rig.cluster.before = count
        denied = [refusal("HF2013", 403, Retry.BACKOFF, "denied the request") for _ in range(999)]
        rig.cluster.fail("apply", "web", *denied)
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(600)
        assert len(tries) <= 8


async def test_a_server_that_does_not_answer_is_asked_again_after_a_second() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.fail("apply", "web", *[refusal(*UNREACHABLE) for _ in range(3)])
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(5)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert len(rig.found(CM).memory.recent) == 1, "only the heal that was judged counts"


async def test_an_overloaded_server_is_left_alone_for_as_long_as_it_asks() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        busy = refusal("HF2009", 429, Retry.BACKOFF)
        busy.retry_after_s = 20.0
        rig.cluster.fail("apply", "web", busy)
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(1)
        for number in range(5):
            rig.cluster.edit(CM, set_data(note=str(number)), "noisy")
            await rig.settle(1)
        assert rig.cluster.writes() == []
        await rig.settle(20)
        assert rig.cluster.objects[CM]["data"]["a"] == "1"


async def test_a_finished_job_that_vanished_is_not_run_again() -> None:
    key = key_of(job())
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(job())
        await rig.settle()
        done = {"conditions": [{"type": "Complete", "status": "True"}]}
        rig.cluster.set_status(key, done)
        await rig.settle()
        rig.cluster.requests.clear()
        rig.cluster.remove(key)
        await rig.settle(30)
        assert rig.cluster.writes() == []


async def test_objects_of_a_namespace_that_is_being_deleted_wait_until_it_is_back() -> None:
    home = key_of(namespace())
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(home, lambda tree: tree["metadata"].update(finalizers=["kubernetes"]))
        rig.cluster.remove(home)
        rig.cluster.remove(CM)
        await rig.settle(30)
        assert CM not in rig.cluster.objects
        assert rig.cluster.writes() == []
        rig.cluster.edit(home, lambda tree: tree["metadata"].update(finalizers=[]))
        await rig.settle(1)
        rig.cluster.put(namespace())
        await rig.settle(3)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert rig.found(CM).memory.step == 0, "waiting is no failed heal"


async def test_a_namespace_that_came_back_while_the_watch_was_broken_is_noticed() -> None:
    home = key_of(namespace())
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.remove(home)
        rig.cluster.remove(CM)
        await rig.settle(5)
        rig.cluster.watching.break_off(NAMESPACE)
        rig.cluster.put(namespace())
        rig.cluster.watching.mend(NAMESPACE)
        await rig.settle(3)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_custom_objects_come_back_when_their_definition_does() -> None:
    crd, thing = custom_resource_definition(), widget()
    async with controlling(app(automated=HEALING)) as rig:
        rig.cluster.put(crd)
        await synced(rig, thing)
        rig.cluster.remove(key_of(crd))
        rig.cluster.remove(key_of(thing))
        await rig.settle(5)
        assert key_of(thing) not in rig.cluster.objects
        rig.cluster.put(crd)
        await rig.settle(5)
        assert rig.cluster.objects[key_of(thing)]["spec"] == {"size": 1}


async def test_a_definition_that_changes_while_discovery_is_asked_is_asked_about_again() -> None:
    """The second event must not be lost because a look at discovery is under way."""
    async with controlling(app(automated=HEALING)) as rig:
        await rig.settle(1)
        rig.cluster.latency_s = 0.5
        rig.cluster.put(custom_resource_definition("Gadget"))
        await rig.settle(0.1)
        rig.cluster.put(custom_resource_definition("Widget"))
        await rig.settle(3)
        kinds = {info.gvk.kind for info in rig.cluster.kinds.all()}
        assert {"Gadget", "Widget"} <= kinds


async def test_discovery_that_fails_is_asked_again() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await rig.settle(1)
        rig.cluster.kinds.errors.append(refusal(*UNREACHABLE))
        rig.cluster.put(custom_resource_definition("Widget"))
        await rig.settle(5)
        assert "Widget" in {info.gvk.kind for info in rig.cluster.kinds.all()}


async def test_an_object_that_is_terminating_is_healed_at_the_deleted_event() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.edit(CM, lambda tree: tree["metadata"].update(finalizers=["x/y"]))
        await rig.settle(1)
        rig.cluster.remove(CM)
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(5)
        assert rig.cluster.writes() == []
        rig.cluster.edit(CM, lambda tree: tree["metadata"].update(finalizers=[]))
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_an_object_missing_from_a_list_older_than_our_write_is_not_gone() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        scope = WatchScope(GroupVersionKind("", "v1", "ConfigMap"))
        rig.controller.observer.listed(scope, frozenset(), rig.found(CM).fence)
        assert rig.found(CM).live is not None
        await rig.settle(1)
        assert rig.cluster.writes() == []


async def test_a_deletion_that_the_watch_missed_is_healed_after_the_list() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        gvk = GroupVersionKind("", "v1", "ConfigMap")
        rig.cluster.watching.break_off(gvk)
        rig.cluster.remove(CM)
        await rig.settle(1)
        rig.cluster.watching.mend(gvk)
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_two_applications_that_declare_one_object_do_not_fight() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        rig.cluster.put(app("other", automated=HEALING))
        await rig.settle(30)
        rig.cluster.requests.clear()
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(30)
        assert len(rig.cluster.writes()) <= 1
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_steady_cluster_costs_no_request() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"), deployment())
        await rig.settle(10)
        rig.cluster.requests.clear()
        await rig.settle(1800)
        assert rig.cluster.requests == []


async def test_heals_are_shown_as_argo_cd_shows_a_self_heal() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        await synced(rig, config_map(a="1"))
        history = rig.status()["history"]
        rig.cluster.edit(CM, set_data(a="edited"))
        await rig.settle(5)
        operation = rig.status()["operationState"]["operation"]
        assert operation["initiatedBy"] == {"automated": True}
        assert operation["sync"]["autoHealAttemptsCount"] == 1
        assert operation["sync"]["resources"][0]["name"] == "web"
        assert rig.status()["history"] == history
        assert "operation" not in rig.app()
