"""CustomResourceDefinitions among manifests, and discovery as a callable."""

from collections.abc import Callable
from typing import TypeAlias

from holdfast.domain.identity import GroupKind, GroupVersionKind
from holdfast.domain.kinds import CRD, KindInfo
from holdfast.domain.manifest import Manifest

FindKind: TypeAlias = Callable[[GroupVersionKind], KindInfo | None]
FindPreferred: TypeAlias = Callable[[GroupKind], KindInfo | None]


def is_crd(manifest: Manifest) -> bool:
    """Whether the object is a CustomResourceDefinition."""
    return manifest.group == CRD.group and manifest.kind == CRD.kind


def defined_kind(crd: Manifest) -> GroupKind:
    """Return the kind that a CustomResourceDefinition defines."""
    group, kind = crd.at("spec", "group"), crd.at("spec", "names", "kind")
    return GroupKind(str(group or ""), str(kind or ""))
