"""`Resource`: what the server serves under one path of one API version."""

from dataclasses import dataclass, field
from typing import NamedTuple

from holdfast.domain.manifest import Tree
from holdfast.sandbox.statuses import Named
from holdfast.schema.kinds import Subresource


class ResourceId(NamedTuple):
    """A resource whatever its version; objects are stored under it."""

    group: str
    plural: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Paths of the scale subresource, as JSON path segments."""

    replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ("status", "selector")


@dataclass(frozen=True, slots=True)
class Resource:
    """One served resource.

    Attributes:
        group: API group, `""` for core.
        version: API version.
        plural: Name in paths.
        kind: Kind of its objects.
        singular: Name for people.
        namespaced: Whether objects live in a namespace.
        verbs: What may be done with it.
        short_names: Abbreviations for kubectl.
        categories: `all` and the like.
        list_kind: Kind of a list.
        subresources: Names: `status`, `scale`, `eviction` …
        storage_version: Version in which objects are stored.
        scale: Paths of the scale subresource, when it has one.
        custom: Whether it comes from a CustomResourceDefinition.
        terminating: Whether its CustomResourceDefinition is being deleted.
        schema: Structural schema of a custom resource, else None.
        preserves: `preserveUnknownFields` of the whole CRD.
        columns: Printer columns of a custom resource.
        below: The subresources with their kinds and verbs, for discovery.
        selectable: Fields of a custom resource that a field selector may name.
    """

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    list_kind: str = ""
    subresources: frozenset[str] = frozenset()
    storage_version: str = ""
    scale: Scale | None = None
    custom: bool = False
    terminating: bool = False
    below: tuple[Subresource, ...] = ()
    selectable: frozenset[str] = frozenset()
    schema: Tree | None = field(default=None, compare=False, hash=False)
    preserves: bool = False
    columns: tuple[Tree, ...] = field(default=(), compare=False, hash=False)

    @property
    def id(self) -> ResourceId:
        """Identity without version."""
        if self.group == "events.k8s.io":
            # The core group's objects in other words; they are stored once.
            return ResourceId("", self.plural)
        return ResourceId(self.group, self.plural)

    @property
    def api_version(self) -> str:
        """`apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage_api_version(self) -> str:
        """The apiVersion of stored objects."""
        version = self.storage_version or self.version
        group = self.id.group
        return f"{group}/{version}" if group else version

    @property
    def has_status(self) -> bool:
        """Whether `status` is written apart from the rest."""
        return "status" in self.subresources

    def named(self, name: str = "") -> Named:
        """What errors about an object of this resource carry."""
        return Named(self.group, self.plural, self.kind, name)
