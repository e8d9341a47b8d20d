"""The echo: what the server made of our apply, at the fields that our apply owns.

The answer of an apply holds our manager's *field set* and, at those fields, the values as the
server stores them. A live object that still has those values and that ownership is in sync; no
request is needed to know (DESIGN §4.2). Why the server's own field set and not the manifest's
keys: docs/internals/argocd/apply.md A5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from holdfast.domain.identity import Uid
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest
from holdfast.schema.field_path import Path
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, Projection, leaf_paths, owned_entry, project


@dataclass(frozen=True, slots=True)
class Echo:
    """What is expected of a live object.

    Attributes:
        uid: The object it was learned from; allocated values differ in another one.
        fields: `fieldsV1` of our entry, as the server wrote it.
        field_set: The same, parsed.
        projection: The values at those fields.
        is_owned: Whether the entry really stands in the object. An object that was found equal
            by a dry run has an echo before we ever wrote to it.
    """

    uid: Uid
    fields: Mapping[str, JSON]
    field_set: FieldSet
    projection: Projection
    is_owned: bool


def learn(
    answer: Manifest, parse: Callable[[Mapping[str, JSON]], FieldSet] = FieldSet.parse
) -> Echo | None:
    """Return the echo that an apply's answer holds; None when our entry is not in it.

    Args:
        answer: The object, as the server stores it.
        parse: How to read our field set; another one may know equal sets already.
    """
    entry = owned_entry(answer.tree, HOLDFAST, api_version=answer.api_version)
    if entry is None:
        return None
    fields = entry.get("fieldsV1") or {}
    field_set = parse(fields)
    return Echo(answer.uid, fields, field_set, _values(answer, field_set), is_owned=True)


def expecting(echo: Echo, before: Echo, paths: frozenset[Path]) -> Echo:
    """Return the echo with the values of `before` at some paths.

    After an apply that carried live values of fields that back off, the answer holds those, not
    what is desired there; without this the drift would be forgotten.
    """
    if echo.field_set != before.field_set:
        return echo
    values = tuple(
        old if path in paths else new
        for path, old, new in zip(
            leaf_paths(echo.field_set),
            before.projection.values,
            echo.projection.values,
            strict=True,
        )
    )
    kept = Projection(echo.field_set, values, echo.projection.orders)
    return replace(echo, projection=kept)


def borrow(dry_run: Manifest, live: Manifest) -> Echo | None:
    """Return an echo for a live object that a dry run proved equal.

    The field set is the one that the apply would have; the values are the live ones, because a
    dry run invents allocated values.
    """
    would_be = learn(dry_run)
    if would_be is None:
        return None
    found = _values(live, would_be.field_set)
    # What the server would drop is not expected, whoever filled it in.
    values = tuple(
        new if new is MISSING else value
        for new, value in zip(would_be.projection.values, found.values, strict=True)
    )
    own = owned_entry(live.tree, HOLDFAST, api_version=live.api_version)
    return Echo(
        uid=live.uid,
        fields=would_be.fields,
        field_set=would_be.field_set,
        projection=Projection(found.field_set, values, found.orders),
        is_owned=own is not None and own.get("fieldsV1") == would_be.fields,
    )


def is_filled_by_others(live: Manifest, path: Path) -> bool:
    """Whether other managers own something inside a value that is a leaf of ours.

    Then it is a map or list whose elements have owners of their own, and we declare it empty: what
    is in it is theirs, and no apply of ours would remove it (apply.md A5).
    """
    return any(
        _has_inside(entry.get("fieldsV1"), path)
        for entry in live.managed_fields
        if entry.get("manager") != HOLDFAST and entry.get("subresource") != "status"
    )


def _has_inside(fields: JSON, path: Path) -> bool:
    node = fields
    for element in path:
        if not isinstance(node, dict):
            return False
        node = node.get(element.encoded)
    return isinstance(node, dict) and any(key != "." for key in node)


def _values(tree: Manifest, field_set: FieldSet) -> Projection:
    """Return the values at our fields; what others put into an empty map of ours is not ours."""
    found = project(tree.tree, field_set)
    values = tuple(
        type(value)()
        if value and isinstance(value, dict | list) and is_filled_by_others(tree, path)
        else value
        for path, value in found.rows()
    )
    return Projection(found.field_set, values, found.orders)
