"""Operations survive a restart through the status alone (controller.md §6.11, §6.12)."""

from typing import Any

import pytest

from holdfast.controller.run_state import ResultRow, ResultStatus, Run, restore_run, start_run
from holdfast.domain.application import Application
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import Operation, Phase
from tests.support.builders import app, config_map
from tests.support.rig import key_of
from tests.support.virtual_time import NOON


def parsed(**members: Any) -> Application:
    return Application.parse(Manifest(app(**members)))


def some_run(**changes: Any) -> Run:
    run = Run(
        operation=Operation.parse({"sync": {"prune": True}}),
        phase=Phase.RUNNING,
        message="one or more tasks are running",
        started_at=NOON,
        revisions=("a" * 40,),
        sources=({"repoURL": "https://git.example/x", "path": "."},),
        has_result=True,
    )
    for row in ("one", "two"):
        run.record(
            ResultRow(
                key_of(config_map(row)), "v1", ResultStatus.SYNCED, "created", Phase.SUCCEEDED
            )
        )
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize(
    "run",
    [
        some_run(),
        some_run(retry_count=2, finished_at=NOON),
        some_run(phase=Phase.TERMINATING),
        some_run(namespace_metadata={"labels": {"a": "b"}}),
        some_run(
            is_multi_source=True,
            revisions=("a" * 40, "b" * 40),
            sources=({"repoURL": "x"}, {"repoURL": "y"}),
        ),
        some_run(has_result=False, revisions=(), sources=(), rows={}),
    ],
    ids=["running", "waiting to retry", "terminating", "namespace", "two sources", "just begun"],
)
def test_a_run_comes_back_as_it_was_written(run: Run) -> None:
    restored = restore_run(parsed(status={"operationState": run.to_tree()}), NOON)
    assert restored is not None
    assert restored.to_tree() == run.to_tree()
    assert restored.rows == run.rows


def test_a_finished_state_beside_a_request_is_an_old_one() -> None:
    old = some_run(phase=Phase.SUCCEEDED).to_tree()
    run = restore_run(parsed(operation={"sync": {}}, status={"operationState": old}), NOON)
    assert run is not None
    assert (run.phase, run.rows, run.has_result) == (Phase.RUNNING, {}, False)


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR])
def test_a_finished_operation_is_not_run_again(phase: Phase) -> None:
    state = some_run(phase=phase).to_tree()
    assert restore_run(parsed(status={"operationState": state}), NOON) is None


def test_without_a_request_and_a_state_there_is_nothing_to_run() -> None:
    assert restore_run(parsed(), NOON) is None


def test_a_row_keeps_its_place_when_it_changes() -> None:
    run = some_run()
    first = next(iter(run.rows.values()))
    run.record(first.with_phase(Phase.FAILED, "degraded"))
    names = [row["name"] for row in run.to_tree()["syncResult"]["resources"]]
    assert names == ["one", "two"]


def test_a_new_run_has_no_result_yet() -> None:
    tree = start_run(Operation.parse({"sync": {}}), NOON).to_tree()
    assert tree == {
        "operation": {"sync": {}},
        "phase": "Running",
        "message": "",
        "startedAt": "2026-01-02T12:00:00Z",
    }


@pytest.mark.parametrize("text", ["Sideways", None, 3])
def test_a_phase_that_nobody_knows_counts_as_none(text: object) -> None:
    state = {**some_run().to_tree(), "phase": text}
    assert restore_run(parsed(status={"operationState": state}), NOON) is None


def test_a_row_with_a_status_that_nobody_knows_does_not_stop_the_operation() -> None:
    state = some_run().to_tree()
    state["syncResult"]["resources"][0]["status"] = "Weird"
    run = restore_run(parsed(status={"operationState": state}), NOON)
    assert run is not None
    assert len(run.rows) == 1
