"""`Viewer`: from a stored object to what a client asked for.

Another version of the kind, only the metadata, or rows of a table.
"""

import orjson

from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.kinds.versions import to_version
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.tables.columns import cells, definitions


class Viewer:
    """Makes answers of stored objects."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock for the ages in tables."""
        self._clock = clock

    def raw(self, resource: Resource, stored: Stored) -> bytes:
        """Return an object as JSON, in the version of the path."""
        if stored.tree.get("apiVersion") == resource.api_version:
            return stored.raw
        return orjson.dumps(self.tree(resource, stored.tree))

    def tree(self, resource: Resource, tree: Tree) -> Tree:
        """Return an object in the version of the path."""
        if tree.get("apiVersion") == resource.api_version:
            return tree
        return to_version(resource, tree)

    def partial(self, tree: Tree, version: str, *, inside: bool = False) -> Tree:
        """Return the metadata alone; inside a list kind and version are said too."""
        del inside
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": tree["metadata"],
        }

    def table(
        self, resource: Resource, items: list[Stored], include: str, *, with_columns: bool
    ) -> Tree:
        """Return a Table.

        Args:
            resource: What the rows are.
            items: The objects.
            include: `Object`, `Metadata` (the default) or `None`: what each row carries.
            with_columns: False for the later events of a watch.
        """
        now = self._clock.now()
        rows = []
        for item in items:
            tree = self.tree(resource, item.tree)
            row: Tree = {"cells": cells(resource, tree, now)}
            if include == "Object":
                row["object"] = tree
            elif include != "None":
                row["object"] = self.partial(tree, "v1")
            rows.append(row)
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {},
            "columnDefinitions": definitions(resource) if with_columns else None,
            "rows": rows,
        }
