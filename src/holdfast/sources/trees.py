"""Lays the files of a commit out in a folder, contained and bounded.

Names come from git, so they are hostile: `..`, `.git`, slashes; links that leave the tree; a
million files. Files are written first and links last, so that nothing is ever written through one.
"""

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from holdfast.domain.errors import RepositoryError, Retry
from holdfast.kit.files import is_inside
from holdfast.sources.limits import TreeLimits

_META = ".holdfast-tree.json"


@dataclass(slots=True)
class _Layout:
    """What was seen while a tree was written."""

    limits: TreeLimits
    size: int = 0
    files: int = 0
    links: list[tuple[str, str]] = field(default_factory=list)
    submodules: list[str] = field(default_factory=list)


def write_tree(
    repository: pygit2.Repository, sha: str, target: str, limits: TreeLimits
) -> tuple[str, ...]:
    """Write the files of a commit to a new folder, whole or not at all.

    Args:
        repository: Where the commit is.
        sha: Full SHA of the commit.
        target: The folder; its parent exists, it does not.
        limits: Bounds.

    Returns:
        Paths of submodules; their files are not there.

    Raises:
        RepositoryError: HF1006 for a name or link that leaves the tree, HF1007 for too much.
    """
    commit = repository[sha].peel(pygit2.Commit)
    layout = _Layout(limits)
    work = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(target))
    files = os.path.join(work, "files")
    try:
        os.mkdir(files)
        _write_folder(repository, commit.tree, files, "", layout)
        _write_links(files, layout)
        with open(os.path.join(work, _META), "w", encoding="utf-8") as meta:
            json.dump({"submodules": layout.submodules}, meta)
        try:
            os.rename(work, target)
        except OSError:
            if not os.path.isdir(target):  # else another thread was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tuple(layout.submodules)


def files_of(target: str) -> str:
    """Return the folder below a written tree that holds the commit's files."""
    return os.path.join(target, "files")


def submodules_of(target: str) -> tuple[str, ...]:
    """Return the submodules' paths of a written tree."""
    with open(os.path.join(target, _META), encoding="utf-8") as meta:
        return tuple(json.load(meta)["submodules"])


def touch(target: str, now: datetime) -> None:
    """Note that a tree was used, where other processes on the same cache see it too."""
    moment = now.timestamp()
    os.utime(target, (moment, moment))


def drop_old(folder: str, *, before: datetime, keep: int) -> None:
    """Remove the trees below `folder/*` that were not used since a moment, the oldest first.

    What a killed process left half-written goes too.

    Args:
        folder: Holds one folder for each repository.
        before: Trees used later than this stay.
        keep: So many stay in any case.
    """
    found: list[tuple[float, str]] = []
    for path in Path(folder).glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, str(path)))
    whole = sorted(item for item in found if not os.path.basename(item[1]).startswith("."))
    spare = {path for _, path in whole[len(whole) - keep :]} if keep else set()
    for used, tree in found:
        if tree not in spare and used < before.timestamp():
            shutil.rmtree(tree, ignore_errors=True)


def _write_folder(
    repository: pygit2.Repository, tree: pygit2.Tree, root: str, prefix: str, layout: _Layout
) -> None:
    if prefix.count("/") > layout.limits.depth:
        raise _too_large(f"folders are nested deeper than {layout.limits.depth}")
    for entry in tree:
        name = entry.name or ""
        path = prefix + name
        if name in {"", ".", ".."} or "/" in name or "\0" in name or name.lower() == ".git":
            raise RepositoryError(
                "HF1006", f"{path}: not a file name that can be checked out", retry=Retry.NEVER
            )
        if entry.filemode == FileMode.COMMIT:
            layout.submodules.append(path)
            os.mkdir(os.path.join(root, path))
        elif entry.filemode == FileMode.TREE:
            os.mkdir(os.path.join(root, path))
            folder = repository[entry.id].peel(pygit2.Tree)
            _write_folder(repository, folder, root, path + "/", layout)
        else:
            _write_file(repository, entry, root, path, layout)


def _write_file(
    repository: pygit2.Repository, entry: pygit2.Object, root: str, path: str, layout: _Layout
) -> None:
    blob = repository[entry.id].peel(pygit2.Blob)
    layout.files += 1
    layout.size += blob.size
    if layout.files > layout.limits.files:
        raise _too_large(f"more than {layout.limits.files} files")
    if layout.size > layout.limits.total_bytes:
        raise _too_large(f"more than {layout.limits.total_bytes} bytes of files")
    if entry.filemode == FileMode.LINK:
        layout.links.append((path, os.fsdecode(blob.data)))
        return
    mode = 0o555 if entry.filemode == FileMode.BLOB_EXECUTABLE else 0o444
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(os.path.join(root, path), flags, mode), "wb") as file:
        file.write(blob.data)


def _write_links(root: str, layout: _Layout) -> None:
    for path, link in layout.links:
        if "\0" in link:
            raise _leaves(path)
        os.symlink(link, os.path.join(root, path))
    for path, link in layout.links:
        # Followed with all links in place: two harmless ones can leave the tree together.
        if os.path.isabs(link) or not is_inside(root, os.path.join(root, path)):
            raise _leaves(path)


def _leaves(path: str) -> RepositoryError:
    return RepositoryError(
        "HF1006",
        f"{path}: the symbolic link leaves the repository; no commit with such a link is used",
        hint="remove the link, or let it point to a file of the repository",
        retry=Retry.NEVER,
    )


def _too_large(what: str) -> RepositoryError:
    return RepositoryError("HF1007", f"the repository is too large: {what}", retry=Retry.NEVER)
