"""Operations in passes: waves, retries, terminate, resume (controller.md §6)."""

import itertools

from holdfast.domain.errors import RepositoryError, Retry
from tests.support import builders
from tests.support.builders import (
    HEALING,
    annotated,
    app,
    config_map,
    custom_resource_definition,
    deployment,
    sync_operation,
    waved,
    widget,
)
from tests.support.fake_cluster import UNREACHABLE, FakeCluster, Request, refusal
from tests.support.rig import APP, Rig, controlling, key_of, quick

CM = key_of(config_map())
RETRY = {"limit": 2, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}


def applied(rig: Rig) -> list[str]:
    return [text.rpartition("/")[2] for text in rig.cluster.writes("apply")]


async def test_a_requested_sync_applies_records_history_and_consumes_the_request() -> None:
    async with controlling(app()) as rig:
        sha = rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.request_sync({"sync": {}, "initiatedBy": {"username": "ada"}})
        await rig.settle()
        assert rig.phase() == "Succeeded"
        assert rig.message() == "successfully synced (all tasks run)"
        assert "operation" not in rig.app()
        entry = rig.status()["history"][0]
        assert (entry["id"], entry["revision"]) == (0, sha)
        assert entry["initiatedBy"] == {"username": "ada"}
        assert rig.sync() == "Synced"


def patches(rig: Rig) -> list[Request]:
    found = [r for r in rig.cluster.requests if r.verb == "merge-patch" and r.key == APP]
    rig.cluster.requests.clear()
    return found


async def test_an_automatic_sync_costs_the_application_two_requests() -> None:
    """Its beginning with the status before it, and its end with the status after it."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(30)
        start, end = patches(rig)
        assert start.body["operation"]["sync"]
        assert start.body["status"]["sync"]["status"] == "OutOfSync"
        assert end.body["operation"] is None
        assert end.body["status"]["operationState"]["phase"] == "Succeeded"
        assert end.body["status"]["sync"]["status"] == "Synced"
        status = rig.status()  # `argocd app wait` looks at these two
        assert status["reconciledAt"] >= status["operationState"]["finishedAt"]
        assert len(end.body["status"]["history"]) == 1
        told = [(event.reason.value, event.message) for event in rig.recorder.events[-3:]]
        assert told[0][0] == "OperationCompleted"  # then what it changed
        assert told[1] == ("ResourceUpdated", "Updated sync status: OutOfSync -> Synced")
        assert told[2] == ("ResourceUpdated", "Updated health status: Missing -> Healthy")


async def test_a_sync_of_another_revision_leaves_the_status_to_the_round_after_it() -> None:
    async with controlling(app()) as rig:
        first = rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.git.commit(config_map(a="2"))
        await rig.settle()
        patches(rig)
        rig.request_sync({"sync": {"revision": first}})
        await rig.settle()
        assert rig.sync() == "OutOfSync"
        (end,) = [one for one in patches(rig) if one.body.get("operation", 0) is None]
        assert "sync" not in end.body["status"]


async def test_a_later_wave_waits_until_the_earlier_one_is_healthy() -> None:
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"), waved(config_map("second"), 1))
        await rig.settle()
        rig.request_sync()
        await rig.settle(60)
        assert applied(rig) == ["first"]
        assert rig.phase() == "Running"
        assert rig.message() == "waiting for healthy state of apps/Deployment/first"
        rig.cluster.roll_out(key_of(deployment("first")))
        await rig.settle(10)
        assert applied(rig) == ["first", "second"]
        assert rig.phase() == "Succeeded"


async def test_only_out_of_sync_objects_are_gated_on_health_just_the_same() -> None:
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"), waved(config_map("second"), 1))
        await rig.settle()
        rig.request_sync(sync_operation("ApplyOutOfSyncOnly=true"))
        await rig.settle(60)
        assert applied(rig) == ["first"]


async def test_the_last_wave_is_not_gated_on_health() -> None:
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"))
        await rig.settle()
        rig.request_sync()
        await rig.settle(5)
        assert rig.phase() == "Succeeded"


async def test_an_object_that_was_degraded_before_does_not_fail_a_sync_of_one_wave() -> None:
    """appendix B 4: single-wave Applications finish right after the apply."""
    key = key_of(deployment("sick"))
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("sick"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.cluster.set_status(key, {"observedGeneration": 1, "conditions": [late]})
        rig.git.commit(deployment("sick"), config_map("more"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Succeeded", rig.message()
        assert key_of(config_map("more")) in rig.cluster.objects


async def test_a_degraded_object_in_an_earlier_wave_fails_the_sync() -> None:
    key = key_of(deployment("sick"))
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("sick"), waved(config_map("second"), 1))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.cluster.set_status(key, {"observedGeneration": 1, "conditions": [late]})
        await rig.settle()
        assert rig.phase() == "Failed"
        assert rig.message() == "one or more synchronization tasks completed unsuccessfully"
        assert applied(rig) == ["sick"]


async def test_a_failed_sync_is_tried_again_on_its_curve_and_then_given_up() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        times: list[float] = []

        async def note(request: Request) -> None:
            if request.verb == "apply":
                times.append(rig.clock.monotonic())

        rig.cluster.before = note
        rig.cluster.fail(
            "apply", "web", *[refusal("HF2005", 422, Retry.NEVER, "not valid") for _ in range(9)]
        )
        rig.request_sync({"sync": {}, "retry": RETRY})
        await rig.settle(4)
        assert rig.phase() == "Running"
        assert "Retrying attempt #1 at" in rig.message()
        await rig.settle(120)
        assert rig.phase() == "Failed"
        assert rig.message().endswith(" (retried 2 times).")
        assert [round(b - a) for a, b in itertools.pairwise(times)] == [10, 20]


async def test_terminate_ends_a_waiting_operation() -> None:
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"), waved(config_map("second"), 1))
        await rig.settle()
        rig.request_sync({"sync": {}, "retry": RETRY})
        await rig.settle()
        terminate(rig)
        await rig.settle()
        assert rig.phase() == "Failed"
        assert rig.message() == "Operation terminated"
        assert "operation" not in rig.app()


async def test_terminate_is_not_lost_when_it_comes_during_a_pass() -> None:
    """controller.md §6.12: somebody set Terminating, so it stays."""
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"), waved(config_map("second"), 1))
        await rig.settle()
        rig.cluster.latency_s = 2.0
        rig.request_sync({"sync": {}, "retry": RETRY})

        async def during(request: Request) -> None:
            if str(request) == "apply apps/Deployment prod/first":
                terminate(rig)

        rig.cluster.before = during
        await rig.settle(60)
        assert rig.phase() == "Failed"
        assert rig.message() == "Operation terminated"


async def test_terminate_during_an_attempt_that_fails_ends_the_retries() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.cluster.latency_s = 1.0
        rig.cluster.fail("apply", "web", refusal("HF2005", 422, Retry.NEVER, "not valid"))

        async def during(request: Request) -> None:
            if request.verb == "apply":
                rig.cluster.before = nothing
                terminate(rig)

        rig.cluster.before = during
        rig.request_sync({"sync": {}, "retry": RETRY})
        await rig.settle(60)
        assert rig.phase() == "Failed"
        assert CM not in rig.cluster.objects


async def nothing(_request: Request) -> None:
    return None


def terminate(rig: Rig) -> None:
    rig.cluster.edit(APP, lambda tree: tree["status"]["operationState"].update(phase="Terminating"))


async def test_a_sync_goes_on_after_a_crash_in_the_middle() -> None:
    """The second controller finds what the first one wrote, and does not start over."""
    async with controlling(app()) as rig:
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first"), waved(config_map("second"), 1))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Running"
        started = rig.status()["operationState"]["startedAt"]
        cluster, git = rig.cluster, rig.git
    newer = git.commit(deployment("first", image="web:2"), waved(config_map("second", x="2"), 1))
    cluster.watching = type(cluster.watching)(cluster)
    cluster.requests.clear()
    async with controlling(cluster=cluster, git=git) as rig:
        await rig.settle()
        assert rig.phase() == "Running"
        assert rig.status()["operationState"]["startedAt"] == started
        cluster.roll_out(key_of(deployment("first")))
        await rig.settle(10)
        assert rig.phase() == "Succeeded"
        assert applied(rig) == ["second"], "the first wave is not done again"
        assert rig.status()["history"][0]["revision"] != newer, "the revision stays pinned"


async def test_a_restart_in_the_middle_of_a_sync_never_brings_an_older_revision_back() -> None:
    """What the running operation has applied is newer than the last success in the history."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(deployment("first"), waved(config_map("second", x="1"), 1))
        await rig.settle(10)
        assert rig.phase() == "Succeeded"
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first", image="web:2"), waved(config_map("second", x="2"), 1))
        await rig.settle(10)
        assert rig.phase() == "Running"
        cluster, git = rig.cluster, rig.git
    git.commit(deployment("first", image="web:3"), waved(config_map("second", x="3"), 1))
    cluster.watching = type(cluster.watching)(cluster)
    seen = images(cluster)
    async with controlling(cluster=cluster, git=git) as rig:
        for _ in range(100):
            await rig.settle(0.1)
            seen.extend(images(cluster))
        cluster.roll_out(key_of(deployment("first")))
        await rig.settle(10)
        seen.extend(images(cluster))
    assert "web:1" not in seen
    assert seen == sorted(seen)


async def test_a_restart_after_a_failed_sync_never_brings_an_older_revision_back() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(deployment("first"), waved(config_map("second", x="1"), 1))
        await rig.settle(10)
        rig.edit_app(syncPolicy={"automated": HEALING, "retry": {"limit": 0}})
        rig.cluster.fail(
            "apply", "second", *[refusal("HF2005", 422, Retry.NEVER, "no") for _ in range(99)]
        )
        rig.git.commit(deployment("first", image="web:2"), waved(config_map("second", x="2"), 1))
        await rig.settle(10)
        assert rig.phase() == "Failed"
        cluster, git = rig.cluster, rig.git
    git.commit(deployment("first", image="web:3"), waved(config_map("second", x="3"), 1))
    git.error = RepositoryError("HF1001", "the remote is away")
    cluster.watching = type(cluster.watching)(cluster)
    async with controlling(cluster=cluster, git=git) as rig:
        await rig.settle(5)
        git.error = None
        await rig.settle(30)
    assert "web:1" not in images(cluster)


async def test_a_dry_run_of_another_revision_is_not_taken_for_what_was_applied() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        other = rig.git.commit(config_map(a="feature"))
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        rig.request_sync(sync_operation(revision=other, dryRun=True))
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        cluster, git = rig.cluster, rig.git
    cluster.watching = type(cluster.watching)(cluster)
    cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
    async with controlling(cluster=cluster, git=git) as rig:
        await rig.settle(10)
        assert "feature" not in str(rig.cluster.objects[CM]["data"])


def images(cluster: FakeCluster) -> list[str]:
    tree = cluster.objects[key_of(deployment("first"))]
    return [item["image"] for item in tree["spec"]["template"]["spec"]["containers"]]


def dry_runs(rig: Rig) -> list[str]:
    return [request.key.name for request in rig.cluster.requests if request.verb == "dry-run"]


async def test_a_sync_of_which_nothing_exists_is_not_asked_about_beforehand() -> None:
    """Decision 0014: nothing that works can break half-way."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("first"), config_map("second"))
        await rig.settle(10)
        assert sorted(applied(rig)) == ["first", "second"]
        assert dry_runs(rig) == []


async def test_what_is_new_is_asked_about_as_well_where_something_exists() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("first", a="1"))
        await rig.settle(10)
        rig.git.commit(config_map("first", a="2"), config_map("second"))
        await rig.settle(300)
        assert set(dry_runs(rig)) == {"first", "second"}


async def test_a_dry_run_that_is_requested_asks_about_what_is_new() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map("first"), config_map("second"))
        await rig.settle()
        rig.request_sync(sync_operation(dryRun=True))
        await rig.settle()
        assert set(dry_runs(rig)) == {"first", "second"}
        assert rig.cluster.writes() == []


async def test_a_dry_run_changes_nothing_and_records_what_it_would_do() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map("old"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.git.commit(config_map("new"))
        await rig.settle()
        before = rig.status()["history"]
        rig.cluster.requests.clear()
        rig.request_sync(sync_operation(prune=True, dryRun=True))
        await rig.settle()
        assert rig.phase() == "Succeeded"
        assert rig.cluster.writes() == []
        assert rig.rows() == {"new": "Synced", "old": "Pruned"}
        assert rig.status()["history"] == before


async def test_a_dry_run_of_a_single_prune_is_recorded_too() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map("old"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.git.commit()
        await rig.settle()
        rig.request_sync(sync_operation(prune=True, dryRun=True))
        await rig.settle()
        assert rig.rows() == {"old": "Pruned"}


async def test_nothing_is_pruned_when_git_cannot_be_read() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        rig.git.error = RepositoryError("HF1001", "the repository cannot be read")
        rig.request_sync(sync_operation(prune=True))
        await rig.settle(30)
        assert rig.phase() == "Error"
        assert rig.cluster.writes("delete") == []
        assert rig.conditions()["ComparisonError"].startswith("Failed to load target state: ")
        assert rig.sync() == "Unknown"


async def test_what_was_applied_is_still_healed_while_git_cannot_be_read() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        rig.git.error = RepositoryError("HF1001", "the repository cannot be read")
        await rig.settle(300)
        rig.cluster.remove(CM)
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_an_error_text_that_is_new_each_time_makes_no_hot_loop() -> None:
    async with controlling(app()) as rig:
        rig.git.error = RepositoryError("HF1001", "0")
        start = rig.git.resolved
        for number in range(60):
            rig.git.error = RepositoryError("HF1001", f"timed out after 30{number} ms")
            await rig.settle(1)
        assert rig.git.resolved - start < 15


async def test_an_empty_render_wipes_nothing_out_by_itself() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        rig.git.commit()
        await rig.settle(60)
        assert rig.cluster.writes("delete") == []
        assert "auto-sync will wipe out all resources" in rig.conditions()["SyncError"]


async def test_what_git_dropped_is_pruned_and_not_healed() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        rig.git.commit(config_map("one"))
        await rig.settle(30)
        assert key_of(config_map("two")) not in rig.cluster.objects
        assert rig.cluster.writes("delete") == ["delete ConfigMap prod/two"]
        assert applied(rig) == ["one", "two"]


async def test_a_prune_whose_answer_is_lost_is_not_undone_by_a_heal() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        rig.cluster.lose_answer("delete", "two", refusal(*UNREACHABLE))
        rig.git.commit(config_map("one"))
        await rig.settle(30)
        assert key_of(config_map("two")) not in rig.cluster.objects
        assert applied(rig) == ["one", "two"]


async def test_a_drift_during_a_refused_prune_is_healed_without_another_round() -> None:
    """Its event came while the target was forgotten, and no other event follows it."""
    two = key_of(config_map("two"))

    async def edit(request: Request) -> None:
        if request.verb == "delete":
            rig.cluster.edit(two, lambda tree: tree["data"].update(a="edited"))
            await rig.clock.sleep(1.0)

    async with controlling(app(automated={"selfHeal": True})) as rig:
        older = rig.git.commit(config_map("one"))
        await rig.settle(10)
        rig.git.commit(config_map("one"), config_map("two"))
        await rig.settle(10)
        rig.cluster.before = edit
        rig.cluster.fail("delete", "two", refusal("HF2002", 403))
        rig.request_sync(sync_operation(revision=older, prune=True))
        await rig.settle(30)
        assert rig.phase() == "Failed"
        assert rig.cluster.objects[two]["data"] == {"a": "1"}


async def test_an_apply_whose_answer_is_lost_is_not_undone_by_a_heal() -> None:
    """The server may have done it: neither revision is put back by guess."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        rig.cluster.lose_answer("apply", "web", refusal(*UNREACHABLE))
        rig.git.commit(config_map(a="2"))
        await rig.settle(30)
        bodies = [r.body["data"]["a"] for r in rig.cluster.requests if r.verb == "apply"]
        assert bodies == sorted(bodies)
        assert rig.cluster.objects[CM]["data"] == {"a": "2"}


async def test_an_object_deleted_a_moment_before_its_apply_is_created_by_the_same_sync() -> None:
    """The apply carries the uid of what was there; for a sync its loss is no failure."""
    async with controlling(app()) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.git.commit(config_map(a="2"))
        await rig.settle()

        async def faster(request: Request) -> None:
            if request.verb == "apply":
                rig.cluster.before = nothing
                rig.cluster.remove(CM)

        rig.cluster.before = faster
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Succeeded", rig.message()
        assert rig.cluster.objects[CM]["data"] == {"a": "2"}


async def test_a_namespace_that_is_missing_is_created_with_the_option() -> None:
    cluster = FakeCluster(
        builders.project(), app(automated=HEALING, options=("CreateNamespace=true",))
    )
    async with controlling(cluster=cluster) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle(10)
        assert rig.phase() == "Succeeded", rig.message()
        assert CM in cluster.objects


async def test_a_namespace_that_is_missing_fails_the_sync_without_the_option() -> None:
    cluster = FakeCluster(builders.project(), app())
    async with controlling(cluster=cluster) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Failed"
        assert 'namespaces "prod" not found' in rig.message()


async def test_a_definition_and_its_objects_come_in_one_sync() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(custom_resource_definition(), widget())
        await rig.settle(15)
        assert rig.phase() == "Succeeded", rig.message()
        assert key_of(widget()) in rig.cluster.objects


async def test_an_unknown_kind_without_its_definition_fails_before_the_first_write() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map(), widget())
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Failed"
        assert rig.cluster.writes() == []


async def test_a_group_that_fails_does_not_stop_the_later_groups_of_its_wave() -> None:
    """appendix B 7."""
    async with controlling(app()) as rig:
        rig.git.commit(config_map("bad"), deployment("good"))
        await rig.settle()
        rig.cluster.fail("apply", "bad", refusal("HF2005", 422, Retry.NEVER, "not valid"))
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Failed"
        assert rig.message() == "one or more objects failed to apply, reason: not valid"
        assert rig.rows() == {"bad": "SyncFailed", "good": "Synced"}


async def test_a_project_that_forbids_a_kind_fails_the_sync_before_the_first_write() -> None:
    limits = {"namespaceResourceBlacklist": [{"group": "apps", "kind": "Deployment"}]}
    cluster = FakeCluster(builders.project("default", **limits), builders.namespace(), app())
    async with controlling(cluster=cluster) as rig:
        rig.git.commit(config_map(), deployment())
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        assert rig.phase() == "Failed"
        assert "apps:Deployment is not permitted in project default" in rig.message()
        assert rig.cluster.writes() == []


async def test_a_refresh_request_is_answered_and_removed() -> None:
    async with controlling(app(annotations={"argocd.argoproj.io/refresh": "hard"})) as rig:
        rig.git.commit(config_map())
        await rig.settle()
        assert "argocd.argoproj.io/refresh" not in rig.app()["metadata"].get("annotations", {})
        assert rig.sync() == "OutOfSync"


async def test_a_refresh_request_that_comes_during_a_round_is_not_lost() -> None:
    stamp = "argocd.argoproj.io/refresh-timestamp"
    async with controlling(app()) as rig:
        rig.git.commit(config_map())
        await rig.settle()

        def ask(text: str) -> None:
            marks = {"argocd.argoproj.io/refresh": "normal", stamp: text}
            rig.cluster.edit(APP, lambda tree: tree["metadata"].update(annotations=marks))

        ask("1")
        await rig.settle(0.002)
        ask("2")
        resolved = rig.git.resolved
        await rig.settle()
        assert rig.git.resolved > resolved
        left = rig.app()["metadata"].get("annotations", {})
        assert not {"argocd.argoproj.io/refresh", stamp} & left.keys()


async def test_a_heal_does_not_hide_that_the_last_sync_failed() -> None:
    """What people see must stay: this revision did not work (controller.md §7.2 6a)."""
    async with controlling(
        app(automated=HEALING, syncPolicy={"automated": HEALING, "retry": {"limit": 0}})
    ) as rig:
        rig.git.commit(config_map(a="1"), config_map("other", x="1"))
        await rig.settle(10)
        rig.cluster.fail("apply", "other", refusal("HF2005", 422, Retry.NEVER, "not valid"))
        rig.git.commit(config_map(a="1"), config_map("other", x="2"))
        await rig.settle(10)
        assert rig.phase() == "Failed"
        rig.cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}
        assert rig.phase() == "Failed"
        assert "Failed last sync attempt" in rig.conditions()["SyncError"]


async def test_a_drift_during_a_failed_sync_is_healed_after_it() -> None:
    async with controlling(app(syncPolicy={"automated": HEALING, "retry": {"limit": 0}})) as rig:
        rig.git.commit(deployment("first"), waved(config_map(a="1"), 1))
        await rig.settle(10)
        rig.cluster.rollout_s = None
        rig.git.commit(deployment("first", image="web:2"), waved(config_map(a="1"), 1))
        await rig.settle(5)
        rig.cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
        await rig.settle(5)
        assert rig.cluster.objects[CM]["data"] == {"a": "edited"}, "it is left to the sync"
        terminate(rig)
        await rig.settle(10)
        assert rig.phase() == "Failed"
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_prune_that_asks_for_confirmation_waits_for_it() -> None:
    kept = annotated(config_map("old"), **{"argocd.argoproj.io/sync-options": "Prune=confirm"})
    async with controlling(app()) as rig:
        rig.git.commit(kept)
        await rig.settle()
        rig.request_sync()
        await rig.settle()
        rig.git.commit()
        await rig.settle()
        rig.request_sync(sync_operation(prune=True))
        await rig.settle(30)
        assert rig.phase() == "Running"
        assert rig.message() == "waiting for pruning confirmation of /ConfigMap/old"
        approve = {"argocd.argoproj.io/deletion-approved": "2026-01-02T13:00:00Z"}
        rig.cluster.edit(APP, lambda tree: tree["metadata"].update(annotations=approve))
        await rig.settle(10)
        assert key_of(kept) not in rig.cluster.objects
        assert rig.phase() == "Succeeded"


async def test_deleting_an_application_with_its_objects_heals_none_of_them() -> None:
    finalizer = "resources-finalizer.argocd.argoproj.io"
    async with controlling(app(automated=HEALING, finalizers=(finalizer,))) as rig:
        rig.git.commit(config_map("one"), waved(config_map("two"), 1))
        await rig.settle(10)
        rig.cluster.requests.clear()
        rig.cluster.remove(APP)
        await rig.settle(60)
        assert rig.cluster.writes() == ["delete ConfigMap prod/two", "delete ConfigMap prod/one"]
        assert APP not in rig.cluster.objects


async def test_observing_writes_nothing_at_all() -> None:
    async with controlling(app(automated=HEALING), settings=quick(observe=True)) as rig:
        rig.git.commit(config_map(a="1"))
        rig.cluster.put(config_map(a="other"))
        await rig.settle(60)
        rig.cluster.remove(CM)
        await rig.settle(60)
        assert {request.verb for request in rig.cluster.requests} <= {"get"}
