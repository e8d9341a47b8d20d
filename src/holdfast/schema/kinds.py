"""Say which kinds a plain Kubernetes 1.36 serves.

In:  nothing.
Out: one `BuiltinKind` for each kind and version, in the order of the API server's discovery,
     from the generated table `tables/kinds.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.field_path import field_path
from holdfast.schema.field_set import EMPTY, FieldSet


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object, such as `status` or `scale`."""

    name: str
    kind: GroupVersionKind
    """What it takes and answers with."""
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuiltinKind:
    """One kind in one version."""

    gvk: GroupVersionKind
    plural: str
    singular: str
    namespaced: bool
    preferred: bool
    """True in the version that clients take when they are not told one."""
    verbs: tuple[str, ...]
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: tuple[Subresource, ...]

    @property
    def list_kind(self) -> str:
        """The kind of a list of these."""
        return f"{self.gvk.kind}List"


@cache
def builtin_kinds() -> tuple[BuiltinKind, ...]:
    """Return every built-in kind, in the order of discovery."""
    content = json.loads(files("holdfast.schema").joinpath("tables", "kinds.json").read_bytes())
    verb_sets = [tuple(verbs) for verbs in content["verbs"]]
    return tuple(
        BuiltinKind(
            gvk=GroupVersionKind(group, version, kind),
            plural=plural,
            singular=singular,
            namespaced=namespaced,
            preferred=preferred,
            verbs=verb_sets[verbs] if verbs >= 0 else (),
            short_names=tuple(short_names),
            categories=tuple(categories),
            subresources=tuple(
                Subresource(
                    name, GroupVersionKind(g or group, v or version, k), verb_sets[sub_verbs]
                )
                for name, g, v, k, sub_verbs in subresources
            ),
        )
        for (
            group,
            version,
            kind,
            plural,
            singular,
            namespaced,
            preferred,
            verbs,
            short_names,
            categories,
            subresources,
        ) in content["kinds"]
    )


@cache
def _by_gvk() -> dict[GroupVersionKind, BuiltinKind]:
    return {kind.gvk: kind for kind in builtin_kinds()}


def find_builtin_kind(gvk: GroupVersionKind) -> BuiltinKind | None:
    """Return a built-in kind in one version, None when it is not served."""
    return _by_gvk().get(gvk)


_STATUS = FieldSet.of(field_path("status"))
_SPEC = FieldSet.of(field_path("spec"))
_STATUS_RESETS = {
    "Deployment": _SPEC | FieldSet.of(field_path("metadata", "labels")),
    "Pod": _SPEC
    | FieldSet.of(
        field_path("metadata", "deletionTimestamp"), field_path("metadata", "ownerReferences")
    ),
}


def reset_fields(kind: BuiltinKind, subresource: str = "") -> FieldSet:
    """Return what a write through a (sub)resource of a built-in kind leaves as it is.

    A kind with a `status` subresource ignores `status` in writes to the object itself, and all
    of `spec` in writes to `status`.
    """
    names = {sub.name for sub in kind.subresources}
    if "status" not in names:
        return EMPTY
    if subresource == "status":
        return _STATUS_RESETS.get(kind.gvk.kind, _SPEC)
    return _STATUS if subresource == "" else EMPTY


def crd_reset_fields(*, status: bool, subresource: str = "") -> FieldSet:
    """Return the same for a custom resource; `status` says whether its CRD has that subresource."""
    if not status:
        return EMPTY
    if subresource == "status":
        return _METADATA_AND_SPEC
    return _STATUS if subresource == "" else EMPTY


_METADATA_AND_SPEC = FieldSet.of(field_path("metadata"), field_path("spec"))
