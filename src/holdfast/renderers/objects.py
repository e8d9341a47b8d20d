"""From parsed documents to objects: Lists expanded, identity checked (both tools)."""

from dataclasses import dataclass, field
from typing import Any

from holdfast.domain.manifest import Tree, walk_items
from holdfast.renderers.problems import wrong


@dataclass(slots=True)
class Found:
    """What a render found so far.

    Attributes:
        objects: In the order of the files.
        origins: For each object the file, relative to the repository, or `""`.
        warnings: Sentences for the log.
    """

    objects: list[Tree] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, value: Any, *, file: str, where: str) -> None:
        """Take one document; null documents are dropped.

        Args:
            value: The parsed document.
            file: For `origins`; `""` for the output of a tool.
            where: How an error names the document, e.g. `a/b.yaml (document 2, line 10)`.

        Raises:
            RepositoryError: HF1005, it is no object, or lacks kind, apiVersion or name.
        """
        if value is None:
            return
        if not isinstance(value, dict):
            raise wrong("HF1005", f"{where}: not an object (a mapping with apiVersion and kind)")
        if not value:
            return
        for tree in walk_items(value):
            check_identity(tree, where)
            self.objects.append(tree)
            self.origins.append(file)


def check_identity(tree: Tree, where: str) -> None:
    """Raise HF1005 unless an object says apiVersion, kind and name (or generateName).

    Raises:
        RepositoryError: Names the document and what it lacks.
    """
    metadata = tree.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    missing = [key for key in ("apiVersion", "kind") if not _is_text(tree.get(key))]
    if not (_is_text(names.get("name")) or _is_text(names.get("generateName"))):
        missing.append("metadata.name")
    if missing:
        kind = tree.get("kind")
        what = f"the {kind}" if _is_text(kind) and "kind" not in missing else "an object"
        raise wrong(
            "HF1005",
            f"{where}: {what} has no {' and no '.join(missing)}",
            hint="write it, or leave the file out with `directory.exclude`",
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
