"""Pauses and the journal, as a person meets them (DESIGN §4.4, §4.5; N1, N4).

An on-call engineer pauses, changes the cluster by hand, resumes, and reads afterwards who did what.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.loaded import type_holdfast
from tests.support.person import Person, Ref
from tests.support.site import Site, SiteApp, config_map, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.plant import Plant

Tree = dict[str, Any]

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example/web:1
"""
FILES = {"web.yaml": DEPLOYMENT, "config.yaml": config_map("web", a="1")}


@pytest.fixture
async def site(site: Site) -> AsyncIterator[Site]:
    """The plant, for one test; nothing is paused afterwards."""
    yield site
    await holdfast(site, "resume", "--all")


async def holdfast(site: Site, *arguments: str, code: int = 0) -> str:
    """Runs one command line as a person does; returns both streams."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
    environ |= {
        "KUBECONFIG": str(site.kubeconfig),
        "HOLDFAST_NAMESPACE": site.control,
        "HOLDFAST_JOURNAL": str(site.folder / "data" / "journal.db"),
    }
    done = await asyncio.to_thread(type_holdfast, *arguments, env=environ, is_one_stream=True)
    assert done.returncode == code, done.stdout
    return done.stdout


async def episodes(site: Site, app: SiteApp) -> list[Tree]:
    """What the journal tells of an Application, newest first."""
    found: list[Tree] = json.loads(
        await holdfast(site, "drift", "list", "--app", app.name, "-o", "json")
    )
    return found


async def until_noted(site: Site, app: SiteApp, state: str, *, name: str = "web") -> Tree:
    """Waits until the newest episode of an object has a state."""

    async def look() -> Tree:
        found = [e for e in await episodes(site, app) if e["object"]["name"] == name]
        return found[0] if found and found[0]["state"] == state else {}

    return await eventually(look, seconds=30, explain=lambda: episodes(site, app))


def deployment(app: SiteApp) -> Ref:
    return app.place("web", "Deployment", "apps/v1")


async def has_replicas(site: Site, app: SiteApp, replicas: int) -> None:
    async def look() -> bool:
        live = await site.person.find(deployment(app))
        return live is not None and live["spec"]["replicas"] == replicas

    async def explain() -> Tree:
        live = await site.person.find(deployment(app))
        return {"live": live, "app": await app.status(), "log": site.process.lines[-40:]}

    await eventually(look, seconds=30, explain=explain)


def set_replicas(replicas: int) -> Any:
    return lambda tree: tree["spec"].update(replicas=replicas)


async def test_an_edit_survives_a_pause_and_is_put_back_after_it(site: Site) -> None:
    app = await site.deploy("web", FILES)
    said = await holdfast(site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-123")
    assert f"application '{app.name}' paused until" in said
    await site.person.edit(deployment(app), set_replicas(3), "kubectl-edit")
    noted = await until_noted(site, app, "paused")
    await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 3

    shown = await holdfast(site, "app", "get", app.name)
    assert "Paused:" in shown
    assert "INC-123" in shown
    assert "resume puts back: apps/Deployment" in shown

    said = await holdfast(site, "app", "resume", app.name)
    assert "put back" in said
    await has_replicas(site, app, 0)
    healed = await until_noted(site, app, "healed")
    assert healed["id"] == noted["id"]
    assert healed["managers"] == ["kubectl-edit"]
    assert [(c["path"], c["before"], c["after"]) for c in healed["changes"]] == [
        ("spec.replicas", 0, 3)
    ]
    assert "kubectl-edit" in await holdfast(site, "drift", "list", "--app", app.name)
    sheet = await holdfast(site, "drift", "show", healed["id"][:8])
    assert "spec.replicas: 0 -> 3   by kubectl-edit" in sheet


async def test_a_pause_ends_by_itself_and_says_so_before(site: Site) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(site, "app", "pause", app.name, "--for", "12s", "--reason", "INC-7")
    await site.person.edit(deployment(app), set_replicas(2))
    await until_noted(site, app, "paused")
    await has_replicas(site, app, 0)
    await until_noted(site, app, "healed")

    async def warned() -> list[Tree]:
        answer = await site.person.send("GET", f"/api/v1/namespaces/{site.control}/events")
        return [
            event
            for event in answer.tree["items"]
            if event["reason"] == "PauseExpiring" and event["involvedObject"]["name"] == app.name
        ]

    event = (await eventually(warned))[0]
    assert event["type"] == "Warning"
    assert "INC-7" in event["message"]


async def test_a_pause_of_one_object_leaves_the_others_to_heal(site: Site) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(
        site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-1",
        "--resource", "apps:Deployment:web",
    )  # fmt: skip
    await site.person.edit(deployment(app), set_replicas(4))
    await until_noted(site, app, "paused")
    await site.person.edit(app.place("web"), lambda tree: tree["data"].update(a="edited"))

    async def is_back() -> bool:
        return bool((await site.person.get(app.place("web")))["data"] == {"a": "1"})

    await eventually(is_back)
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 4
    await holdfast(site, "app", "resume", app.name)
    await has_replicas(site, app, 0)


def lay_bare(tree: Tree) -> None:
    """Leaves of an Application what a template says of it."""
    kept = ("name", "namespace", "resourceVersion")
    tree["metadata"] = {key: tree["metadata"][key] for key in kept}
    tree.pop("status", None)


@pytest.mark.parametrize(
    ("pause", "resume"),
    [
        pytest.param("proj pause default", "proj resume default", id="a project"),
        pytest.param("cluster pause in-cluster", "cluster resume in-cluster", id="a cluster"),
        pytest.param("pause --all", "resume {id}", id="all, by its id"),
    ],
)
async def test_a_wider_pause_holds_however_the_application_is_rewritten(
    site: Site, pause: str, resume: str
) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(site, *pause.split(), "--for", "10m", "--reason", "INC-4")
    # A parent, an ApplicationSet or `kubectl replace` knows nothing of annotations of ours.
    rewritten = await site.person.edit(app.ref, lay_bare, "another-controller")
    assert not rewritten["metadata"].get("annotations")
    await site.person.edit(deployment(app), set_replicas(6), "kubectl-edit")
    await until_noted(site, app, "paused")
    assert "INC-4" in await holdfast(site, "app", "get", app.name)
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 6

    (listed,) = json.loads(await holdfast(site, "pauses", "-o", "json"))
    await holdfast(site, *resume.format(id=listed["metadata"]["name"]).split())
    await has_replicas(site, app, 0)
    assert json.loads(await holdfast(site, "pauses", "-o", "json")) == []


async def test_a_pause_survives_kill_9_and_a_deletion_waits_for_its_end(
    site: Site, plant: Plant
) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(site, "pause", "--all", "--for", "10m", "--reason", "INC-9")
    await site.person.edit(deployment(app), set_replicas(5))
    before = await until_noted(site, app, "paused")
    await asyncio.to_thread(plant.restart)
    await site.person.delete(app.place("web"))

    async def are_noted_anew() -> bool:
        found = {episode["id"]: episode for episode in await episodes(site, app)}
        was_open = found.pop(before["id"])["state"]
        paused = {e["object"]["kind"] for e in found.values() if e["state"] == "paused"}
        return was_open == "interrupted" and paused == {"ConfigMap", "Deployment"}

    await eventually(are_noted_anew, seconds=30, explain=lambda: episodes(site, app))
    assert await site.person.find(app.place("web")) is None
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 5
    await holdfast(site, "resume", "--all")
    await has_replicas(site, app, 0)
    await app.synced()
    assert await site.person.find(app.place("web")) is not None


async def test_a_new_commit_waits_for_the_end_of_a_pause_but_a_person_does_not(site: Site) -> None:
    app = await site.deploy("web", FILES)
    before = app.sha
    await holdfast(site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-2")
    app.commit({"config.yaml": config_map("web", a="2")})
    await app.refresh()
    await app.until(lambda tree: tree["status"]["sync"]["revision"] == app.sha)
    tree = await app.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
    assert tree["status"]["history"][-1]["revision"] == before
    said = await holdfast(site, "app", "sync", app.name, "--timeout", "30")
    assert "the pause stays" in said
    await app.synced()
    assert (await site.person.get(app.place("web")))["data"] == {"a": "2"}
    assert app.name in await holdfast(site, "pauses")


async def test_a_commit_about_something_else_does_not_undo_what_is_done_to_a_paused_object(
    site: Site,
) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(
        site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-5",
        "--resource", "apps:Deployment:web",
    )  # fmt: skip
    # What does not touch it is rolled out as ever.
    app.commit({"config.yaml": config_map("web", a="2")})
    await app.refresh()
    await app.synced()
    await site.person.edit(deployment(app), set_replicas(7), "kubectl-edit")
    await until_noted(site, app, "paused")
    app.commit({"config.yaml": config_map("web", a="3")})
    await app.refresh()
    await app.until(lambda tree: tree["status"]["sync"]["revision"] == app.sha)
    tree = await app.until(lambda tree: not _refreshes(tree))  # the round is over
    assert "operation" not in tree
    assert tree["status"]["operationState"]["syncResult"]["revision"] != app.sha
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 7
    assert (await site.person.get(app.place("web")))["data"] == {"a": "2"}

    await holdfast(site, "app", "resume", app.name)
    await app.synced()
    assert (await site.person.get(deployment(app)))["spec"]["replicas"] == 0
    assert (await site.person.get(app.place("web")))["data"] == {"a": "3"}


def _refreshes(tree: Tree) -> bool:
    return "argocd.argoproj.io/refresh" in tree["metadata"].get("annotations", {})


def waves(value: str) -> dict[str, str | bytes | None]:
    """Three waves of one ConfigMap each; `holdfast run` waits two seconds between two."""
    files: dict[str, str | bytes | None] = {}
    for number in range(3):
        note = f'  annotations: {{argocd.argoproj.io/sync-wave: "{number}"}}\n'
        text = config_map(f"wave-{number}", a=value)
        files[f"wave-{number}.yaml"] = text.replace("\ndata:", f"\n{note}data:")
    return files


async def test_a_sync_that_runs_waits_between_two_waves_for_the_end_of_a_pause(site: Site) -> None:
    app = await site.deploy("waves", waves("1"))
    app.commit(waves("2"))
    await app.refresh()

    async def has_begun() -> bool:
        return bool((await site.person.get(app.place("wave-0")))["data"] == {"a": "2"})

    await eventually(has_begun)
    await holdfast(site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-6")
    tree = await app.until(lambda tree: "INC-6" in tree["status"]["operationState"]["message"])
    assert tree["status"]["operationState"]["phase"] == "Running"
    assert (await site.person.get(app.place("wave-2")))["data"] == {"a": "1"}

    await holdfast(site, "app", "resume", app.name)
    await app.synced()
    assert (await site.person.get(app.place("wave-2")))["data"] == {"a": "2"}


async def test_the_journal_holds_no_value_of_a_secret(site: Site) -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web\nstringData:\n"
        "  password: correct-horse-battery\n"
    )
    app = await site.deploy("web", {"secret.yaml": secret})
    place = app.place("web", "Secret")
    edited = base64.b64encode(b"planted-canary-value").decode()
    await site.person.edit(place, lambda tree: tree["data"].update(password=edited))
    noted = await until_noted(site, app, "healed")
    assert [(c["before"], c["after"]) for c in noted["changes"]] == [("(secret)", "(secret)")]
    folder = site.folder / "data"
    kept = b"".join(path.read_bytes() for path in folder.glob("journal.db*"))
    assert noted["id"].encode() in kept
    for value in (b"correct-horse-battery", b"planted-canary-value"):
        assert value not in kept
        assert base64.b64encode(value).rstrip(b"=") not in kept


async def test_the_author_of_a_pause_is_who_the_server_says(site: Site) -> None:
    app = await site.deploy("web", FILES)
    await holdfast(site, "app", "pause", app.name, "--for", "10m", "--reason", "INC-3")
    review = await site.person.send(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    listed = json.loads(await holdfast(site, "pauses", "-o", "json"))
    assert listed[0]["spec"]["author"] == review.tree["status"]["userInfo"]["username"]


async def test_a_journal_that_cannot_be_opened_stops_no_heal(plant: Plant, tmp_path: Path) -> None:
    control = new_control()
    process = start(
        plant.kubeconfig, tmp_path, control, "--journal", "/dev/null/nowhere/journal.db"
    )
    try:
        await asyncio.to_thread(process.is_leading)
        async with Person(plant.kubeconfig) as person:
            site = Site(plant.kubeconfig, tmp_path, control, person, process)
            app = await site.deploy("web", FILES)
            await person.edit(deployment(app), set_replicas(2))
            await has_replicas(site, app, 0)
            await asyncio.to_thread(process.wait_for, "HF3012 the journal at")
            await site.clean_up()
            await person.delete(Ref("v1", "Namespace", "", control))
    finally:
        await asyncio.to_thread(process.kill)
