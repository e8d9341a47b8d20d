"""Create and delete AppProjects."""

from dataclasses import dataclass

from holdfast.controller.requests.locking import locked
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.project_checks import refuse_orphans, refuse_unreadable_windows
from holdfast.domain.application import APPLICATION, DEFAULT_PROJECT, Application
from holdfast.domain.commands import CreateProject, DeleteProject, Done, UpdateProject
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import ClusterReader, SystemWriter
from holdfast.domain.project import PROJECT, Project


@dataclass(frozen=True, slots=True)
class ProjectWrites:
    """Writes AppProject objects."""

    system: SystemWriter
    reader: ClusterReader
    lookup: Lookup

    async def carry_out(self, command: CreateProject | UpdateProject | DeleteProject) -> Done:
        """Do it, or say why not."""
        if isinstance(command, UpdateProject):
            return await self.update(command)
        if isinstance(command, CreateProject):
            return await self.create(command)
        return await self.delete(command)

    async def create(self, command: CreateProject) -> Done:
        """Create a project, or change it with `upsert`."""
        wanted = Manifest(command.manifest).with_namespace(self.lookup.control_namespace)
        _check(wanted)
        existing = await self.lookup.find_project(wanted.name)
        if existing is None:
            refuse_unreadable_windows(wanted.name, {}, wanted.tree.get("spec") or {})
            made = await self.system.create(wanted, SystemWrite.PROJECT)
            return Done("created", made.tree)
        before, spec = existing.manifest, wanted.tree.get("spec") or {}
        if (before.tree.get("spec") or {}) == spec:
            return Done("unchanged", before.tree)
        if not command.upsert:
            raise ConfigurationError(
                "HF3006",
                "existing project spec is different, use upsert flag to force update",
                about=f"project {wanted.name}",
                hint="--upsert changes it",
            )
        return await self._write(existing, spec)

    async def update(self, command: UpdateProject) -> Done:
        """Replace the spec of a project that is there."""
        wanted = Manifest(command.manifest).with_namespace(self.lookup.control_namespace)
        _check(wanted)
        existing = await self.lookup.project(wanted.name)
        before = existing.manifest
        if wanted.resource_version not in ("", before.resource_version):
            raise ClusterError(
                "HF2004",
                "the project was changed by somebody else meanwhile",
                about=f"project {wanted.name}",
            )
        spec = wanted.tree.get("spec") or {}
        if (before.tree.get("spec") or {}) == spec:
            return Done("unchanged", before.tree)
        return await self._write(existing, spec)

    async def _write(self, existing: Project, spec: Tree) -> Done:
        before = existing.manifest
        refuse_unreadable_windows(existing.name, before.tree.get("spec") or {}, spec)
        after = Project.parse(Manifest({**before.tree, "spec": spec}))
        apps = [Application.parse(item) for item in (await self.reader.list(APPLICATION)).items]
        refuse_orphans(existing, after, apps)
        step = {"op": "add", "path": "/spec", "value": spec}
        changed = await self.system.json_patch(
            PROJECT, before.namespace, before.name, locked(before, [step]), SystemWrite.PROJECT
        )
        return Done("updated", changed.tree)

    async def delete(self, command: DeleteProject) -> Done:
        """Delete a project that no Application uses."""
        if command.name == DEFAULT_PROJECT:
            raise ConfigurationError(
                "HF3006", f"name '{DEFAULT_PROJECT}' is reserved and cannot be deleted"
            )
        project = await self.lookup.project(command.name)
        users = [
            item.name
            for item in (await self.reader.list(APPLICATION)).items
            if Application.parse(item).project == command.name
        ]
        if users:
            raise ConfigurationError(
                "HF3006",
                f"project is referenced by {len(users)} applications",
                about=f"project {command.name}",
                hint=f"they are {', '.join(sorted(users)[:10])}",
            )
        manifest = project.manifest
        await self.system.delete(PROJECT, manifest.namespace, manifest.name, SystemWrite.PROJECT)
        return Done("deleted")


def _check(wanted: Manifest) -> None:
    spec = wanted.tree.get("spec") or {}
    seen: set[tuple[object, ...]] = set()
    for item in spec.get("destinations") or ():
        key = (item.get("server"), item.get("name"), item.get("namespace"))
        if key in seen:
            raise ConfigurationError(
                "HF3006", f"destination '{key[0] or key[1]}/{key[2]}' already added"
            )
        seen.add(key)
        if "!*" in key:
            raise ConfigurationError(
                "HF3006", "destination has an invalid format, '!*'", about=f"project {wanted.name}"
            )
    repos = spec.get("sourceRepos") or []
    if "!*" in repos:
        raise ConfigurationError(
            "HF3006",
            "source repository has an invalid format, '!*'",
            about=f"project {wanted.name}",
        )
    for repo in repos:
        if repos.count(repo) > 1:
            raise ConfigurationError("HF3006", f"source repository '{repo}' already added")
