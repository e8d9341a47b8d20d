"""A live object, changed by hand on its screen: as YAML, or by a patch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.api.page.object_edit import merge_patch
from holdfast.kit import yamlio
from tests.support.page_forms import opened, send
from tests.unit.api.test_page_object import HEALS, ON_KEYS, ON_POD, ON_WEB, READER, world

if TYPE_CHECKING:
    from tests.support.page import PageWorld

Tree = dict[str, Any]
EDIT = f"{ON_WEB}&tab=edit"


async def live(made: PageWorld) -> Tree:
    from holdfast.domain.identity import AppKey, ResourceKey  # noqa: PLC0415
    from holdfast.domain.queries import GetResource  # noqa: PLC0415

    key = ResourceKey("apps", "Deployment", "prod", "web")
    found: Tree = await made.services.queries.answer(
        GetResource(AppKey("argocd", "web"), key), "admin"
    )
    return found


async def test_only_what_was_changed_is_sent() -> None:
    made = world()
    form = await opened(made, EDIT)
    tree = yamlio.load_one(form.sent["text"])
    assert "status" not in tree
    assert "managedFields" not in tree["metadata"]
    tree["spec"]["replicas"] = 5
    reply = await send(made, EDIT, {**form.sent, "text": yamlio.dump(tree)})
    assert (reply.status, reply.headers["location"]) == (303, f"{ON_WEB}&tab=live")
    after = await live(made)
    assert after["spec"]["replicas"] == 5
    assert after["status"]["readyReplicas"] == 2


@pytest.mark.parametrize(
    ("how", "patch"),
    [
        ("merge", "spec: {replicas: 4}"),
        ("json", "- {op: replace, path: /spec/replicas, value: 4}"),
        ("json", '[{"op": "replace", "path": "/spec/replicas", "value": 4}]'),
    ],
)
async def test_a_patch_is_sent_as_it_is(how: str, patch: str) -> None:
    made = world()
    form = await opened(made, f"{EDIT}&how={how}")
    assert form.sent["text"] == ""
    assert (await send(made, EDIT, {**form.sent, "text": patch})).status == 303
    assert (await live(made))["spec"]["replicas"] == 4


@pytest.mark.parametrize(
    ("how", "text", "words"),
    [
        ("yaml", "a: [b", "Line"),
        ("yaml", "kind: Pod", "This is a Deployment of apps/v1, and stays one."),
        ("yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}", "stay as they are"),
        ("json", "spec: {}", "A JSON patch is a list of steps"),
        ("merge", "- a", "This patch is a mapping"),
        ("merge", "{}", "Nothing is changed yet."),
    ],
)
async def test_what_cannot_be_sent_is_said_over_what_was_typed(
    how: str, text: str, words: str
) -> None:
    made = world()
    form = await opened(made, f"{EDIT}&how={how}")
    before = await live(made)
    again = await send(made, EDIT, {**form.sent, "text": text})
    assert again.status == 422
    assert words in again.words
    assert again.sent["text"] == text
    assert await live(made) == before


async def test_saving_without_a_change_sends_nothing() -> None:
    made = world()
    form = await opened(made, EDIT)
    again = await send(made, EDIT, form.sent)
    assert (again.status, "Nothing is changed yet." in again.words) == (422, True)


async def test_an_object_that_was_changed_meanwhile_is_not_overwritten_unseen() -> None:
    made = world()
    form = await opened(made, EDIT)
    await send(made, EDIT, {"how": "merge", "text": "spec: {replicas: 7}"})
    tree = yamlio.load_one(form.sent["text"])
    tree["spec"]["replicas"] = 5
    again = await send(made, EDIT, {**form.sent, "text": yamlio.dump(tree)})
    assert again.test("conflict")
    assert (await live(made))["spec"]["replicas"] == 7
    assert (await send(made, EDIT, again.sent)).status == 303
    assert (await live(made))["spec"]["replicas"] == 5


async def test_it_is_said_before_whether_the_change_stays() -> None:
    healed = await world(spec=HEALS).shown(EDIT)
    assert "put back within milliseconds" in healed.words
    assert "Self-heal is off: the change stays until the next sync" in (
        (await world().shown(EDIT)).words
    )
    assert "Git does not declare this object" in ((await world().shown(f"{ON_POD}&tab=edit")).words)


async def test_a_secret_is_changed_by_a_patch_alone_and_no_mask_is_written() -> None:
    made = world()
    form = await opened(made, f"{ON_KEYS}&tab=edit")
    assert (form.sent["how"], form.sent["text"]) == ("merge", "")
    assert form.test("how-yaml") == []
    where = f"{ON_KEYS}&tab=edit"
    again = await send(made, where, {**form.sent, "text": "data: {password: ++++++++}"})
    assert again.status == 422
    assert (await send(made, where, {**form.sent, "text": "data: {a: bmV3}"})).status == 303


async def test_who_may_only_look_is_offered_nothing_and_refused() -> None:
    made = world(rules=[READER, ("admin", "*", "*", "*")])
    assert (await made.shown(f"{ON_WEB}&tab=live", "ann")).test("edit-object") == []
    assert len((await made.shown(f"{ON_WEB}&tab=live")).test("edit-object")) == 1
    shown = await made.shown(EDIT, "ann")
    assert shown.test("no-edit-right")
    typed = {"how": "merge", "text": "spec: {replicas: 9}"}
    assert (await send(made, EDIT, typed, "ann")).status == 403
    assert (await send(made, EDIT, typed, origin="http://evil.example")).status == 403
    assert (await live(made))["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1]}, {"a": [1, 2], "b": {}}, {"a": [1, 2], "b": {}}),
        ({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}),
    ],
)
def test_a_merge_patch_holds_the_difference(before: Tree, after: Tree, patch: Tree) -> None:
    assert merge_patch(before, after) == patch
