"""`Project`: what Applications of an AppProject may do (controller.md §1.8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.domain.identity import ARGO_GROUP, GroupVersionKind
from holdfast.domain.manifest import JSON, Manifest

PROJECT = GroupVersionKind(ARGO_GROUP, "v1alpha1", "AppProject")


@dataclass(frozen=True, slots=True)
class KindRule:
    """One entry of a white or black list; all three are globs, an empty name matches any."""

    group: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class AllowedDestination:
    """One permitted (or, with a leading `!`, denied) destination; all three are globs."""

    server: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Project:
    """One AppProject, parsed.

    Attributes:
        cluster_whitelist: Cluster-scoped kinds allowed; empty allows none.
        namespace_whitelist: None allows all namespaced kinds; empty allows none.
    """

    manifest: Manifest
    name: str
    source_repos: tuple[str, ...]
    destinations: tuple[AllowedDestination, ...]
    cluster_whitelist: tuple[KindRule, ...]
    cluster_blacklist: tuple[KindRule, ...]
    namespace_whitelist: tuple[KindRule, ...] | None
    namespace_blacklist: tuple[KindRule, ...]
    source_namespaces: tuple[str, ...]
    has_sync_windows: bool
    has_signature_keys: bool

    @classmethod
    def parse(cls, manifest: Manifest) -> "Project":
        """Read an AppProject object."""
        spec = manifest.tree.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        whitelist = spec.get("namespaceResourceWhitelist")
        return cls(
            manifest=manifest,
            name=manifest.name,
            source_repos=_texts(spec.get("sourceRepos")),
            destinations=tuple(
                AllowedDestination(
                    server=str(item.get("server") or ""),
                    name=str(item.get("name") or ""),
                    namespace=str(item.get("namespace") or ""),
                )
                for item in _mappings(spec.get("destinations"))
            ),
            cluster_whitelist=_rules(spec.get("clusterResourceWhitelist")),
            cluster_blacklist=_rules(spec.get("clusterResourceBlacklist")),
            namespace_whitelist=_rules(whitelist) if isinstance(whitelist, list) else None,
            namespace_blacklist=_rules(spec.get("namespaceResourceBlacklist")),
            source_namespaces=_texts(spec.get("sourceNamespaces")),
            has_sync_windows=bool(spec.get("syncWindows")),
            has_signature_keys=bool(spec.get("signatureKeys") or spec.get("sourceIntegrity")),
        )


def _rules(value: JSON) -> tuple[KindRule, ...]:
    return tuple(
        KindRule(
            group=str(item.get("group") or ""),
            kind=str(item.get("kind") or ""),
            name=str(item.get("name") or ""),
        )
        for item in _mappings(value)
    )


def _mappings(value: JSON) -> tuple[Mapping[str, JSON], ...]:
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
