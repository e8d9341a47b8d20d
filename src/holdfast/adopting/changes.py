"""What somebody changed in a live object: what a heal would put back, and what a person added.

In:  the declared object, the live one, and the prediction: what a heal would make of it (the
     server's own answer to a dry run of the apply).
Out: changes: paths with the live value, or `MISSING` where the live object lacks the field.

  1. Where prediction and live differ, a declared field has drifted: its live value counts.
  2. A field that kubectl owns and git does not declare was added by a person: it counts too.
     Not so: what the server only filled in, the server's and the tools' own annotations.
What other controllers add is theirs, and no change of git.
"""

from collections.abc import Callable, Iterable, Iterator

from holdfast.adopting.edit_tree import Change, value_at, with_changes, with_value
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import (
    FieldName,
    ListKey,
    Path,
    SetValue,
    decode_element,
)
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, REPEATED, project

_METADATA = frozenset({"annotations", "finalizers", "labels", "ownerReferences"})
_NOT_COMPARED = frozenset({"apiVersion", "kind", "metadata", "status"})
_OWN_ANNOTATIONS = frozenset(
    {
        "argocd.argoproj.io/tracking-id",
        "deployment.kubernetes.io/revision",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubectl.kubernetes.io/restartedAt",
        "kubernetes.io/change-cause",
    }
)


def find_changes(declared: Manifest, live: Manifest, predicted: Manifest) -> tuple[Change, ...]:
    """Return what differs, sorted as the fields stand in the object."""
    owned = _all_fields(live) | _all_fields(predicted)
    drifted = list(_differences(predicted.tree, live.tree, owned, ()))
    known = {change.path for change in drifted}
    added = [
        Change(path, MISSING, value)
        for path, value in added_by_people(live)
        if path not in known
        and not any(path[: len(other)] == other for other in known)
        and value_at(declared.tree, path) is MISSING
    ]
    return tuple(change for change in (*drifted, *added) if not _is_own(change.path))


def added_by_people(live: Manifest) -> Iterator[tuple[Path, JSON]]:
    """Yield the fields that kubectl wrote, with their live values; status and the like left out."""
    for entry in live.managed_fields:
        manager, fields = str(entry.get("manager") or ""), entry.get("fieldsV1")
        if not (manager.startswith("kubectl") or manager == "edit"):
            continue
        if entry.get("subresource") == "status" or entry.get("apiVersion") != live.api_version:
            continue
        if not isinstance(fields, dict):
            continue
        for path, value in project(live.tree, FieldSet.parse(fields)).rows():
            if value is MISSING or value is REPEATED or _is_outside(path) or _is_own(path):
                continue
            yield path, value


def last_written(live: Manifest, path: Path) -> str:
    """Return when somebody else than Holdfast last wrote a field, RFC 3339; `""` when unknown."""
    times = [
        str(entry.get("time") or "")
        for entry in live.managed_fields
        if entry.get("manager") != HOLDFAST
        and isinstance(entry.get("fieldsV1"), dict)
        and FieldSet.parse(entry["fieldsV1"]).find_at(path) is not None
    ]
    return max(times, default="")


def _is_outside(path: Path) -> bool:
    first = path[0]
    return not isinstance(first, FieldName) or first.name == "status"


def _is_own(path: Path) -> bool:
    last = path[-1]
    return (
        len(path) >= 2
        and path[-2] == FieldName("annotations")
        and isinstance(last, FieldName)
        and last.name in _OWN_ANNOTATIONS
    )


def _all_fields(manifest: Manifest) -> FieldSet:
    """Return what anybody owns: the server's own account of which lists have which keys."""
    found = FieldSet({})
    for entry in manifest.managed_fields:
        fields = entry.get("fieldsV1")
        if isinstance(fields, dict) and entry.get("apiVersion") == manifest.api_version:
            found = found | FieldSet.parse(fields)
    return found


def _differences(before: JSON, after: JSON, owned: FieldSet | None, path: Path) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _map_differences(before, after, owned, path)
        return
    names = _key_names(owned)
    if isinstance(before, list) and isinstance(after, list) and owned is not None:
        if names and _has_keys(before) and _has_keys(after):
            yield from _list_differences(before, after, owned, path)
            return
        if any(text.startswith("v:") for text in owned.children):
            gone = [item for item in before if item not in after]
            yield from (Change((*path, SetValue(item)), item, MISSING) for item in gone)
            return
    if not _equal(before, after):
        yield Change(path, before, after)


def _map_differences(
    before: dict[str, JSON], after: dict[str, JSON], owned: FieldSet | None, path: Path
) -> Iterator[Change]:
    for name in [*before, *(name for name in after if name not in before)]:
        if not path and name in _NOT_COMPARED - {"metadata"}:
            continue
        if path == (FieldName("metadata"),) and name not in _METADATA:
            continue
        one, other = before.get(name, MISSING), after.get(name, MISSING)
        here = (*path, FieldName(name))
        yield from _differences(one, other, _below(owned, f"f:{name}"), here)


def _list_differences(
    before: list[JSON], after: list[JSON], owned: FieldSet, path: Path
) -> Iterator[Change]:
    names = _key_names(owned)
    places = {_key_of(item, names): item for item in after}
    for item in before:
        key = _key_of(item, names)
        other = places.pop(key, MISSING)
        yield from _differences(item, other, _below(owned, key.encoded), (*path, key))
    for key, item in places.items():
        yield Change((*path, key), MISSING, item)


def _key_names(owned: FieldSet | None) -> tuple[str, ...]:
    for text in owned.children if owned is not None else ():
        if text.startswith("k:"):
            element = decode_element(text)
            if isinstance(element, ListKey):
                return tuple(name for name, _ in element.fields)
    return ()


def _key_of(item: JSON, names: tuple[str, ...]) -> ListKey:
    return ListKey(tuple((name, item[name]) for name in names if name in item))


def _has_keys(items: list[JSON]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _below(owned: FieldSet | None, text: str) -> FieldSet | None:
    return owned.children.get(text) if owned is not None else None


def _equal(one: JSON, other: JSON) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def without_defaults(
    declared: Manifest, changes: Iterable[Change], fill: Callable[[Tree], Tree]
) -> tuple[Change, ...]:
    """Return the changes without what the server fills in by itself.

    Whoever edits an object with kubectl owns every default of what was added; git says less.

    Args:
        declared: What git says.
        changes: As `find_changes` gives them.
        fill: Returns a tree with the server's defaults in it.
    """
    kept = list(changes)
    tree = with_changes(declared.tree, kept)
    for change in list(kept):
        if change.before is not MISSING or change.after is MISSING or _is_key(change.path):
            continue
        without = with_value(tree, change.path, MISSING)
        filled = fill(without) if isinstance(without, dict) else {}
        if _equal(value_at(filled, change.path), change.after):
            tree = without
            kept.remove(change)
    return tuple(kept)


def _is_key(path: Path) -> bool:
    """Whether a path is a field by which its list item is identified."""
    last = path[-1]
    before = path[-2] if len(path) > 1 else None
    return (
        isinstance(last, FieldName)
        and isinstance(before, ListKey)
        and last.name in dict(before.fields)
    )
