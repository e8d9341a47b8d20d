"""What a write carries besides the object."""

from dataclasses import dataclass, field, replace
from typing import Self

from holdfast.domain.manifest import Tree
from holdfast.sandbox.store.objects import Stored


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of a write.

    Attributes:
        manager: Field manager.
        named_manager: Whether the client named it (an apply must).
        dry_run: Nothing is kept.
        field_validation: `Ignore`, `Warn` or `Strict`: what happens to unknown fields.
        force: Whether an apply takes fields from other managers; None when not said.
        subresource: `""`, `status`, `scale` …
        controller: The write comes from a stand-in controller, not from a client.
        warnings: Filled with what the client should read.
    """

    manager: str = "unknown"
    named_manager: bool = True
    dry_run: bool = False
    field_validation: str = "Warn"
    force: bool | None = None
    subresource: str = ""
    controller: bool = False
    warnings: list[str] = field(default_factory=list, compare=False)

    def at(self, subresource: str) -> Self:
        """The same options for a subresource."""
        return replace(self, subresource=subresource)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.

    Attributes:
        stored: The object as it is now (in a dry run: as it would be).
        created: Whether it was not there before.
        deleted: Whether the write removed it (its last finalizer went).
    """

    stored: Stored
    created: bool = False
    deleted: bool = False

    @property
    def tree(self) -> Tree:
        """The object."""
        return self.stored.tree


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The options of a deletion.

    Attributes:
        propagation: `Background`, `Foreground`, `Orphan`, or `""` for the default of the kind.
        grace_s: Grace period in seconds, None for the default.
        uid: Precondition, `""` for none.
        resource_version: Precondition, `""` for none.
        dry_run: Nothing is changed.
    """

    propagation: str = ""
    grace_s: int | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False
