"""Fit manifests to what can be applied, and say what that leaves out (apply.md A7).

Argo CD applies on the client's side and gets away with list keys that occur twice, and with
fields that no schema knows where `Validate=false` is set. Server-side apply refuses both. So:
  * of several list items with one key the last stays, always;
  * fields that the schema does not know go where `Validate=false` holds for the object.
Each object so reduced has a condition. It is the reduced form that is hashed, applied, compared
and healed: what was left out can never look like drift.
"""

from collections.abc import Callable
from typing import TypeAlias

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Manifest
from holdfast.planning.options import resource_options
from holdfast.schema.reduction import LeftOut, Reason, may_repeat, reduce_to
from holdfast.schema.types import Type, find_type

NO_VALIDATION = "Validate=false"
_NAMED = 3

FindType: TypeAlias = Callable[[GroupVersionKind], Type | None]


def unknown_type(gvk: GroupVersionKind) -> Type | None:
    """Say of every kind that its type is not known."""
    del gvk
    return None


def needs_type(manifest: Manifest, *, lenient: bool) -> bool:
    """Whether fitting the object takes its type: something in it may have to go.

    Args:
        manifest: As rendered.
        lenient: `Validate=false` holds for the whole Application or operation.
    """
    return _is_lenient(manifest, lenient) or may_repeat(manifest.tree)


def fit(
    manifest: Manifest, find_custom: FindType, *, lenient: bool
) -> tuple[Manifest, tuple[Condition, ...]]:
    """Return the object as it can be applied, and what that leaves out.

    Args:
        manifest: As rendered.
        find_custom: The type of a kind that is not built in; None where it is not known, and
            then the object stays as it is.
        lenient: `Validate=false` holds for the whole Application or operation.
    """
    if not needs_type(manifest, lenient=lenient):
        return manifest, ()
    kind = find_type(manifest.gvk) or find_custom(manifest.gvk)
    if kind is None:
        return manifest, ()
    reduced = reduce_to(manifest.tree, kind, drops_unknown=_is_lenient(manifest, lenient))
    if not reduced.left_out:
        return manifest, ()
    text = f"{manifest.key} is applied in part: {_explain(reduced.left_out)}"
    return Manifest(reduced.tree), (Condition(ConditionType.REDUCED_MANIFEST, text),)


def _is_lenient(manifest: Manifest, lenient: bool) -> bool:
    return lenient or NO_VALIDATION in resource_options(manifest)


def _explain(left_out: tuple[LeftOut, ...]) -> str:
    repeated = _paths(left_out, Reason.REPEATED)
    unknown = _paths(left_out, Reason.UNKNOWN)
    parts = []
    if repeated:
        parts.append(f"declared more than once, the last one counts: {_listed(repeated)}")
    if unknown:
        parts.append(f"not in the schema, left out because of {NO_VALIDATION}: {_listed(unknown)}")
    return "; ".join(parts)


def _paths(left_out: tuple[LeftOut, ...], reason: Reason) -> list[str]:
    return list(dict.fromkeys(item.path for item in left_out if item.reason is reason))


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
