"""Compare without an echo: the declared fields, by value, with what is live (apply.md C3).

A cheap rule that needs no request: everything that is declared must be live, numbers and
quantities by value, and null, "", 0, false and empty count as absent. It accepts nearly all
objects of a cluster that is in sync; what it does not accept is asked by a dry run.

A rule that errs must err towards asking: it never calls an object equal that lacks something
declared, and never calls it equal when a field was removed from git that we still own.
"""

from collections.abc import Mapping

from holdfast.domain.managers import HOLDFAST, PREVIOUS_APPLIERS
from holdfast.domain.manifest import JSON, Manifest
from holdfast.schema.field_path import KEY_DEFAULTS, FieldName, Path, find_position
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, owned_entry, project
from holdfast.schema.quantities import same_quantity

_LIST_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "ip", "key", "type")


def declared_is_live(
    declared: Manifest, live: Manifest, applied_before: FieldSet | None = None
) -> bool:
    """Whether everything declared is live, and nothing that we own has left the declaration.

    Args:
        declared: What git says.
        live: What the cluster says.
        applied_before: Fields of the manifest that was applied last. One of them that git has
            dropped since must go even if somebody else owns it by now (apply.md A6).
    """
    if applied_before is not None and drops_live_fields(declared, live, applied_before):
        return False
    for key, value in declared.tree.items():
        if key in ("apiVersion", "kind", "metadata"):
            continue
        if not _covers(value, live.tree.get(key)):
            return False
    if not _metadata_is_live(declared, live):
        return False
    return not _dropped_fields(declared, live)


def drops_live_fields(declared: Manifest, live: Manifest, applied_before: FieldSet) -> bool:
    """Whether a field that was applied before, and is declared no more, is still live."""
    return any(
        value is not MISSING and not _is_declared(path, declared.tree)
        for path, value in project(live.tree, applied_before).rows()
    )


def _is_declared(path: Path, tree: JSON) -> bool:
    here = tree
    for element in path:
        if isinstance(element, FieldName):
            if not isinstance(here, Mapping) or element.name not in here:
                return isinstance(here, Mapping) and element.name in KEY_DEFAULTS
            here = here[element.name]
            continue
        place = find_position(here, element) if isinstance(here, list) else None
        if place is None:
            return False
        here = here[place]
    return True


def _metadata_is_live(declared: Manifest, live: Manifest) -> bool:
    names = ("labels", "annotations", "finalizers", "ownerReferences")
    return all(
        _covers(declared.metadata.get(name), live.metadata.get(name), is_text_map=True)
        for name in names
        if name in declared.metadata
    )


def _covers(declared: JSON, live: JSON, *, is_text_map: bool = False) -> bool:
    if isinstance(declared, dict):
        inner = live if isinstance(live, dict) else {}
        if live is not None and not isinstance(live, dict):
            return False
        return all(
            key in inner and inner[key] == value if is_text_map else _covers(value, inner.get(key))
            for key, value in declared.items()
        )
    if isinstance(declared, list):
        if not declared:
            return not live
        return isinstance(live, list) and _list_covers(declared, live)
    if _is_empty(declared) and _is_empty(live):
        return True
    return _same_scalar(declared, live)


def _list_covers(declared: list[JSON], live: list[JSON]) -> bool:
    key = _list_key(declared, live)
    if key is None:
        return len(declared) == len(live) and all(
            _covers(mine, theirs) for mine, theirs in zip(declared, live, strict=True)
        )
    places = {item[key]: place for place, item in enumerate(live)}
    found = [places.get(item[key]) for item in declared]
    known = [place for place in found if place is not None]
    if len(known) != len(declared) or known != sorted(known):
        return False
    return all(_covers(item, live[place]) for item, place in zip(declared, known, strict=True))


def _list_key(declared: list[JSON], live: list[JSON]) -> str | None:
    """Return a field that identifies the elements of both lists, or None."""
    for key in _LIST_KEYS:
        if _identifies(key, declared) and _identifies(key, live):
            return key
    return None


def _identifies(key: str, items: list[JSON]) -> bool:
    values = [item.get(key) for item in items if isinstance(item, dict)]
    return (
        len(values) == len(items)
        and all(isinstance(value, str | int) for value in values)
        and len(set(values)) == len(values)
    )


def _is_empty(value: JSON) -> bool:
    return (
        value is None or value == "" or value is False or value == {} or value == [] or value == 0
    )


def _same_scalar(declared: JSON, live: JSON) -> bool:
    if isinstance(declared, bool) or isinstance(live, bool):
        return declared is live
    if declared == live:
        return True
    if live is None or declared is None:
        return False
    if not isinstance(declared, str | int | float) or not isinstance(live, str | int | float):
        return False
    return same_quantity(str(declared), str(live))


def _dropped_fields(declared: Manifest, live: Manifest) -> bool:
    """Whether an entry of ours, or of whom we follow, holds a path that is no longer declared."""
    for manager in (HOLDFAST, *PREVIOUS_APPLIERS):
        for operation in ("Apply", "Update"):
            if manager == HOLDFAST and operation == "Update":
                continue
            entry = owned_entry(live.tree, manager, operation, live.api_version)
            if entry is not None and _has_undeclared(
                FieldSet.parse(entry.get("fieldsV1") or {}), declared.tree, ()
            ):
                return True
        if owned_entry(live.tree, HOLDFAST, api_version=live.api_version) is not None:
            return False  # the others' fields are theirs once we have written
    return False


_UNDECLARED_IS_FINE = frozenset({"f:status"})
_LAST_APPLIED = "f:kubectl.kubernetes.io/last-applied-configuration"


def _has_undeclared(owned: FieldSet, declared: JSON, path: tuple[str, ...]) -> bool:
    """Whether `owned` has a leaf that `declared` lacks. List items count by their number alone."""
    for element, child in owned.children.items():
        if element == _LAST_APPLIED or (not path and element in _UNDECLARED_IS_FINE):
            continue
        if element.startswith("f:"):
            inside = declared.get(element[2:]) if isinstance(declared, Mapping) else None
            if inside is None and not _is_list_key_of_parent(path):
                return True
            if child.children and _has_undeclared(child, inside, (*path, element)):
                return True
    items = sum(1 for element in owned.children if element[:2] in ("k:", "v:"))
    return items > (len(declared) if isinstance(declared, list) else 0)


def _is_list_key_of_parent(path: tuple[str, ...]) -> bool:
    """Whether the path ends inside a list item, where the server adds default keys."""
    return bool(path) and path[-1].startswith("k:")
