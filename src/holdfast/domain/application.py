"""`Application`: what a user wants kept in sync, read from the `argoproj.io` object.

Names, defaults and meaning: docs/internals/argocd/controller.md §1.1-§1.6. The object itself stays
available as `manifest`; nothing is ever written back from the parsed form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import ARGO_GROUP, AppKey, GroupVersionKind
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.operation import Operation, RetryPolicy
from holdfast.domain.source import Source

APPLICATION = GroupVersionKind(ARGO_GROUP, "v1alpha1", "Application")
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
IN_CLUSTER_NAME = "in-cluster"
DEFAULT_PROJECT = "default"
DEFAULT_HISTORY_LIMIT = 10

TRACKING_ANNOTATION = "argocd.argoproj.io/tracking-id"
REFRESH_ANNOTATION = "argocd.argoproj.io/refresh"
REFRESH_TIMESTAMP_ANNOTATION = "argocd.argoproj.io/refresh-timestamp"
SKIP_RECONCILE_ANNOTATION = "argocd.argoproj.io/skip-reconcile"
DELETION_APPROVED_ANNOTATION = "argocd.argoproj.io/deletion-approved"
SELF_HEAL_ANNOTATION = "holdfast.dev/self-heal"
RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where manifests go: exactly one of `server` and `name`, and a default namespace."""

    server: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Automated:
    """`syncPolicy.automated` where it is switched on."""

    prune: bool
    self_heal: bool
    allow_empty: bool


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """When and how the Application is synced.

    Attributes:
        automated: None when automatic sync is off (absent, or `enabled: false`).
        options: `Name=value` strings as written.
        retry: None when the block is absent.
        managed_namespace_metadata: Labels and annotations for the destination namespace.
    """

    automated: Automated | None
    options: tuple[str, ...]
    retry: RetryPolicy | None
    managed_namespace_metadata: Tree | None

    def has_option(self, option: str) -> bool:
        """Whether an exact `Name=value` is listed."""
        return option in self.options


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One entry of `spec.ignoreDifferences`, or a system-level rule of argocd-cm."""

    group: str
    kind: str
    name: str
    namespace: str
    json_pointers: tuple[str, ...]
    jq_paths: tuple[str, ...]
    managers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """One Application, parsed.

    Attributes:
        manifest: The object as it was read; the source of truth for everything not listed here.
        key: Namespace and name.
        project: Name of the AppProject; `default` when empty.
        sources: The effective sources (`sources` wins over `source`).
        is_multi_source: Whether `spec.sources` is used.
        is_hydrated: Whether `spec.sourceHydrator` is used.
        history_limit: Entries of `status.history` to keep, never negative.
        operation: The requested operation, or None.
        read_status: Where the status is kept when `manifest` is without it, or None.
    """

    manifest: Manifest
    key: AppKey
    project: str
    sources: tuple[Source, ...]
    is_multi_source: bool
    is_hydrated: bool
    destination: Destination
    sync_policy: SyncPolicy
    ignore_rules: tuple[IgnoreRule, ...]
    history_limit: int
    operation: Operation | None
    read_status: Callable[[], Tree] | None = field(default=None, compare=False, repr=False)

    @property
    def spec(self) -> Mapping[str, JSON]:
        """`spec` as written."""
        return _mapping(self.manifest.tree.get("spec"))

    @property
    def status(self) -> Mapping[str, JSON]:
        """`status` as last read."""
        if self.read_status is not None:
            return self.read_status()
        return _mapping(self.manifest.tree.get("status"))

    @property
    def operation_state(self) -> Mapping[str, JSON] | None:
        """`status.operationState`, or None."""
        state = self.status.get("operationState")
        return state if isinstance(state, dict) and state else None

    @property
    def history(self) -> tuple[Mapping[str, JSON], ...]:
        """`status.history`, oldest first."""
        return _mappings(self.status.get("history"))

    @property
    def is_deleting(self) -> bool:
        """Whether the Application itself has been deleted and waits for its finalizers."""
        return self.manifest.is_terminating

    @property
    def self_heals(self) -> bool:
        """Whether drift is healed: automatic sync and self-heal are both on.

        `holdfast.dev/self-heal: last-synced` asks for it without automatic sync: the revision
        that was synced last is held (DESIGN §4.4).
        """
        automated = self.sync_policy.automated
        if automated is not None:
            return automated.self_heal
        return self.manifest.annotation(SELF_HEAL_ANNOTATION) == "last-synced"

    @property
    def skips_reconcile(self) -> bool:
        """Whether `argocd.argoproj.io/skip-reconcile` holds a true value."""
        value = self.manifest.annotation(SKIP_RECONCILE_ANNOTATION) or ""
        return value in {"1", "t", "T", "TRUE", "true", "True"}

    @property
    def cascade_propagation(self) -> str | None:
        """`Foreground`/`Background` when deletion removes the objects, else None (§9.1)."""
        for finalizer in self.manifest.finalizers:
            if finalizer in (RESOURCES_FINALIZER, f"{RESOURCES_FINALIZER}/foreground"):
                return "Foreground"
            if finalizer == f"{RESOURCES_FINALIZER}/background":
                return "Background"
        return None

    def compared_to(self) -> Tree:
        """Return what `status.sync.comparedTo` must say for the spec as it stands."""
        result: Tree = {"destination": _mapping(self.spec.get("destination"))}
        if self.is_multi_source:
            result["sources"] = [source.tree for source in self.sources]
        else:
            result["source"] = self.sources[0].tree if self.sources else {"repoURL": ""}
        if self.spec.get("ignoreDifferences"):
            result["ignoreDifferences"] = self.spec["ignoreDifferences"]
        return result

    @classmethod
    def parse(cls, manifest: Manifest) -> "Application":
        """Read an Application object; missing fields are tolerated, validation comes later."""
        spec = _mapping(manifest.tree.get("spec"))
        sources, is_multi = _effective_sources(spec)
        limit = spec.get("revisionHistoryLimit")
        operation = manifest.tree.get("operation")
        return cls(
            manifest=manifest,
            key=AppKey(manifest.namespace, manifest.name),
            project=str(spec.get("project") or DEFAULT_PROJECT),
            sources=sources,
            is_multi_source=is_multi,
            is_hydrated=bool(spec.get("sourceHydrator")),
            destination=_destination(_mapping(spec.get("destination"))),
            sync_policy=_sync_policy(_mapping(spec.get("syncPolicy"))),
            ignore_rules=tuple(
                parse_ignore_rule(rule) for rule in _mappings(spec.get("ignoreDifferences"))
            ),
            history_limit=max(0, limit) if isinstance(limit, int) else DEFAULT_HISTORY_LIMIT,
            operation=Operation.parse(operation)
            if isinstance(operation, dict) and operation
            else None,
        )


def parse_ignore_rule(rule: Mapping[str, JSON]) -> IgnoreRule:
    """Read one ignore rule; group and kind are globs."""
    return IgnoreRule(
        group=str(rule.get("group") or ""),
        kind=str(rule.get("kind") or ""),
        name=str(rule.get("name") or ""),
        namespace=str(rule.get("namespace") or ""),
        json_pointers=_texts(rule.get("jsonPointers")),
        jq_paths=_texts(rule.get("jqPathExpressions")),
        managers=_texts(rule.get("managedFieldsManagers")),
    )


def _effective_sources(spec: Mapping[str, JSON]) -> tuple[tuple[Source, ...], bool]:
    hydrator = _mapping(spec.get("sourceHydrator"))
    if hydrator:
        dry, sync = _mapping(hydrator.get("drySource")), _mapping(hydrator.get("syncSource"))
        tree = {
            "repoURL": sync.get("repoURL") or dry.get("repoURL") or "",
            "path": sync.get("path") or "",
            "targetRevision": sync.get("targetBranch") or "",
        }
        return (Source.parse(tree),), False
    several = _mappings(spec.get("sources"))
    if several:
        return tuple(Source.parse(dict(tree)) for tree in several), True
    single = spec.get("source")
    return ((Source.parse(single),), False) if isinstance(single, dict) else ((), False)


def _destination(tree: Mapping[str, JSON]) -> Destination:
    return Destination(
        server=str(tree.get("server") or "").rstrip("/"),
        name=str(tree.get("name") or ""),
        namespace=str(tree.get("namespace") or ""),
    )


def _sync_policy(tree: Mapping[str, JSON]) -> SyncPolicy:
    automated = tree.get("automated")
    enabled = isinstance(automated, dict) and automated.get("enabled") is not False
    block = _mapping(automated)
    metadata = tree.get("managedNamespaceMetadata")
    retry = tree.get("retry")
    return SyncPolicy(
        automated=Automated(
            prune=bool(block.get("prune")),
            self_heal=bool(block.get("selfHeal")),
            allow_empty=bool(block.get("allowEmpty")),
        )
        if enabled
        else None,
        options=_texts(tree.get("syncOptions")),
        retry=RetryPolicy.parse(retry) if isinstance(retry, dict) else None,
        managed_namespace_metadata=metadata if isinstance(metadata, dict) else None,
    )


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _mappings(value: JSON) -> tuple[Mapping[str, JSON], ...]:
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def no_such_application(app: AppKey) -> ConfigurationError:
    """Return the error HF3003: it is not there; the same words wherever somebody asks."""
    return ConfigurationError(
        "HF3003",
        f'applications.argoproj.io "{app.name}" not found in namespace {app.namespace}',
        about=app,
        hint="`holdfast app list` shows what is there; another namespace is chosen with "
        "--namespace",
    )
