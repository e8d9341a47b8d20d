"""`GitSources`: the port `Sources` for git, on threads, so that the event loop is never blocked.

What runs on the threads is `repositories`; it is imported there, with libgit2, when git is read
for the first time (`libgit2`).
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from holdfast.domain.errors import RepositoryError
from holdfast.domain.ports import Clock
from holdfast.domain.source import Checkout, CommitInfo, Source
from holdfast.kit.redact import redact
from holdfast.sources import libgit2
from holdfast.sources.git_credentials import Credentials
from holdfast.sources.limits import SourceLimits
from holdfast.sources.local_watch import LocalWatch
from holdfast.sources.revisions import check_revision
from holdfast.sources.urls import find_local_path

if TYPE_CHECKING:
    from holdfast.sources.repositories import Repositories

log = logging.getLogger(__name__)

T = TypeVar("T")
_LOOK_AGAIN_S = 0.5


class GitSources:
    """Reads git repositories. `close` it at the end."""

    def __init__(
        self,
        cache_dir: str,
        allowed_folders: Sequence[str],
        clock: Clock,
        credentials: Credentials | None = None,
        limits: SourceLimits | None = None,
    ) -> None:
        """Touch nothing yet.

        Args:
            cache_dir: For mirrors and checkouts; made when it is missing.
            allowed_folders: Local repositories at or below these may be read; none by default.
            clock: For caches and time limits.
            credentials: Returns how to sign in to a repository URL, or None.
            limits: How long and how much.
        """
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="git")
        self._cache = cache_dir
        self._opening = threading.Lock()
        self._repositories: Repositories | None = None
        self._local_watch = LocalWatch()
        self._closed = False

        def open_repositories() -> "Repositories":
            libgit2.load()
            from holdfast.sources.repositories import Repositories  # noqa: PLC0415 - see above

            return Repositories(
                cache_dir,
                tuple(allowed_folders),
                clock,
                credentials or (lambda _: None),
                limits or SourceLimits(),
            )

        self._open = open_repositories

    async def warm(self) -> None:
        """Load libgit2 now where repositories have been read before: after a restart.

        Heals begin before git is read then, and an import beside them would slow them down.
        """
        loop = asyncio.get_running_loop()
        if await loop.run_in_executor(self._threads, os.path.isdir, self._cache):
            await self._in_thread(lambda _: None)

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        """Return the full SHA that a revision means now.

        Raises:
            HoldfastError: HF1001, HF1002, HF1009, HF4003.
        """
        check_revision(revision or "HEAD")
        return await self._in_thread(lambda git: git.resolve(source, revision, force=force))

    async def checkout(self, source: Source, sha: str) -> Checkout:
        """Return the files of a commit; see the room's gotchas for how long they stay.

        Raises:
            HoldfastError: HF1001, HF1002, HF1006, HF1007, HF1009, HF3008, HF4003.
        """
        check_revision(sha)
        return await self._in_thread(lambda git: git.checkout(source, sha))

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        """Return author, date, message and tags of a commit.

        Raises:
            HoldfastError: HF1001, HF1002, HF1009, HF4003.
        """
        check_revision(sha)
        return await self._in_thread(lambda git: git.commit_info(source, sha))

    def watch_local(self, repo_url: str, changed: Callable[[], None]) -> None:
        """Call `changed` within 1 s of a new commit in a local repository; no-op for others.

        A repository that is missing, or goes, is looked for each half second.
        """
        if find_local_path(repo_url) is not None:
            self._watch(repo_url, changed)

    def _watch(self, repo_url: str, changed: Callable[[], None], *, missed: bool = False) -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            if not self._closed:
                loop.call_later(_LOOK_AGAIN_S, lambda: self._watch(repo_url, changed, missed=True))

        def opened(done: "asyncio.Future[str]") -> None:
            if self._closed or done.cancelled():
                return
            error = done.exception()
            if isinstance(error, RepositoryError):
                again()
            elif error is not None:  # not allowed: the comparison says so
                log.debug("not watched: %s", redact(str(error)))
            else:
                self._local_watch.add(done.result(), changed, again)
                if missed:
                    changed()

        if not self._closed:
            loop.run_in_executor(
                self._threads, lambda: self._opened().git_folder(repo_url)
            ).add_done_callback(opened)

    async def close(self) -> None:
        """Stop watching, and wait for the threads."""
        self._closed = True
        self._local_watch.close()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    async def _in_thread(self, work: "Callable[[Repositories], T]") -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(self._opened()))

    def _opened(self) -> "Repositories":
        with self._opening:
            if self._repositories is None:
                self._repositories = self._open()
            return self._repositories
