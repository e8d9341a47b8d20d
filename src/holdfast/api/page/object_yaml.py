"""An object as YAML, line by line, with the place of each value.

Pure. The text is kubectl's (sorted keys); keys are told apart from values, so that a screen can
give them a quieter colour, and each node knows its lines, so that `object_owners` can say whose
they are. Parsing takes about a second for a megabyte: call it in a thread.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from holdfast.api.page.app_view import block
from holdfast.domain.manifest import Tree
from holdfast.kit import yamlio
from holdfast.kit.yaml_positions import locate_all

MOST_LINES = 4000
_MOST_LOCATED = 2_000_000  # characters; longer ones are shown without colours and owners
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class YamlLine:
    """One line: what stands before the key, the key with its colon, and the rest."""

    number: int
    lead: str
    key: str
    value: str

    @property
    def text(self) -> str:
        """The whole line."""
        return self.lead + self.key + self.value


@dataclass(frozen=True, slots=True)
class Written:
    """An object as text.

    Attributes:
        lines: At most `MOST_LINES`.
        more: How many lines are left out.
        root: The located node of the whole (`kit.yaml_positions`), None when it is too long.
    """

    lines: tuple[YamlLine, ...]
    more: int = 0
    root: dict[str, Any] | None = None
    starts: tuple[int, ...] = field(default=(), repr=False)

    def line_of(self, place: int) -> int:
        """Return the index of the line that a character is on."""
        return bisect_right(self.starts, place) - 1


def written(tree: Tree) -> Written:
    """Return a tree as lines of YAML."""
    text = yamlio.dump(tree)
    raw = text.splitlines(keepends=True)
    starts, at = [], 0
    for line in raw:
        starts.append(at)
        at += len(line)
    root = next(locate_all(text), None) if len(text) <= _MOST_LOCATED else None
    found = Written((), 0, root, tuple(starts))
    keys: dict[int, tuple[int, int]] = {}
    if root is not None:
        _collect_keys(root, found, keys)
    lines = tuple(
        _line(number, line.rstrip("\n"), keys.get(number))
        for number, line in enumerate(raw[:MOST_LINES])
    )
    return Written(lines, max(0, len(raw) - MOST_LINES), root, found.starts)


def _collect_keys(root: dict[str, Any], text: Written, keys: dict[int, tuple[int, int]]) -> None:
    """Note for each line where its key begins and ends; of two in one line the first counts."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes += node.get("items", ())
        for _, start, end, value in node.get("entries", ()):
            line = text.line_of(start)
            column = start - text.starts[line]
            if line not in keys or column < keys[line][0]:
                keys[line] = (column, end - text.starts[line])
            nodes.append(value)


def _line(number: int, text: str, key: tuple[int, int] | None) -> YamlLine:
    if key is None:
        return YamlLine(number + 1, "", "", text)
    start, end = key
    end += text[end : end + 1] == ":"
    return YamlLine(number + 1, text[:start], text[start:end], text[end:])


def without_bookkeeping(tree: Tree, *, managed_fields: bool = False) -> Tree:
    """Return a live object without `managedFields`, unless they are wanted."""
    if managed_fields or "managedFields" not in block(tree, "metadata"):
        return tree
    metadata = {k: v for k, v in tree["metadata"].items() if k != "managedFields"}
    return {**tree, "metadata": metadata}


def holds_last_applied(tree: Tree) -> bool:
    """Whether it carries kubectl's annotation, whose content nobody is shown."""
    return LAST_APPLIED in block(tree, "metadata", "annotations")
