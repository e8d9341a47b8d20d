"""What git declares for an Application, rendered here and now: targets with their tracking."""

import json
from dataclasses import dataclass

from holdfast.controller.definitions import build_in_thread
from holdfast.domain.application import IN_CLUSTER_SERVER, Application
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import Kinds, Renderer, Sealing, Sources
from holdfast.domain.source import Checkout, RenderContext, Rendered, Source
from holdfast.planning.fitting import NO_VALIDATION
from holdfast.planning.targets import Targets, TargetSettings

LOCAL_SEPARATOR = "//"
"""`ROOT//PATH`: a folder on this machine, inside the root of its repository."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Renders Applications, without any reuse: a person waits for this one answer."""

    sources: Sources
    renderer: Renderer
    kinds: Kinds
    sealing: Sealing
    control_namespace: str

    async def resolve(self, app: Application, asked: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the commit of each source; `asked` overrides target revisions by place.

        Raises:
            HoldfastError: HF3008, a source is not built, whether it can be reached or not; else
                what is wrong with a repository.
        """
        found = []
        for source in app.sources:
            self.renderer.refuse_unbuilt(source)
        for place, source in enumerate(app.sources):
            revision = asked[place] if place < len(asked) and asked[place] else ""
            wanted = revision or source.target_revision
            found.append(await self.sources.resolve(source, wanted, force=True))
        return tuple(found)

    async def render(
        self, app: Application, revisions: tuple[str, ...] = (), local: str = ""
    ) -> Targets:
        """Return sealed targets.

        Args:
            app: The Application.
            revisions: Branches, tags or commits instead of the target revisions, by place.
            local: `ROOT//PATH` on this machine instead of the (only) source.

        Raises:
            HoldfastError: the repository, a file or a tool is at fault.
        """
        if local:
            return await self.targets(app, await self._render_local(app, local))
        found: list[Manifest] = []
        shas = await self.resolve(app, revisions)
        for source, sha in zip(app.sources, shas, strict=True):
            if source.ref and not source.path and not source.chart:
                continue
            found += await self._render(app, source, await self.sources.checkout(source, sha))
        return await self.targets(app, found)

    async def local_manifests(self, app: Application, local: str) -> tuple[str, ...]:
        """Return the manifests of a folder on this machine as JSON, for an operation to carry.

        Raises:
            ConfigurationError: HF3006, a Secret is among them: an operation is kept in the
                Application, where its values would be plain to read.
            HoldfastError: a file or a tool is at fault.
        """
        manifests = await self._render_local(app, local)
        secrets = [item for item in manifests if item.group == "" and item.kind == "Secret"]
        if secrets:
            raise ConfigurationError(
                "HF3006",
                f"Secret {secrets[0].name} is among the local manifests; it would be kept in plain "
                "text in the Application. Nothing was changed.",
                about=app.key,
                hint="leave Secrets out of the folder, or commit and sync from git",
            )
        return tuple(json.dumps(manifest.tree) for manifest in manifests)

    async def _render_local(self, app: Application, local: str) -> tuple[Manifest, ...]:
        root, _, path = local.partition(LOCAL_SEPARATOR)
        base = app.sources[0].tree if app.sources else {}
        source = Source.parse({**base, "repoURL": root, "path": path or "."})
        return await self._render(app, source, Checkout(root, "", root))

    async def render_source(self, app: Application, source: Source, checkout: Checkout) -> Rendered:
        """Render one source from files that are there; with origins, without tracking."""
        return await self.renderer.render(checkout, source, self.context_of(app))

    def context_of(self, app: Application) -> RenderContext:
        """Return what a render may know about an Application."""
        return RenderContext(
            app_instance=app.key.instance_name(self.control_namespace),
            app_name=app.key.name,
            destination_namespace=app.destination.namespace,
            project=app.project,
        )

    async def _render(
        self, app: Application, source: Source, checkout: Checkout
    ) -> tuple[Manifest, ...]:
        return (await self.render_source(app, source, checkout)).manifests

    async def targets(
        self, app: Application, manifests: list[Manifest] | tuple[Manifest, ...]
    ) -> Targets:
        """Return sealed targets of what was rendered."""
        settings = TargetSettings(
            instance=app.key.instance_name(self.control_namespace),
            namespace=app.destination.namespace,
            server=app.destination.server or IN_CLUSTER_SERVER,
            lenient=app.sync_policy.has_option(NO_VALIDATION),
        )
        targets = await build_in_thread(manifests, self.kinds.find, settings)
        sealed = tuple(self.sealing.seal(manifest) for manifest in targets.manifests)
        return Targets(sealed, targets.conditions)
