"""From an Application to what it declares: resolve, check out, render, turn into targets.

The outcome is reused while nothing that determines it has changed: sources, commits, destination,
tracking, ignore rules. Everything slow in here happens in threads or in other processes.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from holdfast.controller.definitions import Definitions, build_in_thread
from holdfast.controller.installation import InstallationSettings
from holdfast.controller.packing import share_key
from holdfast.controller.remembered import Target
from holdfast.controller.state import Desired
from holdfast.diffing.canonical import canonicalise
from holdfast.diffing.ignore import ignored_paths, unsupported_paths
from holdfast.diffing.strictness import STRICTNESS_ANNOTATION, Strictness
from holdfast.domain.application import IN_CLUSTER_SERVER, Application, IgnoreRule
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.hooks import is_garbage_hook, is_hook, is_skipped
from holdfast.domain.manifest import Manifest, Tree, walk_items
from holdfast.domain.ports import Kinds, Renderer, Sealing, Sources
from holdfast.domain.source import RenderContext, Rendered, Source, SourceType
from holdfast.planning.fitting import NO_VALIDATION
from holdfast.planning.targets import TargetSettings

if TYPE_CHECKING:
    from holdfast.domain.identity import ResourceKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to render.

    Attributes:
        sources: Usually the spec's; those of the operation where it overrides them.
        revisions: One for each source; `""` where the target revision is meant.
        force: Ask the remote even if it was asked a moment ago.
        hard: Bypass the reuse of an earlier render as well.
        manifests: Local manifests (JSON) that replace the repository's.
        lenient: The operation carries `Validate=false`.
    """

    sources: tuple[Source, ...]
    revisions: tuple[str, ...] = ()
    force: bool = False
    hard: bool = False
    manifests: tuple[str, ...] | None = None
    lenient: bool = False


class DesiredStates:
    """Renders Applications."""

    def __init__(
        self,
        sources: Sources,
        renderer: Renderer,
        kinds: Kinds,
        sealing: Sealing,
        definitions: Definitions,
        control_namespace: str,
    ) -> None:
        """Keep the ports."""
        self._sources = sources
        self._renderer = renderer
        self._kinds = kinds
        self._sealing = sealing
        self._definitions = definitions
        self._control_namespace = control_namespace
        self.settings = InstallationSettings()
        self.kube_version = ""

    async def load(
        self, app: Application, wanted: Wanted, previous: Desired | None = None
    ) -> Desired:
        """Return what is declared; `previous` itself when nothing that matters has changed.

        Raises:
            HoldfastError: the repository, the revision, a file or a tool is at fault.
        """
        if wanted.manifests is not None:
            manifests = [
                Manifest(tree)
                for text in wanted.manifests
                for tree in walk_items(orjson.loads(text))
            ]
            return await self._finish(app, manifests, wanted, Outcome(wanted.revisions))
        for source in wanted.sources:
            self._renderer.refuse_unbuilt(source)
        if wanted.hard:
            self._renderer.forget()
        revisions = await self._resolve(wanted)
        fingerprint = self.fingerprint(app, wanted, revisions)
        if previous is not None and previous.fingerprint == fingerprint and not wanted.hard:
            return previous
        rendered = [
            await self._render(app, source, revision)
            for source, revision in zip(wanted.sources, revisions, strict=True)
            if not (source.ref and not source.path and not source.chart)
        ]
        manifests = [manifest for part in rendered for manifest in part.manifests]
        if any(self._kinds.find(manifest.gvk) is None for manifest in manifests):
            await self._kinds.refresh()
        types = tuple(part.source_type for part in rendered)
        return await self._finish(app, manifests, wanted, Outcome(revisions, types, fingerprint))

    async def _resolve(self, wanted: Wanted) -> tuple[str, ...]:
        found = []
        for place, source in enumerate(wanted.sources):
            asked = wanted.revisions[place] if place < len(wanted.revisions) else ""
            revision = asked or source.target_revision
            found.append(await self._sources.resolve(source, revision, force=wanted.force))
        return tuple(found)

    async def _render(self, app: Application, source: Source, revision: str) -> Rendered:
        checkout = await self._sources.checkout(source, revision)
        context = RenderContext(
            app_instance=app.key.instance_name(self._control_namespace),
            app_name=app.key.name,
            destination_namespace=app.destination.namespace,
            project=app.project,
            kube_version=self.kube_version,
            settings=self.settings.renderer,
        )
        return await self._renderer.render(checkout, source, context)

    async def _finish(
        self, app: Application, manifests: list[Manifest], wanted: Wanted, outcome: "Outcome"
    ) -> Desired:
        lenient = _is_lenient(app, wanted)
        types = await self._definitions.types_of(manifests, lenient=lenient)
        settings = TargetSettings(
            instance=app.key.instance_name(self._control_namespace),
            namespace=app.destination.namespace,
            server=app.destination.server or IN_CLUSTER_SERVER,
            tracking=self.settings.tracking,
            kinds=self.settings.kinds,
            lenient=lenient,
            find_custom=types.get,
        )
        built = await build_in_thread(manifests, self._kinds.find, settings)
        rules = (*self.settings.ignore_rules, *app.ignore_rules)
        revision = outcome.revisions[0] if outcome.revisions else ""
        strictness = Strictness.parse(app.manifest.annotation(STRICTNESS_ANNOTATION))
        targets: dict[ResourceKey, Target] = {}
        hooks: list[Manifest] = []
        generated: list[Manifest] = []
        for manifest in built.manifests:
            if is_hook(manifest) or is_skipped(manifest):
                if not is_garbage_hook(manifest):
                    hooks.append(manifest)
                continue
            if not manifest.name:
                generated.append(manifest)
                continue
            target = self.target_of(manifest, revision, rules, strictness)
            targets[share_key(manifest.key)] = target
        return Desired(
            revisions=outcome.revisions,
            manifests=targets,
            hooks=tuple(hooks),
            source_types=outcome.types,
            conditions=(
                *built.conditions,
                *_unsupported(rules),
                *_generated(generated),
                *_settings_not_built(self.settings),
            ),
            fingerprint=outcome.fingerprint,
        )

    def target_again(self, app: Application, final: Manifest, revision: str) -> Target:
        """Return the target of a manifest that was sealed and canonicalised before."""
        rules = (*self.settings.ignore_rules, *app.ignore_rules)
        strictness = Strictness.parse(app.manifest.annotation(STRICTNESS_ANNOTATION))
        return _target(final, revision, rules, strictness)

    def target_of(
        self,
        manifest: Manifest,
        revision: str,
        rules: tuple[IgnoreRule, ...],
        strictness: Strictness = Strictness.DECLARED,
    ) -> Target:
        """Seal and canonicalise one manifest."""
        final = canonicalise(self._sealing.seal(manifest))
        return _target(final, revision, rules, strictness)

    def fingerprint(self, app: Application, wanted: Wanted, revisions: tuple[str, ...]) -> str:
        """Return what stands for everything that decides what these revisions declare."""
        parts: Tree = {
            "sources": [source.tree for source in wanted.sources],
            "lenient": _is_lenient(app, wanted),
            "revisions": list(revisions),
            "destination": app.spec.get("destination"),
            "ignore": app.spec.get("ignoreDifferences"),
            "strictness": app.manifest.annotation(STRICTNESS_ANNOTATION),
            "project": app.project,
            "settings": repr(self.settings),
        }
        text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, digest_size=16).hexdigest()


def _target(
    final: Manifest, revision: str, rules: tuple[IgnoreRule, ...], strictness: Strictness
) -> Target:
    return Target.pack(final, revision, ignored_paths(final, rules), strictness)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a render found, beside the manifests."""

    revisions: tuple[str, ...]
    types: tuple[SourceType, ...] = ()
    fingerprint: str = "local"


def _is_lenient(app: Application, wanted: Wanted) -> bool:
    return wanted.lenient or app.sync_policy.has_option(NO_VALIDATION)


def _unsupported(rules: tuple[IgnoreRule, ...]) -> list[Condition]:
    return [
        Condition(
            ConditionType.NOT_BUILT,
            f"ignoreDifferences: the jq expression {text!r} is more than a path, which this "
            "version of Holdfast does not evaluate; the rule has no effect",
        )
        for text in unsupported_paths(rules)
    ]


def _settings_not_built(settings: InstallationSettings) -> list[Condition]:
    if not settings.not_built:
        return []
    names = ", ".join(settings.not_built)
    text = f"argocd-cm: this version of Holdfast does not evaluate {names}"
    return [Condition(ConditionType.NOT_BUILT, text)]


def _generated(manifests: list[Manifest]) -> list[Condition]:
    return [
        Condition(
            ConditionType.NOT_BUILT,
            f"{manifest.kind} with generateName {manifest.generate_name!r} is no hook; this "
            "version of Holdfast does not create objects with generated names",
        )
        for manifest in manifests
    ]
