"""How much beside the declared fields counts as drift (demand N14).

| `holdfast.dev/strictness` | counts |
|---|---|
| `declared` (default) | the fields that git declares |
| `owned` | also what people added with kubectl: fields of managers named `kubectl*` |
| `exact` | also every other manager's, but the control plane's own and those in ignore rules |

A field of a subresource (`status`, `scale`) never counts, nor do kubectl's own notes.
"""

from collections.abc import Collection, Iterator
from enum import StrEnum

from holdfast.diffing.compare import Comparison, FieldDifference, compare
from holdfast.diffing.echo import Echo
from holdfast.domain.managers import HOLDFAST, RELEASED
from holdfast.domain.manifest import Manifest
from holdfast.schema.field_path import FieldName, Path
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, project

STRICTNESS_ANNOTATION = "holdfast.dev/strictness"
_CONTROL_PLANE = ("kube-", "holdfast-controller", "cloud-controller-manager")
_NOTES = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})


class Strictness(StrEnum):
    """The three values of the annotation."""

    DECLARED = "declared"
    OWNED = "owned"
    EXACT = "exact"

    @classmethod
    def parse(cls, text: str | None) -> "Strictness":
        """Read the annotation; absent and unknown values are `declared`."""
        return next((value for value in cls if value.value == text), cls.DECLARED)


def compare_strictly(
    live: Manifest,
    echo: Echo,
    ignored_managers: Collection[str] = (),
    strictness: Strictness = Strictness.DECLARED,
) -> Comparison:
    """Compare as `diffing.compare`, and add what must not be there."""
    comparison = compare(live, echo, ignored_managers)
    if strictness is Strictness.DECLARED:
        return comparison
    rows = tuple(undeclared(live, echo, ignored_managers, strictness))
    if not rows:
        return comparison
    return Comparison(
        differences=(*comparison.differences, *rows),
        owns_all=comparison.owns_all,
        is_renamed_element=comparison.is_renamed_element,
    )


def undeclared(
    live: Manifest, echo: Echo, ignored_managers: Collection[str], strictness: Strictness
) -> Iterator[FieldDifference]:
    """Yield the live fields that nobody declared and that count."""
    seen: set[Path] = set()
    for entry in live.managed_fields:
        manager = str(entry.get("manager") or "")
        if entry.get("subresource") or manager in ignored_managers:
            continue
        if not _counts(manager, strictness) or entry.get("apiVersion") != live.api_version:
            continue
        fields = FieldSet.parse(entry.get("fieldsV1") or {})
        extra = (fields - echo.field_set).leaves()
        for path, value in project(live.tree, extra).rows():
            if value is MISSING or path in seen or _is_note(path) or _is_within(path, echo):
                continue
            seen.add(path)
            yield FieldDifference(path, MISSING, value)


def removals(comparison: Comparison) -> tuple[Path, ...]:
    """Return the paths of a comparison that must go."""
    return tuple(
        row.path
        for row in comparison.differences
        if row.desired is MISSING and row.live is not MISSING
    )


def _counts(manager: str, strictness: Strictness) -> bool:
    if manager in (HOLDFAST, RELEASED):
        return False
    if manager.startswith("kubectl"):
        return True
    return strictness is Strictness.EXACT and not manager.startswith(_CONTROL_PLANE)


def _is_note(path: Path) -> bool:
    return any(isinstance(element, FieldName) and element.name in _NOTES for element in path)


def _is_within(path: Path, echo: Echo) -> bool:
    """Whether the path lies inside a value that we own as a whole (an atomic list or map)."""
    node = echo.field_set
    for element in path:
        found = node.children.get(element.encoded)
        if found is None:
            return node.owned and not node.children
        node = found
    return False
