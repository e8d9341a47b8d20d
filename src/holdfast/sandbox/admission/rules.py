"""What a kind does to an object before it is kept, and what it refuses.

`Rules` is the seam: one function for each moment, dispatched by kind. Everything that is common to
all kinds lives in the verbs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import Resource, ResourceId
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import FieldError

Prepare = Callable[[Plane, Tree, Tree | None], None]
Check = Callable[[Plane, Tree, Tree | None], list[FieldError]]


@dataclass(slots=True)
class Rules:
    """The rules of all kinds.

    Attributes:
        prepare: Change a fresh tree before validation; gets the old tree on an update. May raise
            `StatusError`. `None` as key: every kind.
        check: Return what is wrong with a tree; gets the old tree on an update.
    """

    prepare: dict[ResourceId | None, list[Prepare]] = field(default_factory=dict)
    check: dict[ResourceId | None, list[Check]] = field(default_factory=dict)

    def prepared(self, plane: Plane, resource: Resource, new: Tree, old: Tree | None) -> None:
        """Run the preparations of a kind on a tree that nobody else sees yet."""
        for key in (None, resource.id):
            for step in self.prepare.get(key, ()):
                step(plane, new, old)

    def errors(
        self, plane: Plane, resource: Resource, new: Tree, old: Tree | None
    ) -> list[FieldError]:
        """Return everything that is wrong with a tree."""
        found: list[FieldError] = []
        for key in (None, resource.id):
            for step in self.check.get(key, ()):
                found.extend(step(plane, new, old))
        return found
