"""What would come of writing an Application: all that is wrong with it, and its objects.

`SpecChecks` refuses with one sentence, as Argo CD does; a person who fills in a form wants every
mistake at once, each at its field. In this order, and no further than the first that blocks:
  1. name: free and well-formed
  2. project, repository, destination: there, and permitted
  3. the API server's own dry run of the Application: unknown fields, wrong types
  4. the sources: reachable, revision and path exist, manifests render
  5. each object: permitted by the project, accepted by a dry run, and nobody else's

Nothing is written. What 5 finds never blocks: a person may know better than a dry run.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.parallel import for_each
from holdfast.controller.requests.rendering import Rendering
from holdfast.controller.requests.specs import CHECKED_ELSEWHERE, normalise
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.hooks import is_hook
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import ClusterWriter, Kinds
from holdfast.domain.project import Project
from holdfast.domain.queries import TryApplication
from holdfast.planning.authorize import WriteScope, find_refusal
from holdfast.planning.definitions import defined_kind, is_crd
from holdfast.planning.permits import (
    is_destination_permitted,
    is_source_permitted,
    is_usable_from,
)
from holdfast.planning.targets import Targets
from holdfast.planning.tracking import Tracking, instance_to_app_text, owner_of
from holdfast.planning.validate import resolve_destination, validate_spec

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_FIELD = re.compile(r"\b(?:spec|metadata)(?:\.[A-Za-z0-9]+(?:\[\w+\])?)+")
_TOOL_FIELD = re.compile(r"\b(?:kustomize|directory)\.[A-Za-z]+")
_SERVERS_OWN = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"
)  # fmt: skip
_CREATE_NAMESPACE = "CreateNamespace=true"
_AWAY = "HF2001"
_NO_NAMESPACE, _UNKNOWN_KIND = "HF2008", "HF2006"
_PLACES = {"HF1001": "repoURL", "HF1009": "repoURL", "HF1002": "targetRevision"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        field: Where in the Application, as `spec.source.path`; `objects` for what it declares.
        blocks: Whether it would not be written, or not work at all; else it is a warning.
    """

    field: str
    message: str
    hint: str = ""
    code: str = ""
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Trials:
    """Tries Applications out."""

    lookup: Lookup
    rendering: Rendering
    managed: ManagedObjects
    writer: ClusterWriter
    kinds: Kinds

    async def answer(self, query: TryApplication) -> Tree:
        """Return `{problems, objects}`, as `TryApplication` says."""
        app, problems = await self._about_name(query)
        project = await self.lookup.find_project(app.project)
        problems += self._about_limits(app, project)
        problems = problems or await self._about_schema(app)
        if problems or project is None or app.is_hydrated:
            return _answer(problems)
        try:
            targets = await self.rendering.render(app)
        except ClusterError:
            raise
        except HoldfastError as error:
            return _answer([_of_source(app, error)])
        return await self._about_objects(app, project, targets)

    async def _about_name(self, query: TryApplication) -> tuple[Application, list[Problem]]:
        tree = {k: v for k, v in query.manifest.items() if k not in ("status", "operation")}
        metadata = {k: v for k, v in (tree.get("metadata") or {}).items() if k not in _SERVERS_OWN}
        metadata["namespace"] = metadata.get("namespace") or self.lookup.control_namespace
        tree |= {"metadata": metadata, "spec": normalise(tree.get("spec") or {})}
        app = Application.parse(Manifest(tree))
        name = app.key.name
        if not _NAME.fullmatch(name):
            words = "An application needs a name." if not name else f"“{name}” cannot be a name."
            hint = "Small letters, digits, - and ., beginning and ending with a letter or digit."
            return app, [Problem("metadata.name", words, hint)]
        existing = await self.lookup.find_application(app.key)
        if query.is_new and existing is not None:
            words = f"There is an application {name} already."
            return app, [Problem("metadata.name", words, "Choose another name, or edit that one.")]
        if not query.is_new and existing is not None:
            app = Application.parse(Manifest({**tree, "status": existing.tree.get("status") or {}}))
        return app, []

    def _about_limits(self, app: Application, project: Project | None) -> list[Problem]:
        if project is None:
            words = f"There is no project {app.project}."
            return [Problem("spec.project", words, "Choose one that is there.", "HF3004")]
        if not is_usable_from(project, app, self.lookup.control_namespace):
            words = (
                f"The project {project.name} does not let applications in the namespace "
                f"{app.key.namespace} use it."
            )
            hint = "Choose another project, or add the namespace to its sourceNamespaces."
            return [Problem("spec.project", words, hint, "HF3004")]
        found = [*_about_sources(app, project), *_about_destination(app, project)]
        if found:
            return found
        rest = validate_spec(app, project, self.lookup.control_namespace)
        return [Problem("spec", item.message, code="HF3006") for item in rest]

    async def _about_schema(self, app: Application) -> list[Problem]:
        tree = {k: v for k, v in app.manifest.tree.items() if k != "status"}
        try:
            await self.writer.dry_run(Manifest(tree))
        except ClusterError as error:
            if error.code == _AWAY:
                raise
            named = _FIELD.search(error.message)
            field = named.group() if named else "spec"
            words = error.message.rpartition("Kind=Application): ")[2]
            hint = "Correct it under YAML: the field is not known, or has another type."
            return [Problem(field, words, hint, error.code)]
        return []

    async def _about_objects(self, app: Application, project: Project, targets: Targets) -> Tree:
        records = await self.managed.records_of(app, targets)
        wanted = {manifest.key: manifest for manifest in targets.manifests if manifest.name}
        keys = [_key_of(record) for record in records]
        new = {key for key, record in zip(keys, records, strict=True) if not record["liveState"]}
        given = _Given.of(app, targets)
        scope = _scope_of(app, project)

        async def one(key: ResourceKey) -> Problem | None:
            target = wanted.get(key)
            if target is None or given.brings_kind(target):
                return None
            refused = find_refusal(scope, key, self.kinds.find(target.gvk))
            if refused is not None:
                return Problem(str(key), refused, code="HF3004", blocks=False)
            if key not in new or is_hook(target):
                return None
            return await self._refusal_of(target, given)

        refusals = await for_each(keys, one)
        for record, refusal in zip(records, refusals, strict=True):
            # A missing namespace is told once, at its field.
            if refusal is None or refusal.code == _NO_NAMESPACE:
                record["refusal"] = ""
            else:
                record["refusal"] = f"It would be refused: {refusal.message}"
        taken = self._about_owners(app, records)
        return _answer([*_sum_up(app, targets, refusals), *taken], records)

    def _about_owners(self, app: Application, records: list[Tree]) -> list[Problem]:
        """Return a warning where another Application has some of the objects."""
        mine = app.key.instance_name(self.lookup.control_namespace)
        owners: dict[str, int] = {}
        for record in records:
            if record["targetState"] is None or record["liveState"] is None:
                continue
            owner = owner_of(Manifest(record["liveState"]), Tracking())
            if owner and owner != mine:
                whose = instance_to_app_text(owner, self.lookup.control_namespace)
                record["refusal"] = record["refusal"] or f"It belongs to the application {whose}."
                owners[owner] = owners.get(owner, 0) + 1
        hint = "Two applications would overwrite each other: let one of them give it up."
        return [
            Problem(
                "objects",
                f"{count} object{'s belong' if count > 1 else ' belongs'} to the application "
                f"{instance_to_app_text(owner, self.lookup.control_namespace)}.",
                hint,
                blocks=False,
            )
            for owner, count in sorted(owners.items())
        ]

    async def _refusal_of(self, target: Manifest, given: "_Given") -> Problem | None:
        try:
            await self.writer.dry_run(target)
        except ClusterError as error:
            if error.code == _AWAY:
                raise
            if error.code == _NO_NAMESPACE and target.namespace in given.namespaces:
                return None
            return Problem(str(target.key), error.message, error.hint, error.code, blocks=False)
        return None


@dataclass(frozen=True, slots=True)
class _Given:
    """What a sync would make before the objects that need it."""

    namespaces: frozenset[str]
    kinds: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, app: Application, targets: Targets) -> "_Given":
        namespaces = {item.name for item in targets.manifests if _is_namespace(item)}
        if app.sync_policy.has_option(_CREATE_NAMESPACE):
            namespaces.add(app.destination.namespace)
        kinds = {defined_kind(item) for item in targets.manifests if is_crd(item)}
        return cls(frozenset(namespaces), frozenset((kind.group, kind.kind) for kind in kinds))

    def brings_kind(self, target: Manifest) -> bool:
        return (target.group, target.kind) in self.kinds


def _is_namespace(manifest: Manifest) -> bool:
    return manifest.group == "" and manifest.kind == "Namespace"


def _about_sources(app: Application, project: Project) -> Iterable[Problem]:
    if app.is_hydrated:
        return  # judged as a whole by `validate_spec`
    for number, source in enumerate(app.sources):
        base = f"spec.sources[{number}]" if app.is_multi_source else "spec.source"
        if not source.repo_url:
            hint = "https://…, ssh://…, or git@HOST:PATH."
            yield Problem(f"{base}.repoURL", "Say which repository.", hint)
        elif not is_source_permitted(project, source.repo_url):
            words = f"The project {project.name} does not allow this repository."
            hint = "Choose another project, or have the repository added to it."
            yield Problem(f"{base}.repoURL", words, hint, "HF3004")
        if not (source.path or source.chart or (source.ref and app.is_multi_source)):
            hint = "A folder in the repository; . is all of it."
            yield Problem(f"{base}.path", "Say which folder.", hint)
    if not app.sources:
        yield Problem("spec.source.repoURL", "Say which repository.")


def _about_destination(app: Application, project: Project) -> list[Problem]:
    found = resolve_destination(app.destination)
    if isinstance(found, str):
        words = f"{found[:1].upper()}{found[1:].rstrip('.')}."
        hint = "Choose in-cluster: no other cluster is known."
        return [Problem("spec.destination.server", words, hint, "HF3006")]
    namespace = app.destination.namespace
    if namespace and not _NAMESPACE.fullmatch(namespace):
        words = f"“{namespace}” cannot be a namespace."
        hint = "Small letters, digits and -, at most 63."
        return [Problem("spec.destination.namespace", words, hint)]
    if is_destination_permitted(project, found.server, found.name, namespace):
        return []
    where = f"the namespace {namespace}" if namespace else "an application without a namespace"
    words = f"The project {project.name} does not allow {where} in {found.name}."
    hint = "Choose a namespace that it allows, another project, or have it added to this one."
    return [Problem("spec.destination.namespace", words, hint, "HF3004")]


def _scope_of(app: Application, project: Project) -> WriteScope:
    found = resolve_destination(app.destination)
    server, name = ("", "") if isinstance(found, str) else (found.server, found.name)
    return WriteScope(app.key, project, server, name)


def _of_source(app: Application, error: HoldfastError) -> Problem:
    named = _TOOL_FIELD.search(error.message) if error.code.startswith("HF1") else None
    place = named.group() if named else _PLACES.get(error.code, "path")
    field = "spec.sources" if app.is_multi_source else f"spec.source.{place}"
    blocks = error.code not in CHECKED_ELSEWHERE
    words = error.message if blocks else f"It could not be checked from here: {error.message}"
    return Problem(field, words, error.hint, error.code, blocks)


def _key_of(record: Tree) -> ResourceKey:
    return ResourceKey(record["group"], record["kind"], record["namespace"], record["name"])


def _sum_up(
    app: Application, targets: Targets, refusals: Iterable[Problem | None]
) -> list[Problem]:
    """Return warnings: missing namespaces at their field, the rest for the objects as a whole."""
    found = [refusal for refusal in refusals if refusal is not None]
    problems = [
        Problem("objects", item.message, code="", blocks=False) for item in targets.conditions
    ]
    if not targets.manifests:
        words = "Nothing is declared there."
        hint = "Another folder, or manifests in it, or “Folders below it too”."
        problems.append(Problem("spec.source.path", words, hint, blocks=False))
    if any(problem.code == _NO_NAMESPACE for problem in found):
        words = f"There is no namespace {app.destination.namespace} in the cluster."
        hint = "Tick “Create the namespace”, or make it before the first sync."
        problems.append(Problem("spec.destination.namespace", words, hint, "HF2008", blocks=False))
    others = sum(problem.code != _NO_NAMESPACE for problem in found)
    if others:
        words = f"{others} object{'s' if others > 1 else ''} would be refused, see below."
        problems.append(Problem("objects", words, blocks=False))
    return problems


def _answer(problems: list[Problem], records: list[Tree] | None = None) -> Tree:
    return {"problems": [asdict(problem) for problem in problems], "objects": records or []}
