"""Git and renderers for the command line: started when a command needs them, and only then.

`app get` needs neither; importing libgit2 and starting a render worker would be most of its time.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from holdfast.assembly.command_logins import CommandLogins
from holdfast.assembly.places import cache_home
from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock
from holdfast.domain.source import (
    Checkout,
    CommitInfo,
    CommitOrder,
    Committed,
    RenderContext,
    Rendered,
    Source,
    SourceType,
)
from holdfast.domain.text_nodes import TextNode

if TYPE_CHECKING:
    from holdfast.renderers.dispatch import Renderers
    from holdfast.sources.checks import RepositoryChecks
    from holdfast.sources.git import GitSources


class LazySources:
    """The port `Sources`.

    On the command line any folder of this machine may be read, since a person asks for it; the
    API, where others ask, gives the folders that it was started with.
    """

    def __init__(
        self, clock: Clock, logins: CommandLogins, roots: tuple[str, ...] = ("/",)
    ) -> None:
        """Start nothing; `roots` are the folders below which local repositories may be read."""
        self._clock = clock
        self._logins = logins
        self._roots = roots
        self._sources: GitSources | None = None

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        """Return the full SHA of a revision."""
        await self._logins.prepare(source.repo_url)
        return await self._get().resolve(source, revision, force=force)

    async def checkout(self, source: Source, sha: str) -> Checkout:
        """Return the files of a commit."""
        await self._logins.prepare(source.repo_url)
        return await self._get().checkout(source, sha)

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        """Return author, date and message of a commit."""
        await self._logins.prepare(source.repo_url)
        return await self._get().commit_info(source, sha)

    def watch_local(self, repo_url: str, changed: Callable[[], None]) -> None:
        """Watch a local repository."""
        self._get().watch_local(repo_url, changed)

    async def close(self) -> None:
        """End what was started."""
        if self._sources is not None:
            await self._sources.close()

    def _get(self) -> "GitSources":
        if self._sources is None:
            from holdfast.sources.git import GitSources  # noqa: PLC0415 - see the module docstring

            cache = str(cache_home() / "repositories")
            self._sources = GitSources(cache, self._roots, self._clock, self._logins)
        return self._sources


class LazyChecks:
    """Tries repositories; what it needs is imported on a thread, since that takes a while."""

    def __init__(
        self, clock: Clock, logins: CommandLogins, roots: tuple[str, ...] = ("/",)
    ) -> None:
        """Start nothing; arguments as `LazySources`."""
        self._clock = clock
        self._logins = logins
        self._roots = roots
        self._lock = asyncio.Lock()
        self._checks: RepositoryChecks | None = None

    async def check(self, url: str, secrets: Iterable[Tree]) -> None:
        """Ask a repository for its references, signing in as repository Secrets say.

        Raises:
            HoldfastError: it cannot be read.
        """
        await self._logins.prepare(url)
        async with self._lock:
            if self._checks is None:
                self._checks = await asyncio.to_thread(self._make)
        from holdfast.sources.credentials import RepositoryCredentials  # noqa: PLC0415 - see above

        credentials = RepositoryCredentials()
        credentials.replace(secrets)
        await self._checks.check(url, credentials(url))

    def _make(self) -> "RepositoryChecks":
        from holdfast.sources.checks import RepositoryChecks  # noqa: PLC0415 - see above

        cache = str(cache_home() / "repositories")
        return RepositoryChecks(cache, self._roots, self._clock)

    async def close(self) -> None:
        """End what was started."""
        if self._checks is not None:
            await self._checks.close()


class LazyRenderer:
    """The port `Renderer`."""

    def __init__(self, clock: Clock) -> None:
        """Start nothing."""
        self._clock = clock
        self._lock = asyncio.Lock()
        self._renderers: Renderers | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    async def render(self, checkout: Checkout, source: Source, context: RenderContext) -> Rendered:
        """Render one source."""
        return await (await self._ready()).render(checkout, source, context)

    async def locate(self, text: str, file: str) -> tuple[TextNode | None, ...]:
        """Return where the values of a file stand."""
        return await (await self._ready()).locate(text, file)

    async def inspect(
        self, checkout: Checkout, source: Source, context: RenderContext
    ) -> tuple[SourceType, Source]:
        """Return the tool that a source wants, override files merged in."""
        return await (await self._ready()).inspect(checkout, source, context)

    async def _ready(self) -> "Renderers":
        """Return the renderers; imports and folders would stop the loop, so a thread makes them."""
        async with self._lock:
            if self._renderers is not None:
                return self._renderers
            return await asyncio.to_thread(self._get)

    def _get(self) -> "Renderers":
        if self._renderers is None:
            from holdfast.renderers.dispatch import Renderers  # noqa: PLC0415 - see the module docstring

            self._scratch = tempfile.TemporaryDirectory(prefix="holdfast-")
            self._renderers = Renderers(self._clock, scratch_dir=self._scratch.name)
        return self._renderers

    def refuse_unbuilt(self, source: Source) -> None:
        """Raise for a source whose type is not built."""
        from holdfast.renderers.dispatch import refuse_unbuilt  # noqa: PLC0415 - see the docstring

        refuse_unbuilt(source)

    def forget(self) -> None:
        """Drop kept results."""
        if self._renderers is not None:
            self._renderers.forget()

    async def close(self) -> None:
        """End what was started."""
        if self._renderers is not None:
            await self._renderers.stop()
        if self._scratch is not None:
            await asyncio.to_thread(self._scratch.cleanup)


class LazyCommits:
    """The port `Commits`."""

    def __init__(self, clock: Clock, logins: CommandLogins) -> None:
        """Start nothing."""
        self._clock = clock
        self._logins = logins

    async def commit(self, source: Source, base: str, order: CommitOrder) -> Committed:
        """Commit files, and push them."""
        from holdfast.sources.commits import GitCommits  # noqa: PLC0415 - see the module docstring

        cache = str(cache_home() / "repositories")
        await self._logins.prepare(source.repo_url)
        return await GitCommits(cache, self._clock, self._logins).commit(source, base, order)
