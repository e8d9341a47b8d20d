"""Sync options: `Name=value` on the operation, on the spec and on single objects.

`OperationOptions` are exact list members. `SyncOptions.of` adds what the annotation
`argocd.argoproj.io/sync-options` of the target and of the live object says; the annotation wins
over the operation where both speak. Unknown options are ignored.

During a sync the options of the *operation* count. The spec's are read for three things only: the
choice of comparison, the flags for confirmation, and `Delete=` on deletion (appendix B 1).

Source: controller.md §6.6-§6.8, §9.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import Propagation

SYNC_OPTIONS_ANNOTATION = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS_ANNOTATION = "argocd.argoproj.io/compare-options"
HELM_POLICY_ANNOTATION = "helm.sh/resource-policy"


class Removal(StrEnum):
    """May an object be removed (by prune or by deletion of its Application)?"""

    ALLOWED = "allowed"
    NEVER = "never"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class OperationOptions:
    """What the options of one operation say.

    Attributes:
        validate: Whether the server checks fields strictly.
        create_namespace: Create the destination namespace when it is missing.
        prune: What `Prune=` says for all objects.
        prune_last: Prune after the last wave.
        replace: Write whole objects instead of applying.
        server_side_apply: Asked for; Holdfast applies server-side anyway.
        fail_on_shared: Fail when another Application owns one of the objects.
        respect_ignored: Leave ignored fields alone when applying.
        out_of_sync_only: Do not touch what is in sync.
        skip_dry_run_on_missing: An unknown kind is no error of the check before the sync.
        propagation: How dependents of pruned objects go.
    """

    validate: bool
    create_namespace: bool
    prune: Removal
    prune_last: bool
    replace: bool
    server_side_apply: bool
    fail_on_shared: bool
    respect_ignored: bool
    out_of_sync_only: bool
    skip_dry_run_on_missing: bool
    propagation: Propagation

    @classmethod
    def of(cls, options: Iterable[str]) -> "OperationOptions":
        """Read the list of an operation."""
        named = frozenset(options)
        return cls(
            validate="Validate=false" not in named,
            create_namespace="CreateNamespace=true" in named,
            prune=_removal(named, "Prune") or Removal.ALLOWED,
            prune_last="PruneLast=true" in named,
            replace="Replace=true" in named,
            server_side_apply="ServerSideApply=true" in named,
            fail_on_shared="FailOnSharedResource=true" in named,
            respect_ignored="RespectIgnoreDifferences=true" in named,
            out_of_sync_only="ApplyOutOfSyncOnly=true" in named,
            skip_dry_run_on_missing="SkipDryRunOnMissingResource=true" in named,
            propagation=_propagation(named),
        )


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What holds for one object in one operation.

    Attributes:
        validate: Whether the server checks fields strictly.
        replace: Write the whole object instead of applying.
        force: Delete and create again where a change is refused (resource level only).
        server_side_apply: Whether Argo CD would apply server-side.
        prune: Whether the object may be pruned.
        prune_last: Prune it after the last wave.
        skip_dry_run_on_missing: An unknown kind is no error of the check before the sync.
    """

    validate: bool
    replace: bool
    force: bool
    server_side_apply: bool
    prune: Removal
    prune_last: bool
    skip_dry_run_on_missing: bool

    @classmethod
    def of(
        cls, target: Manifest | None, live: Manifest | None, operation: OperationOptions
    ) -> "SyncOptions":
        """Combine the annotations of both sides with the operation's options."""
        wanted, existing = resource_options(target), resource_options(live)
        both = wanted | existing
        applies_on_server = operation.server_side_apply or "ServerSideApply=true" in wanted
        return cls(
            validate=operation.validate and "Validate=false" not in wanted,
            replace=operation.replace or "Replace=true" in both,
            force="Force=true" in both,
            server_side_apply=applies_on_server and "ServerSideApply=false" not in wanted,
            prune=_removal(existing, "Prune") or operation.prune,
            prune_last=operation.prune_last or "PruneLast=true" in existing,
            skip_dry_run_on_missing=operation.skip_dry_run_on_missing
            or "SkipDryRunOnMissingResource=true" in wanted,
        )


def resource_options(manifest: Manifest | None) -> frozenset[str]:
    """Return the members of an object's sync-options annotation."""
    text = manifest.annotation(SYNC_OPTIONS_ANNOTATION) if manifest is not None else None
    return frozenset(part.strip() for part in text.split(",")) if text else frozenset()


def compare_options(manifest: Manifest | None) -> frozenset[str]:
    """Return the members of an object's compare-options annotation (`IgnoreExtraneous` …)."""
    text = manifest.annotation(COMPARE_OPTIONS_ANNOTATION) if manifest is not None else None
    return frozenset(part.strip() for part in text.split(",")) if text else frozenset()


def deletion_choice(live: Manifest, spec_options: Iterable[str]) -> Removal:
    """Return whether deletion of the Application may remove this object.

    `Delete=` on the object, else in the spec; `helm.sh/resource-policy: keep` keeps it.
    """
    policy = live.annotation(HELM_POLICY_ANNOTATION) or ""
    if "keep" in {part.strip() for part in policy.split(",")}:
        return Removal.NEVER
    own = _removal(resource_options(live), "Delete")
    return own or _removal(frozenset(spec_options), "Delete") or Removal.ALLOWED


def requires_deletion_confirmation(
    target: Manifest | None, live: Manifest | None, spec_options: Iterable[str]
) -> bool:
    """Return `status.resources[].requiresDeletionConfirmation` (controller.md §4.2).

    `Delete=confirm` or `Prune=confirm` on either side; where neither side has such an option at
    all, the spec's list decides.
    """
    own = resource_options(target) | resource_options(live)
    spec = frozenset(spec_options)
    return any(_asks_for_confirmation(own, spec, name) for name in ("Delete", "Prune"))


def _asks_for_confirmation(own: frozenset[str], spec: frozenset[str], name: str) -> bool:
    if any(option.startswith(f"{name}=") for option in own):
        return f"{name}=confirm" in own
    return f"{name}=confirm" in spec


def _removal(options: frozenset[str], name: str) -> Removal | None:
    if f"{name}=false" in options:
        return Removal.NEVER
    if f"{name}=confirm" in options:
        return Removal.CONFIRM
    return Removal.ALLOWED if f"{name}=true" in options else None


def _propagation(options: frozenset[str]) -> Propagation:
    for choice in (Propagation.BACKGROUND, Propagation.FOREGROUND, Propagation.ORPHAN):
        if f"PrunePropagationPolicy={choice.value.lower()}" in options:
            return choice
    return Propagation.FOREGROUND
