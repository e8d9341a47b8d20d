"""`Manifest`: a Kubernetes object as the JSON tree it is.

A manifest never loses a field: it keeps the tree that it was given. Reading goes through
accessors; a changed manifest is a new one, sharing what did not change. Nobody mutates the tree
of a manifest: whoever needs other values builds another one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from holdfast.domain.identity import GroupVersionKind, ResourceKey, Uid

# JSON trees are the one place where `Any` is right: their shape belongs to somebody else.
JSON: TypeAlias = Any
Tree: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """A Kubernetes object.

    Attributes:
        tree: The object as plain dicts, lists, strings, numbers, booleans and None.
    """

    tree: Tree

    def __eq__(self, other: object) -> bool:
        """Equal when the trees are equal."""
        return isinstance(other, Manifest) and self.tree == other.tree

    def __hash__(self) -> int:
        """Hash by identity of the object; trees themselves are not hashable."""
        return hash(self.key)

    @property
    def api_version(self) -> str:
        """`apps/v1`; `""` when the object has none."""
        return _text(self.tree.get("apiVersion"))

    @property
    def group(self) -> str:
        """The API group, `""` for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version inside the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """The kind; `""` when the object has none."""
        return _text(self.tree.get("kind"))

    @property
    def gvk(self) -> GroupVersionKind:
        """Group, version and kind."""
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def metadata(self) -> Mapping[str, JSON]:
        """The metadata block; empty when it is missing or no mapping."""
        metadata = self.tree.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def name(self) -> str:
        """The name; `""` for objects with `generateName` only."""
        return _text(self.metadata.get("name"))

    @property
    def generate_name(self) -> str:
        """`metadata.generateName`, or `""`."""
        return _text(self.metadata.get("generateName"))

    @property
    def namespace(self) -> str:
        """The namespace; `""` for cluster-scoped objects and where none is written."""
        return _text(self.metadata.get("namespace"))

    @property
    def key(self) -> ResourceKey:
        """The identity of the object."""
        return ResourceKey(self.group, self.kind, self.namespace, self.name)

    @property
    def uid(self) -> Uid:
        """The uid that the server gave, or `""`."""
        return Uid(_text(self.metadata.get("uid")))

    @property
    def resource_version(self) -> str:
        """The resourceVersion, or `""`."""
        return _text(self.metadata.get("resourceVersion"))

    @property
    def version_number(self) -> int:
        """The resourceVersion as an integer (comparable within one resource, KEP-5504)."""
        text = self.resource_version
        return int(text) if text.isdigit() else 0

    @property
    def generation(self) -> int:
        """`metadata.generation`, 0 when there is none."""
        value = self.metadata.get("generation")
        return value if isinstance(value, int) else 0

    @property
    def is_terminating(self) -> bool:
        """Whether a deletion has been asked for."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def deletion_timestamp(self) -> str:
        """When deletion was asked for, or `""`."""
        return _text(self.metadata.get("deletionTimestamp"))

    @property
    def finalizers(self) -> tuple[str, ...]:
        """`metadata.finalizers`."""
        value = self.metadata.get("finalizers")
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    @property
    def annotations(self) -> Mapping[str, JSON]:
        """All annotations."""
        value = self.metadata.get("annotations")
        return value if isinstance(value, dict) else {}

    @property
    def labels(self) -> Mapping[str, JSON]:
        """All labels."""
        value = self.metadata.get("labels")
        return value if isinstance(value, dict) else {}

    @property
    def owner_references(self) -> tuple[Mapping[str, JSON], ...]:
        """`metadata.ownerReferences`."""
        value = self.metadata.get("ownerReferences")
        return (
            tuple(item for item in value if isinstance(item, dict))
            if isinstance(value, list)
            else ()
        )

    @property
    def managed_fields(self) -> tuple[Mapping[str, JSON], ...]:
        """`metadata.managedFields`."""
        value = self.metadata.get("managedFields")
        return (
            tuple(item for item in value if isinstance(item, dict))
            if isinstance(value, list)
            else ()
        )

    def annotation(self, key: str) -> str | None:
        """Return one annotation, or None."""
        value = self.annotations.get(key)
        return value if isinstance(value, str) else None

    def label(self, key: str) -> str | None:
        """Return one label, or None."""
        value = self.labels.get(key)
        return value if isinstance(value, str) else None

    def at(self, *path: str) -> JSON:
        """Return the value at a path of mapping keys, or None where the path ends early."""
        value: JSON = self.tree
        for step in path:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return value

    def with_metadata(self, **changes: JSON) -> "Manifest":
        """Return a manifest with metadata fields replaced; a value of None removes the field."""
        metadata = {k: v for k, v in self.metadata.items() if k not in changes}
        metadata.update({k: v for k, v in changes.items() if v is not None})
        return Manifest({**self.tree, "metadata": metadata})

    def with_namespace(self, namespace: str) -> "Manifest":
        """Return the manifest in another namespace; `""` removes it."""
        return self.with_metadata(namespace=namespace or None)

    def with_annotation(self, key: str, value: str | None) -> "Manifest":
        """Return the manifest with one annotation set, or removed when `value` is None."""
        annotations = {k: v for k, v in self.annotations.items() if k != key}
        if value is not None:
            annotations[key] = value
        return self.with_metadata(annotations=annotations or None)

    def with_label(self, key: str, value: str | None) -> "Manifest":
        """Return the manifest with one label set, or removed when `value` is None."""
        labels = {k: v for k, v in self.labels.items() if k != key}
        if value is not None:
            labels[key] = value
        return self.with_metadata(labels=labels or None)


def walk_items(tree: Tree) -> Iterator[Tree]:
    """Yield the objects of a List, of nested Lists too; any other object is yielded itself.

    Source: docs/internals/argocd/controller.md §3.7 (an object with an `items` array is replaced
    by its items; `items: null` with neither spec nor status yields nothing).
    """
    items = tree.get("items", ...)
    if isinstance(items, list):
        for item in items:
            if isinstance(item, dict):
                yield from walk_items(item)
    elif items is None and "spec" not in tree and "status" not in tree:
        return
    else:
        yield tree


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
