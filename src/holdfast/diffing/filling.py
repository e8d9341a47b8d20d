"""What a controller filled in where we declared an empty value, and the server kept none.

`volumeName: ""` of a claim is dropped by the API server, and filled by whoever binds it. That is no
drift (`compare`); but an apply for another reason that sends the empty value again would take the
filled one away, or be refused. So what was filled is left out (docs/internals/argocd/apply.md A5).
"""

from holdfast.diffing.compare import owners_of
from holdfast.diffing.echo import Echo
from holdfast.diffing.keeping import without_path
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest
from holdfast.schema.field_path import FieldName, Path, find_position
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, leaf_paths

_EMPTY: tuple[JSON, ...] = ("", 0, {}, [])


def without_filled(declared: Manifest, live: Manifest, before: Manifest, echo: Echo) -> Manifest:
    """Return what to apply to `live`.

    Args:
        declared: What git declares now.
        live: The object as last seen.
        before: The manifest of the last apply.
        echo: What the server made of it; of this very object.

    A value that a person filled in is drift, and stays in.
    """
    if echo.uid != live.uid:
        return declared
    dropped = {path for path, value in echo.projection.rows() if value is MISSING}
    tree: JSON = declared.tree
    for path in _paths_of_others(live):
        if echo.field_set.has(path) and path not in dropped:
            continue  # the server kept our empty value: whoever changed it changed ours
        if _is_empty_at(tree, path) and _is_empty_at(before.tree, path):
            owners = owners_of(live, path)
            if owners and not any(owner.startswith("kubectl") for owner in owners):
                tree = without_path(tree, path)
    return declared if tree is declared.tree or not isinstance(tree, dict) else Manifest(tree)


def has_empty(value: JSON) -> bool:
    """Whether a tree holds an empty value anywhere: only then anything can be filled in."""
    if isinstance(value, dict):
        return not value or any(has_empty(inner) for inner in value.values())
    if isinstance(value, list):
        return not value or any(has_empty(inner) for inner in value)
    return _is_empty(value)


def _is_empty(value: JSON) -> bool:
    return not isinstance(value, bool) and value in _EMPTY


def _paths_of_others(live: Manifest) -> list[Path]:
    """Return every field path that another manager's entry ends in, or runs through."""
    found: dict[Path, None] = {}
    for entry in live.managed_fields:
        if entry.get("manager") == HOLDFAST or entry.get("subresource") == "status":
            continue
        for path in leaf_paths(FieldSet.parse(entry.get("fieldsV1") or {})):
            for length in range(1, len(path) + 1):
                if isinstance(path[length - 1], FieldName):
                    found[path[:length]] = None
    return list(found)


def _is_empty_at(tree: JSON, path: Path) -> bool:
    here = tree
    for element in path:
        if isinstance(element, FieldName):
            if not isinstance(here, dict) or element.name not in here:
                return False
            here = here[element.name]
            continue
        place = find_position(here, element) if isinstance(here, list) else None
        if place is None or not isinstance(here, list):
            return False
        here = here[place]
    return _is_empty(here)
