"""What differs between the cluster and what a sync would make of it, line by line.

The states are those of `ManagedResources`: the prediction is the API server's own dry run, and
Secrets are masked already.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.api.page.app_view import block, text
from holdfast.domain.application import IgnoreRule
from holdfast.domain.globs import matches_glob
from holdfast.domain.manifest import JSON, Tree
from holdfast.kit import yamlio

_NOISE = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_AROUND = 3
_MOST_LINES = 4000


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a line: its number, and its text around what differs."""

    number: int
    before: str
    mark: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `same`, `changed`, `added`, `removed`, or `gap` where lines are left out."""

    kind: str
    left: Half | None = None
    right: Half | None = None
    gap: int = 0


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """How one object differs.

    Attributes:
        outcome: What a sync does: `create`, `change`, `prune` or `keep`.
        ignored: What is left out of the comparison, in words.
        is_cut: Whether it is too long to be shown whole.
    """

    group: str
    kind: str
    namespace: str
    name: str
    outcome: str
    lines: tuple[Line, ...]
    added: int
    removed: int
    ignored: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def id(self) -> str:
        """As `ObjectView.id`."""
        return f"{self.group}/{self.kind}/{self.namespace}/{self.name}"


def outcome_of(record: Tree) -> str:
    """Return what a sync does to an object."""
    if record["targetState"] is None:
        return "prune"
    if record["liveState"] is None:
        return "create"
    return "change" if record["modified"] else "keep"


def diffs_of(
    records: Iterable[Tree], rules: Sequence[IgnoreRule], *, whole: bool = False
) -> tuple[ObjectDiff, ...]:
    """Return what differs, each object with its lines; takes a while, so call it in a thread."""
    return tuple(
        _diff(record, rules, whole=whole)
        for record in records
        if not record["hook"] and outcome_of(record) != "keep"
    )


def _diff(record: Tree, rules: Sequence[IgnoreRule], *, whole: bool) -> ObjectDiff:
    outcome = outcome_of(record)
    live = _shown(record["liveState"])
    wanted = _shown(record["predictedLiveState"] or record["targetState"])
    if outcome == "prune":
        wanted = None
    left = yamlio.dump(live).splitlines() if live is not None else []
    right = yamlio.dump(wanted).splitlines() if wanted is not None else []
    is_cut = max(len(left), len(right)) > _MOST_LINES
    lines = _lines(left[:_MOST_LINES], right[:_MOST_LINES], whole=whole)
    return ObjectDiff(
        group=record["group"],
        kind=record["kind"],
        namespace=record["namespace"],
        name=record["name"],
        outcome=outcome,
        lines=tuple(lines),
        added=sum(line.kind in ("added", "changed") for line in lines),
        removed=sum(line.kind in ("removed", "changed") for line in lines),
        ignored=tuple(ignored_words(record, rules)),
        is_cut=is_cut,
    )


def _shown(state: JSON) -> Tree | None:
    """Return a state without what the server writes for itself."""
    if not isinstance(state, dict):
        return None
    metadata = {k: v for k, v in block(state, "metadata").items() if k not in _NOISE}
    annotations = {k: v for k, v in block(metadata, "annotations").items() if k != _LAST_APPLIED}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    return {
        key: metadata if key == "metadata" else value
        for key, value in state.items()
        if key != "status"
    }


def _lines(left: list[str], right: list[str], *, whole: bool) -> list[Line]:
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    found: list[Line] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += [
                Line("same", Half(a + n + 1, left[a + n]), Half(c + n + 1, right[c + n]))
                for n in range(b - a)
            ]
            continue
        both = min(b - a, d - c)
        found += [_changed(a + n + 1, left[a + n], c + n + 1, right[c + n]) for n in range(both)]
        found += [Line("removed", Half(n + 1, left[n])) for n in range(a + both, b)]
        found += [Line("added", None, Half(n + 1, right[n])) for n in range(c + both, d)]
    return found if whole else _without_far(found)


def _changed(left_number: int, left: str, right_number: int, right: str) -> Line:
    """Return a changed line; what both sides begin and end with is not marked."""
    shortest = min(len(left), len(right))
    start = next((n for n in range(shortest) if left[n] != right[n]), shortest)
    end = next(
        (n for n in range(shortest - start) if left[-1 - n] != right[-1 - n]), shortest - start
    )
    return Line("changed", _half(left_number, left, start, end),
                _half(right_number, right, start, end))  # fmt: skip


def _half(number: int, line: str, start: int, end: int) -> Half:
    stop = len(line) - end
    return Half(number, line[:start], line[start:stop], line[stop:])


def _without_far(lines: list[Line]) -> list[Line]:
    """Leave out what is far from any difference."""
    near = [False] * len(lines)
    for at, line in enumerate(lines):
        if line.kind != "same":
            for n in range(max(0, at - _AROUND), min(len(lines), at + _AROUND + 1)):
                near[n] = True
    found: list[Line] = []
    left_out = 0
    for line, is_near in zip(lines, near, strict=True):
        if not is_near:
            left_out += 1
            continue
        if left_out:
            found.append(Line("gap", gap=left_out))
            left_out = 0
        found.append(line)
    if left_out and found:
        found.append(Line("gap", gap=left_out))
    return found


def ignored_words(record: Tree, rules: Sequence[IgnoreRule]) -> Iterable[str]:
    """Yield what the rules of an Application leave out of the comparison of an object."""
    for rule in rules:
        if not _is_about(rule, record):
            continue
        for pointer in rule.json_pointers:
            yield f"{pointer} is not compared"
        for path in rule.jq_paths:
            yield f"what {path} selects is not compared"
        for manager in rule.managers:
            yield f"fields of the manager {manager} are not compared"


def _is_about(rule: IgnoreRule, record: Tree) -> bool:
    return (
        matches_glob(rule.group, text(record, "group"))
        and matches_glob(rule.kind, text(record, "kind"))
        and rule.name in ("", text(record, "name"))
        and rule.namespace in ("", text(record, "namespace"))
    )
