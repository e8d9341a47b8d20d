"""Do what the API server does to an object and its managedFields on every write.

In:  the stored object, what a client sent, the type of the kind, and who writes.
Out: for a server-side apply the merged object (`server_side_apply`), for every other write the
     object with its managedFields brought up to date (`record_update`).

What an apply does, in order (docs/internals/argocd/apply.md §A1-A7 shows what follows from it):
  1. refuse what is not of the type, duplicate list items included    -> TypedPatchError
  2. merge the applied tree into live
  3. remove what this manager applied before, does not apply now, and nobody else owns
  4. what changed or was added and belongs to another manager          -> ApplyConflict,
     unless forced: then the others lose those paths
  5. the applier owns exactly what it applied; its time moves only if the object changed

What a write may not touch through this subresource (`status` through the main one) is given as
`Writer.reset_fields` (see `holdfast.schema.kinds.reset_fields`): an apply leaves it as it is in
live, and nobody comes to own it. For other writes the caller puts the old values back first.

Not done here, because it belongs to the kind: defaulting, validation, immutable fields. Default
the result, then ask `differs_only_in_times` whether there is anything to store.
Pure: `now` is given.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.schema.field_path import server_form
from holdfast.schema.field_set import EMPTY, FieldSet
from holdfast.schema.managed_fields import (
    APPLY,
    BEFORE_FIRST_APPLY,
    UPDATE,
    ManagedFieldsError,
    ManagerId,
    Managers,
    Owned,
    cap_update_managers,
    manager_id,
    read_managers,
    strip_never_owned,
    write_managers,
)
from holdfast.schema.trees import empty_object, without_nulls
from holdfast.schema.typed_check import joined, typed_errors
from holdfast.schema.typed_merge import compare, merge, remove_paths
from holdfast.schema.typed_paths import (
    ListItemError,
    field_set_of,
    in_line_with,
    with_named_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON
    from holdfast.schema.types import ObjectType

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL_MANAGER = "kubectl"
_SELF = ManagerId("current-operation", UPDATE)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which version, through which subresource, and when."""

    manager: str
    api_version: str
    now: str
    """RFC 3339 in UTC with whole seconds, as in `2026-11-23T16:00:00Z`."""
    subresource: str = ""
    reset_fields: FieldSet = EMPTY
    """Paths that writes through this (sub)resource never change nor own, such as `status`."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The object after an apply; `changed` says whether anything but managedFields did."""

    tree: dict[str, JSON]
    changed: bool


@dataclass(frozen=True, slots=True)
class ConflictCause:
    """One path that belongs to somebody else."""

    manager: str
    field: str
    """In the server's words: `.spec.replicas`."""
    message: str


class ApplyConflict(Exception):  # noqa: N818  # the name of the answer: 409 Conflict
    """An apply without force would take fields from others; the text is the server's."""

    def __init__(self, causes: tuple[ConflictCause, ...]) -> None:
        self.causes = causes
        super().__init__(_conflict_text(causes))


class TypedPatchError(Exception):
    """The applied object cannot be expressed as an apply; the text is the server's."""


class ApplyRequestError(ValueError):
    """The request as such is wrong (HTTP 400); the text is the server's."""


def server_side_apply(
    live: Mapping[str, JSON] | None,
    applied: Mapping[str, JSON],
    *,
    type: ObjectType,  # noqa: A002  # the word of the schema
    writer: Writer,
    force: bool = False,
) -> Merged:
    """Return live with `applied` applied to it.

    Args:
        live: The stored object with its managedFields; None when there is none.
        applied: What the client sent, complete for this manager.
        type: The type of the kind in `writer.api_version`.
        writer: Who applies.
        force: Take fields from other managers instead of raising.

    Raises:
        ApplyConflict: Others own, with other values, what would be set. Never with `force`.
        TypedPatchError: The applied object is not of its type or has duplicate list items.
        ApplyRequestError: `metadata.managedFields` is set.
        ManagedFieldsError: The stored managedFields cannot be read.
    """
    if "managedFields" in (applied.get("metadata") or {}):
        raise ApplyRequestError("metadata.managedFields must be nil")
    _check_type(applied, type)
    base = empty_object(type, applied) if live is None else _without_managed_fields(live)
    managers = read_managers(live or {})
    if not managers:
        managers = _tracked_from(base, type, writer)
    key = manager_id(writer.manager, APPLY, writer.subresource)
    try:
        merged = _apply(base, applied, managers, type, writer, force=force)
    except ApplyConflict as conflict:
        if writer.manager != KUBECTL_MANAGER or not _may_take(conflict, base, type, writer):
            raise
        merged = _apply(base, applied, managers, type, writer, force=True)
    except ListItemError as error:
        # A CRD made a list associative after its items were stored.
        raise TypedPatchError(
            f"failed to create typed live object ({_described(base)}): {error}"
        ) from error
    changed = live is None or (merged is not base and merged != base)
    after = without_nulls(merged, type) if changed else merged
    owned = managers.get(key)
    if owned is not None and changed:
        managers[key] = Owned(owned.fields, owned.api_version, writer.now)
    _refresh_last_applied(after, applied, writer)
    return Merged(_with_managers(after, managers), changed)


def record_update(
    before: Mapping[str, JSON] | None,
    after: Mapping[str, JSON],
    *,
    type: ObjectType,  # noqa: A002  # the word of the schema
    writer: Writer,
) -> dict[str, JSON]:
    """Return `after` with the managedFields of a POST, PUT or PATCH.

    Args:
        before: The stored object with its managedFields; None for a create.
        after: The object that is to be stored, defaults in place. Its own managedFields count
            as the client's wish, as on the server: none leaves those of `before`, `[]` or
            `[{}]` empties them.
        type: The type of the kind in `writer.api_version`.
        writer: Who writes. `writer.subresource` set: the client's managedFields are ignored.
    """
    managers = _wished_managers(before, after, writer)
    new = _without_managed_fields(after)
    if managers is None or (not managers and before is not None):
        return new  # nobody is tracked any more, and a write does not begin it again
    old = empty_object(type, after) if before is None else _without_managed_fields(before)
    managers = _reconciled(managers, type)
    try:
        comparison = compare(old, new, type).without(writer.reset_fields)
    except ListItemError:
        return new  # the server drops managedFields rather than refuse the write
    _take_from_others(managers, _SELF, comparison.changed | comparison.added, comparison.removed)
    ours = (comparison.changed | comparison.added).recursive_difference(writer.reset_fields)
    if not ours.is_empty:
        managers[_SELF] = Owned(ours, writer.api_version)
        strip_never_owned(managers, _SELF)
    taken = managers.pop(_SELF, None)
    if taken is not None:
        key = manager_id(writer.manager, UPDATE, writer.subresource, writer.api_version)
        known = managers.get(key)
        fields = taken.fields if known is None else taken.fields | known.fields
        managers[key] = Owned(fields, writer.api_version, writer.now)
    cap_update_managers(managers)
    return _with_managers(new, managers)


def differs_only_in_times(before: Mapping[str, JSON], after: Mapping[str, JSON]) -> bool:
    """Return True when two objects differ in nothing but the times in managedFields.

    The server then stores nothing: ask after defaulting, before a new resourceVersion is given.
    """
    return _timeless(before) == _timeless(after)


# -- apply, step by step -------------------------------------------------------------------


def _check_type(applied: Mapping[str, JSON], kind: ObjectType) -> None:
    errors = typed_errors(applied, kind)
    if errors:
        who = _described(applied)
        raise TypedPatchError(f"failed to create typed patch object ({who}): {joined(errors)}")


def _described(tree: Mapping[str, JSON]) -> str:
    metadata = tree.get("metadata") or {}
    group, _, version = str(tree.get("apiVersion", "")).rpartition("/")
    where = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    return f"{where}; {group}/{version}, Kind={tree.get('kind', '')}"


def _tracked_from(base: dict[str, JSON], kind: ObjectType, writer: Writer) -> Managers:
    """Return the managers of an object that has none yet: all that is there was there before."""
    before = Writer(
        BEFORE_FIRST_APPLY, writer.api_version, writer.now, reset_fields=writer.reset_fields
    )
    return read_managers(record_update(None, base, type=kind, writer=before))


def _apply(
    live: dict[str, JSON],
    applied: Mapping[str, JSON],
    managers: Managers,
    kind: ObjectType,
    writer: Writer,
    *,
    force: bool,
) -> dict[str, JSON]:
    """Return the merged tree and leave in `managers` who owns what after it."""
    key = manager_id(writer.manager, APPLY, writer.subresource)
    working = _reconciled(managers, kind)
    merged = merge(live, dict(applied), kind)
    last = working.get(key)
    fields = field_set_of(applied, kind).recursive_difference(writer.reset_fields)
    working[key] = Owned(fields, writer.api_version, last.time if last else None)
    if last is not None and not (last.fields - fields).is_empty:
        merged = _prune(merged, last.fields, working, kind)
    merged = _with_reset(merged, live, writer.reset_fields)
    comparison = compare(live, merged, kind).without(writer.reset_fields)
    conflicts = _take_from_others(
        working, key, comparison.changed | comparison.added, comparison.removed
    )
    if conflicts and not force:
        raise ApplyConflict(tuple(conflicts))
    strip_never_owned(working, key)
    managers.clear()
    managers.update(working)
    result: dict[str, JSON] = merged
    return result


def _with_reset(merged: JSON, live: JSON, reset: FieldSet) -> JSON:
    """Return `merged` with the values of `live` at the paths that this write may not change."""
    if reset.is_empty or not isinstance(merged, dict):
        return merged
    old = live if isinstance(live, dict) else {}
    made = dict(merged)
    for element, node in reset.children.items():
        name = element.removeprefix("f:")
        if not node.owned:
            if name in made:
                made[name] = _with_reset(made[name], old.get(name), node)
        elif name in old:
            made[name] = old[name]
        else:
            made.pop(name, None)
    return made


def _prune(merged: JSON, last: FieldSet, managers: Managers, kind: ObjectType) -> JSON:
    """Return the tree without what the last apply set and nobody claims now."""
    named_last = with_named_fields(last, kind)
    pruned = remove_paths(merged, named_last, kind)
    everything = with_named_fields(field_set_of(merged, kind), kind)
    claimed = EMPTY
    for owned in managers.values():
        claimed = claimed | owned.fields
    kept = with_named_fields(field_set_of(pruned, kind), kind) | with_named_fields(claimed, kind)
    pruned = remove_paths(merged, everything - kept, kind)
    # Only what this manager had may go: things that nobody owns stay.
    left = with_named_fields(field_set_of(pruned, kind), kind)
    return remove_paths(merged, (everything - left) & named_last, kind)


def _take_from_others(
    managers: Managers, key: ManagerId, taken: FieldSet, removed: FieldSet
) -> list[ConflictCause]:
    """Take changed and removed paths from every entry but `key`; return the conflicts."""
    causes: list[ConflictCause] = []
    for other, owned in list(managers.items()):
        if other == key:
            continue
        contested = owned.fields & taken
        causes.extend(_causes(other, owned, contested))
        left = owned.fields - contested - removed
        if left.is_empty:
            del managers[other]
        else:
            managers[other] = owned.with_fields(left)
    if key in managers and managers[key].fields.is_empty:
        del managers[key]
    return causes


def _causes(manager: ManagerId, owned: Owned, contested: FieldSet) -> list[ConflictCause]:
    shown = _shown_manager(manager, owned)
    return [
        ConflictCause(manager.manager, server_form(path), f"conflict with {shown}")
        for path in contested.paths_by_level()
    ]


def _shown_manager(manager: ManagerId, owned: Owned) -> str:
    shown = json.dumps(manager.manager, ensure_ascii=False)
    if manager.subresource:
        shown += f" with subresource {json.dumps(manager.subresource)}"
    return f"{shown} using {owned.api_version}" if manager.operation == UPDATE else shown


def _conflict_text(causes: tuple[ConflictCause, ...]) -> str:
    if len(causes) == 1:
        return f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    lines: list[str] = []
    for message in sorted({cause.message for cause in causes}):
        lines.append(f"{message.replace('conflict with', 'conflicts with', 1)}:")
        lines.extend(f"- {cause.field}" for cause in causes if cause.message == message)
    return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)


# -- kubectl's client-side apply -------------------------------------------------------------


def _may_take(
    conflict: ApplyConflict, live: dict[str, JSON], kind: ObjectType, writer: Writer
) -> bool:
    """Return True when every conflict is on a field that kubectl's own last apply set.

    So `kubectl apply --server-side` takes over what `kubectl apply` wrote without a conflict.
    """
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    try:
        last = json.loads(annotations.get(LAST_APPLIED) or "null")
        if not isinstance(last, dict) or last.get("apiVersion") != writer.api_version:
            return False
        comparison = compare(last, live, kind)
        allowed = field_set_of(last, kind) - comparison.changed - comparison.added
    except ValueError:
        return False
    paths = (allowed - comparison.removed).paths()
    return {cause.field for cause in conflict.causes} <= {server_form(path) for path in paths}


def _refresh_last_applied(
    after: dict[str, JSON], applied: Mapping[str, JSON], writer: Writer
) -> None:
    """Keep the annotation of client-side apply current, as the server does for kubectl alone."""
    annotations = (after.get("metadata") or {}).get("annotations") or {}
    if writer.manager != KUBECTL_MANAGER or not annotations.get(LAST_APPLIED):
        return
    sent = copy.deepcopy(dict(applied))
    (sent.get("metadata", {}).get("annotations") or {}).pop(LAST_APPLIED, None)
    text = json.dumps(sent, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    after["metadata"] = after["metadata"] | {"annotations": annotations | {LAST_APPLIED: text}}


# -- managedFields of a tree -----------------------------------------------------------------


def _wished_managers(
    before: Mapping[str, JSON] | None, after: Mapping[str, JSON], writer: Writer
) -> Managers | None:
    """Return the managers to start from; None when the client empties them."""
    wish = (after.get("metadata") or {}).get("managedFields")
    if not writer.subresource:
        if wish in ([], [{}]):
            return None if before is not None else {}
        try:
            wished = read_managers(after)
        except ManagedFieldsError:
            wished = {}
        if wished:
            return wished
    try:
        return read_managers(before or {})
    except ManagedFieldsError:
        return {}


def _reconciled(managers: Managers, kind: ObjectType) -> Managers:
    if kind.name:
        return dict(managers)  # built-in types do not change under stored objects
    return {
        key: owned.with_fields(in_line_with(owned.fields, kind)) for key, owned in managers.items()
    }


def _without_managed_fields(tree: Mapping[str, JSON]) -> dict[str, JSON]:
    metadata = tree.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return dict(tree)
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {name: kept if name == "metadata" else value for name, value in tree.items()}


def _with_managers(tree: dict[str, JSON], managers: Managers) -> dict[str, JSON]:
    if not managers:
        return tree
    metadata = dict(tree.get("metadata") or {}) | {"managedFields": write_managers(managers)}
    return tree | {"metadata": metadata}


def _timeless(tree: Mapping[str, JSON]) -> dict[str, JSON]:
    metadata = dict(tree.get("metadata") or {})
    entries = metadata.get("managedFields") or []
    metadata["managedFields"] = [
        {name: value for name, value in entry.items() if name != "time"} for entry in entries
    ]
    metadata.pop("resourceVersion", None)
    return {**tree, "metadata": metadata}
