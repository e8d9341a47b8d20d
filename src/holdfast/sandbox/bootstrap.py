"""What every cluster has from its first moment."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.options import WriteOptions
from holdfast.sandbox.verbs.writing import Writer

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

_SERVER = WriteOptions(manager="kube-apiserver", controller=True)


def lay_foundation(plane: Plane, writer: Writer) -> None:
    """Create the namespaces that are missing."""
    resource = plane.resource("", "namespaces")
    for name in NAMESPACES:
        if plane.tree("", "namespaces", "", name) is None:
            tree: Tree = {"metadata": {"name": name}}
            writer.create(resource, "", tree, _SERVER)
