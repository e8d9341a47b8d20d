"""Retries, refreshes, history and conditions (controller.md §6.12, §7.4, §8.1, §8.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.domain.application import Application
from holdfast.domain.condition import SET_BY_COMPARISON, Condition, ConditionType
from holdfast.domain.operation import Phase, RetryPolicy
from holdfast.planning.conditions import replace_conditions
from holdfast.planning.history import Deployment, extend_history, is_recorded
from holdfast.planning.refresh import Expiry, Level, Refresh, RefreshType, find_refresh
from holdfast.planning.retry import (
    Attempt,
    GiveUp,
    RetryDecision,
    TryAgain,
    decide_retry,
    retry_message,
)
from tests.support.applications import application, sync

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NORMAL, HARD = RefreshType.NORMAL, RefreshType.HARD


def failed(retries: int = 0, **members: Any) -> Attempt:
    return Attempt(Phase.FAILED, "it broke", retries, NOON, **members)


@pytest.mark.parametrize(
    ("attempt", "policy", "decision"),
    [
        pytest.param(failed(), RetryPolicy(), GiveUp(Phase.FAILED, "it broke"), id="no retries"),
        pytest.param(
            failed(),
            RetryPolicy(limit=5),
            TryAgain(
                NOON + timedelta(seconds=10),
                1,
                "it broke. Retrying attempt #1 at 12:00PM.",
            ),
            id="first",
        ),
        pytest.param(
            failed(4),
            RetryPolicy(limit=5),
            TryAgain(
                NOON + timedelta(seconds=160),
                5,
                "it broke. Retrying attempt #5 at 12:02PM.",
            ),
            id="last",
        ),
        pytest.param(
            failed(5),
            RetryPolicy(limit=5),
            GiveUp(Phase.FAILED, "it broke (retried 5 times)."),
            id="exhausted",
        ),
        pytest.param(
            failed(99),
            RetryPolicy(limit=-1, factor=1, duration="1"),
            TryAgain(
                NOON + timedelta(seconds=1),
                100,
                "it broke. Retrying attempt #100 at 12:00PM.",
            ),
            id="unlimited",
        ),
        pytest.param(
            failed(was_terminated=True),
            RetryPolicy(limit=5),
            GiveUp(Phase.FAILED, "it broke"),
            id="terminated",
        ),
        pytest.param(
            failed(),
            RetryPolicy(limit=1, duration="soon"),
            GiveUp(
                Phase.ERROR,
                "it broke (failed to retry: invalid duration 'soon', expected for example 5s, 3m "
                "or 1h30m)",
            ),
            id="unreadable duration",
        ),
    ],
)
def test_a_failed_attempt_is_tried_again_or_given_up(
    attempt: Attempt, policy: RetryPolicy, decision: RetryDecision
) -> None:
    assert decide_retry(attempt, policy) == decision


def test_the_next_attempt_says_whether_revisions_are_resolved_anew() -> None:
    assert retry_message(2, RetryPolicy()) == "Retrying operation. Attempt #2"
    latest = "Retrying operation with latest revisions. Attempt #2"
    assert retry_message(2, RetryPolicy(refresh=True)) == latest


def compared(age_s: int = 10, **changes: Any) -> Application:
    base = application()
    spec = changes.pop("spec", {})
    status = {
        "reconciledAt": (NOON - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sync": {"comparedTo": base.compared_to()},
        **changes.pop("status", {}),
    }
    return application(spec, status=status, **changes)


REFRESH = "argocd.argoproj.io/refresh"
EXPIRY = Expiry(soft=timedelta(seconds=120), hard=timedelta(seconds=3600))


@pytest.mark.parametrize(
    ("app", "queued", "expected"),
    [
        pytest.param(compared(), None, None, id="nothing to do"),
        pytest.param(
            compared(annotations={REFRESH: "hard"}), None, (HARD, Level.LATEST_FORCED), id="1 hard"
        ),
        pytest.param(
            compared(annotations={REFRESH: "x"}), None, (NORMAL, Level.LATEST_FORCED), id="1 other"
        ),
        pytest.param(
            compared(spec={"source": {"repoURL": "https://other", "path": "web"}}),
            None,
            (NORMAL, Level.LATEST_FORCED),
            id="2 source",
        ),
        pytest.param(
            compared(status={"reconciledAt": None}), None, (NORMAL, Level.LATEST), id="3 never"
        ),
        pytest.param(compared(121), None, (NORMAL, Level.LATEST), id="3 soft"),
        pytest.param(compared(3601), None, (HARD, Level.LATEST), id="3 hard"),
        pytest.param(
            compared(spec={"destination": {"name": "in-cluster"}}),
            None,
            (NORMAL, Level.LATEST),
            id="4 destination",
        ),
        pytest.param(
            compared(
                spec={"syncPolicy": {"managedNamespaceMetadata": {"labels": {"a": "b"}}}},
                status={"operationState": {"syncResult": {"revision": "abc"}}},
            ),
            None,
            (NORMAL, Level.LATEST),
            id="5 namespace metadata",
        ),
        pytest.param(
            compared(spec={"ignoreDifferences": [{"kind": "Secret"}]}),
            None,
            (NORMAL, Level.LATEST),
            id="6 ignore rules",
        ),
        pytest.param(compared(), Level.RECENT, (NORMAL, Level.RECENT), id="7 queued"),
        pytest.param(compared(121), Level.RECENT, (NORMAL, Level.LATEST), id="3 beats 7"),
    ],
)
def test_a_refresh_is_due_when(
    app: Application, queued: Level | None, expected: tuple[RefreshType, Level] | None
) -> None:
    found = find_refresh(app, NOON, EXPIRY, queued)
    assert (found and (found.type, found.level)) == expected


def test_a_timeout_of_zero_never_expires() -> None:
    assert find_refresh(compared(10**6), NOON, Expiry(timedelta(0))) is None


def test_the_reason_of_a_refresh_is_said() -> None:
    found = find_refresh(compared(annotations={REFRESH: "normal"}), NOON, EXPIRY)
    assert found == Refresh(NORMAL, Level.LATEST_FORCED, "normal refresh requested")


DEPLOYED = Deployment(("abc",), ({"repoURL": "r"},), False, NOON, NOON, {"automated": True})


def test_history_ids_start_at_zero_and_count_on() -> None:
    first = extend_history(application(), DEPLOYED)
    assert first == [
        {
            "id": 0,
            "revision": "abc",
            "source": {"repoURL": "r"},
            "deployStartedAt": "2026-01-01T12:00:00Z",
            "deployedAt": "2026-01-01T12:00:00Z",
            "initiatedBy": {"automated": True},
        }
    ]
    second = extend_history(application(status={"history": first}), DEPLOYED)
    assert [entry["id"] for entry in second] == [0, 1]


@pytest.mark.parametrize(("limit", "ids"), [(None, range(3, 13)), (2, [11, 12]), (0, []), (-1, [])])
def test_history_is_cut_from_the_front(limit: int | None, ids: list[int]) -> None:
    old = [{"id": number, "revision": "r"} for number in range(12)]
    app = application({"revisionHistoryLimit": limit}, status={"history": old})
    assert [entry["id"] for entry in extend_history(app, DEPLOYED)] == list(ids)


def test_several_sources_have_plural_fields_in_history() -> None:
    several = Deployment(("a", "b"), ({"repoURL": "r"}, {"repoURL": "s"}), True, NOON, NOON)
    (entry,) = extend_history(application(), several)
    assert entry["revisions"] == ["a", "b"]
    assert entry["sources"] == [{"repoURL": "r"}, {"repoURL": "s"}]
    assert "revision" not in entry


def test_only_full_real_successes_are_recorded() -> None:
    assert is_recorded(sync(), Phase.SUCCEEDED)
    assert not is_recorded(sync(), Phase.FAILED)
    assert not is_recorded(sync(dryRun=True), Phase.SUCCEEDED)
    assert not is_recorded(sync(resources=[{"kind": "A", "name": "b"}]), Phase.SUCCEEDED)


def test_conditions_of_the_looked_at_types_are_replaced_and_keep_their_time() -> None:
    old = [
        {"type": "SyncError", "message": "s", "lastTransitionTime": "t0"},
        {"type": "ComparisonError", "message": "stays", "lastTransitionTime": "t1"},
        {"type": "ComparisonError", "message": "gone", "lastTransitionTime": "t2"},
    ]
    found = [
        Condition(ConditionType.REPEATED_RESOURCE, "new"),
        Condition(ConditionType.COMPARISON_ERROR, "stays"),
    ]
    assert replace_conditions(old, SET_BY_COMPARISON, found, NOON) == [
        {"type": "ComparisonError", "message": "stays", "lastTransitionTime": "t1"},
        {
            "type": "RepeatedResourceWarning",
            "message": "new",
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        },
        {"type": "SyncError", "message": "s", "lastTransitionTime": "t0"},
    ]
