"""Where in a file an object is declared: which document, or which item of a List."""

from collections.abc import Iterable, Iterator

from holdfast.domain.manifest import JSON, Manifest
from holdfast.domain.text_nodes import NodeKind, TextNode


def find_object(documents: Iterable[TextNode | None], manifest: Manifest) -> TextNode | None:
    """Return the node of an object; None when it is not there, or there more than once.

    Args:
        documents: Of one file.
        manifest: The object as the renderer gave it, its namespace as written.
    """
    found = [
        node
        for document in documents
        if document is not None
        for node in _objects(document)
        if _names(node.to_value()) == _names(manifest.tree)
    ]
    return found[0] if len(found) == 1 else None


def _objects(node: TextNode) -> Iterator[TextNode]:
    items = node.find("items") if node.kind is NodeKind.MAP else None
    if items is not None and items.kind is NodeKind.LIST:
        for item in items.items:
            yield from _objects(item)
    else:
        yield node


def _names(tree: JSON) -> tuple[str, ...] | None:
    if not isinstance(tree, dict):
        return None
    manifest = Manifest(tree)
    return (manifest.api_version, manifest.kind, manifest.namespace, manifest.name)
