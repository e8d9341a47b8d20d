"""`Plane`: what every request and every controller works on."""

import datetime
import secrets
import uuid
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock
from holdfast.sandbox.kinds.registry import Registry
from holdfast.sandbox.kinds.resource import Resource, ResourceId
from holdfast.sandbox.store.objects import Store, Stored

# The alphabet of generated names: no vowels, so that no words come out by chance.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"

NAMESPACES = ResourceId("", "namespaces")
CRDS = ResourceId("apiextensions.k8s.io", "customresourcedefinitions")


@dataclass(slots=True)
class Plane:
    """The state of the embedded cluster.

    Attributes:
        store: The objects.
        registry: What is served.
        clock: Time.
        builtin_controllers: Whether the stand-in controllers run; without them nothing collects
            owned objects or empties namespaces.
        closing: Set when the server stops; open watches end.
    """

    store: Store
    registry: Registry
    clock: Clock
    builtin_controllers: bool = True
    closing: bool = field(default=False)

    def now(self) -> str:
        """The present, as Kubernetes writes times: UTC, whole seconds."""
        return timestamp(self.clock.now())

    def find(self, group: str, plural: str, namespace: str, name: str) -> Stored | None:
        """Return an object, or None."""
        return self.store.find(ResourceId(group, plural), namespace, name)

    def tree(self, group: str, plural: str, namespace: str, name: str) -> Tree | None:
        """Return the tree of an object, or None."""
        stored = self.store.find(ResourceId(group, plural), namespace, name)
        return stored.tree if stored else None

    def resource(self, group: str, plural: str) -> Resource:
        """Return a resource that is known to be served.

        Raises:
            KeyError: It is not.
        """
        resource = self.registry.find_id(ResourceId(group, plural))
        if resource is None:
            raise KeyError(f"{plural}.{group}")
        return resource


def timestamp(moment: datetime.datetime) -> str:
    """Return `2026-11-23T16:15:12Z`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime.datetime:
    """Read a time that Kubernetes wrote; fractions of seconds are allowed."""
    return datetime.datetime.fromisoformat(text)


def new_uid() -> str:
    """Return a fresh uid."""
    return str(uuid.uuid4())


def name_suffix(length: int = 5) -> str:
    """Return the random end of a generated name."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
