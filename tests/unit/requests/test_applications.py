"""Create, change, patch, delete, refresh: writes and refusals (api.md §1.6.3-§1.6.6, §4.9.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.commands import (
    ConfirmDeletion,
    CreateApplication,
    CreateProject,
    DeleteApplication,
    DeleteProject,
    PatchApplication,
    RefreshApplication,
    UpdateProject,
    UpdateSpec,
)
from holdfast.domain.errors import ClusterError, ConfigurationError, RepositoryError
from tests.unit.requests.given import WEB, World, app, default_project

if TYPE_CHECKING:
    from holdfast.domain.manifest import Manifest
    from tests.support.fakes import FakeCluster

FINALIZER = "resources-finalizer.argocd.argoproj.io"


async def test_an_application_is_created_without_status_and_operation() -> None:
    world = World()
    done = await world.do(CreateApplication(app(status={"x": 1}, operation={"sync": {}})))
    assert done.outcome == "created"
    assert "status" not in world.web
    assert "operation" not in world.web


async def test_creating_the_same_again_changes_nothing() -> None:
    world = World(app(metadata={"labels": {"team": "a"}}))
    done = await world.do(CreateApplication(app()))
    assert done.outcome == "unchanged"
    assert world.written == []


async def test_creating_another_one_of_the_same_name_needs_upsert() -> None:
    world = World(app(metadata={"labels": {"team": "a"}}))
    wanted = app({"project": "default", "info": [{"name": "a", "value": "b"}]})
    with pytest.raises(ConfigurationError, match="existing application spec is different"):
        await world.do(CreateApplication(wanted))
    done = await world.do(CreateApplication(wanted, upsert=True))
    assert done.outcome == "updated"
    assert world.web["spec"]["info"]
    assert world.web["metadata"]["labels"] == {"team": "a"}, "labels are merged"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            {"destination": {"namespace": "prod"}},
            "application destination spec for web is invalid: Destination server missing",
            id="no destination",
        ),
        pytest.param(
            {"project": "nope"},
            "InvalidSpecError: Application referencing project nope which does not exist",
            id="no such project",
        ),
        pytest.param(
            {"source": {"repoURL": "https://git.example/apps"}},
            r"spec\.source\.repoURL and either spec\.source\.path or spec\.source\.chart",
            id="no path",
        ),
    ],
)
async def test_an_invalid_spec_is_refused_in_argocds_words(spec: Any, message: str) -> None:
    world = World()
    with pytest.raises(ConfigurationError, match=message):
        await world.do(CreateApplication(app(spec), validate=False))
    assert world.written == []


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ({"destination": {"namespace": "prod"}}, "https://kubernetes.default.svc"),
        ({"destination": {"server": "https://elsewhere"}}, "by name in-cluster"),
        ({"project": "nope"}, "`holdfast proj list`"),
    ],
)
async def test_a_refused_spec_says_what_there_is(spec: Any, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await World().do(CreateApplication(app(spec), validate=False))
    assert hint in caught.value.hint


async def test_what_git_cannot_render_is_refused_unless_validation_is_off() -> None:
    world = World()
    world.renderer.error = RepositoryError("HF1003", "web: app path does not exist")
    with pytest.raises(ConfigurationError, match="Unable to generate manifests in web"):
        await world.do(CreateApplication(app()))
    await world.do(CreateApplication(app(), validate=False))


async def test_what_only_the_controller_can_judge_is_a_note() -> None:
    world = World()
    world.sources.error = RepositoryError("HF1009", "local repositories are not allowed here")
    done = await world.do(CreateApplication(app()))
    assert done.notes == ("not checked from here: local repositories are not allowed here",)


async def test_an_update_replaces_the_spec_and_nothing_else() -> None:
    world = World(app(status={"sync": {"status": "Synced"}}))
    spec = {**app()["spec"], "revisionHistoryLimit": 3}
    await world.do(UpdateSpec(WEB, spec, resource_version=world.web["metadata"]["resourceVersion"]))
    assert world.web["spec"] == spec
    assert world.web["status"] == {"sync": {"status": "Synced"}}


async def test_an_update_of_what_has_changed_since_is_refused() -> None:
    world = World(app())
    with pytest.raises(ClusterError, match="has changed since it was read"):
        await world.do(UpdateSpec(WEB, {**app()["spec"], "info": []}, resource_version="1"))


async def test_an_empty_sync_policy_and_empty_tools_are_not_stored() -> None:
    world = World(app())
    spec = app()["spec"]
    spec["syncPolicy"] = {}
    spec["source"]["kustomize"] = {"images": []}
    spec["info"] = [{"name": "a", "value": "b"}]
    await world.do(UpdateSpec(WEB, spec))
    assert "syncPolicy" not in world.web["spec"]
    assert "kustomize" not in world.web["spec"]["source"]


async def test_a_merge_patch_changes_what_it_names() -> None:
    world = World(app(metadata={"annotations": {"a": "1", "b": "2"}}))
    patch = {"metadata": {"annotations": {"b": None, "c": "3"}}, "spec": {"project": "default"}}
    await world.do(PatchApplication(WEB, patch, "merge"))
    assert world.web["metadata"]["annotations"] == {"a": "1", "c": "3"}


async def test_a_json_patch_that_does_not_fit_is_refused() -> None:
    world = World(app())
    with pytest.raises(ConfigurationError, match="does not fit"):
        await world.do(PatchApplication(WEB, [{"op": "remove", "path": "/spec/nothing"}]))


@pytest.mark.parametrize(
    ("present", "command", "expected"),
    [
        pytest.param([], {"cascade": True}, [FINALIZER], id="cascade is the default finalizer"),
        pytest.param(
            [],
            {"cascade": True, "propagation": "background"},
            [f"{FINALIZER}/background"],
            id="background",
        ),
        pytest.param([FINALIZER, "x"], {"cascade": False}, ["x"], id="without cascade it goes"),
        pytest.param([FINALIZER], {}, [FINALIZER], id="left alone when nothing is said"),
    ],
)
async def test_the_finalizer_is_written_before_the_delete(
    present: list[str], command: dict[str, Any], expected: list[str]
) -> None:
    world = World(app(metadata={"finalizers": [*present, "hold"]}))
    await world.do(DeleteApplication(WEB, **command))
    assert set(world.web["metadata"]["finalizers"]) == {*expected, "hold"}
    assert world.web["metadata"]["deletionTimestamp"]
    assert world.written[-1] == "delete Application"


async def test_a_propagation_policy_without_cascade_is_refused() -> None:
    world = World(app())
    with pytest.raises(ConfigurationError, match="when cascading is disabled"):
        await world.do(DeleteApplication(WEB, cascade=False, propagation="foreground"))


async def test_confirm_deletion_writes_the_time() -> None:
    world = World(app())
    await world.do(ConfirmDeletion(WEB))
    approved = world.web["metadata"]["annotations"]["argocd.argoproj.io/deletion-approved"]
    assert approved == "2026-01-02T15:04:05Z"


async def test_a_refresh_waits_until_the_controller_has_taken_the_annotation_off() -> None:
    world = World(app())

    def controller(cluster: FakeCluster, manifest: Manifest) -> None:
        assert manifest.annotation("argocd.argoproj.io/refresh") == "hard"
        tree = dict(manifest.tree)
        tree["metadata"] = {**tree["metadata"], "annotations": {}}
        tree["status"] = {"reconciledAt": "2026-01-02T15:04:05Z"}
        cluster.put(tree)

    world.cluster.on_write = controller
    done = await world.do(RefreshApplication(WEB, hard=True))
    assert done.tree is not None
    assert done.tree["status"] == {"reconciledAt": "2026-01-02T15:04:05Z"}


async def test_an_application_that_does_not_exist_is_said_to_be_missing() -> None:
    with pytest.raises(ConfigurationError, match=r'applications\.argoproj\.io "web" not found'):
        await World().do(RefreshApplication(WEB))


async def test_a_cluster_without_the_definitions_is_told_how_to_get_them() -> None:
    world = World()
    world.kinds.known.clear()
    with pytest.raises(ConfigurationError) as caught:
        await world.do(CreateApplication(app()))
    assert caught.value.code == "HF3010"
    assert "holdfast install --crds-only" in caught.value.hint


async def test_a_project_that_applications_use_is_not_deleted() -> None:
    team = default_project()
    team["metadata"] = {**team["metadata"], "name": "team"}
    world = World(team, app({"project": "team"}))
    with pytest.raises(ConfigurationError, match="project is referenced by 1 applications"):
        await world.do(DeleteProject("team"))


async def test_a_project_is_created_in_the_control_namespace() -> None:
    world = World()
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "spec": {},
            "metadata": {"name": "team"}}  # fmt: skip
    assert (await world.do(CreateProject(team))).outcome == "created"
    assert world.cluster.find("AppProject", "argocd", "team")


async def test_a_project_is_updated_only_in_the_version_that_was_read() -> None:
    world = World()
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "spec": {},
            "metadata": {"name": "team"}}  # fmt: skip
    with pytest.raises(ConfigurationError, match="not found"):
        await world.do(UpdateProject(team))
    made = (await world.do(CreateProject(team))).tree
    assert made is not None
    changed = {**made, "spec": {"description": "shop"}}
    assert (await world.do(UpdateProject(changed))).outcome == "updated"
    with pytest.raises(ClusterError, match="somebody else"):
        await world.do(UpdateProject({**made, "spec": {"description": "other"}}))
    unversioned = {**team, "spec": {"description": "shop"}}
    assert (await world.do(UpdateProject(unversioned))).outcome == "unchanged"
