"""`GitSources`: the port `Sources` for git, on threads, so that the event loop is never blocked."""

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pygit2

from holdfast.domain.errors import ConfigurationError, RepositoryError, Retry
from holdfast.domain.ports import Clock
from holdfast.domain.source import Checkout, CommitInfo, Source
from holdfast.kit.files import is_inside
from holdfast.kit.redact import redact
from holdfast.sources import mirrors, trees
from holdfast.sources.local_watch import LocalWatch
from holdfast.sources.mirrors import Credentials
from holdfast.sources.revisions import check_revision, resolve, unresolvable
from holdfast.sources.urls import REMOTE_SCHEMES, find_local_path, find_scheme

log = logging.getLogger(__name__)

T = TypeVar("T")
_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How long and how much.

    Attributes:
        refs_ttl_s: How long a remote's references are believed without asking again.
        fetch_s: Longest fetch.
        keep_s: A checkout that was not asked for during that time may be dropped.
        keep_trees: That many checkouts are kept in any case.
        sweep_s: How often old checkouts are looked for.
        tree: Bounds of one checkout.
    """

    refs_ttl_s: float = 30.0
    fetch_s: float = 120.0
    keep_s: float = 3600.0
    keep_trees: int = 64
    sweep_s: float = 600.0
    tree: trees.TreeLimits = field(default_factory=trees.TreeLimits)


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
        self._cache = cache_dir
        self._allowed = tuple(allowed_folders)
        self._clock = clock
        self._credentials = credentials or (lambda _: None)
        self._limits = limits or SourceLimits()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="git")
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._refs: dict[str, tuple[float, dict[str, str]]] = {}
        self._swept_at: float | None = None
        self._local_watch = LocalWatch()
        self._closed = False
        mirrors.configure_libgit2()

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        """Return the full SHA that a revision means now.

        Raises:
            HoldfastError: HF1001, HF1002, HF1009, HF4003.
        """
        check_revision(revision or "HEAD")
        return await self._in_thread(lambda: self._resolve(source, revision, force=force))

    async def checkout(self, source: Source, sha: str) -> Checkout:
        """Return the files of a commit; see the room's gotchas for how long they stay.

        Raises:
            HoldfastError: HF1001, HF1002, HF1006, HF1007, HF1009, HF3008, HF4003.
        """
        check_revision(sha)
        return await self._in_thread(lambda: self._checkout(source, sha))

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        """Return author, date, message and tags of a commit.

        Raises:
            HoldfastError: HF1001, HF1002, HF1009, HF4003.
        """
        check_revision(sha)
        return await self._in_thread(lambda: self._commit_info(source, sha))

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
                self._threads, lambda: str(self._open_local(repo_url).path).rstrip("/")
            ).add_done_callback(opened)

    async def close(self) -> None:
        """Stop watching, and wait for the threads."""
        self._closed = True
        self._local_watch.close()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- on threads --------------------------------------------------------------------------

    def _resolve(self, source: Source, revision: str, *, force: bool) -> str:
        name = revision.strip() or "HEAD"
        local = find_local_path(source.repo_url) is not None
        if len(name) == mirrors.FULL_SHA and not local:
            found = resolve({}, name) if _is_hex(name) else None
            if found is not None:
                return found.sha
        refs = self._local_refs(source) if local else self._remote_refs(source, force=force)
        sha = resolve(refs, name, source.tag_prefix).sha
        if local:
            return self._local_commit(source, sha)
        return sha if len(sha) == mirrors.FULL_SHA else self._fetch(source, sha)

    def _local_refs(self, source: Source) -> dict[str, str]:
        repository = self._open_local(source.repo_url)
        refs: dict[str, str] = {}
        for name in repository.references:
            reference = repository.references.get(name)
            if reference is None:
                continue
            if isinstance(reference.target, str):
                refs[name] = f"ref: {reference.target}"
                continue
            try:
                refs[name] = str(reference.peel(pygit2.Commit).id)
            except (pygit2.GitError, KeyError, ValueError):
                continue  # a tag of a blob or tree, or a broken reference
        if not repository.head_is_unborn:
            refs["HEAD"] = str(repository.head.target)
        return refs

    def _local_commit(self, source: Source, sha: str) -> str:
        found = mirrors.find_commit(self._open_local(source.repo_url), sha)
        if found is None:
            raise unresolvable(sha, "the repository has no such commit")
        return found

    def _remote_refs(self, source: Source, *, force: bool) -> dict[str, str]:
        url = source.repo_url
        # By the URL as it is written: servers may tell upper from lower case.
        with self._lock_of(url):
            known = self._refs.get(url)
            if (
                known is not None
                and not force
                and self._clock.monotonic() - known[0] < self._limits.refs_ttl_s
            ):
                return known[1]
            refs = mirrors.list_refs(
                mirror_folder(self._cache, url),
                checked_url(url),
                self._credentials(url),
                self._deadline(),
            )
            self._refs[url] = (self._clock.monotonic(), refs)
            return refs

    def _fetch(self, source: Source, sha: str) -> str:
        url = source.repo_url
        with self._lock_of(url):
            _, refs = self._refs.get(url, (0.0, {}))
            return mirrors.fetch_commit(
                mirror_folder(self._cache, url),
                checked_url(url),
                sha,
                self._credentials(url),
                self._deadline(),
                refs,
            )

    def _repository(self, source: Source, sha: str) -> pygit2.Repository:
        if find_local_path(source.repo_url) is not None:
            self._local_commit(source, sha)
            return self._open_local(source.repo_url)
        self._fetch(source, sha)
        return mirrors.open_mirror(mirror_folder(self._cache, source.repo_url))

    def _checkout(self, source: Source, sha: str) -> Checkout:
        key = source.repo_url
        if find_local_path(source.repo_url) is not None:
            self._open_local(source.repo_url)  # refused even when the files are there already
        folder = os.path.abspath(os.path.join(self._cache, "trees", _digest(key), sha))
        with self._lock_of(f"tree {key}"):
            if not os.path.isdir(folder):
                os.makedirs(os.path.dirname(folder), exist_ok=True)
                repository = self._repository(source, sha)
                try:
                    trees.write_tree(repository, sha, folder, self._limits.tree)
                except (pygit2.GitError, KeyError) as error:
                    raise mirrors.unreadable(source.repo_url, error) from None
            trees.touch(folder, self._clock.now())
        self._sweep()
        _refuse_submodule(source, trees.submodules_of(folder))
        return Checkout(trees.files_of(folder), sha, source.repo_url)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        with self._guard:
            if self._swept_at is not None and now - self._swept_at < self._limits.sweep_s:
                return
            self._swept_at = now
        before = self._clock.now() - timedelta(seconds=self._limits.keep_s)
        folder = os.path.join(self._cache, "trees")
        trees.drop_old(folder, before=before, keep=self._limits.keep_trees)

    def _commit_info(self, source: Source, sha: str) -> CommitInfo:
        repository = self._repository(source, sha)
        commit = repository[sha].peel(pygit2.Commit)
        date = datetime.fromtimestamp(commit.author.time, UTC)
        refs = self._local_refs(source) if find_local_path(source.repo_url) else {}
        tags = tuple(
            sorted(
                name.removeprefix("refs/tags/")
                for name, target in refs.items()
                if name.startswith("refs/tags/") and target == sha
            )
        )
        return CommitInfo(
            revision=str(commit.id),
            author=f"{commit.author.name} <{commit.author.email}>",
            date=date.isoformat().replace("+00:00", "Z"),
            message=commit.message,
            tags=tags,
        )

    def _open_local(self, url: str) -> pygit2.Repository:
        return open_local(url, self._allowed)

    def _deadline(self) -> Callable[[], bool]:
        end = self._clock.monotonic() + self._limits.fetch_s
        return lambda: self._clock.monotonic() > end

    def _lock_of(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


def open_local(url: str, allowed_folders: Sequence[str]) -> pygit2.Repository:
    """Open a repository of this machine.

    Raises:
        HoldfastError: HF1001, there is none; HF1009, it is not below one of the folders.
    """
    path = os.path.abspath(os.path.expanduser(find_local_path(url) or ""))
    allowed = [os.path.expanduser(folder) for folder in allowed_folders]
    if not any(is_inside(folder, path) for folder in allowed):
        raise ConfigurationError(
            "HF1009",
            f"the local repository {path} is not read: it is not below a folder given with"
            " --allow-local-repos",
            hint=f"start with `--allow-local-repos {path}`",
            retry=Retry.NEVER,
        )
    try:
        return pygit2.Repository(path)
    except (pygit2.GitError, KeyError, OSError):
        raise RepositoryError(
            "HF1001",
            f"the repository {path} cannot be read: no git repository is there",
            hint="`git init` it, or correct `repoURL`",
        ) from None


def mirror_folder(cache: str, url: str) -> str:
    """Return the folder of the mirror of a URL."""
    return os.path.join(cache, "mirrors", _digest(url))


def checked_url(url: str) -> str:
    """Return the URL of a remote repository.

    Raises:
        RepositoryError: HF1001, its scheme is not supported.
    """
    scheme = find_scheme(url)
    if url.startswith("-") or scheme not in REMOTE_SCHEMES:
        raise RepositoryError(
            "HF1001",
            f"the repository {redact(url)} cannot be read: {scheme or 'no'} URLs are not supported",
            hint="use https://, ssh:// or, where it is allowed, a local path",
            retry=Retry.NEVER,
        )
    return url


def _refuse_submodule(source: Source, submodules: Sequence[str]) -> None:
    path = os.path.normpath(source.path or ".")
    for submodule in submodules:
        if path == submodule or path.startswith(submodule + "/"):
            raise ConfigurationError(
                "HF3008",
                f"{source.path}: lies in the submodule {submodule}; submodules are not built yet",
                hint="name the submodule's own repository in `repoURL`",
                retry=Retry.NEVER,
            )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdef" for c in text)
