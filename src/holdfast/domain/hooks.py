"""What the hook and wave annotations of an object say (docs/internals/argocd/controller.md §6.2).

annotations                                   | the object is
----------------------------------------------+-----------------------------------------
none, or helm.sh/hook: crd-install            | an ordinary resource
argocd…/hook with at least one known type     | a hook; Helm's types are not looked at
helm.sh/hook with at least one known type     | a hook
a hook annotation without any known type      | garbage: never applied, never listed
argocd…/hook: Skip, and nothing else          | skipped: listed without status, never applied
"""

import re
from enum import StrEnum

from holdfast.domain.manifest import Manifest

HOOK_ANNOTATION = "argocd.argoproj.io/hook"
HOOK_DELETE_POLICY_ANNOTATION = "argocd.argoproj.io/hook-delete-policy"
HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"
SYNC_WAVE_ANNOTATION = "argocd.argoproj.io/sync-wave"
HELM_HOOK_ANNOTATION = "helm.sh/hook"
HELM_DELETE_POLICY_ANNOTATION = "helm.sh/hook-delete-policy"
HELM_WEIGHT_ANNOTATION = "helm.sh/hook-weight"

_HELM_CRD_INSTALL = "crd-install"


class HookType(StrEnum):
    """When a hook runs."""

    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"
    SKIP = "Skip"
    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class DeletePolicy(StrEnum):
    """When a hook object is removed."""

    HOOK_SUCCEEDED = "HookSucceeded"
    HOOK_FAILED = "HookFailed"
    BEFORE_HOOK_CREATION = "BeforeHookCreation"


_HELM_TYPES = {
    "pre-install": HookType.PRE_SYNC,
    "pre-upgrade": HookType.PRE_SYNC,
    "post-install": HookType.POST_SYNC,
    "post-upgrade": HookType.POST_SYNC,
    "pre-delete": HookType.PRE_DELETE,
    "post-delete": HookType.POST_DELETE,
}
_HELM_POLICIES = {
    "hook-succeeded": DeletePolicy.HOOK_SUCCEEDED,
    "hook-failed": DeletePolicy.HOOK_FAILED,
    "before-hook-creation": DeletePolicy.BEFORE_HOOK_CREATION,
}
_TYPES = {hook.value: hook for hook in HookType}
_POLICIES = {policy.value: policy for policy in DeletePolicy}
_DELETION_TYPES = frozenset({HookType.PRE_DELETE, HookType.POST_DELETE})
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")


def hook_types(manifest: Manifest) -> tuple[HookType, ...]:
    """Return the known hook types in the order written, each once; empty for no hook."""
    own = _members(manifest, HOOK_ANNOTATION)
    types = [_TYPES[text] for text in own if text in _TYPES]
    if not types:
        helm = _members(manifest, HELM_HOOK_ANNOTATION)
        types = [_HELM_TYPES[text] for text in helm if text in _HELM_TYPES]
    return tuple(dict.fromkeys(types))


def is_hook(manifest: Manifest) -> bool:
    """Whether the object is a hook (or garbage), not an ordinary or a skipped resource."""
    if manifest.annotation(HOOK_ANNOTATION) is not None:
        return not is_skipped(manifest)
    helm = _members(manifest, HELM_HOOK_ANNOTATION)
    return bool(helm) and _HELM_CRD_INSTALL not in helm


def is_garbage_hook(manifest: Manifest) -> bool:
    """Whether a hook annotation names no type that we know: the object is ignored entirely."""
    return is_hook(manifest) and not hook_types(manifest)


def is_skipped(manifest: Manifest) -> bool:
    """Whether `Skip` is the only hook type."""
    return hook_types(manifest) == (HookType.SKIP,)


def is_deletion_hook(manifest: Manifest) -> bool:
    """Whether the object is a hook of deletion alone (PreDelete, PostDelete)."""
    types = hook_types(manifest)
    return bool(types) and _DELETION_TYPES.issuperset(types)


def delete_policies(manifest: Manifest) -> frozenset[DeletePolicy]:
    """Return the delete policies of a hook; `BeforeHookCreation` when none is valid."""
    own = _members(manifest, HOOK_DELETE_POLICY_ANNOTATION)
    helm = _members(manifest, HELM_DELETE_POLICY_ANNOTATION)
    found = {_POLICIES[text] for text in own if text in _POLICIES}
    found |= {_HELM_POLICIES[text] for text in helm if text in _HELM_POLICIES}
    return frozenset(found or {DeletePolicy.BEFORE_HOOK_CREATION})


def sync_wave(manifest: Manifest) -> int:
    """Return the wave: the annotation, else Helm's weight, else 0; no integer counts as absent."""
    for key in (SYNC_WAVE_ANNOTATION, HELM_WEIGHT_ANNOTATION):
        text = manifest.annotation(key)
        if text is not None and _INTEGER.fullmatch(text):
            return int(text)
    return 0


def _members(manifest: Manifest, key: str) -> tuple[str, ...]:
    text = manifest.annotation(key)
    if text is None:
        return ()
    return tuple(part.strip() for part in text.split(",") if part.strip())
