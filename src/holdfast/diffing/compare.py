"""Compare one live object with the echo of what was applied to it.

In:  a live manifest, the `Echo` of the last apply (both without ignored fields).
Out: a `Comparison`. No differences and whole ownership: in sync, nothing to ask and to write.

Three kinds of difference are none (apply.md A5):
  1. an empty value that we declared and the server never stored, filled later by a manager that
     is no person (a CA injected into `caBundle: ""`);
  2. an empty map or list of ours that others filled, as long as our entry keeps the path;
  3. numbers that are equal by value (`1.0` and `1`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from holdfast.diffing.echo import Echo, is_filled_by_others
from holdfast.domain.drift import Difference, Drift, DriftKind, FieldOwner
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest
from holdfast.schema.field_path import FieldName, ListKey, Path, find_position, human_form
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, differences, leaf_paths, owned_entry, project


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One leaf that differs; `MISSING` stands for an absent value."""

    path: Path
    desired: JSON
    live: JSON


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        differences: Leaves whose value is not the expected one.
        owns_all: Whether our managedFields entry still has every path it had.
        is_renamed_element: A declared list element is gone while a foreign one stands in the
            same list; an apply alone would leave both (apply.md A1).
        is_unclear: Whether something differs, and nobody can say where: there is no echo.
    """

    differences: tuple[FieldDifference, ...] = ()
    owns_all: bool = True
    is_renamed_element: bool = False
    is_unclear: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether the values are what they should be."""
        return not self.differences

    @property
    def needs_apply(self) -> bool:
        """Whether something must be written: a value, or our ownership."""
        return bool(self.differences) or not self.owns_all

    @property
    def is_disowned(self) -> bool:
        """Whether only our ownership is gone: every value is what it should be, nothing drifted.

        A person who puts a value back, or `holdfast handover`, leaves an object so.
        """
        return not self.owns_all and not self.differences and not self.is_unclear


EQUAL = Comparison()


def compare(live: Manifest, echo: Echo, ignored_managers: Collection[str] = ()) -> Comparison:
    """Compare a live object with the echo. The caller has checked the uid.

    Args:
        live: Without ignored paths (`diffing.ignore.without_ignored`).
        echo: Learned from an answer without them.
        ignored_managers: What one of these managers owns is no drift (`managedFieldsManagers`).
    """
    entry = owned_entry(live.tree, HOLDFAST, api_version=live.api_version)
    fields = entry.get("fieldsV1") if entry else None
    owns_all = not echo.is_owned or fields == echo.fields
    now = project(live.tree, echo.field_set)
    if now == echo.projection:
        return (
            EQUAL
            if owns_all
            else Comparison(owns_all=not _lost_paths(echo, fields, live, ignored_managers))
        )
    ours = FieldSet.parse(fields) if isinstance(fields, dict) else None
    rows = tuple(
        FieldDifference(path, desired, value)
        for path, desired, value in differences(echo.projection, now)
        if _is_drift(path, desired, value, live, ours)
        and not belongs_to(ignored_managers, live, path)
    )
    return Comparison(
        differences=rows,
        owns_all=owns_all or not _lost_paths(echo, fields, live, ignored_managers),
        is_renamed_element=bool(rows) and any(_renamed(row.path, live, echo) for row in rows),
    )


def describe(comparison: Comparison, live: Manifest) -> Drift:
    """Return the comparison in words, with the managers that own each drifted path."""
    return Drift(
        key=live.key,
        kind=DriftKind.CHANGED,
        differences=tuple(_in_words(row, live) for row in comparison.differences),
        is_renamed_element=comparison.is_renamed_element,
    )


def _in_words(row: FieldDifference, live: Manifest) -> Difference:
    # Nobody's entry holds a field that is gone: naming anyone would be a guess (apply.md B2).
    owners = entries_of(live, row.path) if row.live is not MISSING else ()
    return Difference(
        path=human_form(row.path),
        desired=None if row.desired is MISSING else row.desired,
        live=None if row.live is MISSING else row.live,
        managers=tuple(owner.manager for owner in owners),
        owners=owners,
    )


def owners_of(live: Manifest, path: Path) -> tuple[str, ...]:
    """Return the managers, other than us, that own a path or something below it."""
    return tuple(owner.manager for owner in entries_of(live, path))


def entries_of(live: Manifest, path: Path) -> tuple[FieldOwner, ...]:
    """Return the same with operation, time and subresource of their entries."""
    found = []
    for entry in live.managed_fields:
        if entry.get("manager") == HOLDFAST or entry.get("subresource") == "status":
            continue
        fields = entry.get("fieldsV1")
        if isinstance(fields, dict) and _reaches(fields, path):
            words = (entry.get(name) for name in ("manager", "operation", "time", "subresource"))
            found.append(FieldOwner(*(str(word or "") for word in words)))
    return tuple(found)


def _reaches(fields: dict[str, JSON], path: Path) -> bool:
    node: JSON = fields
    for element in path:
        if not isinstance(node, dict) or element.encoded not in node:
            return False
        node = node[element.encoded]
    return True


def _is_drift(
    path: Path, desired: JSON, value: JSON, live: Manifest, ours: FieldSet | None
) -> bool:
    if _same_number(desired, value):
        return False
    if value and isinstance(value, dict | list) and is_filled_by_others(live, path):
        return desired is not MISSING and ours is not None and not ours.has(path)
    if desired is MISSING and value is not MISSING:
        return any(manager.startswith("kubectl") for manager in owners_of(live, path))
    if desired in ({}, []) and isinstance(value, dict | list):
        return ours is not None and not ours.has(path)
    return True


def _same_number(one: JSON, other: JSON) -> bool:
    return (
        isinstance(one, int | float)
        and isinstance(other, int | float)
        and not isinstance(one, bool)
        and not isinstance(other, bool)
        and one == other
    )


def _lost_paths(
    echo: Echo, fields: JSON, live: Manifest, ignored_managers: Collection[str]
) -> bool:
    """Whether our entry lost a path that counts.

    A declared value that the server never stored (`caBundle: ""`) is lost as soon as a controller
    fills it in: that is its purpose, and no drift (apply.md A5). Neither is a whole list or map
    that is what it was: the API server books the metrics of an autoscaler to whoever writes the
    object next, for it stores them in another form. What git drops later goes all the same
    (`applying.write`).
    """
    if not isinstance(fields, dict):
        return True
    lost = echo.field_set - FieldSet.parse(fields)
    if not lost:
        return False
    values = dict(echo.projection.rows())
    return any(
        _can_be_lost(values.get(path)) and not belongs_to(ignored_managers, live, path)
        for path in leaf_paths(lost)
    )


def _can_be_lost(value: JSON) -> bool:
    return value is not MISSING and not (value and isinstance(value, list | dict))


def belongs_to(managers: Collection[str], live: Manifest, path: Path) -> bool:
    """Whether one of the managers owns a path or something below it."""
    return bool(managers) and any(owner in managers for owner in owners_of(live, path))


def _renamed(path: Path, live: Manifest, echo: Echo) -> bool:
    """Whether the path runs through an element that is gone from a list with a foreign element."""
    for depth, element in enumerate(path):
        if not isinstance(element, ListKey):
            continue
        items = _resolve(live.tree, path[:depth])
        if not isinstance(items, list):
            return False
        if find_position(items, element) is None:
            return any(_foreign_keys(live, path[:depth], echo))
    return False


def _foreign_keys(live: Manifest, list_path: Path, echo: Echo) -> Iterator[bool]:
    declared = echo.field_set.find_at(list_path)
    known = set(declared.children) if declared else set()
    for entry in live.managed_fields:
        if entry.get("operation") != "Update" or entry.get("subresource"):
            continue
        fields = entry.get("fieldsV1")
        if not isinstance(fields, dict):
            continue
        node: JSON = fields
        for element in list_path:
            node = node.get(element.encoded) if isinstance(node, dict) else None
        if isinstance(node, dict):
            yield any(key.startswith("k:") and key not in known for key in node)


def _resolve(tree: JSON, path: Path) -> JSON:
    here = tree
    for element in path:
        if isinstance(element, FieldName):
            here = here.get(element.name) if isinstance(here, dict) else None
        elif isinstance(here, list):
            place = find_position(here, element)
            here = None if place is None else here[place]
        else:
            return None
    return here
