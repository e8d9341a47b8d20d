"""Read and write `metadata.managedFields` as the API server does.

In:  an object's managedFields.
Out: `Managers`: who owns what, by manager, operation, subresource and (for updates) version; and
     back, sorted as the server sorts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from holdfast.schema.field_path import field_path
from holdfast.schema.field_set import FieldSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON

APPLY = "Apply"
UPDATE = "Update"
MOST_UPDATE_MANAGERS = 10
"""With more update entries than this the oldest become one entry."""
OLD_UPDATES_MANAGER = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"

NEVER_OWNED = FieldSet.of(
    field_path("apiVersion"),
    field_path("kind"),
    field_path("metadata"),
    *(
        field_path("metadata", name)
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ),
)
"""Paths that nobody's entry holds."""


class ManagedFieldsError(ValueError):
    """The managedFields that a client sent cannot be read; the text is the server's."""


@dataclass(frozen=True, slots=True)
class ManagerId:
    """What makes an entry one's own. Of two entries with one id the last counts."""

    manager: str
    operation: str
    subresource: str = ""
    api_version: str = ""
    """Empty for apply: an applier has one entry, whatever version it used last."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What one manager owns, in the paths of one version, since when."""

    fields: FieldSet
    api_version: str
    time: str | None = None

    def with_fields(self, fields: FieldSet) -> Owned:
        """Return the same with other fields."""
        return replace(self, fields=fields)


Managers: TypeAlias = dict[ManagerId, Owned]


def manager_id(
    manager: str, operation: str, subresource: str = "", api_version: str = ""
) -> ManagerId:
    """Return the id under which a writer's fields are kept."""
    version = "" if operation == APPLY else api_version
    return ManagerId(manager or "unknown", operation, subresource, version)


def read_managers(tree: Mapping[str, JSON]) -> Managers:
    """Return who owns what in an object.

    Of two entries with one id the last counts, as on the server: whoever renames a manager must
    unite the field sets.

    Raises:
        ManagedFieldsError: An entry cannot be read.
    """
    found: Managers = {}
    for place, entry in enumerate((tree.get("metadata") or {}).get("managedFields") or ()):
        _check_entry(place, entry)
        key = manager_id(
            entry.get("manager", ""),
            entry["operation"],
            entry.get("subresource", ""),
            entry["apiVersion"],
        )
        try:
            fields = FieldSet.parse(entry.get("fieldsV1") or {})
        except ValueError as error:
            raise ManagedFieldsError(f"error decoding set: {error}") from error
        found[key] = Owned(fields, entry["apiVersion"], entry.get("time"))
    return found


def _check_entry(place: int, entry: JSON) -> None:
    if not isinstance(entry, dict) or entry.get("operation") not in (APPLY, UPDATE):
        raise ManagedFieldsError("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise ManagedFieldsError("apiVersion must not be empty")
    if not entry.get("fieldsType"):
        raise ManagedFieldsError(f"missing fieldsType in managed fields entry {place}")
    if entry["fieldsType"] != "FieldsV1":
        kind = entry["fieldsType"]
        raise ManagedFieldsError(f'invalid fieldsType "{kind}" in managed fields entry {place}')


def write_managers(managers: Managers) -> list[dict[str, JSON]]:
    """Return the managedFields list: applies before updates, older before newer."""
    return [_entry(key, managers[key]) for key in sorted(managers, key=_order(managers))]


def _order(managers: Managers) -> _Order:
    return _Order(managers)


class _Order:
    """Sorts manager ids as the server does."""

    def __init__(self, managers: Managers) -> None:
        self.managers = managers

    def __call__(self, key: ManagerId) -> tuple[str, float, str, str, str]:
        owned = self.managers[key]
        seconds = _seconds(owned.time)
        return key.operation, seconds, key.manager, owned.api_version, key.subresource


def _seconds(time: str | None) -> float:
    return datetime.fromisoformat(time).timestamp() if time else 0.0


def _entry(key: ManagerId, owned: Owned) -> dict[str, JSON]:
    entry: dict[str, JSON] = {
        "manager": key.manager,
        "operation": key.operation,
        "apiVersion": owned.api_version,
    }
    if owned.time is not None:
        entry["time"] = owned.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = owned.fields.to_json()
    if key.subresource:
        entry["subresource"] = key.subresource
    return entry


def strip_never_owned(managers: Managers, key: ManagerId) -> None:
    """Take the paths that nobody owns out of one entry; an entry left empty goes."""
    owned = managers.get(key)
    if owned is not None:
        _set_fields(managers, key, owned.fields - NEVER_OWNED)


def _set_fields(managers: Managers, key: ManagerId, fields: FieldSet) -> None:
    if fields.is_empty:
        del managers[key]
    else:
        managers[key] = managers[key].with_fields(fields)


def cap_update_managers(managers: Managers) -> None:
    """Merge the oldest update entries of each version until no more than 10 are left."""
    updates = [key for key in managers if key.operation == UPDATE]
    left = len(updates)
    if left <= MOST_UPDATE_MANAGERS:
        return
    updates.sort(key=lambda key: (_seconds(managers[key].time), key.manager, key.api_version))
    first: dict[str, ManagerId] = {}
    for key in updates:
        if left <= MOST_UPDATE_MANAGERS:
            return
        owned = managers[key]
        version = owned.api_version
        if version not in first:
            first[version] = key
            continue
        bucket = ManagerId(OLD_UPDATES_MANAGER, UPDATE, "", version)
        if bucket not in managers:
            managers[bucket] = managers.pop(first[version])
        managers[bucket] = Owned(managers[bucket].fields | owned.fields, version, owned.time)
        if key != bucket:
            del managers[key]
        left -= 1
