"""`holdfast run` at work on a plane, with a person who uses it: what scenarios begin with.

    async with at_work(kubeconfig, folder) as site:
        app = await site.deploy("web", {"web.yaml": text})
        app.commit({"web.yaml": other})
        await app.synced()

Each Application has a git repository and a namespace of its own, so that trouble in one of them
shows whether it stays there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.controlled import APPS
from tests.support.gitrepo import GitRepo
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

Tree = dict[str, Any]

AUTOMATED: Tree = {
    "automated": {"prune": True, "selfHeal": True},
    "retry": {"limit": 0},
}
"""Everything automatic; what fails is not tried again, so that the outcome stands still."""


def config_map(name: str, **data: str) -> str:
    """A ConfigMap as YAML."""
    values = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in data.items()) or "  {}\n"
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{values}"


@dataclass
class SiteApp:
    """An Application, its repository and its namespace."""

    site: Site
    name: str
    repository: GitRepo
    namespace: str
    sha: str = ""

    @property
    def ref(self) -> Ref:
        return Ref(APPS, "Application", self.site.control, self.name)

    def place(self, name: str, kind: str = "ConfigMap", api_version: str = "v1") -> Ref:
        """Where an object of its namespace is."""
        return Ref(api_version, kind, self.namespace, name)

    def commit(self, files: Mapping[str, str | bytes | None], *, branch: str = "main") -> str:
        """Commits files below `app/`."""
        below = {f"app/{path}": text for path, text in files.items()}
        self.sha = self.repository.commit(below, branch=branch)
        return self.sha

    async def tree(self) -> Tree:
        return await self.site.person.get(self.ref)

    async def status(self) -> Tree:
        status: Tree = (await self.tree()).get("status", {})
        return status

    async def patch(self, body: Tree) -> None:
        await self.site.person.patch(self.ref, body)

    async def sync(self, **sync: Any) -> None:
        """Requests an operation."""
        await self.patch({"operation": {"sync": sync}})

    async def refresh(self, kind: str = "normal") -> None:
        """Asks for a look at git."""
        await self.patch({"metadata": {"annotations": {"argocd.argoproj.io/refresh": kind}}})

    async def until(self, holds: Callable[[Tree], object], *, seconds: float = 30.0) -> Tree:
        """Waits until something holds of the Application."""

        async def look() -> Tree:
            tree = await self.tree()
            return tree if holds(tree) else {}

        return await eventually(look, seconds=seconds, explain=self.status)

    async def synced(self, *, seconds: float = 30.0) -> Tree:
        """Waits until it is Synced at the last commit, nothing requested and nothing wrong."""

        def is_synced(tree: Tree) -> bool:
            status = tree.get("status", {})
            sync = status.get("sync", {})
            return (
                sync.get("status") == "Synced"
                and sync.get("revision") == self.sha
                and "operation" not in tree
                and not status.get("conditions")
            )

        return await self.until(is_synced, seconds=seconds)

    async def finished(self, *, seconds: float = 30.0) -> Tree:
        """Waits for the end of an operation; returns `operationState`."""

        def is_finished(tree: Tree) -> bool:
            phase = tree.get("status", {}).get("operationState", {}).get("phase")
            return "operation" not in tree and phase in ("Succeeded", "Failed", "Error")

        tree = await self.until(is_finished, seconds=seconds)
        state: Tree = tree["status"]["operationState"]
        return state

    async def uids(self, *names: str) -> dict[str, str]:
        """The uids of its ConfigMaps; a missing one fails."""
        found = {}
        for name in names:
            found[name] = (await self.site.person.get(self.place(name)))["metadata"]["uid"]
        return found


@dataclass
class Site:
    """A controller's process, and somebody who works with it.

    Attributes:
        kubeconfig: Of the plane.
        folder: Where repositories lie.
        control: The control namespace.
    """

    kubeconfig: Path
    folder: Path
    control: str
    person: Person
    process: HoldfastProcess
    apps: list[SiteApp] = field(default_factory=list)

    async def new_namespace(self) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        await self.person.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        return name

    async def make(
        self,
        name: str,
        files: Mapping[str, str | bytes | None],
        *,
        policy: Tree | None = None,
        source: Tree | None = None,
        namespace: str | None = None,
        **spec: Any,
    ) -> SiteApp:
        """Creates an Application of a new repository that holds these files."""
        unique = f"{name}-{uuid.uuid4().hex[:6]}"
        repository = GitRepo(self.folder / unique)
        where = namespace if namespace is not None else await self.new_namespace()
        app = SiteApp(self, unique, repository, where)
        app.commit(files)
        tree = {
            "apiVersion": APPS,
            "kind": "Application",
            "metadata": {"name": unique, "namespace": self.control},
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": repository.url,
                    "path": "app",
                    "targetRevision": "main",
                    **(source or {}),
                },
                "destination": {
                    "server": "https://kubernetes.default.svc",
                    "namespace": where,
                },
                "syncPolicy": AUTOMATED if policy is None else policy,
                **spec,
            },
        }
        await self.person.create(tree)
        self.apps.append(app)
        return app

    async def deploy(
        self, name: str, files: Mapping[str, str | bytes | None], **options: Any
    ) -> SiteApp:
        """Like `make`, and waits until it is Synced."""
        app = await self.make(name, files, **options)
        await app.synced()
        return app

    async def clean_up(self) -> None:
        """Removes what the scenarios made; the Applications first, so that nothing is healed."""
        for app in self.apps:
            await self.person.send(
                "PATCH",
                app.ref.path,
                {"metadata": {"finalizers": None}},
                "application/merge-patch+json",
            )
            await self.person.delete(app.ref)
        await self.person.leave(*{app.namespace for app in self.apps if app.namespace})
        self.apps.clear()


def start(
    kubeconfig: Path, folder: Path, control: str, *options: str, is_fresh: bool = False
) -> HoldfastProcess:
    """Starts a controller that may read the repositories below a folder."""
    return HoldfastProcess.run(
        kubeconfig,
        control,
        folder / "data",
        *options,
        repositories=str(folder),
        is_fresh=is_fresh,
    )


def new_control() -> str:
    """A name for a control namespace that nobody else has."""
    return f"argocd-{uuid.uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def at_work(
    kubeconfig: Path, folder: Path, *options: str, control: str = "", is_fresh: bool = False
) -> AsyncIterator[Site]:
    """Runs a controller in a process of its own until the block ends.

    Args:
        kubeconfig: Of the plane.
        folder: For repositories and data.
        options: More options of `holdfast run`.
        control: The control namespace; by default a new one.
        is_fresh: As with `HoldfastProcess.start`.
    """
    control = control or new_control()
    async with Person(kubeconfig) as person:
        process = start(kubeconfig, folder, control, *options, is_fresh=is_fresh)
        site = Site(kubeconfig, folder, control, person, process)
        try:
            await asyncio.to_thread(process.is_leading)
            yield site
            await site.clean_up()
            await person.leave(control)
        finally:
            await asyncio.to_thread(site.process.kill)  # perhaps another one by now
