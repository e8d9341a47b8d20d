"""What discovery says of a kind."""

from dataclasses import dataclass

from holdfast.domain.identity import GroupKind, GroupVersionKind


@dataclass(frozen=True, slots=True)
class KindInfo:
    """One kind in one version, as the API server serves it."""

    gvk: GroupVersionKind
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()

    @property
    def can_be_watched(self) -> bool:
        """Whether list and watch are both served."""
        return "list" in self.verbs and "watch" in self.verbs


NAMESPACE = GroupVersionKind("", "v1", "Namespace")
CRD = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
SECRET = GroupKind("", "Secret")
JOB = GroupKind("batch", "Job")
EVENT = GroupVersionKind("", "v1", "Event")
LEASE = GroupVersionKind("coordination.k8s.io", "v1", "Lease")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SECRET_V1 = GroupVersionKind("", "v1", "Secret")
