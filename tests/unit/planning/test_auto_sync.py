"""When a comparison starts an operation by itself (controller.md §7.2); ids name the rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.domain.application import Application
from holdfast.domain.drift import SyncCode
from holdfast.domain.identity import ResourceKey
from holdfast.planning.autosync import (
    ComparedResource,
    Comparison,
    Decision,
    HealBackoff,
    Refuse,
    Skip,
    SkipReason,
    Start,
    decide_auto_sync,
    heal_pause,
)
from tests.support.applications import application

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOURCE = {"repoURL": "https://git.example/team/apps", "path": "web"}


def item(
    name: str, status: SyncCode | None = SyncCode.OUT_OF_SYNC, **flags: bool
) -> ComparedResource:
    return ComparedResource(ResourceKey("", "ConfigMap", "prod", name), status, **flags)


CHANGED = item("changed")
EXTRA = item("extra", requires_pruning=True)
KEPT = item("kept", requires_pruning=True, is_protected=True)
SYNCED = item("synced", SyncCode.SYNCED)
HOOK = item("hook", None)


def automated(**members: Any) -> Application:
    policy = members.pop("policy", {})
    spec = {"syncPolicy": {"automated": policy, **members.pop("sync_policy", {})}}
    return application(spec, **members)


def tried(
    phase: str = "Succeeded", revision: str = "abc", source: Any = None, **sync: Any
) -> dict[str, Any]:
    return {
        "operationState": {
            "phase": phase,
            "message": "it broke",
            "finishedAt": "2026-01-01T11:59:55Z",
            "operation": {"sync": sync},
            "syncResult": {"revision": revision, "source": source or SOURCE},
        }
    }


def decide(
    app: Application, *resources: ComparedResource, status: SyncCode = SyncCode.OUT_OF_SYNC
) -> Decision:
    return decide_auto_sync(app, Comparison(status, ("abc",), resources), NOW)


HEALS = {"prune": True, "selfHeal": True}
WIPES_OUT = Refuse(
    "Skipping sync attempt to [abc]: auto-sync will wipe out all resources; nothing is pruned "
    "until `app sync web --prune` or `app confirm-deletion web`"
)


@pytest.mark.parametrize(
    ("app", "resources", "status", "decision"),
    [
        pytest.param(
            application(), [CHANGED], SyncCode.OUT_OF_SYNC, Skip(SkipReason.OFF), id="1 off"
        ),
        pytest.param(
            automated(policy={"enabled": False}),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.OFF),
            id="1 disabled",
        ),
        pytest.param(
            automated(operation={"sync": {}}),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.REQUESTED),
            id="2 requested",
        ),
        pytest.param(
            automated(deletionTimestamp="2026-01-01T00:00:00Z"),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.DELETING),
            id="3 deleting",
        ),
        pytest.param(
            automated(),
            [SYNCED],
            SyncCode.SYNCED,
            Skip(SkipReason.NOT_OUT_OF_SYNC),
            id="4 synced",
        ),
        pytest.param(
            automated(),
            [CHANGED],
            SyncCode.UNKNOWN,
            Skip(SkipReason.NOT_OUT_OF_SYNC),
            id="4 unknown",
        ),
        pytest.param(
            automated(),
            [SYNCED, EXTRA],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.ONLY_PRUNES),
            id="5 only prunes are left",
        ),
        pytest.param(
            automated(),
            [SYNCED, EXTRA, HOOK],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.ONLY_PRUNES),
            id="5 a hook does not count (B 15)",
        ),
        pytest.param(
            automated(status=tried("Failed")),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Refuse(
                "Failed last sync attempt to [abc]: it broke. It is not tried again by itself at "
                "this revision: correct the cause, then run `app sync` or commit"
            ),
            id="6a failed",
        ),
        pytest.param(
            automated(status=tried()),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.ATTEMPTED),
            id="6b drift without self-heal",
        ),
        pytest.param(
            automated(policy=HEALS, status=tried()),
            [CHANGED],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.ATTEMPTED),
            id="6b drift is the heal lane's",
        ),
        pytest.param(
            automated(policy=HEALS, status=tried()),
            [SYNCED, KEPT],
            SyncCode.OUT_OF_SYNC,
            Skip(SkipReason.ATTEMPTED),
            id="6b an extra that nobody may prune",
        ),
        pytest.param(
            automated(policy=HEALS, status=tried(autoHealAttemptsCount=3)),
            [SYNCED, EXTRA],
            SyncCode.OUT_OF_SYNC,
            HealBackoff(datetime(2026, 1, 1, 12, 0, 13, tzinfo=UTC)),
            id="6c backing off",
        ),
        pytest.param(
            automated(policy={"prune": True}),
            [EXTRA],
            SyncCode.OUT_OF_SYNC,
            WIPES_OUT,
            id="7 everything would go",
        ),
        pytest.param(
            automated(policy={"prune": True}),
            [EXTRA, HOOK],
            SyncCode.OUT_OF_SYNC,
            WIPES_OUT,
            id="7 a hook does not count (B 15)",
        ),
        pytest.param(
            automated(policy={"prune": True}),
            [],
            SyncCode.OUT_OF_SYNC,
            WIPES_OUT,
            id="7 an empty list",
        ),
    ],
)
def test_nothing_is_started_when(
    app: Application,
    resources: list[ComparedResource],
    status: SyncCode,
    decision: Decision,
) -> None:
    assert decide(app, *resources, status=status) == decision


def test_a_wait_that_would_end_in_the_future_of_a_clock_that_was_set_back_is_over() -> None:
    status = tried(autoHealAttemptsCount=3)
    status["operationState"]["finishedAt"] = "2026-01-01T13:00:00Z"
    assert isinstance(decide(automated(policy=HEALS, status=status), SYNCED, EXTRA), Start)


def test_a_new_revision_starts_a_sync_with_the_options_of_the_spec() -> None:
    app = automated(
        policy={"prune": True},
        sync_policy={"syncOptions": ["CreateNamespace=true"]},
        status=tried(revision="old"),
    )
    assert decide(app, CHANGED, SYNCED) == Start(
        {
            "sync": {
                "source": SOURCE,
                "revision": "abc",
                "prune": True,
                "syncOptions": ["CreateNamespace=true"],
            },
            "initiatedBy": {"automated": True},
            "retry": {"limit": 5},
        },
        "Initiated automated sync to 'abc'",
    )


def test_the_retry_block_of_the_spec_is_used_as_it_stands() -> None:
    app = automated(sync_policy={"retry": {"limit": 2}})
    started = decide(app, CHANGED)
    assert isinstance(started, Start)
    assert started.operation["retry"] == {"limit": 2}


def test_several_sources_are_started_with_plural_fields() -> None:
    sources = [SOURCE, {**SOURCE, "path": "db"}]
    app = application({"sources": sources, "syncPolicy": {"automated": {}}})
    comparison = Comparison(SyncCode.OUT_OF_SYNC, ("abc", "def"), (CHANGED,))
    started = decide_auto_sync(app, comparison, NOW)
    assert isinstance(started, Start)
    assert started.operation["sync"] == {"sources": sources, "revisions": ["abc", "def"]}
    assert started.event == "Initiated automated sync to 'abc, def'"


def test_extras_of_a_synced_revision_are_pruned_by_a_selective_sync() -> None:
    app = automated(policy=HEALS, status=tried(autoHealAttemptsCount=1))
    started = decide(app, SYNCED, CHANGED, EXTRA)
    assert isinstance(started, Start)
    assert started.operation["sync"]["autoHealAttemptsCount"] == 2
    assert started.operation["sync"]["resources"] == [
        {"kind": "ConfigMap", "name": "extra", "namespace": "prod"}
    ]


def test_everything_may_go_when_that_is_allowed() -> None:
    app = automated(policy={"prune": True, "allowEmpty": True})
    assert isinstance(decide(app, EXTRA), Start)


@pytest.mark.parametrize(
    ("status", "attempted"),
    [
        pytest.param({}, False, id="no operation yet"),
        pytest.param({"operationState": {"phase": "Error"}}, True, id="ended without a result"),
        pytest.param({"operationState": {"phase": "Running"}}, False, id="running, no result"),
        pytest.param(tried("Failed", "other"), False, id="another revision"),
        pytest.param(tried("Failed", source={**SOURCE, "path": "x"}), False, id="another source"),
        pytest.param(tried("Failed"), True, id="this revision and source"),
    ],
)
def test_a_failed_revision_is_not_tried_again(status: dict[str, Any], attempted: bool) -> None:
    assert isinstance(decide(automated(status=status), CHANGED), Refuse) is attempted


def test_revisions_are_not_compared_when_they_hold_the_same_manifests() -> None:
    app = automated(status=tried("Failed", "other"))
    comparison = Comparison(SyncCode.OUT_OF_SYNC, ("abc",), (CHANGED,), may_have_changed=False)
    assert isinstance(decide_auto_sync(app, comparison, NOW), Refuse)


def test_the_pause_after_self_heals_triples_up_to_five_minutes() -> None:
    seconds = [heal_pause(n) / timedelta(seconds=1) for n in range(8)]
    assert seconds == [0, 2, 6, 18, 54, 162, 300, 300]


def extras(count: int) -> tuple[ComparedResource, ...]:
    return tuple(item(f"extra-{number}", requires_pruning=True) for number in range(count))


def kept(count: int) -> tuple[ComparedResource, ...]:
    return tuple(item(f"kept-{number}", SyncCode.SYNCED) for number in range(count))


def test_automatic_prune_of_most_objects_waits_for_a_person() -> None:
    found = Comparison(SyncCode.OUT_OF_SYNC, ("new",), (*extras(6), *kept(4)))
    decision = decide_auto_sync(automated(policy={"prune": True}), found, NOW)
    assert isinstance(decision, Refuse)
    assert "would remove 6 of 10 objects" in decision.message
    assert "app confirm-deletion" in decision.message


@pytest.mark.parametrize(
    ("gone", "stay"),
    [
        pytest.param(4, 1, id="fewer than five objects are within the budget"),
        pytest.param(5, 5, id="half of the objects is within the budget"),
    ],
)
def test_automatic_prune_goes_on_within_its_budget(gone: int, stay: int) -> None:
    found = Comparison(SyncCode.OUT_OF_SYNC, ("new",), (*extras(gone), *kept(stay)))
    assert isinstance(decide_auto_sync(automated(policy={"prune": True}), found, NOW), Start)


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param((*extras(6), *kept(4)), id="most objects"),
        pytest.param(extras(1), id="an empty render"),
    ],
)
@pytest.mark.parametrize(
    ("approved", "is_lifted"),
    [
        pytest.param("2026-01-01T11:59:59Z", True, id="approved since the last operation"),
        pytest.param("2026-01-01T11:59:54Z", False, id="approved before the last operation"),
    ],
)
def test_a_person_lifts_the_prune_budget(
    resources: tuple[ComparedResource, ...], approved: str, *, is_lifted: bool
) -> None:
    app = automated(
        policy={"prune": True},
        status=tried(),
        annotations={"argocd.argoproj.io/deletion-approved": approved},
    )
    found = Comparison(SyncCode.OUT_OF_SYNC, ("new",), resources)
    assert isinstance(decide_auto_sync(app, found, NOW), Start) is is_lifted
