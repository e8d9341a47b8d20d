"""Makes git repositories for tests, with libgit2: fast, and no git program is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, ObjectType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AUTHOR = pygit2.Signature("Ada Example", "ada@example.org", 1_767_261_600, 0)


class GitRepo:
    """A repository with one branch to begin with, `main`.

    Attributes:
        path: Its folder.
    """

    def __init__(
        self, path: Path, *, bare: bool = False, author: pygit2.Signature = AUTHOR
    ) -> None:
        """Make it."""
        self.path = path
        self._author = author
        self._files: dict[str, tuple[pygit2.Oid, FileMode]] = {}
        self.repository = pygit2.init_repository(str(path), bare=bare, initial_head="main")

    @property
    def url(self) -> str:
        """Its `file://` URL."""
        return f"file://{self.path}"

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        message: str = "change",
        *,
        branch: str = "main",
        links: Mapping[str, str] | None = None,
        submodules: Mapping[str, str] | None = None,
    ) -> str:
        """Add, change or (None) remove files, and return the new commit's SHA."""
        for path, text in files.items():
            if text is None:
                self._files.pop(path)
                continue
            data = text.encode() if isinstance(text, str) else text
            self._files[path] = (self.repository.create_blob(data), FileMode.BLOB)
        for path, target in (links or {}).items():
            self._files[path] = (self.repository.create_blob(target.encode()), FileMode.LINK)
        for path, sha in (submodules or {}).items():
            self._files[path] = (pygit2.Oid(hex=sha), FileMode.COMMIT)
        reference = f"refs/heads/{branch}"
        known = self.repository.references.get(reference)
        parents: list[pygit2.Oid | str] = []
        if known is not None or not self.repository.head_is_unborn:
            parents.append((known or self.repository.head).peel().id)
        tree, author = self._tree(""), self._author
        commit = self.repository.create_commit(None, author, author, message, tree, parents)
        self.repository.references.create(reference, commit, force=True)
        return str(commit)

    def tag(self, name: str, sha: str, *, annotated: bool = False) -> None:
        """Tag a commit."""
        if annotated:
            oid = pygit2.Oid(hex=sha)
            self.repository.create_tag(name, oid, ObjectType.COMMIT, AUTHOR, f"release {name}")
        else:
            self.repository.references.create(f"refs/tags/{name}", sha)

    def delete_branch(self, name: str) -> None:
        """Delete a branch."""
        self.repository.references.delete(f"refs/heads/{name}")

    def _tree(self, prefix: str) -> pygit2.Oid:
        builder = self.repository.TreeBuilder()
        folders: set[str] = set()
        for path, (oid, mode) in self._files.items():
            if not path.startswith(prefix):
                continue
            name, slash, _ = path.removeprefix(prefix).partition("/")
            if slash:
                folders.add(name)
            else:
                builder.insert(name, oid, mode)
        for name in folders:
            builder.insert(name, self._tree(f"{prefix}{name}/"), FileMode.TREE)
        return builder.write()


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, and return the folder."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root
