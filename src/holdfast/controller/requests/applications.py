"""Create, change and delete Application objects."""

import copy
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import jsonpatch

from holdfast.controller.requests.locking import locked
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.specs import SpecChecks, normalise
from holdfast.domain.application import (
    APPLICATION,
    DELETION_APPROVED_ANNOTATION,
    RESOURCES_FINALIZER,
    Application,
)
from holdfast.domain.commands import (
    ConfirmDeletion,
    CreateApplication,
    DeleteApplication,
    Done,
    PatchApplication,
    UpdateApplication,
    UpdateSpec,
)
from holdfast.domain.errors import ClusterError, ConfigurationError, Retry
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter
from holdfast.planning.times import format_time

ApplicationCommand: TypeAlias = (
    CreateApplication
    | UpdateApplication
    | UpdateSpec
    | PatchApplication
    | DeleteApplication
    | ConfirmDeletion
)
_FINALIZERS = {
    "": RESOURCES_FINALIZER,
    "foreground": f"{RESOURCES_FINALIZER}/foreground",
    "background": f"{RESOURCES_FINALIZER}/background",
}


@dataclass(frozen=True, slots=True)
class ApplicationWrites:
    """Writes Application objects, never their status."""

    system: SystemWriter
    lookup: Lookup
    checks: SpecChecks
    clock: Clock

    async def carry_out(self, command: ApplicationCommand) -> Done:
        """Do it, or say why not."""
        match command:
            case CreateApplication():
                return await self._create(command)
            case UpdateApplication():
                return await self._replace(command)
            case UpdateSpec():
                return await self._update(command)
            case PatchApplication():
                return await self._patch(command)
            case DeleteApplication():
                return await self._delete(command)
            case ConfirmDeletion():
                return await self._confirm(command.app)
            case _:
                assert_never(command)

    async def _create(self, command: CreateApplication) -> Done:
        wanted = self._prepared(command.manifest)
        app = Application.parse(wanted)
        existing = await self.lookup.find_application(app.key)
        if existing is not None and _is_same(existing, wanted):
            return Done("unchanged", existing.tree)
        if existing is not None and not command.upsert:
            raise ConfigurationError(
                "HF3006",
                "existing application spec is different, use upsert flag to force update",
                about=app.key,
                hint="--upsert changes it; `holdfast app get "
                f"{app.key.name} -o yaml` shows what is there",
            )
        notes = await self.checks.check(app, validate=command.validate)
        if existing is None:
            made = await self.system.create(wanted, SystemWrite.APPLICATION_CREATE)
            return Done("created", made.tree, notes)
        changed = await self._upsert(existing, wanted)
        return Done("updated", changed.tree, notes)

    def _prepared(self, manifest: Tree) -> Manifest:
        tree = {k: v for k, v in manifest.items() if k not in ("status", "operation")}
        metadata = dict(tree.get("metadata") or {})
        metadata["namespace"] = metadata.get("namespace") or self.lookup.control_namespace
        tree["metadata"] = metadata
        tree["spec"] = normalise(tree.get("spec") or {})
        _check_source_names(tree["spec"])
        return Manifest(tree)

    async def _upsert(self, existing: Manifest, wanted: Manifest) -> Manifest:
        steps: list[Tree] = [_put("/spec", wanted.tree["spec"])]
        for key in ("labels", "annotations"):
            added = wanted.metadata.get(key) or {}
            if added:
                steps += _merge_map(existing, key, added)
        if wanted.finalizers and wanted.finalizers != existing.finalizers:
            steps.append(_put("/metadata/finalizers", list(wanted.finalizers)))
        return await self._write(existing, steps, SystemWrite.APPLICATION_SPEC)

    async def _update(self, command: UpdateSpec) -> Done:
        app = await self.lookup.application(command.app)
        before = app.manifest
        _check_version(before, command.resource_version)
        spec = normalise(command.spec)
        _check_source_names(spec)
        if spec == before.tree.get("spec"):
            return Done("unchanged", before.tree)
        after = Application.parse(Manifest({**before.tree, "spec": spec}))
        # What git renders depends on the sources alone: a change of policy need not wait for it.
        renders_anew = after.sources != app.sources
        notes = await self.checks.check(after, validate=command.validate and renders_anew)
        changed = await self._write(before, [_put("/spec", spec)], SystemWrite.APPLICATION_SPEC)
        return Done("updated", changed.tree, notes)

    async def _replace(self, command: UpdateApplication) -> Done:
        wanted = self._prepared(command.manifest)
        app = await self.lookup.application(AppKey(wanted.namespace, wanted.name))
        before = app.manifest
        _check_version(before, wanted.resource_version)
        kept = {key: wanted.metadata[key] for key in _REPLACED if key in wanted.metadata}
        metadata = {**before.metadata, **kept}
        after = Manifest({**before.tree, "metadata": metadata, "spec": wanted.tree["spec"]})
        parsed = Application.parse(after)
        renders_anew = parsed.sources != app.sources
        notes = await self.checks.check(parsed, validate=command.validate and renders_anew)
        steps = _metadata_steps(before, after)
        if after.tree["spec"] != before.tree.get("spec"):
            steps.append(_put("/spec", after.tree["spec"]))
        if not steps:
            return Done("unchanged", before.tree, notes)
        changed = await self._write(before, steps, SystemWrite.APPLICATION_SPEC)
        return Done("updated", changed.tree, notes)

    async def _patch(self, command: PatchApplication) -> Done:
        app = await self.lookup.application(command.app)
        before = app.manifest
        _check_version(before, command.resource_version)
        if command.kind == "merge":
            tree = _merged(before.tree, command.patch)
        else:
            tree = _json_patched(app.key, before.tree, command.patch)
        after = Application.parse(Manifest(tree))
        if after.key != app.key:
            raise ConfigurationError(
                "HF3006", "a patch cannot rename an application", about=app.key
            )
        if command.dry_run:
            return Done("previewed", tree)
        notes = await self.checks.check(after, validate=True)
        steps = [_put(f"/{key}", tree[key]) for key in tree if tree[key] != before.tree.get(key)]
        steps += [{"op": "remove", "path": f"/{key}"} for key in before.tree if key not in tree]
        steps = [step for step in steps if step["path"] != "/metadata"]
        steps += _metadata_steps(before, Manifest(tree))
        if not steps:
            return Done("unchanged", before.tree)
        changed = await self._write(before, steps, SystemWrite.APPLICATION_SPEC)
        return Done("updated", changed.tree, notes)

    async def _delete(self, command: DeleteApplication) -> Done:
        app = await self.lookup.application(command.app)
        wanted = _wanted_finalizers(app.manifest.finalizers, command)
        if wanted != list(app.manifest.finalizers):
            step = _put("/metadata/finalizers", wanted)
            await self._write(app.manifest, [step], SystemWrite.APPLICATION_DELETE)
        await self.system.delete(
            APPLICATION, app.key.namespace, app.key.name, SystemWrite.APPLICATION_DELETE
        )
        left = await self.lookup.find_application(app.key)
        return Done("deleted", left.tree if left is not None else None)

    async def _confirm(self, key: AppKey) -> Done:
        app = await self.lookup.application(key)
        now = format_time(self.clock.now())
        steps = _merge_map(app.manifest, "annotations", {DELETION_APPROVED_ANNOTATION: now})
        changed = await self._write(app.manifest, steps, SystemWrite.APPLICATION_METADATA)
        return Done("updated", changed.tree)

    async def _write(self, before: Manifest, steps: list[Tree], write: SystemWrite) -> Manifest:
        """Change what was read, if nobody else has changed the same meanwhile.

        A status write moves the version too; then the steps, which name whole fields, are sent
        again on the object as it is, unless what they change has changed.
        """
        for _ in range(_TRIES):
            try:
                return await self.system.json_patch(
                    APPLICATION, before.namespace, before.name, locked(before, steps), write
                )
            except ClusterError as error:
                if error.code != "HF2004":
                    raise
                now = await self.lookup.application(AppKey(before.namespace, before.name))
                if now.manifest.uid != before.uid or not _same_where(before, now.manifest, steps):
                    raise
                before = now.manifest
        raise ClusterError(
            "HF2004",
            "the application changes faster than it can be written; try again",
            about=AppKey(before.namespace, before.name),
            retry=Retry.NOW,
        )


_TRIES = 10
_REPLACED = ("labels", "annotations", "finalizers")


def _check_version(before: Manifest, seen: str) -> None:
    if seen in ("", before.resource_version):
        return
    raise ClusterError(
        "HF2004",
        "the application has changed since it was read",
        about=AppKey(before.namespace, before.name),
        hint="read it again, and make the change on what it is now",
        retry=Retry.NOW,
    )


def _put(path: str, value: JSON) -> Tree:
    return {"op": "add", "path": path, "value": value}


def _same_where(before: Manifest, now: Manifest, steps: list[Tree]) -> bool:
    """Whether what the steps replace is as it was when it was read."""
    for step in steps:
        path = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        if before.at(*path) != now.at(*path):
            return False
    return True


def _merge_map(manifest: Manifest, key: str, added: Tree) -> list[Tree]:
    """Return steps that add entries to labels or annotations, one by one.

    The whole map is never written back: it may hold sealed values.
    """
    if not isinstance(manifest.metadata.get(key), dict):
        return [_put(f"/metadata/{key}", dict(added))]
    return [_put(f"/metadata/{key}/{_escaped(name)}", value) for name, value in added.items()]


def _metadata_steps(before: Manifest, after: Manifest) -> list[Tree]:
    steps: list[Tree] = []
    for key in ("labels", "annotations"):
        old, new = before.metadata.get(key) or {}, after.metadata.get(key) or {}
        added = {name: value for name, value in new.items() if old.get(name) != value}
        if added:
            steps += _merge_map(before, key, added)
        steps += [
            {"op": "remove", "path": f"/metadata/{key}/{_escaped(name)}"}
            for name in old
            if name not in new
        ]
    if before.finalizers != after.finalizers:
        steps.append(_put("/metadata/finalizers", list(after.finalizers)))
    return steps


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _wanted_finalizers(present: tuple[str, ...], command: DeleteApplication) -> list[str]:
    """Return the finalizers before the DELETE (api.md §1.6.6)."""
    if command.cascade is False and command.propagation:
        raise ConfigurationError(
            "HF3009", "cannot set propagation policy when cascading is disabled"
        )
    if command.propagation not in _FINALIZERS:
        raise ConfigurationError("HF3009", f"invalid propagation policy: {command.propagation}")
    if command.cascade is None and not command.propagation:
        return list(present)
    others = [name for name in present if name not in _FINALIZERS.values()]
    if command.cascade is False:
        return others
    wanted = _FINALIZERS[command.propagation]
    if not command.propagation and any(name in _FINALIZERS.values() for name in present):
        return list(present)
    return [*others, wanted]


def _is_same(existing: Manifest, wanted: Manifest) -> bool:
    return (
        normalise(existing.tree.get("spec") or {}) == wanted.tree["spec"]
        and all(existing.labels.get(name) == value for name, value in wanted.labels.items())
        and all(existing.annotations.get(k) == value for k, value in wanted.annotations.items())
        and (not wanted.finalizers or existing.finalizers == wanted.finalizers)
    )


def _check_source_names(spec: Tree) -> None:
    names = [source.get("name") for source in spec.get("sources") or () if source.get("name")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError("HF3006", f"duplicate source name: {twice[0]}")


def _merged(tree: JSON, patch: JSON) -> JSON:
    """Return the result of a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(tree) if isinstance(tree, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _json_patched(app: AppKey, tree: Tree, patch: JSON) -> Tree:
    try:
        result = jsonpatch.apply_patch(copy.deepcopy(tree), patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise ConfigurationError(
            "HF3009", f"the JSON patch does not fit the application: {error}", about=app
        ) from error
    if not isinstance(result, dict):
        raise ConfigurationError("HF3009", "the JSON patch leaves no object", about=app)
    return result
