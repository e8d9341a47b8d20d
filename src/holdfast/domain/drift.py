"""Drift: how a live object differs from what it should be."""

from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON


class SyncCode(StrEnum):
    """`status.sync.status` and `status.resources[].status`."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class DriftKind(StrEnum):
    """What happened to the object."""

    MISSING = "missing"
    CHANGED = "changed"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """An entry of managedFields that owns a field.

    Attributes:
        operation: `Apply` or `Update`.
        time: When the entry was last changed, RFC 3339 with whole seconds; `""` if not given.
        subresource: Through which it wrote, such as `scale`; `""` for the object itself.
    """

    manager: str
    operation: str = ""
    time: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not what it should be.

    Attributes:
        path: Human form, `spec.template.spec.containers[name="web"].image`.
        desired: Value that was last applied, or None when the field should be absent.
        live: Value in the cluster, or None when the field is absent.
        managers: Field managers that own the path in live; empty when unknown.
        owners: The same with operation and time.
    """

    path: str
    desired: JSON
    live: JSON
    managers: tuple[str, ...] = ()
    owners: tuple[FieldOwner, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """How one object differs.

    Attributes:
        differences: Empty for a missing or extra object.
        is_renamed_element: A declared list element is gone and a foreign one appeared in the
            same list: an apply alone would leave both (apply.md A1).
    """

    key: ResourceKey
    kind: DriftKind
    differences: tuple[Difference, ...] = ()
    is_renamed_element: bool = False

    def hides(self, path: str) -> bool:
        """Whether nobody may read what stands at a path: the values of a Secret."""
        return self.key.kind == "Secret" and not self.key.group and path.startswith("data")
