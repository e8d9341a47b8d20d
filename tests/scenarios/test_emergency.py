"""An emergency, and what follows it: by hand in the cluster, then in git (DESIGN §4.6, N38).

Every scenario ends as `app adopt` promises: the render equals live at the fields that were
adopted, the Application is Synced, and nothing was put back on the way.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
from pygit2.enums import CheckoutStrategy

from tests.support.loaded import type_holdfast
from tests.support.waiting import eventually
from tools import control_plane

if TYPE_CHECKING:
    from tests.support.person import Ref
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
ROOT = Path(__file__).parents[2]

AUTHOR = "Ada Example <ada@example.org>"

DEPLOYMENT = """\
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: "front"} # for the dashboards
spec:
  replicas: 2 # enough on a quiet day
  selector:
    matchLabels: {app: web}

  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      # The team's own image.
      - name: web
        image: "registry.example/web:1.0"
        env:
        - name: COLOR # of the banner
          value: blue
        - name: OLD
          value: "yes"
        ports:
        - containerPort: 80
        resources:
          requests: {cpu: 100m}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  # The words of the page.
  title: Welcome
  page: |
    <h1>Shop</h1>
    <p>Open</p>
---
apiVersion: v1
kind: Secret
metadata:
  name: web
stringData:
  password: correct-horse
"""
BASE_KUSTOMIZATION = "resources:\n- web.yaml\n- config.yaml\n"
OVERLAY = """\
# Production.
namePrefix: prod-
resources:
- ../base   # shared with dev
images:
- name: registry.example/web
  newTag: "1.0"
configMapGenerator:
- name: made
  literals: [a=b]
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


def environment(site: Site) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
    programs = control_plane.find(os.environ)
    if programs is not None:
        environ["PATH"] = f"{programs}{os.pathsep}{environ['PATH']}"
    home = site.folder / "home"
    home.mkdir(exist_ok=True)
    return environ | {
        "KUBECONFIG": str(site.kubeconfig),
        "HOLDFAST_NAMESPACE": site.control,
        "XDG_CACHE_HOME": str(home),
    }


async def holdfast(site: Site, *arguments: str) -> Said:
    """Runs one command line as a person does."""
    done = await asyncio.to_thread(type_holdfast, *arguments, env=environment(site))
    return Said(done.returncode, done.stdout, done.stderr)


async def adopt(site: Site, app: SiteApp, *flags: str) -> Said:
    """Adopts and commits, in a folder in which somebody has checked the branch out."""
    app.repository.repository.checkout("HEAD", strategy=CheckoutStrategy.FORCE)
    said = await holdfast(
        site, "app", "adopt", app.name, "--commit", "-m", "INC-123", "--author", AUTHOR, *flags
    )
    head = app.repository.repository.references["refs/heads/main"].peel(pygit2.Commit)
    app.sha = str(head.id)
    return said


def file_of(app: SiteApp, path: str, branch: str = "main") -> str:
    """What a file says at the tip of a branch."""
    tree = app.repository.repository.references[f"refs/heads/{branch}"].peel(pygit2.Tree)
    blob = tree[path]
    assert isinstance(blob, pygit2.Blob)
    return blob.data.decode()


async def paused(site: Site, app: SiteApp) -> None:
    said = await holdfast(site, "app", "pause", app.name, "--for", "30m", "--reason", "INC-123")
    assert said.code == 0, said.err


async def resumed_without_a_heal(site: Site, app: SiteApp, *refs: Ref) -> None:
    """Ends the pause: Synced at the last commit, and no spec was written by anybody."""
    before = [await site.person.get(ref) for ref in refs]
    assert (await holdfast(site, "app", "resume", app.name)).code == 0
    await app.refresh()
    await app.synced()
    for ref, tree in zip(refs, before, strict=True):
        after = await site.person.get(ref)
        assert after.get("spec") == tree.get("spec")
        assert after.get("data") == tree.get("data")
        generation = tree["metadata"].get("generation")
        assert after["metadata"].get("generation") == generation, ref


def edited_by(text: str, *changes: tuple[str, str]) -> str:
    """A text with words replaced: everything else is as it was, to the byte."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def change_deployment(tree: Tree) -> None:
    """What a person does in an editor at night."""
    container = tree["spec"]["template"]["spec"]["containers"][0]
    tree["spec"]["replicas"] = 5
    container["image"] = "registry.example/web:1.1"
    container["env"] = [
        {"name": "COLOR", "value": "red"},
        {"name": "LIMIT", "value": "10"},
    ]
    container["resources"]["limits"] = {"memory": "1Gi"}
    tree["metadata"]["labels"]["incident"] = "INC-123"


async def test_the_example_of_an_emergency_works_word_for_word(site: Site, kubectl: Path) -> None:
    environ = environment(site) | {
        "REPOSITORIES": str(site.folder),
        "HOLDFAST": f"{sys.executable} -m holdfast",
        "KUBECTL": str(kubectl),
    }
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", str(ROOT / "examples" / "emergency.sh")],
        capture_output=True,
        text=True,
        env=environ,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "with no heal" in done.stdout


async def test_plain_files_are_edited_in_place_and_nothing_is_healed(site: Site) -> None:
    app = await site.deploy("plain", {"web.yaml": DEPLOYMENT, "config.yaml": CONFIG})
    web = app.place("web", "Deployment", "apps/v1")
    words = app.place("web")
    await paused(site, app)
    await site.person.edit(web, change_deployment)
    await site.person.patch(words, {"data": {"title": "Back soon", "note": "a: b"}})

    said = await adopt(site, app)

    assert said.code == 0, said.err
    assert file_of(app, "app/web.yaml") == edited_by(
        DEPLOYMENT,
        ("replicas: 2 #", "replicas: 5 #"),
        ("web:1.0", "web:1.1"),
        ('tier: "front"}', 'tier: "front", incident: INC-123}'),
        ("value: blue\n        - name: OLD\n          value: \"yes\"\n",
         'value: red\n        - name: LIMIT\n          value: "10"\n'),
        ("          requests: {cpu: 100m}\n",
         "          requests: {cpu: 100m}\n          limits:\n            memory: 1Gi\n"),
    )  # fmt: skip
    assert file_of(app, "app/config.yaml") == edited_by(
        CONFIG,
        ("title: Welcome", "title: Back soon"),
        ("<p>Open</p>\n", '<p>Open</p>\n  note: "a: b"\n'),
    )
    commit = app.repository.repository[app.sha].peel(pygit2.Commit)
    assert f"{commit.author.name} <{commit.author.email}>" == AUTHOR
    assert commit.committer.name == "Holdfast"
    await resumed_without_a_heal(site, app, web, words)


async def overlay(site: Site, **options: Any) -> SiteApp:
    """An Application of a kustomize overlay on a base."""
    app = await site.make("overlay", {}, source={"path": "app/prod", **options}, policy={})
    app.commit(
        {
            "base/kustomization.yaml": BASE_KUSTOMIZATION,
            "base/web.yaml": DEPLOYMENT,
            "base/config.yaml": CONFIG,
            "prod/kustomization.yaml": OVERLAY,
        }
    )
    await app.patch({"spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}})
    await app.synced()
    return app


async def test_an_overlay_gets_a_patch_and_the_base_stays(site: Site, kustomize: Path) -> None:
    app = await overlay(site)
    web = app.place("prod-web", "Deployment", "apps/v1")
    await paused(site, app)

    def change(tree: Tree) -> None:
        change_deployment(tree)
        tree["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:1.0"

    await site.person.edit(web, change)

    said = await adopt(site, app)

    assert said.code == 0, said.err
    assert file_of(app, "app/base/web.yaml") == DEPLOYMENT
    assert file_of(app, "app/prod/kustomization.yaml") == OVERLAY + (
        "patches:\n- path: adopted-deployment-web.yaml\n"
    )
    patch = file_of(app, "app/prod/adopted-deployment-web.yaml")
    assert "name: web\n" in patch
    assert "replicas: 5" in patch
    await resumed_without_a_heal(site, app, web)

    await paused(site, app)
    await site.person.patch(web, {"spec": {"replicas": 7}})
    said = await adopt(site, app)
    assert said.code == 0, said.err
    again = file_of(app, "app/prod/adopted-deployment-web.yaml")
    assert again == edited_by(patch, ("replicas: 5", "replicas: 7"))
    await resumed_without_a_heal(site, app, web)


async def test_what_cannot_be_adopted_says_why_and_prints_a_patch(
    site: Site, kustomize: Path
) -> None:
    app = await overlay(site)
    web, secret = app.place("prod-web", "Deployment", "apps/v1"), app.place("prod-web", "Secret")
    made = next(name for name in await _names(site, app.namespace) if name.startswith("prod-made-"))
    await paused(site, app)
    before = app.sha
    await site.person.edit(
        web,
        lambda tree: tree["spec"]["template"]["spec"]["containers"][0].update(
            image="registry.example/web:2"
        ),
    )
    await site.person.patch(secret, {"stringData": {"password": "battery-staple"}})
    await site.person.patch(app.place(made), {"data": {"a": "c"}})

    said = await adopt(site, app)

    assert said.code == 20
    assert app.sha == before
    assert "`images` of app/prod/kustomization.yaml sets it" in said.err
    assert "image: registry.example/web:2" in said.err
    assert "it is a Secret" in said.err
    assert "battery" not in said.err + said.out
    assert "YmF0" not in said.err + said.out
    assert "a generator makes it" in said.err


async def _names(site: Site, namespace: str) -> list[str]:
    found = await site.person.send("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    return [item["metadata"]["name"] for item in found.tree["items"]]


async def test_ignored_fields_are_left_out(site: Site) -> None:
    rule = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
    app = await site.deploy("ignored", {"web.yaml": DEPLOYMENT}, ignoreDifferences=[rule])
    web = app.place("web", "Deployment", "apps/v1")
    await paused(site, app)
    await site.person.edit(web, change_deployment)
    said = await adopt(site, app)
    assert said.code == 0, said.err
    assert "replicas: 2 #" in file_of(app, "app/web.yaml")
    assert "web:1.1" in file_of(app, "app/web.yaml")
    assert "`ignoreDifferences` leaves these fields alone" in said.err


async def test_what_is_adopted_while_its_object_is_paused_ends_its_drift_at_once(
    site: Site,
) -> None:
    app = await site.deploy("held", {"web.yaml": DEPLOYMENT, "config.yaml": CONFIG})
    web = app.place("web", "Deployment", "apps/v1")
    only_it = ("--resource", "apps:Deployment:web")
    pause = ("app", "pause", app.name, "--for", "30m", "--reason", "INC-123", *only_it)
    assert (await holdfast(site, *pause)).code == 0
    await site.person.edit(web, change_deployment)
    await drift_is(site, app, "paused")

    said = await adopt(site, app)

    assert said.code == 0, said.err
    await app.refresh()
    await drift_is(site, app, "adopted")
    await app.synced()
    assert app.name in (await holdfast(site, "pauses")).out, "the pause goes on"
    await resumed_without_a_heal(site, app, web)
    await drift_is(site, app, "adopted")


async def drift_is(site: Site, app: SiteApp, state: str) -> None:
    """Waits until the journal has one drift of an Application, in a state."""
    journal = str(site.folder / "data" / "journal.db")

    async def listed() -> list[Tree]:
        line = ("drift", "list", "--app", app.name, "--journal", journal, "-o", "json")
        found: list[Tree] = json.loads((await holdfast(site, *line)).out)
        return found

    async def look() -> bool:
        return [episode["state"] for episode in await listed()] == [state]

    await eventually(look, seconds=30, explain=listed)


async def test_a_branch_leaves_the_followed_one_alone(site: Site) -> None:
    app = await site.deploy("branch", {"web.yaml": DEPLOYMENT})
    web = app.place("web", "Deployment", "apps/v1")
    await paused(site, app)
    await site.person.edit(web, change_deployment)
    before = app.sha
    said = await adopt(site, app, "--branch", "inc-123")
    assert said.code == 0, said.err
    assert app.sha == before
    assert "replicas: 5 #" in file_of(app, "app/web.yaml", "inc-123")
    shown = await holdfast(site, "app", "adopt", app.name)
    assert "+  replicas: 5 # enough on a quiet day" in shown.out


async def test_a_branch_is_pushed_to_where_the_repository_came_from(site: Site) -> None:
    app = await site.deploy("pushed", {"web.yaml": DEPLOYMENT})
    origin = await asyncio.to_thread(
        pygit2.init_repository, str(site.folder / f"{app.name}-origin"), bare=True
    )
    app.repository.repository.remotes.create("origin", f"file://{origin.path}")
    await paused(site, app)
    await site.person.edit(app.place("web", "Deployment", "apps/v1"), change_deployment)
    line = ("app", "adopt", app.name, "--branch", "inc-123", "--push", "-m", "INC-123")
    said = await holdfast(site, *line, "--author", AUTHOR)
    assert said.code == 0, said.err
    assert "inc-123, pushed" in said.out + said.err
    commit = origin.references["refs/heads/inc-123"].peel(pygit2.Commit)
    assert f"{commit.author.name} <{commit.author.email}>" == AUTHOR
    text = commit.tree["app/web.yaml"]
    assert isinstance(text, pygit2.Blob)
    assert b"replicas: 5 # enough on a quiet day" in text.data
    assert "refs/heads/main" not in origin.references


async def test_what_git_changed_since_the_last_sync_is_not_adopted_back(site: Site) -> None:
    app = await site.deploy("moved", {"web.yaml": DEPLOYMENT})
    await paused(site, app)
    app.commit({"web.yaml": edited_by(DEPLOYMENT, ("replicas: 2", "replicas: 3"))})
    said = await adopt(site, app)
    assert said.code == 0, said.err
    assert "Nothing to adopt" in said.err
    await site.person.edit(app.place("web", "Deployment", "apps/v1"), change_deployment)
    ahead = edited_by(DEPLOYMENT, ("replicas: 2", "replicas: 4"))
    git = app.repository.repository
    later = pygit2.Signature("Bo Example", "bo@example.org", 2_208_988_800, 0)
    commit = git[app.commit({"web.yaml": ahead})].peel(pygit2.Commit)
    git.amend_commit(commit, "refs/heads/main", author=later, committer=later)
    said = await adopt(site, app)
    assert said.code == 0, said.err
    assert "git has changed it since the last sync" in said.err
    assert "replicas: 4 #" in file_of(app, "app/web.yaml")
    assert "web:1.1" in file_of(app, "app/web.yaml")


async def test_values_of_one_object_alone_can_be_adopted(site: Site) -> None:
    app = await site.deploy("chosen", {"web.yaml": DEPLOYMENT, "config.yaml": CONFIG})
    await paused(site, app)
    await site.person.edit(app.place("web", "Deployment", "apps/v1"), change_deployment)
    await site.person.patch(app.place("web"), {"data": {"title": "Back soon"}})
    said = await adopt(site, app, "--resource", ":ConfigMap:web")
    assert said.code == 0, said.err
    assert file_of(app, "app/web.yaml") == DEPLOYMENT
    assert "title: Back soon" in file_of(app, "app/config.yaml")
