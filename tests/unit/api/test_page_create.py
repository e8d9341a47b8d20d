"""Creating and editing an Application on the page: form and YAML, checked before it is saved."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.domain.errors import RepositoryError
from holdfast.kit import yamlio
from tests.support.page import PageWorld
from tests.support.page_forms import FormShown, opened, send
from tests.unit.requests.given import app

Tree = dict[str, Any]
NEW = "/applications/new"
CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "prod"},
    "data": {"a": "1"},
}
SHOP = {
    "name": "shop",
    "project": "default",
    "repo": "https://git.example/apps",
    "revision": "HEAD",
    "path": "shop",
    "cluster": "server:https://kubernetes.default.svc",
    "namespace": "prod",
}


def made(world: PageWorld, name: str = "shop") -> Tree:
    found = world.cluster.find("Application", "argocd", name)
    assert found is not None
    return found


async def test_a_filled_in_form_becomes_an_application_and_leads_to_it() -> None:
    world = PageWorld(renders=(CONFIG,))
    form = await opened(world, NEW)
    reply = await send(world, NEW, {**form.sent, **SHOP, "automated": "on", "selfheal": "on",
                                    "act": "save"})  # fmt: skip
    assert reply.status == 303
    assert reply.headers["location"] == "/applications/argocd/shop"
    assert made(world)["spec"] == {
        "project": "default",
        "source": {"repoURL": "https://git.example/apps", "targetRevision": "HEAD", "path": "shop"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "prod"},
        "syncPolicy": {
            "automated": {"selfHeal": True},
            "syncOptions": ["CreateNamespace=true"],
        },
    }


async def test_a_check_shows_what_it_would_create_and_writes_nothing() -> None:
    world = PageWorld(renders=(CONFIG,))
    shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **SHOP, "act": "check"})
    assert shown.status == 200
    assert shown.test("trial")
    assert "settings" in shown.words
    assert "is created" in shown.words
    assert world.world.written == []
    assert shown.sent["name"] == "shop"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "No Name"}, "name"),
        ({"repo": ""}, "repo"),
        ({"path": ""}, "path"),
        ({"labels": "no equals sign"}, "labels"),
        ({"replicas": "web=many"}, "replicas"),
        ({"patches": "- a: [1"}, "patches"),
        ({"project": "nope"}, "project"),
    ],
)
async def test_a_mistake_stands_at_its_field_and_what_was_typed_stays(
    changes: Tree, field: str
) -> None:
    world = PageWorld(rules=[("admin", "*", "*", "*")])
    typed = {**SHOP, **changes}
    shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **typed, "act": "save"})
    assert shown.status == 422
    assert shown.test(f"told-{field}")
    assert shown.test("wrong")
    assert {name: shown.sent[name] for name in typed} == typed
    assert world.world.written == []


async def test_a_repository_that_cannot_be_read_is_told_at_its_field() -> None:
    world = PageWorld()
    world.world.sources.error = RepositoryError("HF1001", "no such host", hint="Correct it.")
    shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **SHOP, "act": "save"})
    assert shown.test("told-repo")
    assert "no such host. Correct it." in shown.words


async def test_turning_to_yaml_and_back_keeps_every_field() -> None:
    world = PageWorld(renders=(CONFIG,))
    typed = {**SHOP, "images": "a:1\nb:2", "labels": "x=1", "prune": "on", "patches": "- patch: x"}
    as_yaml = await send(world, NEW, {**(await opened(world, NEW)).sent, **typed, "act": "yaml"})
    assert as_yaml.test("yaml")
    tree = yamlio.load_one(as_yaml.sent["text"])
    assert tree["spec"]["source"]["kustomize"] == {
        "images": ["a:1", "b:2"], "commonLabels": {"x": "1"}, "patches": [{"patch": "x"}]
    }  # fmt: skip
    assert tree["spec"]["syncPolicy"]["automated"] == {"enabled": False, "prune": True}
    back = await send(world, NEW, {**as_yaml.sent, "act": "form"})
    assert {name: back.sent.get(name) for name in typed} == typed


PASTED = """\
# why it is so
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, annotations: {a/b: c}, labels: {team: x}}
spec:
  project: default
  source:
    repoURL: https://git.example/apps
    path: shop
    kustomize: {components: [../c], images: [a]}
  destination: {name: in-cluster, namespace: prod}
  ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec/replicas]}]
  info: [{name: a, value: b}]
  syncPolicy:
    retry: {limit: 3}
    syncOptions: [Special=true]
"""


async def test_pasted_yaml_loses_nothing_on_its_way_through_the_form() -> None:
    world = PageWorld()
    start = await send(world, NEW, {**(await opened(world, NEW)).sent, "act": "yaml"})
    form = await send(world, NEW, {**start.sent, "text": PASTED, "act": "form"})
    assert form.sent["text"] == PASTED  # comments and all
    changed = await send(world, NEW, {**form.sent, "path": "other", "images": "b", "act": "yaml"})
    before, after = yamlio.load_one(PASTED), yamlio.load_one(changed.sent["text"])
    before["spec"]["source"]["path"] = "other"
    before["spec"]["source"]["kustomize"]["images"] = ["b"]
    assert after == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "Line 2"),
        ("kind: Deployment\napiVersion: apps/v1", "That is Deployment of apps/v1."),
        ("- a", "That is no Application."),
        ("kind: Application\napiVersion: argoproj.io/v1alpha1\nspec: x", "spec is no mapping"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("kind: Application\napiVersion: argoproj.io/v1alpha1\nmetadata: {name: 1}", "no text"),
    ],
)
async def test_yaml_that_is_no_application_stays_in_its_place(text: str, words: str) -> None:
    world = PageWorld()
    for act in ("form", "save", "check"):
        shown = await send(world, NEW, {"was": "yaml", "text": text, "act": act})
        assert shown.status == 422
        assert words in shown.words
        assert shown.sent["text"] == text


async def test_a_warning_is_shown_once_and_can_be_overruled() -> None:
    world = PageWorld()  # renders nothing: nothing is declared there
    shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **SHOP, "act": "save"})
    assert shown.status == 200
    assert shown.test("save-anyway")
    assert world.world.written == []
    again = await send(world, NEW, {**shown.sent, "act": "save"})
    assert again.status == 200
    reply = await send(world, NEW, {**shown.sent, "act": "anyway"})
    assert reply.status == 303
    assert made(world)


async def test_a_warning_that_was_not_shown_cannot_be_overruled() -> None:
    world = PageWorld()
    shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **SHOP, "act": "check"})
    world.world.sources.error = RepositoryError("HF1009", "a local one")
    told = await send(world, NEW, {**shown.sent, "act": "anyway"})
    assert told.test("warned")
    assert world.world.written == []


@pytest.mark.parametrize("act", ["save", "anyway"])
async def test_an_application_that_is_there_is_never_overwritten(act: str) -> None:
    world = PageWorld(app(), renders=(CONFIG,))
    shown = await send(
        world, NEW, {**(await opened(world, NEW)).sent, **SHOP, "name": "web", "act": act}
    )
    assert shown.status == 422
    assert shown.test("told-name")
    assert world.world.written == []


async def test_who_may_not_create_is_told_so_and_offered_nothing() -> None:
    rules = [("ann", "applications", "get", "*"), ("bob", "applications", "*", "team/*")]
    world = PageWorld(app(), rules=rules)
    assert (await world.client.as_("ann").get(NEW)).status == 403
    assert not (await world.shown("/applications", "ann")).test("new")
    shown = await send(world, NEW, SHOP | {"act": "save"}, who="ann")
    assert shown.status == 403
    assert world.world.written == []


async def test_who_may_create_elsewhere_is_told_at_the_project() -> None:
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "team", "namespace": "argocd"}, "spec": {}}  # fmt: skip
    world = PageWorld(team, rules=[("bob", "applications", "*", "team/*")])
    await world.applications.wait_ready()
    form = FormShown(await world.client.as_("bob").get(NEW))
    assert form.sent["project"] == "team"
    shown = await send(world, NEW, {**form.sent, **SHOP, "act": "check"}, who="bob")
    assert shown.test("told-project")
    assert not shown.test("trial")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": ""},
        {"sec_fetch_site": "cross-site"},
        {"content_type": "text/plain"},
    ],
)
async def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    world = PageWorld()
    answer = await send(world, NEW, SHOP | {"act": "save", "was": "form"}, **headers)
    assert answer.status == 403
    assert world.world.written == []


async def test_a_form_that_is_too_large_is_refused() -> None:
    answer = await send(PageWorld(), NEW, {"text": "x" * 600_000, "was": "yaml"})
    assert answer.status == 400


async def test_every_field_that_the_form_says_it_shows_is_in_it() -> None:
    """One that is listed and missing would be emptied by the next send."""
    form = await opened(PageWorld(), NEW)
    names = {have.get("name") for tag, have in form.tags if tag in ("input", "textarea", "select")}
    assert set(form.sent["shown"].split()) <= names
    assert len(form.sent["shown"].split()) > 20


async def test_hostile_texts_stay_texts_in_the_form() -> None:
    evil = "</textarea><script>alert(1)</script>\"'><img src=x>"
    world = PageWorld()
    for act in ("yaml", "check"):
        typed = {**SHOP, "name": evil, "repo": evil, "images": evil, "labels": f"x={evil}"}
        shown = await send(world, NEW, {**(await opened(world, NEW)).sent, **typed, "act": act})
        assert "<script>alert" not in shown.html
        assert "<img" not in shown.html


async def test_a_link_fills_the_form_in() -> None:
    form = await opened(PageWorld(), f"{NEW}?name=shop&repo=https://x/y&path=a&namespace=b")
    assert [form.sent[name] for name in ("name", "repo", "path", "namespace")] == [
        "shop", "https://x/y", "a", "b"
    ]  # fmt: skip
