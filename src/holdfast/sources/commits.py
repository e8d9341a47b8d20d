"""`GitCommits`: the port `Commits`. The author is a person, the committer is Holdfast.

A local repository: on the branch that is checked out when its files are clean, on any other
branch without touching files. A remote one: a branch made from the commit that was read, pushed.
Nothing is forced: a branch that has moved, exists already, or whose files somebody is editing
stays as it is, and the answer says what to do instead.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pygit2
from pygit2.enums import CheckoutStrategy, FileMode, FileStatus

from holdfast.domain.errors import ConfigurationError, RepositoryError, Retry
from holdfast.domain.ports import Clock
from holdfast.domain.source import CommitOrder, Committed, Source
from holdfast.kit.redact import redact
from holdfast.sources import libgit2, mirrors
from holdfast.sources.git_credentials import Credentials, GitCredentials
from holdfast.sources.urls import find_local_path

COMMITTER = ("Holdfast", "noreply@holdfast.dev")
_AUTHOR = re.compile(r"\s*(?P<name>[^<>\n]+?)\s*<(?P<mail>[^<>\s]+)>\s*\Z")
_BRANCH = "refs/heads/"


class GitCommits:
    """Commits into local repositories, and pushes branches to remote ones."""

    def __init__(
        self, cache_dir: str, clock: Clock, credentials: Credentials | None = None
    ) -> None:
        """Touch nothing yet.

        Args:
            cache_dir: For repositories from which branches are pushed.
            clock: For the commit's date and time limits.
            credentials: Returns how to sign in to a repository URL, or None.
        """
        self._cache = cache_dir
        self._clock = clock
        self._credentials = credentials or (lambda _: None)

    async def commit(self, source: Source, base: str, order: CommitOrder) -> Committed:
        """Commit files on top of a commit that `targetRevision` means now.

        Raises:
            ConfigurationError: HF3013, it cannot be done safely; the hint says what can.
            RepositoryError: HF1001, the repository cannot be read or refuses the push.
        """
        return await asyncio.to_thread(self._commit, source, base, order)

    def _commit(self, source: Source, base: str, order: CommitOrder) -> Committed:
        libgit2.load()
        try:
            local = find_local_path(source.repo_url)
            if local is not None:
                return self._commit_locally(os.path.expanduser(local), source, base, order)
            return self._push_branch(source, base, order)
        except (pygit2.GitError, KeyError, ValueError, OSError) as error:
            raise mirrors.unreadable(source.repo_url, error) from None

    def _commit_locally(
        self, path: str, source: Source, base: str, order: CommitOrder
    ) -> Committed:
        repository = pygit2.Repository(path)
        branch = order.branch or _target_branch(repository, source)
        checked_out = _checked_out(repository)
        known = repository.references.get(_BRANCH + branch)
        if known is not None and str(known.peel(pygit2.Commit).id) != base:
            raise _refused(
                f"the branch {branch} is not at {base[:7]}, the commit that was compared",
                "try again; another branch is made with `--branch NAME`",
            )
        if branch == checked_out:
            _check_clean(repository, branch, order.files)
        commit = self._write(repository, base, order)
        reference = _BRANCH + branch
        if known is None:
            repository.references.create(reference, commit)
        else:
            known.set_target(commit, f"holdfast: {order.message.splitlines()[0]}")
        if branch == checked_out and not repository.is_bare:
            paths = list(order.files)
            repository.checkout("HEAD", strategy=CheckoutStrategy.FORCE, paths=paths)
        if order.push:
            self._push(repository, "origin", branch)
        author = repository[commit].peel(pygit2.Commit).author
        return Committed(str(commit), branch, f"{author.name} <{author.email}>", order.push)

    def _push_branch(self, source: Source, base: str, order: CommitOrder) -> Committed:
        if not order.push or not order.branch:
            raise _refused(
                f"{redact(source.repo_url)} is a remote repository",
                "give a branch to push: `--branch NAME --push -m MESSAGE`",
            )
        folder = os.path.join(self._cache, "pushing", re.sub(r"\W+", "-", source.repo_url)[-80:])
        sign_in = self._credentials(source.repo_url)
        end = self._clock.monotonic() + 120

        def expired() -> bool:
            return self._clock.monotonic() > end

        refs = mirrors.list_refs(folder, source.repo_url, sign_in, expired)
        if refs.get(_BRANCH + order.branch):
            raise _refused(f"the branch {order.branch} exists already", "choose another name")
        mirrors.fetch_commit(folder, source.repo_url, base, sign_in, expired, refs)
        repository = mirrors.open_mirror(folder)
        commit = self._write(repository, base, order)
        local = f"refs/holdfast/adopt/{order.branch}"
        repository.references.create(local, commit, force=True)
        remote = repository.remotes.create_anonymous(source.repo_url)
        _send(remote, f"{local}:{_BRANCH}{order.branch}", sign_in, source.repo_url)
        author = repository[commit].peel(pygit2.Commit).author
        who = f"{author.name} <{author.email}>"
        return Committed(str(commit), order.branch, who, is_pushed=True)

    def _push(self, repository: pygit2.Repository, name: str, branch: str) -> None:
        try:
            remote = repository.remotes[name]
        except KeyError:
            raise _refused(
                f"the commit is on {branch}, and not pushed: the repository has no remote {name}",
                f"push it where it belongs: `git push URL {branch}`",
            ) from None
        url = remote.url or ""
        _send(remote, f"{_BRANCH}{branch}:{_BRANCH}{branch}", self._credentials(url), url)

    def _write(self, repository: pygit2.Repository, base: str, order: CommitOrder) -> pygit2.Oid:
        """Write a commit that no reference names yet."""
        parent = repository[base].peel(pygit2.Commit)
        index = pygit2.Index()
        index.read_tree(parent.tree)
        for path, text in order.files.items():
            mode = FileMode.BLOB
            if path in index:
                mode = index[path].mode
            if mode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
                raise _refused(f"{path} is a link", "change the file that it points to by hand")
            blob = repository.create_blob(text.encode())
            index.add(pygit2.IndexEntry(path, blob, mode))
        tree = index.write_tree(repository)
        now = int(self._clock.now().timestamp())
        author = _author(repository, order, now)
        committer = pygit2.Signature(*COMMITTER, now, 0)
        message = order.message.rstrip("\n") + "\n"
        return repository.create_commit(None, author, committer, message, tree, [parent.id])


def _author(repository: pygit2.Repository, order: CommitOrder, now: int) -> pygit2.Signature:
    offset = datetime.fromtimestamp(now, UTC).astimezone().utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    if order.author:
        return _signature(order.author, now, minutes)
    found: dict[str, str] = {}
    for key in ("user.name", "user.email"):
        try:
            found[key] = str(repository.config[key])
        except KeyError:
            if order.otherwise:
                return _signature(order.otherwise, now, minutes)
            raise _refused(
                f"git does not know who you are: there is no {key}",
                '`git config --global user.name …` and user.email, or `--author "Name <mail>"`',
            ) from None
    return pygit2.Signature(found["user.name"], found["user.email"], now, minutes)


def _signature(given: str, now: int, minutes: int) -> pygit2.Signature:
    match = _AUTHOR.match(given)
    if match is None:
        raise _refused(f"{given!r} is no author", "write it like `Ada <ada@example.org>`")
    return pygit2.Signature(match["name"], match["mail"], now, minutes)


def _target_branch(repository: pygit2.Repository, source: Source) -> str:
    """Return the branch that `targetRevision` names."""
    name = source.target_revision.strip().removeprefix(_BRANCH)
    if name in ("", "HEAD"):
        return _checked_out(repository) or _refuse_branch("HEAD")
    if repository.references.get(_BRANCH + name) is None:
        return _refuse_branch(name)
    return name


def _refuse_branch(name: str) -> str:
    raise _refused(
        f"targetRevision {name} is no branch of the repository",
        "a branch of its own is made with `--branch NAME`",
    )


def _checked_out(repository: pygit2.Repository) -> str:
    """Return the branch whose files lie in the folder; of a bare repository the one of HEAD."""
    if repository.head_is_detached:
        return ""
    return str(repository.references["HEAD"].target).removeprefix(_BRANCH)


def _check_clean(repository: pygit2.Repository, branch: str, files: Mapping[str, str]) -> None:
    if repository.is_bare:
        return
    quiet = (FileStatus.CURRENT, FileStatus.IGNORED, FileStatus.WT_NEW)
    changed = sorted(
        path for path, status in repository.status().items() if status not in quiet or path in files
    )
    if changed:
        raise _refused(
            f"{branch} is checked out, and somebody is at work on {changed[0]}",
            "commit or stash that first, or let a branch be made: `--branch NAME`",
        )


def _send(remote: pygit2.Remote, refspec: str, sign_in: GitCredentials | None, url: str) -> None:
    callbacks = mirrors.PushCallbacks(sign_in, lambda: False)
    proxy = mirrors.way_to(url, sign_in)
    try:
        remote.push([refspec], callbacks=callbacks, proxy=proxy)
    except (pygit2.GitError, OSError, TimeoutError) as error:
        raise mirrors.explain_failure(url, callbacks, error) from None
    if callbacks.refusal:
        shown = redact(url, callbacks.secrets)
        raise RepositoryError(
            "HF1001",
            f"the repository {shown} refuses the push: {callbacks.refusal}",
            hint="another name with `--branch`, or rights to push",
            retry=Retry.NEVER,
        )


def _refused(message: str, hint: str) -> ConfigurationError:
    return ConfigurationError("HF3013", message, hint=hint, retry=Retry.NEVER)
