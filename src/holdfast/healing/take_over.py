"""Move ownership of fields to us, so that an apply can drop what others put beside ours.

An apply never removes what another manager owns; git's value and the person's then stand side by
side, and validation refuses, or a renamed container runs twice (apply.md A1). The heal takes the
parent of each drifted path over and applies again. The same move, for whole entries, follows
kubectl or Argo CD as the owner of an object the first time we write it (apply.md A6).

Both return a new list for `metadata.managedFields`, or None when there is nothing to move.
"""

from collections.abc import Iterable, Iterator

from holdfast.domain.managers import HOLDFAST, PREVIOUS_APPLIERS
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import FieldName, Path, find_position
from holdfast.schema.field_set import FieldSet


def parents_of(live: Manifest, drifted: Iterable[Path]) -> frozenset[Path]:
    """Return, for each drifted path, the nearest list, element or struct above it that is live.

    Where whole branches are gone (a list element by another key, a probe of another type) it is
    the parent of the topmost missing step.
    """
    found = set()
    for path in drifted:
        depth = _live_depth(live.tree, path)
        parent = path[: min(depth, len(path) - 1)]
        if parent:
            found.add(parent)
        found.update(_twin(live, path))
    return frozenset(found)


def _twin(live: Manifest, path: Path) -> Iterator[Path]:
    """A key of a ConfigMap stands in `data` or in `binaryData`, never in both."""
    if (live.group, live.kind) != ("", "ConfigMap") or not path:
        return
    twins = {"data": "binaryData", "binaryData": "data"}
    if isinstance(path[0], FieldName) and path[0].name in twins:
        yield (FieldName(twins[path[0].name]), *path[1:2])


def take_over(live: Manifest, parents: Iterable[Path]) -> list[Tree] | None:
    """Return managedFields in which what lies under `parents` belongs to our Apply entry alone.

    Only `Update` and `Apply` entries of the main resource lose fields; never a subresource's.
    """
    wanted = tuple(parents)
    ours = FieldSet({})
    kept: list[Tree] = []
    moved = FieldSet({})
    for entry in live.managed_fields:
        fields = FieldSet.parse(entry.get("fieldsV1") or {})
        if entry.get("manager") == HOLDFAST and entry.get("operation") == "Apply":
            ours = ours | fields
            continue
        if entry.get("subresource") or entry.get("apiVersion") != live.api_version:
            kept.append(dict(entry))
            continue
        taken = _below(fields, wanted)
        if not taken:
            kept.append(dict(entry))
            continue
        moved = moved | taken
        rest = fields - taken
        if rest:
            kept.append({**entry, "fieldsV1": rest.to_json()})
    if not moved:
        return None
    return [_our_entry(live, ours | moved), *kept]


def follow_previous_managers(live: Manifest, extra: str = "") -> list[Tree] | None:
    """Return managedFields in which the entries of earlier appliers are ours.

    Done once, before our first write: None when we already have an Apply entry.

    Args:
        live: The object as it stands.
        extra: One more manager to follow
            (`argocd.argoproj.io/client-side-apply-migration-manager`).
    """
    followed = {*PREVIOUS_APPLIERS, extra}
    ours = FieldSet({})
    kept: list[Tree] = []
    for entry in live.managed_fields:
        manager, operation = entry.get("manager"), entry.get("operation")
        if manager == HOLDFAST and operation == "Apply" and not entry.get("subresource"):
            return None
        if (
            manager in followed
            and not entry.get("subresource")
            and entry.get("apiVersion") == live.api_version
        ):
            ours = ours | FieldSet.parse(entry.get("fieldsV1") or {})
        else:
            kept.append(dict(entry))
    return [_our_entry(live, ours), *kept] if ours else None


def merge_own_update(live: Manifest) -> list[Tree] | None:
    """Return managedFields in which what we wrote by PUT is part of our Apply entry.

    A PUT leaves an `Update` entry of ours; what git drops later would stay because of it.
    """
    ours = FieldSet({})
    kept: list[Tree] = []
    has_update = False
    for entry in live.managed_fields:
        if entry.get("manager") != HOLDFAST or entry.get("subresource"):
            kept.append(dict(entry))
            continue
        has_update = has_update or entry.get("operation") == "Update"
        ours = ours | FieldSet.parse(entry.get("fieldsV1") or {})
    return [_our_entry(live, ours), *kept] if has_update else None


def _our_entry(live: Manifest, fields: FieldSet) -> Tree:
    mine = next(
        (
            entry
            for entry in live.managed_fields
            if entry.get("manager") == HOLDFAST and entry.get("operation") == "Apply"
        ),
        None,
    )
    entry: Tree = {
        "manager": HOLDFAST,
        "operation": "Apply",
        "apiVersion": live.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.to_json(),
    }
    if mine is not None and mine.get("time"):
        entry["time"] = mine["time"]
    return entry


def _below(fields: FieldSet, parents: tuple[Path, ...]) -> FieldSet:
    """Return the members of `fields` that lie at or below one of the paths."""
    found = FieldSet({})
    for path in parents:
        node = fields.find_at(path)
        if node is None:
            continue
        prefix = tuple(element.encoded for element in path)
        below = FieldSet.from_encoded(node.encoded_paths(prefix))
        if node.owned:
            below = below | FieldSet.from_encoded([prefix])
        found = found | below
    return found


def _live_depth(tree: JSON, path: Path) -> int:
    """Return how many steps of the path exist in the tree."""
    here = tree
    for depth, element in enumerate(path):
        if isinstance(element, FieldName):
            if not isinstance(here, dict) or element.name not in here:
                return depth
            here = here[element.name]
            continue
        place = find_position(here, element) if isinstance(here, list) else None
        if place is None:
            return depth
        here = here[place]
    return len(path)
