"""Editing an Application and the parameters of its sources, next to others who do the same."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.commands import PatchApplication
from holdfast.kit import yamlio
from tests.support.page import PageWorld
from tests.support.page_forms import FormShown, opened, send
from tests.unit.requests.given import WEB, app

Tree = dict[str, Any]
EDIT = "/applications/argocd/web/edit"
PARAMETERS = "/applications/argocd/web/parameters"
CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "prod"},
    "data": {"a": "1"},
}
KEPT = {
    "holdfast.dev/differs": "{}",
    "kubectl.kubernetes.io/last-applied-configuration": "sealed",
}


def worked_on(**spec: Any) -> PageWorld:
    """A world with `web`, which has a status and annotations that programs keep."""
    tree = app(
        {"ignoreDifferences": [{"kind": "Deployment"}], **spec},
        metadata={"annotations": {"mine": "1", **KEPT}, "labels": {"a": "b"}},
        status={"sync": {"status": "Synced"}},
    )
    return PageWorld(tree, renders=(CONFIG,))


def web(world: PageWorld) -> Tree:
    return world.world.web


async def meanwhile(world: PageWorld, patch: Tree) -> None:
    """Somebody else changes it."""
    await world.services.commands.carry_out(PatchApplication(WEB, patch, kind="merge"), "ben")


async def test_an_edit_changes_what_was_typed_and_nothing_else() -> None:
    world = worked_on()
    before = web(world)
    form = await opened(world, EDIT)
    reply = await send(world, EDIT, {**form.sent, "path": "other", "act": "save"})
    assert reply.status == 303
    assert reply.headers["location"] == "/applications/argocd/web"
    before["spec"]["source"]["path"] = "other"
    assert web(world)["spec"] == before["spec"]
    assert web(world)["metadata"]["annotations"] == {"mine": "1", **KEPT}
    assert web(world)["metadata"]["labels"] == {"a": "b"}


async def test_what_programs_write_is_not_there_to_be_edited() -> None:
    form = await opened(worked_on(), f"{EDIT}?as=yaml")
    tree = yamlio.load_one(form.sent["text"])
    assert set(tree) == {"apiVersion", "kind", "metadata", "spec"}
    assert tree["metadata"]["annotations"] == {"mine": "1"}
    assert "resourceVersion" not in tree["metadata"]


async def test_what_is_taken_out_of_the_yaml_is_taken_out_of_the_application() -> None:
    world = worked_on()
    form = await opened(world, f"{EDIT}?as=yaml")
    tree = yamlio.load_one(form.sent["text"])
    del tree["metadata"]["labels"], tree["metadata"]["annotations"]
    del tree["spec"]["ignoreDifferences"]
    reply = await send(world, EDIT, {**form.sent, "text": yamlio.dump(tree), "act": "save"})
    assert reply.status == 303
    assert not web(world)["metadata"].get("labels")
    assert web(world)["metadata"]["annotations"] == KEPT
    assert "ignoreDifferences" not in web(world)["spec"]


async def test_a_status_that_moves_on_is_no_conflict() -> None:
    world = worked_on()
    form = await opened(world, EDIT)
    changed = web(world)
    changed["status"] = {"sync": {"status": "OutOfSync"}}
    changed["metadata"]["annotations"]["holdfast.dev/differs"] = "{1}"
    world.cluster.put(changed)
    reply = await send(world, EDIT, {**form.sent, "path": "other", "act": "save"})
    assert reply.status == 303
    assert web(world)["metadata"]["annotations"]["holdfast.dev/differs"] == "{1}"


async def test_a_change_of_somebody_else_is_told_and_not_lost_by_accident() -> None:
    world = worked_on()
    form = await opened(world, EDIT)
    await meanwhile(world, {"spec": {"source": {"targetRevision": "v2"}}})
    told = await send(world, EDIT, {**form.sent, "path": "other", "act": "save"})
    assert told.test("conflict")
    assert told.sent["path"] == "other"
    assert "targetRevision: v2" in told.words  # what saving now would take back
    assert web(world)["spec"]["source"]["path"] == "web"
    reply = await send(world, EDIT, {**told.sent, "act": "save"})
    assert reply.status == 303
    assert web(world)["spec"]["source"] == {"repoURL": "https://git.example/apps", "path": "other"}


async def test_a_check_shows_what_saving_would_change() -> None:
    world = worked_on()
    form = await opened(world, EDIT)
    shown = await send(world, EDIT, {**form.sent, "path": "other", "act": "check"})
    assert shown.test("trial")
    assert "path: other" in shown.words
    assert world.world.written == []


async def test_a_name_cannot_be_edited() -> None:
    world = worked_on()
    form = await opened(world, f"{EDIT}?as=yaml")
    text = form.sent["text"].replace("name: web", "name: other")
    shown = await send(world, EDIT, {**form.sent, "text": text, "act": "save"})
    assert shown.status == 422
    assert "This is web in argocd, and stays so." in shown.words
    assert world.world.written == []


async def test_moving_to_another_project_needs_rights_there() -> None:
    world = worked_on()
    world.roles.rules = [("ann", "applications", "*", "default/*")]
    form = FormShown(await world.client.as_("ann").get(EDIT))
    shown = await send(
        world, EDIT, {**form.sent, "project": "team", "act": "save"}, who="ann"
    )  # fmt: skip
    assert shown.test("told-project")
    assert world.world.written == []


@pytest.mark.parametrize("path", [EDIT, PARAMETERS])
async def test_who_may_only_look_cannot_change(path: str) -> None:
    world = worked_on()
    world.roles.rules = [("ann", "applications", "get", "*")]
    shown = await send(world, path, {"was": "form", "act": "save"}, who="ann")
    assert shown.status == 403
    assert world.world.written == []
    if path == PARAMETERS:
        looked = FormShown(await world.client.as_("ann").get(path))
        assert looked.status == 200
        assert not looked.test("save")


async def test_parameters_are_saved_into_their_source() -> None:
    world = worked_on(source={"repoURL": "https://git.example/apps", "path": "web",
                              "kustomize": {"components": ["../c"]}})  # fmt: skip
    form = await opened(world, PARAMETERS)
    typed = {"images": "a:1\nb:2", "replicas": "web=3", "prefix": "p-"}
    reply = await send(world, f"{PARAMETERS}?source=0", {**form.sent, **typed, "act": "save"})
    assert reply.status == 303
    assert web(world)["spec"]["source"]["kustomize"] == {
        "components": ["../c"],
        "images": ["a:1", "b:2"],
        "replicas": [{"name": "web", "count": 3}],
        "namePrefix": "p-",
    }
    assert "ignoreDifferences" in web(world)["spec"]


async def test_parameters_of_one_of_several_sources_leave_the_others_alone() -> None:
    one, two = ({"repoURL": "https://git.example/apps", "path": path} for path in ("a", "b"))
    world = worked_on(source=None, sources=[one, two])
    shown = await world.shown(PARAMETERS)
    assert len(shown.test("parameters-form")) == 2
    posted = {"was": "form", "shown": "images", "images": "x:1", "act": "check"}
    told = await send(world, f"{PARAMETERS}?source=1", posted)
    assert told.test("conflict")  # nothing was said of what had been seen
    again = {**told.sent, "shown": "images", "images": "x:1", "act": "anyway"}
    reply = await send(world, f"{PARAMETERS}?source=1", again)
    assert reply.status == 303
    assert web(world)["spec"]["sources"] == [one, {**two, "kustomize": {"images": ["x:1"]}}]


async def test_parameters_that_somebody_changed_meanwhile_are_told() -> None:
    world = worked_on()
    form = await opened(world, PARAMETERS)
    await meanwhile(world, {"spec": {"source": {"kustomize": {"images": ["theirs:1"]}}}})
    told = await send(world, f"{PARAMETERS}?source=0", {**form.sent, "prefix": "p-", "act": "save"})
    assert told.test("conflict")
    assert told.sent["prefix"] == "p-"
    assert "kustomize" not in str(world.world.written)
    assert web(world)["spec"]["source"]["kustomize"] == {"images": ["theirs:1"]}


async def test_a_parameter_that_cannot_be_read_stands_at_its_field() -> None:
    world = worked_on()
    form = await opened(world, PARAMETERS)
    shown = await send(
        world, f"{PARAMETERS}?source=0", {**form.sent, "replicas": "web", "act": "save"}
    )
    assert shown.status == 422
    assert shown.test("told-replicas")
    assert shown.sent["replicas"] == "web"


async def test_helm_is_shown_as_not_built_and_kept() -> None:
    source = {"repoURL": "https://git.example/apps", "path": "web", "helm": {"values": "a: 1"}}
    shown = await worked_on(source=source).shown(PARAMETERS)
    assert "Not built in this version." in shown.words
    assert "values: 'a: 1'" in shown.words or "a: 1" in shown.words


async def test_several_sources_stay_as_they_are_while_the_rest_is_edited() -> None:
    sources = [{"repoURL": "https://git.example/apps", "path": path} for path in ("a", "b")]
    world = worked_on(source=None, sources=sources)
    form = await opened(world, EDIT)
    assert form.test("several-sources")
    assert "repo" not in form.sent
    told = await send(world, EDIT, {**form.sent, "selfheal": "on", "act": "save"})
    reply = await send(world, EDIT, {**told.sent, "act": "anyway"})
    assert reply.status == 303
    assert web(world)["spec"]["sources"] == sources
    assert web(world)["spec"]["syncPolicy"]["automated"] == {"enabled": False, "selfHeal": True}


async def test_a_value_that_a_field_cannot_show_is_locked_and_kept() -> None:
    tool = {"replicas": [{"name": "web", "count": "3"}], "images": ["a"]}
    source = {"repoURL": "https://git.example/apps", "path": "web", "kustomize": tool}
    world = worked_on(source=source)
    form = await opened(world, EDIT)
    assert "Holds more than a form can show" in form.words
    assert "replicas" not in form.sent["shown"].split()
    reply = await send(world, EDIT, {**form.sent, "images": "b", "act": "save"})
    assert reply.status == 303
    assert web(world)["spec"]["source"]["kustomize"] == {
        "replicas": [{"name": "web", "count": "3"}], "images": ["b"]
    }  # fmt: skip
