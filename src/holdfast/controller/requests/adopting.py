"""Take live drift into git: plan it, prove it, commit it (DESIGN §4.6).

  1. what drifted since the last sync, object by object           `drifted`
  2. the files with the live values in them                       `adopt_files`, `adopt_patches`
  3. proof: the edited files are rendered; the fields are what is live, nothing else differs
  4. proof: a dry run of that render against the cluster changes nothing, so no heal will follow
What fails a proof is refused with a reason and a patch, never committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from holdfast.adopting.emitting import emit_document
from holdfast.adopting.unified_diff import unified_diff
from holdfast.controller.requests.adopt_files import FileAdoption
from holdfast.controller.requests.adopt_patches import PatchAdoption
from holdfast.controller.requests.adopt_proof import SourceAdoption, SourceAtWork
from holdfast.controller.requests.drifted import DriftFinder, Moved, refuse_unrendered
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.adoption import AdoptedField, Adoption, Declared, Refusal, SourceChange
from holdfast.domain.application import Application
from holdfast.domain.commands import AdoptDrift, Done
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Tree
from holdfast.domain.operation import Phase, SelectedResource
from holdfast.domain.ports import ClusterWriter, Commits, Copies, Sources, Texts
from holdfast.domain.source import CommitOrder, Rendered, Source


@dataclass(frozen=True, slots=True)
class AdoptionPorts:
    """What adopting needs beside what every request needs."""

    texts: Texts
    copies: Copies
    commits: Commits


@dataclass(frozen=True, slots=True)
class Adopting:
    """Plans adoptions and carries them out."""

    lookup: Lookup
    rendering: Rendering
    sources: Sources
    writer: ClusterWriter
    managed: ManagedObjects
    ports: AdoptionPorts | None

    async def plan(self, app: Application, resources: Sequence[SelectedResource]) -> Tree:
        """Return the plan as plain data (`domain.queries.PlanAdoption`); nothing is written."""
        return to_json(await self._plan(app, resources))

    async def carry_out(self, command: AdoptDrift) -> Done:
        """Commit what can be adopted.

        Raises:
            ConfigurationError: HF3006, nothing can be adopted; HF3013, the commit is refused.
        """
        if not command.message.strip():
            raise ConfigurationError("HF3009", "a commit needs a message: `-m MESSAGE`")
        app = await self.lookup.application(command.app)
        plan = await self._plan(app, command.resources)
        answer = to_json(plan)
        if not plan.sources:
            return Done("unchanged", answer)
        order = {
            "author": command.author,
            "otherwise": command.otherwise,
            "branch": command.branch,
        }
        commits: list[Tree] = []
        for change in plan.sources:
            done = await self._get_ports().commits.commit(
                change.source,
                change.revision,
                CommitOrder(
                    {file.path: file.after for file in change.files},
                    command.message,
                    push=command.push,
                    **order,
                ),
            )
            commits.append(
                {
                    "repoURL": change.source.repo_url,
                    "sha": done.sha,
                    "branch": done.branch,
                    "author": done.author,
                    "pushed": done.is_pushed,
                }
            )
        outcome = "pushed" if command.push else "committed"
        return Done(outcome, {**answer, "commits": commits})

    def _get_ports(self) -> AdoptionPorts:
        if self.ports is None:
            raise ConfigurationError("HF3009", "drift cannot be adopted over this connection")
        return self.ports

    async def _plan(self, app: Application, resources: Sequence[SelectedResource]) -> Adoption:
        works, refused, unrendered = await self._open_sources(app)
        finder = DriftFinder(self.writer, self.managed)
        for work in works:
            for declared in work.declared:
                if _is_selected(declared.target.key, resources):
                    found, not_these = await finder.find(app, declared, work.moved)
                    refused += not_these
                    if found is not None:
                        work.drifted.append(found)
        if unrendered:
            known = {item.target.key for work in works for item in work.declared}
            refused += await self._refuse_others(app, known, resources, unrendered)
        changes: list[SourceChange] = []
        adopted: list[AdoptedField] = []
        if not any(work.drifted for work in works):
            return Adoption((), (), tuple(refused))
        ports = self._get_ports()
        adoption = SourceAdoption(
            self.rendering,
            ports.copies,
            finder,
            FileAdoption(ports.texts, ports.copies),
            PatchAdoption(ports.texts, ports.copies, self.rendering),
        )
        for work in works:
            if not work.drifted:
                continue
            result = await adoption.adopt(app, work)
            refused += result.refused
            adopted += result.adopted
            if result.files:
                changes.append(SourceChange(work.source, work.checkout.revision, result.files))
        return Adoption(tuple(changes), tuple(adopted), tuple(refused))

    async def _open_sources(
        self, app: Application
    ) -> tuple[list[SourceAtWork], list[Refusal], str]:
        """Render each source; return them, and why one cannot be rendered, if so."""
        works: list[SourceAtWork] = []
        unrendered = ""
        synced = _last_synced(app)
        for place, source in enumerate(app.sources):
            if source.ref and not source.path and not source.chart:
                continue
            try:
                self.rendering.renderer.refuse_unbuilt(source)
                sha = await self.sources.resolve(source, source.target_revision, force=True)
                checkout = await self.sources.checkout(source, sha)
                rendered = await self.rendering.render_source(app, source, checkout)
            except HoldfastError as error:
                if error.code != "HF3008":
                    raise
                unrendered = f"{error.message}: change the source by hand"
                continue
            declared = await self._declared(app, rendered, place)
            before = synced[place] if place < len(synced) else ""
            moved = await self._moved(app, source, before, sha, declared)
            works.append(SourceAtWork(source, checkout, rendered, declared, moved, []))
        return works, [], unrendered

    async def _declared(
        self, app: Application, rendered: Rendered, place: int
    ) -> tuple[Declared, ...]:
        origins = rendered.origins or ("",) * len(rendered.manifests)
        found = []
        for manifest, file in zip(rendered.manifests, origins, strict=True):
            targets = await self.rendering.targets(app, [manifest])
            found += [Declared(target, manifest, file, place) for target in targets.manifests]
        return tuple(found)

    async def _moved(
        self,
        app: Application,
        source: Source,
        before: str,
        now: str,
        declared: Sequence[Declared],
    ) -> Moved | None:
        """Return how git has moved since the last sync: what it changed may be no drift."""
        if not before or before == now:
            return None
        checkout = await self.sources.checkout(source, before)
        old = await self.rendering.render_source(app, source, checkout)
        then = {item.target.key: item.target for item in await self._declared(app, old, 0)}
        keys = frozenset(
            item.target.key for item in declared if then.get(item.target.key) != item.target
        )
        date = (await self.sources.commit_info(source, now)).date
        return Moved(then, keys, f"{before[:7]} to {now[:7]}", date)

    async def _refuse_others(
        self,
        app: Application,
        known: set[ResourceKey],
        resources: Sequence[SelectedResource],
        reason: str,
    ) -> list[Refusal]:
        refused = []
        for key in self.managed.keys_in_status(app):
            if key in known or not _is_selected(key, resources):
                continue
            live = await self.managed.find_live(key)
            refusal = refuse_unrendered(live, reason) if live is not None else None
            if refusal is not None:
                refused.append(refusal)
        return refused


def to_json(plan: Adoption) -> Tree:
    """Return a plan as plain data, for the command line and for REST."""
    files = [(change, file) for change in plan.sources for file in change.files]
    return {
        "diff": "".join(unified_diff(file.path, file.before, file.after) for _, file in files),
        "files": [
            {"repoURL": change.source.repo_url, "path": file.path, "new": file.before is None}
            for change, file in files
        ],
        "adopted": [
            {**_identity(item.key), "field": item.path, "git": item.before, "live": item.after,
             "file": item.file}
            for item in plan.adopted
        ],
        "refused": [
            {**_identity(item.key), "fields": list(item.paths), "reason": item.reason,
             "patch": emit_document(item.patch) if item.patch else ""}
            for item in plan.refused
        ],
    }  # fmt: skip


def _identity(key: ResourceKey) -> Tree:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}


def _is_selected(key: ResourceKey, resources: Sequence[SelectedResource]) -> bool:
    return not resources or any(
        fnmatchcase(key.group, item.group)
        and fnmatchcase(key.kind, item.kind)
        and (not item.namespace or fnmatchcase(key.namespace, item.namespace))
        and fnmatchcase(key.name, item.name)
        for item in resources
    )


def _last_synced(app: Application) -> tuple[str, ...]:
    """Return the commits of the last successful sync, one for each source; empty before one."""
    state = app.operation_state or {}
    results: list[Mapping[str, object]] = []
    if state.get("phase") == Phase.SUCCEEDED.value:
        results.append(state.get("syncResult") or {})
    results += app.history[-1:]
    for result in results:
        several = result.get("revisions")
        if isinstance(several, list) and several:
            return tuple(str(item) for item in several)
        if result.get("revision"):
            return (str(result["revision"]),)
    return ()
