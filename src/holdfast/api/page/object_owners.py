"""Who owns which line of an object: the entries of `managedFields` laid over its YAML.

Pure. An entry's `fieldsV1` names fields; a field that is owned as a whole (a value, or a map or
list that is written in one piece) gives its owner all its lines, and where somebody owns something
deeper inside, the deeper one counts. Two who own the same field share its line. Lines that nobody
owns (`spec:`, the name, what only leads to fields) stay without an owner.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from holdfast.api.page.app_view import blocks, moment, text
from holdfast.api.page.object_yaml import Written, YamlLine, without_bookkeeping, written
from holdfast.domain.manifest import JSON, Tree
from holdfast.schema.field_path import FieldName, decode_element, find_position
from holdfast.schema.field_set import FieldSet

COLOURS = 8
HOLDFAST = "holdfast"
_WORDS = {
    HOLDFAST: "what git declares",
    "holdfast-server": "a person, through Holdfast",
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD, before server-side apply",
    "kubectl-client-side-apply": "kubectl apply",
    "kubectl-create": "kubectl create",
    "kubectl-edit": "a person, with kubectl edit",
    "kubectl-patch": "a person, with kubectl patch",
    "kubectl": "a person, with kubectl",
    "kube-controller-manager": "the controllers of Kubernetes",
    "kube-scheduler": "the scheduler",
    "kubelet": "the node that it runs on",
    "before-first-apply": "whoever wrote before the first server-side apply",
    "ancient-changes": "many who wrote long ago",
}


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of managedFields.

    Attributes:
        number: Its place, from 0; it decides on the colour.
        subresource: Through which it wrote; `""` for the object itself.
        fields: How many fields it owns.
        unseen: How many of them are not in what is shown.
        lines: How many lines are its own.
    """

    number: int
    manager: str
    operation: str
    subresource: str
    at: datetime | None
    api_version: str
    fields: int
    unseen: int
    lines: int

    @property
    def colour(self) -> int:
        """Which of the colours is its own."""
        return self.number % COLOURS

    @property
    def words(self) -> str:
        """Who that is, `""` when its name says all that is known."""
        return _WORDS.get(self.manager, "")

    @property
    def how(self) -> str:
        """`Apply`, `Update`, with the subresource."""
        return f"{self.operation} of {self.subresource}" if self.subresource else self.operation


@dataclass(frozen=True, slots=True)
class OwnedLine:
    """A line with the numbers of its owners; `begins` where they differ from the line before."""

    line: YamlLine
    owners: tuple[int, ...]
    begins: bool


@dataclass(frozen=True, slots=True)
class Ownership:
    """An object with its owners.

    Attributes:
        unreadable: Managers whose entries make no sense.
        more: How many lines are left out.
    """

    owners: tuple[Owner, ...]
    lines: tuple[OwnedLine, ...]
    unreadable: tuple[str, ...] = ()
    more: int = 0


def ownership_of(tree: Tree) -> Ownership:
    """Return who owns what of a live object; parses YAML, so call it in a thread."""
    shown = without_bookkeeping(tree)
    page = written(shown)
    entries, unreadable = _entries(tree)
    marks: list[dict[int, int]] = [{} for _ in page.lines]  # owner → depth, for each line
    unseen = [
        _Marker(page, marks, number).mark(fields, page.root, shown)
        for number, (_, fields) in enumerate(entries)
    ]
    owned = [_deepest(mark) for mark in marks]
    owners = tuple(
        _owner(number, entry, fields, unseen[number], sum(number in line for line in owned))
        for number, (entry, fields) in enumerate(entries)
    )
    begins = [True, *(before != here for before, here in pairwise(owned))]
    lines = tuple(
        OwnedLine(line, who, first)
        for line, who, first in zip(page.lines, owned, begins, strict=False)
    )
    return Ownership(owners, lines, unreadable, page.more)


def owns(tree: Tree, manager: str, *path: str) -> bool:
    """Whether a manager owns a field (names of structs and maps only), or all of a parent."""
    for entry, fields in _entries(tree)[0]:
        if text(entry, "manager") != manager or text(entry, "subresource"):
            continue
        node: FieldSet | None = fields
        for name in path:
            node = node.children.get(f"f:{name}") if node is not None else None
            if node is not None and node.owned and not node.children:
                return True
        if node is not None:
            return True
    return False


def _entries(tree: Tree) -> tuple[list[tuple[Tree, FieldSet]], tuple[str, ...]]:
    found, unreadable = [], []
    for entry in blocks(tree, "metadata", "managedFields"):
        try:
            fields = entry.get("fieldsV1")
            found.append((entry, FieldSet.parse(fields if isinstance(fields, dict) else {})))
        except (ValueError, AttributeError, TypeError):
            unreadable.append(text(entry, "manager") or "unknown")
    return found, tuple(unreadable)


def _owner(number: int, entry: Tree, fields: FieldSet, unseen: int, lines: int) -> Owner:
    return Owner(
        number=number,
        manager=text(entry, "manager") or "unknown",
        operation=text(entry, "operation"),
        subresource=text(entry, "subresource"),
        at=moment(entry.get("time")),
        api_version=text(entry, "apiVersion"),
        fields=len(fields.leaves()),
        unseen=unseen,
        lines=lines,
    )


def _deepest(mark: dict[int, int]) -> tuple[int, ...]:
    deepest = max(mark.values(), default=0)
    return tuple(sorted(owner for owner, depth in mark.items() if depth == deepest))


class _Marker:
    """Marks the lines of one owner."""

    def __init__(self, page: Written, marks: list[dict[int, int]], owner: int) -> None:
        self._page, self._marks, self._owner = page, marks, owner

    def mark(
        self, fields: FieldSet, node: dict[str, Any] | None, value: JSON, depth: int = 1
    ) -> int:
        """Mark what is owned below a node; return how many owned fields are not there."""
        unseen = 0
        for encoded, inner in fields.children.items():
            place = _find(encoded, node, value)
            if place is None:
                unseen += len(inner.leaves()) or 1
                continue
            start, end, found, below = place
            if not inner.children:
                self._own(start, end, depth)
                continue
            if inner.owned and encoded.startswith("f:"):
                self._own(start, start, depth)
            unseen += self.mark(inner, found, below, depth + 1)
        return unseen

    def _own(self, start: int, end: int, depth: int) -> None:
        first, last = self._page.line_of(start), self._page.line_of(max(start, end - 1))
        for mark in self._marks[first : last + 1]:
            mark[self._owner] = max(depth, mark.get(self._owner, 0))


def _find(
    encoded: str, node: dict[str, Any] | None, value: JSON
) -> tuple[int, int, dict[str, Any], JSON] | None:
    """Return where an element of a path stands: start, end, its node and its value."""
    if node is None:
        return None
    element = decode_element(encoded)
    if isinstance(element, FieldName):
        if not isinstance(value, dict) or element.name not in value:
            return None
        known = _by_name(node).get(element.name)
        if known is None:
            return None
        start, found = known
        return start, max(start + 1, found["end"]), found, value[element.name]
    position = find_position(value, element) if isinstance(value, list) else None
    items = node.get("items", ())
    if position is None or position >= len(items):
        return None
    item = items[position]
    return item["start"], item["end"], item, value[position]


def _by_name(node: dict[str, Any]) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return where each key of a map stands; kept in the node, since every owner asks."""
    if "by_name" not in node:
        node["by_name"] = {name: (start, it) for name, start, _, it in node.get("entries", ())}
    found: dict[str, tuple[int, dict[str, Any]]] = node["by_name"]
    return found
