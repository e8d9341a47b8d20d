"""Sync, rollback, terminate: what is written, and what is refused (api.md §1.6.7-§1.6.9)."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.commands import RollBackApplication, SyncApplication, TerminateOperation
from holdfast.domain.errors import ClusterError, ConfigurationError, RepositoryError
from holdfast.domain.operation import SelectedResource
from tests.unit.requests.given import WEB, World, app

A = "a" * 40
AUTOMATED: dict[str, Any] = {"syncPolicy": {"automated": {}}}
HISTORY = [
    {"id": 0, "revision": "b" * 40, "source": {"repoURL": "https://git.example/apps", "path": "w"}},
    {"id": 1, "revision": A, "source": {"repoURL": "https://git.example/apps", "path": "web"}},
]


async def test_a_sync_writes_what_argocd_writes() -> None:
    world = World(app(status={"operationState": {"phase": "Succeeded"}, "sync": {}}))
    done = await world.do(SyncApplication(WEB, prune=True), "ann")
    assert done.outcome == "requested"
    assert world.web["operation"] == {
        "sync": {
            "syncStrategy": {"hook": {}},
            "source": {"repoURL": "https://git.example/apps", "path": "web"},
            "revision": A,
            "prune": True,
        },
        "initiatedBy": {"username": "ann"},
    }
    assert world.web["status"] == {"sync": {}}, "the state of the operation before is cleared"
    assert world.written == ["json-patch Application", "create Event"]


async def test_options_of_the_spec_are_copied_only_when_none_are_given() -> None:
    spec = {"syncPolicy": {"syncOptions": ["CreateNamespace=true"], "retry": {"limit": 3}}}
    world = World(app(spec))
    await world.do(SyncApplication(WEB))
    assert world.web["operation"]["sync"]["syncOptions"] == ["CreateNamespace=true"]
    assert "retry" not in world.web["operation"]

    other = World(app(spec))
    retry = {"limit": 2}
    await other.do(SyncApplication(WEB, options=("Replace=true",), retry=retry))
    assert other.web["operation"]["sync"]["syncOptions"] == ["Replace=true"]
    assert other.web["operation"]["retry"] == retry


async def test_a_selective_sync_names_its_resources_without_empty_fields() -> None:
    world = World(app())
    chosen = SelectedResource("", "Service", "", "web")
    await world.do(SyncApplication(WEB, resources=(chosen,), strategy="apply", force=True))
    sync = world.web["operation"]["sync"]
    assert sync["resources"] == [{"kind": "Service", "name": "web"}]
    assert sync["syncStrategy"] == {"apply": {"force": True}}


async def test_a_second_operation_is_refused() -> None:
    world = World(app(operation={"sync": {}}))
    with pytest.raises(ConfigurationError, match="another operation is already in progress"):
        await world.do(SyncApplication(WEB))
    assert world.written == []


async def test_another_revision_is_refused_while_automatic_sync_is_on() -> None:
    world = World(app(AUTOMATED))
    words = "Cannot sync to v2: auto-sync currently set to HEAD"
    with pytest.raises(ConfigurationError, match=words):
        await world.do(SyncApplication(WEB, revision="v2"))
    await world.do(SyncApplication(WEB, revision="v2", dry_run=True))


async def test_an_application_that_is_being_deleted_is_not_synced() -> None:
    world = World(app(metadata={"deletionTimestamp": "2026-01-02T15:04:05Z"}))
    with pytest.raises(ConfigurationError, match="application is deleting"):
        await world.do(SyncApplication(WEB))


async def test_a_revision_that_does_not_exist_is_refused() -> None:
    world = World(app())
    world.sources.error = RepositoryError("HF1002", "there is no v9")
    with pytest.raises(RepositoryError, match="there is no v9"):
        await world.do(SyncApplication(WEB, revision="v9"))
    assert world.written == []


async def test_a_repository_that_only_the_controller_reaches_is_left_to_it() -> None:
    world = World(app())
    world.sources.error = RepositoryError("HF1001", "no route to git.example")
    done = await world.do(SyncApplication(WEB))
    assert world.web["operation"]["sync"]["revision"] == "HEAD"
    assert done.notes == ("the controller resolves the revision, since no route to git.example",)


async def test_a_write_that_lost_a_race_is_repeated_on_what_is_there_now() -> None:
    world = World(app())
    world.cluster.fail_next = [ClusterError("HF2004", "has been modified")]
    await world.do(SyncApplication(WEB))
    assert world.web["operation"]


async def test_several_sources_are_synced_with_a_revision_each() -> None:
    sources = [
        {"repoURL": "https://git.example/a", "path": "a"},
        {"repoURL": "https://git.example/b", "path": "b", "targetRevision": "v1"},
    ]
    world = World(app({"sources": sources}))
    await world.do(SyncApplication(WEB))
    sync = world.web["operation"]["sync"]
    assert sync["sources"] == sources
    assert sync["revisions"] == [A, "v" * 40]
    assert "source" not in sync


async def test_a_rollback_takes_revision_and_source_from_the_history() -> None:
    world = World(app(status={"history": HISTORY}))
    await world.do(RollBackApplication(WEB, 0, prune=True))
    assert world.web["operation"]["sync"] == {
        "syncStrategy": {"apply": {}},
        "revision": "b" * 40,
        "source": {"repoURL": "https://git.example/apps", "path": "w"},
        "prune": True,
    }
    assert world.sources.resolved == [], "no repository is asked"


@pytest.mark.parametrize(
    ("spec", "number", "message"),
    [
        pytest.param(
            AUTOMATED,
            0,
            "rollback cannot be initiated when auto-sync is enabled",
            id="automatic sync is on",
        ),
        pytest.param(
            {}, 7, "application web does not have deployment with id 7", id="no such entry"
        ),
        pytest.param({}, 9, "deployment 9 of web came from a folder", id="a local sync"),
    ],
)
async def test_a_rollback_is_refused_when(spec: dict[str, Any], number: int, message: str) -> None:
    local = {"id": 9, "revision": "", "source": HISTORY[0]["source"]}
    world = World(app(spec, status={"history": [*HISTORY, local]}))
    with pytest.raises(ConfigurationError, match=message):
        await world.do(RollBackApplication(WEB, number))
    assert world.written == []


async def test_terminate_sets_the_phase_and_leaves_the_operation() -> None:
    operation: dict[str, Any] = {"sync": {}}
    world = World(app(operation=operation, status={"operationState": {"phase": "Running"}}))
    await world.do(TerminateOperation(WEB))
    assert world.web["status"]["operationState"]["phase"] == "Terminating"
    assert world.web["operation"] == operation


async def test_an_operation_that_nobody_has_begun_is_withdrawn() -> None:
    world = World(app(operation={"sync": {}}))
    await world.do(TerminateOperation(WEB))
    assert "operation" not in world.web


async def test_there_is_nothing_to_terminate_without_an_operation() -> None:
    world = World(app())
    with pytest.raises(ConfigurationError, match=r"Unable to terminate operation\. No operation"):
        await world.do(TerminateOperation(WEB))
