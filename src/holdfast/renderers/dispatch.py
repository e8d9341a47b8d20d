"""`Renderers`: the port `Renderer`. Finds the tool, runs it, keeps the results."""

import posixpath
from collections.abc import Mapping
from dataclasses import replace

import orjson

from holdfast.domain.errors import HoldfastError
from holdfast.domain.ports import Clock
from holdfast.domain.source import Checkout, RenderContext, Rendered, Source, SourceType
from holdfast.domain.text_nodes import TextNode, node_from_json
from holdfast.kit.worker import Worker, WorkerPool
from holdfast.renderers.answers import RenderWorkers
from holdfast.renderers.cache import RenderCache, cache_key
from holdfast.renderers.kustomize import Kustomize
from holdfast.renderers.problems import not_built, wrong

_SIZE_KEY = "reposerver.max.combined.directory.manifests.size"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class Renderers:
    """Renders sources. Make one, `await start()`, and `await stop()` at the end."""

    def __init__(
        self,
        clock: Clock,
        *,
        scratch_dir: str,
        workers: int = 1,
        cache_bytes: int = 256 * 1024,
        timeout_s: float = 60.0,
        programs: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            clock: To let the event loop breathe between objects.
            scratch_dir: Folder for private copies; on the same file system as the checkouts these
                cost no space (hard links).
            workers: Processes that parse YAML.
            cache_bytes: Limit for kept results, compressed JSON.
            timeout_s: For one request to a worker; a tool gets 90 s.
            programs: Paths of `kustomize` and `kubectl`; those on PATH by default.
        """
        module = "holdfast.renderers.process"
        pool = WorkerPool([Worker(module, timeout_s=timeout_s) for _ in range(max(1, workers))])
        self._workers = RenderWorkers(pool, clock)
        self._kustomize = Kustomize(self._workers, scratch_dir, programs or {})
        self._cache = RenderCache(cache_bytes)

    async def start(self) -> None:
        """Start the worker processes, so that the first render is fast too. Optional."""
        await self._workers.warm()

    async def stop(self) -> None:
        """End the worker processes."""
        await self._workers.stop()

    def forget(self) -> None:
        """Drop all kept results (refresh `hard`)."""
        self._cache.clear()

    def refuse_unbuilt(self, source: Source) -> None:
        """Raise HF3008 for a source whose type can be told without looking at files."""
        refuse_unbuilt(source)

    async def locate(self, text: str, file: str) -> tuple[TextNode | None, ...]:
        """Return where the values of a file stand, document by document.

        Raises:
            RepositoryError: HF1004, it does not parse.
        """
        answer = orjson.loads(await self._workers.ask("locate", text.encode(), file=file))
        return tuple(node and node_from_json(node) for node in answer)

    async def inspect(
        self, checkout: Checkout, source: Source, context: RenderContext
    ) -> tuple[SourceType, Source]:
        """Return the tool, and the source with the override files of its folder merged in."""
        refuse_unbuilt(source)
        path = posixpath.normpath(source.path or ".")
        tool, merged = await self._workers.inspect(
            root=checkout.root,
            path=path,
            source=source.tree,
            instance=context.app_instance,
            settings=dict(context.settings),
        )
        return tool, replace(Source.parse(merged), path=path)

    async def render(self, checkout: Checkout, source: Source, context: RenderContext) -> Rendered:
        """Render one source.

        Raises:
            HoldfastError: HF1xxx names file and line; HF3008 for tools that are not built;
                HF4xxx when a tool failed. `about` names the repository, path and revision.
        """
        key = cache_key(checkout, source, context)
        kept = self._cache.find(key)
        try:
            tool, answer = kept or await self._render(checkout, source, context)
            rendered = await self._workers.manifests(answer, tool, checkout.revision)
        except HoldfastError as error:
            error.about = error.about or _about(checkout, source)
            raise
        if kept is None:
            self._cache.keep(key, tool, answer)
        return rendered

    async def _render(
        self, checkout: Checkout, source: Source, context: RenderContext
    ) -> tuple[SourceType, bytes]:
        settings = dict(context.settings)
        tool, effective = await self.inspect(checkout, source, context)
        path = effective.path
        if tool is SourceType.KUSTOMIZE:
            answer = await self._kustomize.build(checkout, effective, context)
        elif tool is SourceType.DIRECTORY:
            answer = await self._workers.ask(
                "directory",
                root=checkout.root,
                path=path,
                block=effective.directory or {},
                jsonnet_enabled=settings.get("jsonnet.enable", "true").lower() != "false",
                size_bytes=size_limit(settings.get(_SIZE_KEY, "10M")),
            )
        else:
            raise not_built(f"source type {tool.value} is")
        return tool, answer


def refuse_unbuilt(source: Source) -> None:
    """Raise HF3008 for a source whose type can be told without looking at files.

    Whoever has a source should ask this before fetching it.

    Raises:
        ConfigurationError: HF3008, names the type.
    """
    if source.repo_url.startswith("oci://"):
        raise not_built("source type OCI is")
    if source.chart or source.helm is not None:
        raise not_built("source type Helm is")
    if source.plugin is not None:
        raise not_built("source type Plugin is")


def size_limit(text: str) -> int:
    """Return bytes for `10M`, `1Gi`, `500K` or a number; 0 is no limit.

    Raises:
        ConfigurationError: HF3009, it is none of these.
    """
    digits = text.strip()
    unit = digits.lstrip("0123456789")
    number = digits.removesuffix(unit)
    if unit not in _UNITS or not number:
        raise wrong("HF3009", f"`{_SIZE_KEY}` is not a size: {text}", hint="write it like 10M")
    return int(number) * _UNITS[unit]


def _about(checkout: Checkout, source: Source) -> str:
    # Without the repository's URL: it may hold credentials.
    return f"{source.path or '.'}@{checkout.revision[:7]}"
