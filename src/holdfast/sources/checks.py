"""Whether repositories answer: they are asked for their references, and nothing is kept."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from holdfast.domain.ports import Clock
from holdfast.sources import libgit2, mirrors
from holdfast.sources.git_credentials import GitCredentials
from holdfast.sources.repositories import checked_url, mirror_folder, open_local
from holdfast.sources.urls import find_local_path

_LONGEST_S = 30.0
_AT_ONCE = 8


class RepositoryChecks:
    """Tries repositories on threads of its own: those that do not answer hold up no fetch."""

    def __init__(self, cache_dir: str, allowed_folders: Sequence[str], clock: Clock) -> None:
        """Ask nobody yet; arguments as `GitSources`."""
        self._cache = cache_dir
        self._allowed = tuple(allowed_folders)
        self._clock = clock
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="git-check")
        libgit2.load()

    async def check(self, url: str, sign_in: GitCredentials | None) -> None:
        """Ask a repository for its references.

        Raises:
            HoldfastError: HF1001, HF1009, HF4003.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, lambda: self._check(url, sign_in))

    async def close(self) -> None:
        """Wait for the threads."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    def _check(self, url: str, sign_in: GitCredentials | None) -> None:
        if find_local_path(url) is not None:
            open_local(url, self._allowed)
            return
        end = self._clock.monotonic() + _LONGEST_S
        # In a folder of its own, so that it waits for no fetch.
        folder = mirror_folder(self._cache, f"check {url}")
        mirrors.list_refs(folder, checked_url(url), sign_in, lambda: self._clock.monotonic() > end)
