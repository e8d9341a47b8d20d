"""Who is who: objects of a cluster, their kinds, and Applications.

Identity is group, kind, namespace and name. The version is an attribute of a manifest, never a
part of the key: the same Deployment is served as apps/v1 and apps/v1beta1.
"""

from dataclasses import dataclass
from typing import NewType

Revision = NewType("Revision", str)
FieldManager = NewType("FieldManager", str)
Uid = NewType("Uid", str)

ARGO_GROUP = "argoproj.io"


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    """A kind in its API group, whatever the version; the core group is `""`."""

    group: str
    kind: str

    def __str__(self) -> str:
        """`apps/Deployment`; core kinds stand alone (`Service`)."""
        return f"{self.group}/{self.kind}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class GroupVersionKind:
    """A kind in one version of its API group."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        """The kind without its version."""
        return GroupKind(self.group, self.kind)

    @classmethod
    def parse(cls, api_version: str, kind: str) -> "GroupVersionKind":
        """Build from the two strings at the top of every manifest."""
        group, _, version = api_version.rpartition("/")
        return cls(group, version, kind)

    def __str__(self) -> str:
        """`apps/v1/Deployment`."""
        return f"{self.api_version}/{self.kind}"


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """One object of a cluster. `namespace` is `""` for cluster-scoped objects."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind of the object."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        """`apps/Deployment prod/web`, the form of every message."""
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.group_kind} {where}"


@dataclass(frozen=True, slots=True, order=True)
class AppKey:
    """One Application object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """The qualified name, `argocd/web`."""
        return f"{self.namespace}/{self.name}"

    def instance_name(self, control_namespace: str) -> str:
        """The name written into tracking annotations (docs/internals/argocd/controller.md).

        `<name>` in the control namespace, else `<namespace>_<name>`.
        """
        if self.namespace == control_namespace:
            return self.name
        return f"{self.namespace}_{self.name}"
