"""Kinds that are never looked at (controller.md §10.3).

First matching rule wins: always excluded; matched by an exclusion; matched by an inclusion
(allowed); some inclusion concerns this cluster (excluded); otherwise allowed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.domain.globs import matches_glob
from holdfast.domain.identity import GroupKind
from holdfast.domain.manifest import JSON


@dataclass(frozen=True, slots=True)
class KindFilter:
    """One entry of `resource.exclusions` or `resource.inclusions`; an empty list means any."""

    api_groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, tree: Mapping[str, JSON]) -> "KindFilter":
        """Read one entry of the YAML list."""
        return cls(
            api_groups=_texts(tree.get("apiGroups")),
            kinds=_texts(tree.get("kinds")),
            clusters=_texts(tree.get("clusters")),
        )

    def concerns(self, server: str) -> bool:
        """Whether the entry is about this cluster."""
        return _matches_any(self.clusters, server)

    def matches(self, kind: GroupKind, server: str) -> bool:
        """Whether the entry covers the kind on this cluster."""
        return (
            _matches_any(self.api_groups, kind.group)
            and _matches_any(self.kinds, kind.kind)
            and self.concerns(server)
        )


_ALWAYS = (
    KindFilter(("events.k8s.io", "metrics.k8s.io")),
    KindFilter(("",), ("Event",)),
    KindFilter(("coordination.k8s.io",), ("Lease",)),
)

_REVIEWS = (
    "SelfSubjectReview",
    "TokenReview",
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
)
_POLICY_REPORTS = (
    "PolicyReport",
    "ClusterPolicyReport",
    "EphemeralReport",
    "ClusterEphemeralReport",
    "AdmissionReport",
    "ClusterAdmissionReport",
    "BackgroundScanReport",
    "ClusterBackgroundScanReport",
    "UpdateRequest",
)

# What Argo CD's manifests put into `resource.exclusions`; used when argocd-cm has no such key.
SHIPPED_EXCLUSIONS = (
    KindFilter(("",), ("Endpoints",)),
    KindFilter(("discovery.k8s.io",), ("EndpointSlice",)),
    KindFilter(("coordination.k8s.io",), ("Lease",)),
    KindFilter(("authentication.k8s.io", "authorization.k8s.io"), _REVIEWS),
    KindFilter(("certificates.k8s.io",), ("CertificateSigningRequest",)),
    KindFilter(("cert-manager.io",), ("CertificateRequest",)),
    KindFilter(("cilium.io",), ("CiliumIdentity", "CiliumEndpoint", "CiliumEndpointSlice")),
    KindFilter(("kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io"), _POLICY_REPORTS),
)


@dataclass(frozen=True, slots=True)
class ResourceFilter:
    """Exclusions and inclusions of the installation."""

    exclusions: tuple[KindFilter, ...] = SHIPPED_EXCLUSIONS
    inclusions: tuple[KindFilter, ...] = ()

    @classmethod
    def parse(cls, exclusions: JSON, inclusions: JSON) -> "ResourceFilter":
        """Read the two parsed YAML lists of argocd-cm; None takes the shipped exclusions."""
        return cls(
            exclusions=SHIPPED_EXCLUSIONS if exclusions is None else _filters(exclusions),
            inclusions=_filters(inclusions),
        )

    def is_excluded(self, kind: GroupKind, server: str) -> bool:
        """Whether objects of this kind are invisible on this cluster."""
        if any(rule.matches(kind, server) for rule in (*_ALWAYS, *self.exclusions)):
            return True
        if any(rule.matches(kind, server) for rule in self.inclusions):
            return False
        return any(rule.concerns(server) for rule in self.inclusions)


def _filters(value: JSON) -> tuple[KindFilter, ...]:
    items: Iterable[JSON] = value if isinstance(value, list) else ()
    return tuple(KindFilter.parse(item) for item in items if isinstance(item, dict))


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _matches_any(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(matches_glob(pattern, text) for pattern in patterns)
