"""Repositories as they are read on threads: references, commits, files. Needs libgit2."""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pygit2

from holdfast.domain.errors import ConfigurationError, RepositoryError, Retry
from holdfast.domain.ports import Clock
from holdfast.domain.source import Checkout, CommitInfo, Source
from holdfast.kit.files import is_inside
from holdfast.kit.redact import redact
from holdfast.sources import mirrors, trees
from holdfast.sources.git_credentials import Credentials
from holdfast.sources.limits import SourceLimits
from holdfast.sources.revisions import resolve, unresolvable
from holdfast.sources.urls import REMOTE_SCHEMES, find_local_path, find_scheme


class Repositories:
    """Every method blocks, and may be called from several threads at once."""

    def __init__(
        self,
        cache_dir: str,
        allowed_folders: tuple[str, ...],
        clock: Clock,
        credentials: Credentials,
        limits: SourceLimits,
    ) -> None:
        """Touch nothing yet; arguments as `GitSources`."""
        self._cache = cache_dir
        self._allowed = allowed_folders
        self._clock = clock
        self._credentials = credentials
        self._limits = limits
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._refs: dict[str, tuple[float, dict[str, str]]] = {}
        self._swept_at: float | None = None

    def git_folder(self, url: str) -> str:
        """Return the git folder of a local repository."""
        return str(self._open_local(url).path).rstrip("/")

    def resolve(self, source: Source, revision: str, *, force: bool) -> str:
        """Return the full SHA that a revision means now (see `GitSources`)."""
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

    def checkout(self, source: Source, sha: str) -> Checkout:
        """Return the files of a commit (see `GitSources`)."""
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

    def commit_info(self, source: Source, sha: str) -> CommitInfo:
        """Return author, date, message and tags of a commit (see `GitSources`)."""
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
