"""A running controller for scenarios: the real one, on a real API server, with a git repository.

    async with controlled(kubeconfig, tmp_path) as world:
        world.repository.write("app/web.json", deployment)
        world.repository.commit()
        app = await world.create_app(path="app", self_heal=True)
        await app.synced()

Everything lies in namespaces of its own, so that any number of worlds share one plane.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import random
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pygit2

from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.config.settings import ControllerSettings, SyncSettings
from holdfast.controller.controller import Controller, ControllerPorts
from holdfast.domain.identity import AppKey
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from holdfast.planning.refresh import Level
from holdfast.renderers.dispatch import Renderers
from holdfast.schema.argo_crds.manifests import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests
from holdfast.sources.git import GitSources
from tests.support.at_rest import come_to_rest, has_heard, has_worked, key_of
from tests.support.person import Person, Ref, ref_of
from tests.support.waiting import TIME_LIMIT_S, eventually, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from holdfast.controller.state import ObjectState
    from holdfast.domain.events import Listener
    from holdfast.domain.ports import Clock

Tree = dict[str, Any]

APPS = "argoproj.io/v1alpha1"
FAST = ControllerSettings(status_debounce_s=0.1, sync=SyncSettings(wave_delay_s=0.1, recheck_s=2.0))
"""The same rules with shorter pauses."""

QUICK_RETRY: Tree = {
    "automated": {"prune": True, "selfHeal": True},
    "retry": {"limit": 20, "backoff": {"duration": "500ms", "factor": 1}},
}
"""A `syncPolicy` that tries a failed sync again soon."""


class NoMetrics:
    """Counts nothing."""

    def increment(self, metric: str, amount: float = 1.0, /, **labels: str) -> None:
        pass

    def observe(self, metric: str, value: float, /, **labels: str) -> None:
        pass

    def set_gauge(self, metric: str, value: float, /, **labels: str) -> None:
        pass

    def drop(self, metric: str, /, **labels: str) -> None:
        pass


class Repository:
    """A git repository with one branch; files are JSON, which is YAML."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git = pygit2.init_repository(str(folder), initial_head="main")
        self._files: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    @property
    def head(self) -> str:
        """The SHA of the last commit."""
        return str(self._git.head.target)

    def write(self, path: str, *trees: Tree) -> None:
        """Puts objects into a file."""
        tree = trees[0] if len(trees) == 1 else {"apiVersion": "v1", "kind": "List", "items": trees}
        self.write_text(path, json.dumps(tree, indent=1))

    def write_text(self, path: str, text: str) -> None:
        self._files[path] = text

    def remove(self, path: str) -> None:
        del self._files[path]

    def commit(self, message: str = "Change") -> str:
        """Commits what was written; returns the SHA."""
        index = pygit2.Index()
        for path, text in self._files.items():
            blob = self._git.create_blob(text.encode())
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        tree = index.write_tree(self._git)
        who = pygit2.Signature("Ada", "ada@example.com", int(time.time()), 0)
        parents = [] if self._git.head_is_unborn else [self._git.head.target]
        made = self._git.create_commit("refs/heads/main", who, who, message, tree, parents)
        return str(made)


@dataclass
class App:
    """An Application of a world."""

    world: World
    key: AppKey

    @property
    def ref(self) -> Ref:
        return Ref(APPS, "Application", self.key.namespace, self.key.name)

    async def tree(self) -> Tree:
        return await self.world.person.get(self.ref)

    async def status(self) -> Tree:
        status: Tree = (await self.tree()).get("status", {})
        return status

    async def synced(self, revision: str = "", *, seconds: float = TIME_LIMIT_S) -> Tree:
        """Waits until the Application is Synced, at the revision if one is given."""

        async def is_synced() -> Tree:
            tree = await self.tree()
            status = tree.get("status", {})
            sync = status.get("sync", {})
            phase = status.get("operationState", {}).get("phase", "Succeeded")
            done = sync.get("status") == "Synced" and phase == "Succeeded"
            done = done and "operation" not in tree
            return tree if done and revision in ("", sync.get("revision")) else {}

        return await eventually(is_synced, seconds=seconds, explain=self.status)

    async def until(self, holds: Callable[[Tree], object]) -> Tree:
        """Waits until something holds of the Application."""

        async def look() -> Tree:
            tree = await self.tree()
            return tree if holds(tree) else {}

        return await eventually(look, explain=self.status)

    async def set_policy(self, policy: Tree | None) -> None:
        """Changes `syncPolicy` and waits until the controller knows."""
        await self._patch({"spec": {"syncPolicy": policy}})

    async def annotate(self, key: str, value: str | None) -> None:
        """Sets or removes an annotation and waits until the controller knows."""
        await self._patch({"metadata": {"annotations": {key: value}}})

    async def _patch(self, body: Tree) -> None:
        tree = await self.world.person.patch(self.ref, body)
        await has_heard(self.world, self.key, int(tree["metadata"]["resourceVersion"]))

    async def run(self, sync: Tree | None = None, **operation: Any) -> None:
        """Requests an operation."""
        await self.world.person.patch(self.ref, {"operation": {"sync": sync or {}, **operation}})

    async def finished(self) -> Tree:
        """Waits for the end of the operation; returns `operationState`."""

        async def is_finished() -> Tree:
            tree = await self.tree()
            state: Tree = tree.get("status", {}).get("operationState", {})
            busy = "operation" in tree or state.get("phase") in (None, "Running", "Terminating")
            return {} if busy else state

        return await eventually(is_finished, explain=self.status)

    def refresh(self) -> None:
        """Lets the controller look at git now."""
        self.world.controller.refresh(self.key, Level.LATEST_FORCED)

    async def worked(self) -> None:
        """Lets the controller work on it once more, and waits for the end of it."""
        await has_worked(self.world, self.key)


@dataclass
class World:
    """One controller and what belongs to it.

    Attributes:
        control: The control namespace.
        namespace: A namespace for objects, made and empty.
    """

    person: Person
    repository: Repository
    connection: Connection
    controller: Controller
    supervisor: Supervisor
    control: str
    namespace: str
    apps: list[App] = field(default_factory=list)

    async def create_app(
        self,
        name: str = "",
        path: str = "app",
        *,
        automated: bool = True,
        self_heal: bool = True,
        prune: bool = True,
        options: tuple[str, ...] = (),
        finalizers: tuple[str, ...] = (),
        annotations: dict[str, str] | None = None,
        **spec: Any,
    ) -> App:
        """Creates an Application whose destination is the world's namespace.

        Its name is its own: a tracking id does not say which installation wrote it, and the worlds
        on one plane would prune each other's objects.
        """
        name = f"{name or 'web'}-{uuid.uuid4().hex[:8]}"
        policy: Tree = {}
        if automated:
            policy["automated"] = {"prune": prune, "selfHeal": self_heal}
        if options:
            policy["syncOptions"] = list(options)
        tree: Tree = {
            "apiVersion": APPS,
            "kind": "Application",
            "metadata": {
                "name": name,
                "namespace": self.control,
                "finalizers": list(finalizers),
                "annotations": annotations or {},
            },
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": self.repository.url,
                    "path": path,
                    "targetRevision": "main",
                },
                "destination": {
                    "server": "https://kubernetes.default.svc",
                    "namespace": self.namespace,
                },
                "syncPolicy": policy,
                **spec,
            },
        }
        await self.person.create(tree)
        app = App(self, AppKey(self.control, name))
        self.apps.append(app)
        return app

    async def deploy(self, *trees: Tree, **options: Any) -> App:
        """Commits objects and waits until an Application of them is Synced."""
        self.repository.write("app/all.json", *trees)
        revision = self.repository.commit()
        app = await self.create_app(**options)
        await app.synced(revision)
        return app

    async def commit(self, app: App, *trees: Tree) -> str:
        """Commits other objects, tells the controller and waits until they are synced."""
        self.repository.write("app/all.json", *trees)
        revision = self.repository.commit()
        app.refresh()
        await app.synced(revision)
        return revision

    def find(self, ref: Ref) -> ObjectState:
        """What the controller knows of an object."""
        return self.controller.registry.objects[key_of(ref)]

    async def at_rest(self, *refs: Ref) -> None:
        """Waits until the controller has seen all Applications and these objects as they are, has
        looked at git once more, and means to do nothing: nothing happens from here on."""
        await come_to_rest(self, *refs)

    async def new_namespace(self) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        await self.person.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        return name

    async def has(self, ref: Ref, holds: Callable[[Tree], object]) -> Tree:
        """Waits until something holds of an object."""

        async def look() -> Tree:
            tree = await self.person.find(ref)
            return tree if tree is not None and holds(tree) else {}

        return await eventually(look, explain=lambda: self.person.find(ref))

    async def settled(self, ref: Ref) -> Tree:
        """The object, once the controller is at rest."""
        await self.at_rest(ref)
        return await self.person.get(ref)


def essence(tree: Tree) -> Tree:
    """The object without what the server and controllers keep of their own."""
    kept = {key: value for key, value in tree.items() if key not in ("status", "metadata")}
    metadata = tree["metadata"]
    annotations = {
        key: value
        for key, value in metadata.get("annotations", {}).items()
        if not key.startswith(("deployment.kubernetes.io/", "deprecated.daemonset."))
    }
    kept["metadata"] = {
        "labels": metadata.get("labels", {}),
        "annotations": annotations,
        "finalizers": metadata.get("finalizers", []),
    }
    return copy.deepcopy(kept)


@contextlib.asynccontextmanager
async def controlled(
    kubeconfig: Path,
    folder: Path,
    settings: ControllerSettings = FAST,
    clock: Clock | None = None,
    listeners: tuple[Listener, ...] = (),
) -> AsyncIterator[World]:
    """Runs a controller until the block ends; fails when one of its tasks failed.

    Args:
        kubeconfig: Of the plane.
        folder: For repositories and data.
        settings: How the controller works; its control namespace is always a new one.
        clock: What it takes for the time; by default the machine's clock.
        listeners: Who is told of drift and heals.
    """
    async with Person(kubeconfig) as person:
        control = f"argocd-{uuid.uuid4().hex[:8]}"
        await install(person, control)
        settings = replace(settings, control_namespace=control)
        async with _running(kubeconfig, folder, settings, clock, listeners) as parts:
            connection, controller, supervisor = parts
            repository = Repository(folder / "repository")
            world = World(person, repository, connection, controller, supervisor, control, "")
            world.namespace = await world.new_namespace()
            yield world
        assert not supervisor.errors, supervisor.last_errors
        await _clean_up(person, world)


@contextlib.asynccontextmanager
async def lent(world: World) -> AsyncIterator[World]:
    """The same controller for one test of several, in a namespace and a repository of its own."""
    folder = world.repository.folder.parent / uuid.uuid4().hex[:8]
    namespace = await world.new_namespace()
    mine = replace(world, repository=Repository(folder), namespace=namespace, apps=[])
    try:
        yield mine
    finally:
        await withdraw(mine)
        await mine.person.leave(namespace)
    assert not world.supervisor.errors, world.supervisor.last_errors


async def withdraw(world: World) -> None:
    """Ends the Applications of a world, and waits until its controller has forgotten them."""
    for app in world.apps:
        await world.person.send("PATCH", app.ref.path, {"metadata": {"finalizers": None}}, _MERGE)
        await world.person.delete(app.ref)
    keys = {app.key for app in world.apps}
    await until(lambda: not keys & set(world.controller.registry.apps))
    world.apps.clear()


@contextlib.asynccontextmanager
async def running(world: World, folder: Path) -> AsyncIterator[World]:
    """A second controller of the same installation, started from nothing beside the first."""
    kubeconfig = world.person.kubeconfig
    settings = replace(FAST, control_namespace=world.control)
    async with _running(kubeconfig, folder, settings, SystemClock(), ()) as parts:
        connection, controller, supervisor = parts
        yield replace(world, connection=connection, controller=controller, supervisor=supervisor)
    assert not supervisor.errors, supervisor.last_errors


@contextlib.asynccontextmanager
async def _running(
    kubeconfig: Path,
    folder: Path,
    settings: ControllerSettings,
    clock: Clock | None = None,
    listeners: tuple[Listener, ...] = (),
) -> AsyncIterator[tuple[Connection, Controller, Supervisor]]:
    clock = clock or SystemClock()
    async with Supervisor(clock) as supervisor:
        access = await asyncio.to_thread(find_access, kubeconfig, environ={})
        connection = await connect(access, clock=clock, supervisor=supervisor, rng=random.Random(7))
        await connection.settle_installation_key(settings.control_namespace)
        sources = GitSources(str(folder / "mirrors"), (str(folder),), clock)
        renderer = Renderers(clock, scratch_dir=str(folder / "renders"))
        recorder = connection.events()
        supervisor.spawn("events", recorder.run)
        ports = ControllerPorts(
            clock=clock,
            supervisor=supervisor,
            reader=connection.reader,
            writer=connection.writer,
            system=connection.system,
            kinds=connection.kinds,
            sealing=connection.sealing,
            watching=connection.watching,
            sources=sources,
            renderer=renderer,
            recorder=recorder,
            metrics=NoMetrics(),
            listeners=listeners,
        )
        controller = Controller(ports, settings)
        supervisor.spawn("controller", controller.run)
        try:
            yield connection, controller, supervisor
        finally:
            connection.watching.close()
            await supervisor.stop()
            await sources.close()
            await renderer.stop()
            await connection.close()


async def install(person: Person, control: str) -> None:
    """Makes the definitions, the control namespace and its default project."""
    for crd in (*crd_manifests(), *own_crd_manifests()):

        async def is_served(crd: Tree = crd) -> bool:
            name, version = crd["spec"]["names"]["plural"], crd["spec"]["versions"][0]["name"]
            path = f"/apis/{crd['spec']['group']}/{version}/{name}"
            return (await person.send("GET", path, limit="1")).status == 200

        if not await is_served():
            answer = await person.send("POST", ref_of(crd).collection, crd)
            assert answer.status in (201, 409), answer
            await eventually(is_served)
    await person.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": control}})
    await person.create(
        {
            "apiVersion": APPS,
            "kind": "AppProject",
            "metadata": {"name": "default", "namespace": control},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        }
    )


async def _clean_up(person: Person, world: World) -> None:
    """Leaves nothing behind that goes on."""
    for app in world.apps:
        await person.send("PATCH", app.ref.path, {"metadata": {"finalizers": None}}, _MERGE)
    await person.leave(world.control, world.namespace)


_MERGE = "application/merge-patch+json"
