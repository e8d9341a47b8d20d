"""After an adoption the render equals live: Synced, and nothing left to heal (DESIGN §4.6).

For generated edits by hand, on plain files and on a kustomize overlay:
  a heal, asked for by a dry run of what git now renders to, would change nothing
  plain files: the declared fields are the live ones, and every line that is not theirs is there
  an overlay: the base is untouched, and the kustomization file only grows
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from typing import TYPE_CHECKING, Any

import pygit2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.adopting.changes import find_changes
from holdfast.controller.requests.adopting import Adopting, AdoptionPorts
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import Application
from holdfast.domain.commands import AdoptDrift
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions
from holdfast.kit.clock import SystemClock
from holdfast.renderers.copies import CheckoutCopies
from holdfast.renderers.dispatch import Renderers
from holdfast.sources.commits import GitCommits
from holdfast.sources.git import GitSources
from tests.support.fake_cluster import FakeCluster, FakeSealing
from tests.support.gitrepo import GitRepo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Tree = dict[str, Any]

WEB = """\
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web  # short
  labels: {app: web, tier: "front"}
spec:
  replicas: 2 # enough
  selector:
    matchLabels: {app: web}

  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        # the page
        - name: web
          image: 'registry.example/web:1.0'
          args: ["--color", blue]
          env:
            - name: COLOR # of the banner
              value: blue
            - {name: SIZE, value: "10"}
        - name: side
          image: registry.example/side:1.0
"""
WORDS = """\
{
  "apiVersion": "v1",
  "kind": "ConfigMap",
  "metadata": {"name": "words"},
  "data": {
    "title": "Welcome",
    "page": "<h1>Shop</h1>\\n<p>Open</p>\\n"
  }
}
"""
KUSTOMIZATION = """\
# Production.
namePrefix: prod-
commonAnnotations: {team: shop}
resources: [../base]  # shared
"""
TEXTS = st.sampled_from(
    ["blue", "red: dark", "yes", "7", "", "# none", "two\nlines\n", "it's", 'say "hi"', "é"]
)
NAMES = st.sampled_from(["COLOR", "SIZE", "EXTRA", "LIMIT"])


@st.composite
def deployment_edits(draw: st.DrawFn) -> list[Callable[[Tree], None]]:
    """What people do to a Deployment by hand."""
    edits: list[Callable[[Tree], None]] = []
    if draw(st.booleans()):
        count = draw(st.integers(0, 9))
        edits.append(lambda tree: tree["spec"].update(replicas=count))
    if draw(st.booleans()):
        tag = draw(st.sampled_from(["1.1", "2", "latest"]))
        edits.append(lambda tree: _container(tree, 0).update(image=f"registry.example/web:{tag}"))
    if draw(st.booleans()):
        args = draw(st.lists(TEXTS, min_size=1, max_size=3))
        edits.append(lambda tree: _container(tree, 0).update(args=args))
    if draw(st.booleans()):
        pairs = draw(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4))
        env = [{"name": name, "value": value} for name, value in pairs.items()]
        edits.append(lambda tree: _container(tree, draw_place).update(env=env))
    draw_place = draw(st.integers(0, 1))
    if draw(st.booleans()):
        key, value = draw(st.sampled_from(["tier", "incident"])), draw(st.sampled_from("ab"))
        edits.append(lambda tree: tree["metadata"]["labels"].update({key: value}))
    if draw(st.booleans()):
        note = draw(TEXTS)
        edits.append(
            lambda tree: tree["metadata"].setdefault("annotations", {}).update({"x.y/note": note})
        )
    if draw(st.booleans()):
        limits = {"limits": {"memory": draw(st.sampled_from(["1Gi", "512Mi", "2000000"]))}}
        edits.append(lambda tree: _container(tree, 0).update(resources=limits))
    if draw(st.integers(0, 3)) == 0:
        extra = {"name": "debug", "image": "registry.example/debug", "command": ["sleep", "1d"]}
        edits.append(lambda tree: tree["spec"]["template"]["spec"]["containers"].append(extra))
    elif draw(st.integers(0, 3)) == 0:
        edits.append(lambda tree: tree["spec"]["template"]["spec"]["containers"].pop(1))
        draw_place = 0
    return edits


def _container(tree: Tree, place: int) -> Tree:
    found: Tree = tree["spec"]["template"]["spec"]["containers"][place]
    return found


WORD_EDITS = st.dictionaries(
    st.sampled_from(["title", "page", "note", "a.b"]), st.none() | TEXTS, max_size=3
)


class World:
    """One Application over a fake API server, with real git and real renderers."""

    def __init__(self, folder: Path, files: dict[str, str], path: str) -> None:
        self.folder = folder / uuid.uuid4().hex
        self.folder.mkdir(parents=True)
        self.files, self.path = files, path
        self.clock = SystemClock()
        self.renderers = Renderers(self.clock, scratch_dir=str(self.folder / "scratch"))

    async def begin(self) -> None:
        """A fresh cluster and repository, in sync."""
        self.repository = GitRepo(self.folder / uuid.uuid4().hex, bare=True)
        sha = self.repository.commit(self.files)
        tree = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "shop", "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": self.repository.url,
                    "path": self.path,
                    "targetRevision": "main",
                },
                "destination": {
                    "server": "https://kubernetes.default.svc",
                    "namespace": "default",
                },
            },
            "status": {"history": [{"revision": sha}]},
        }
        self.cluster = FakeCluster(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, tree
        )
        self.cluster.latency_s, self.cluster.rollout_s = 0.0, None
        self.app = Application.parse(Manifest(tree))
        sources = GitSources(str(self.folder / "cache"), (str(self.folder),), self.clock)
        self.sources = sources
        self.rendering = Rendering(
            sources, self.renderers, self.cluster.kinds, FakeSealing(), "argocd"
        )
        reader, writer = self.cluster.reader, self.cluster.writer
        self.copies = CheckoutCopies(str(self.folder / "copies"))
        commits = GitCommits(str(self.folder / "cache"), self.clock)
        self.adopting = Adopting(
            Lookup(reader, self.cluster.kinds, "argocd"),
            self.rendering,
            sources,
            writer,
            ManagedObjects(reader, writer, self.cluster.kinds, self.rendering),
            AdoptionPorts(self.renderers, self.copies, commits),
        )
        for manifest in await self.targets():
            self.cluster.apply_now(manifest, ApplyOptions(), dry=False)

    async def targets(self) -> tuple[Manifest, ...]:
        """What git declares now."""
        return (await self.rendering.render(self.app)).manifests

    async def adopt(self) -> Tree:
        """Adopts everything and commits it."""
        command = AdoptDrift(AppKey("argocd", "shop"), "by hand", author="Ada <ada@example.org>")
        done = await self.adopting.carry_out(command)
        await self.copies.close()
        return done.tree or {}

    async def left(self) -> list[str]:
        """What a heal would still put back."""
        found = []
        for target in await self.targets():
            live = self.cluster.live(target.key)
            assert live is not None
            predicted = await self.cluster.writer.dry_run(target)
            found += [change.place for change in find_changes(target, Manifest(live), predicted)]
        return found

    def file(self, path: str) -> str:
        """What a file says at the tip of the branch."""
        tree = self.repository.repository.references["refs/heads/main"].peel(pygit2.Tree)
        blob = tree[path]
        assert isinstance(blob, pygit2.Blob)
        return blob.data.decode()

    async def end(self) -> None:
        """Removes what one example made."""
        await self.sources.close()
        shutil.rmtree(self.repository.path)


def _edit(world: World, name: str, kind: str, change: Callable[[Tree], None]) -> None:
    group = "apps" if kind == "Deployment" else ""
    world.cluster.edit(ResourceKey(group, kind, "default", name), change)


def _set_words(words: dict[str, str | None]) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        for key, value in words.items():
            if value is None:
                tree["data"].pop(key, None)
            else:
                tree["data"][key] = value

    return change


async def _drift(world: World, prefix: str, edits: list[Any], words: dict[str, Any]) -> Tree:
    await world.begin()

    def change(tree: Tree) -> None:
        for edit in edits:
            edit(tree)

    _edit(world, f"{prefix}web", "Deployment", change)
    _edit(world, f"{prefix}words", "ConfigMap", _set_words(words))
    answer = await world.adopt()
    assert answer.get("refused") in ([], None), answer["refused"]
    assert await world.left() == []
    return answer


def test_plain_files_render_to_what_is_live_after_an_adoption(tmp_path: Path) -> None:
    files = {"app/web.yaml": WEB, "app/words.json": WORDS}
    with asyncio.Runner() as runner:
        world = World(tmp_path, files, "app")

        @settings(max_examples=40, suppress_health_check=list(HealthCheck))
        @given(edits=deployment_edits(), words=WORD_EDITS)
        def holds(edits: list[Any], words: dict[str, Any]) -> None:
            runner.run(_drift(world, "", edits, words))
            text = world.file("app/web.yaml")
            for comment in ("# The shop's front.", "# short", "# enough", "# the page"):
                assert comment in text
            runner.run(world.end())

        try:
            holds()
        finally:
            runner.run(world.renderers.stop())


def test_an_overlay_renders_to_what_is_live_after_an_adoption(
    tmp_path: Path, kustomize: Path
) -> None:
    files = {
        "base/kustomization.yaml": "resources: [web.yaml, words.json]\n",
        "base/web.yaml": WEB,
        "base/words.json": WORDS,
        "prod/kustomization.yaml": KUSTOMIZATION,
    }
    with asyncio.Runner() as runner:
        world = World(tmp_path, files, "prod")
        world.renderers = Renderers(
            world.clock,
            scratch_dir=str(tmp_path / "scratch"),
            programs={"kustomize": str(kustomize)},
        )

        @settings(max_examples=15, suppress_health_check=list(HealthCheck))
        @given(edits=deployment_edits(), words=WORD_EDITS)
        def holds(edits: list[Any], words: dict[str, Any]) -> None:
            runner.run(_drift(world, "prod-", edits, words))
            for path in ("base/kustomization.yaml", "base/web.yaml", "base/words.json"):
                assert world.file(path) == files[path]
            assert world.file("prod/kustomization.yaml").startswith(KUSTOMIZATION)
            runner.run(world.end())

        try:
            holds()
        finally:
            runner.run(world.renderers.stop())


def test_what_a_strategic_patch_cannot_say_becomes_a_json_patch(
    tmp_path: Path, kustomize: Path
) -> None:
    files = {
        "base/kustomization.yaml": "resources: [web.yaml, words.json]\n",
        "base/web.yaml": WEB.replace(
            "  name: web  # short\n", "  name: web\n  finalizers: [a/b]\n"
        ),
        "base/words.json": WORDS,
        "prod/kustomization.yaml": KUSTOMIZATION,
    }

    async def play(world: World) -> None:
        def change(tree: Tree) -> None:
            tree["metadata"]["finalizers"] = []
            tree["spec"]["replicas"] = 5

        answer = await _drift(world, "prod-", [change], {})
        assert [item["path"] for item in answer["files"]] == [
            "prod/adopted-deployment-web.yaml",
            "prod/kustomization.yaml",
        ]
        assert "op: replace" in world.file("prod/adopted-deployment-web.yaml")
        assert "  target:\n" in world.file("prod/kustomization.yaml")
        await world.end()

    with asyncio.Runner() as runner:
        world = World(tmp_path, files, "prod")
        world.renderers = Renderers(
            world.clock,
            scratch_dir=str(tmp_path / "scratch"),
            programs={"kustomize": str(kustomize)},
        )
        try:
            runner.run(play(world))
        finally:
            runner.run(world.renderers.stop())
