"""What a kind does to an object before it is kept, and what it refuses.

`Rules` is the seam: one list of functions for each moment and kind. Everything that is common to
all kinds lives in the verbs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import Resource, ResourceId
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import FieldError


@dataclass(frozen=True, slots=True)
class Case:
    """One write that is judged.

    Attributes:
        plane: State of the cluster.
        resource: What is written.
        new: The object as it would be kept; nobody else sees it yet.
        old: The object as it is; None for a creation.
        dry_run: Nothing will be kept, so nothing may be allocated.
        warnings: Filled with what the client should read.
        subresource: Below which path it is written; `""` is the object itself.
    """

    plane: Plane
    resource: Resource
    new: Tree
    old: Tree | None
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list, compare=False)
    subresource: str = ""


Prepare = Callable[[Case], None]
Check = Callable[[Case], list[FieldError]]


@dataclass(slots=True)
class Rules:
    """The rules of all kinds.

    Attributes:
        prepare: Change `case.new` before it is validated. May raise `StatusError`.
        check: Return what is wrong with `case.new`.
        admit: Last words on a creation of any kind; may raise `StatusError`.
    """

    prepare: dict[ResourceId, list[Prepare]] = field(default_factory=dict)
    check: dict[ResourceId, list[Check]] = field(default_factory=dict)
    admit: list[Prepare] = field(default_factory=list)

    def on(
        self, group: str, plural: str, *, prepare: Prepare | None = None, check: Check | None = None
    ) -> None:
        """Register a rule."""
        resource = ResourceId(group, plural)
        if prepare is not None:
            self.prepare.setdefault(resource, []).append(prepare)
        if check is not None:
            self.check.setdefault(resource, []).append(check)

    def prepared(self, case: Case) -> None:
        """Run the preparations of a kind."""
        for step in self.prepare.get(case.resource.id, ()):
            step(case)

    def errors(self, case: Case) -> list[FieldError]:
        """Return everything that is wrong."""
        found: list[FieldError] = []
        for step in self.check.get(case.resource.id, ()):
            found.extend(step(case))
        return found
