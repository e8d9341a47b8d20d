"""`Shapes`: the one place where the sandbox asks `holdfast.schema` about types.

Unknown fields, canonical values, defaults, the merges and who owns what are facts and algorithms of
Kubernetes' types; they live in `schema`. Here they are only put into the order of a request.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import Resource

Managers = Callable[[Tree], list[Tree] | None]


@dataclass(frozen=True, slots=True)
class Merged:
    """What an apply makes.

    Attributes:
        tree: The object.
        managers: Gives the managed fields once the final tree is known.
    """

    tree: Tree
    managers: Managers


class Shapes:
    """What types know."""

    def completed(
        self, resource: Resource, tree: Tree, validation: str, warnings: list[str]
    ) -> Tree:
        """Return a complete object: known fields only, canonical values, defaults."""
        return dict(tree)

    def initial_status(self, resource: Resource) -> Tree | None:
        """Return the status of a fresh object, None for none."""
        return None if resource.custom else {}
