"""managedFields: who owns which field after a write."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.shapes import Shapes
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.options import WriteOptions


def record_write(
    shapes: Shapes,
    resource: Resource,
    trees: tuple[Tree | None, Tree],
    sent: list[Tree] | None,
    options: WriteOptions,
    plane: Plane,
) -> list[Tree] | None:
    """Return the managed fields after an ordinary write."""
    return None
