"""What hook, wave and option annotations mean (controller.md §6.2, §6.8)."""

from typing import Any

import pytest

from holdfast.domain.hooks import (
    DeletePolicy,
    HookType,
    delete_policies,
    hook_types,
    is_deletion_hook,
    is_garbage_hook,
    is_hook,
    is_skipped,
    sync_wave,
)
from holdfast.domain.plan import Propagation
from holdfast.planning.options import (
    OperationOptions,
    Removal,
    SyncOptions,
    deletion_choice,
    requires_deletion_confirmation,
)
from tests.support.applications import thing

HOOK = "argocd.argoproj.io/hook"
HELM = "helm.sh/hook"
OPTIONS = "argocd.argoproj.io/sync-options"


@pytest.mark.parametrize(
    ("annotations", "types", "hook", "garbage"),
    [
        pytest.param({}, (), False, False, id="none"),
        pytest.param({HOOK: "PreSync"}, (HookType.PRE_SYNC,), True, False, id="one"),
        pytest.param(
            {HOOK: "Sync, PostSync,Sync"},
            (HookType.SYNC, HookType.POST_SYNC),
            True,
            False,
            id="several, once each",
        ),
        pytest.param({HOOK: "Foo"}, (), True, True, id="unknown type is garbage"),
        pytest.param({HOOK: "presync"}, (), True, True, id="case matters"),
        pytest.param({HOOK: "Skip"}, (HookType.SKIP,), False, False, id="skip"),
        pytest.param(
            {HOOK: "Skip,PreSync"},
            (HookType.SKIP, HookType.PRE_SYNC),
            True,
            False,
            id="skip among others does not skip",
        ),
        pytest.param({HELM: "pre-install"}, (HookType.PRE_SYNC,), True, False, id="helm"),
        pytest.param(
            {HELM: "pre-install,pre-upgrade"}, (HookType.PRE_SYNC,), True, False, id="helm twice"
        ),
        pytest.param({HELM: "post-delete"}, (HookType.POST_DELETE,), True, False, id="helm delete"),
        pytest.param({HELM: "crd-install"}, (), False, False, id="helm crd-install is no hook"),
        pytest.param({HELM: "test"}, (), True, True, id="helm test is garbage"),
        pytest.param(
            {HOOK: "PostSync", HELM: "pre-install"},
            (HookType.POST_SYNC,),
            True,
            False,
            id="argo wins over helm",
        ),
        pytest.param(
            {HOOK: "Foo", HELM: "pre-install"},
            (HookType.PRE_SYNC,),
            True,
            False,
            id="helm counts where argo names nothing known",
        ),
    ],
)
def test_hook_annotations_give_types(
    annotations: dict[str, str], types: tuple[HookType, ...], hook: bool, garbage: bool
) -> None:
    manifest = thing("Job", annotations=annotations)
    assert hook_types(manifest) == types
    assert is_hook(manifest) is hook
    assert is_garbage_hook(manifest) is garbage
    assert is_skipped(manifest) is (types == (HookType.SKIP,))


@pytest.mark.parametrize(
    ("value", "deletion"),
    [("PreDelete", True), ("PreDelete,PostDelete", True), ("PreDelete,Sync", False)],
)
def test_a_hook_of_deletion_alone_takes_no_part_in_a_sync(value: str, deletion: bool) -> None:
    assert is_deletion_hook(thing(annotations={HOOK: value})) is deletion


@pytest.mark.parametrize(
    ("annotations", "policies"),
    [
        ({}, {DeletePolicy.BEFORE_HOOK_CREATION}),
        ({f"{HOOK}-delete-policy": "nonsense"}, {DeletePolicy.BEFORE_HOOK_CREATION}),
        (
            {f"{HOOK}-delete-policy": "HookSucceeded", f"{HELM}-delete-policy": "hook-failed"},
            {DeletePolicy.HOOK_SUCCEEDED, DeletePolicy.HOOK_FAILED},
        ),
    ],
)
def test_delete_policies_of_both_tools_are_merged(
    annotations: dict[str, str], policies: set[DeletePolicy]
) -> None:
    assert delete_policies(thing(annotations=annotations)) == policies


@pytest.mark.parametrize(
    ("annotations", "wave"),
    [
        ({}, 0),
        ({"argocd.argoproj.io/sync-wave": "-5"}, -5),
        ({"argocd.argoproj.io/sync-wave": "x"}, 0),
        ({"argocd.argoproj.io/sync-wave": "x", "helm.sh/hook-weight": "3"}, 3),
        ({"argocd.argoproj.io/sync-wave": "1", "helm.sh/hook-weight": "3"}, 1),
        ({"argocd.argoproj.io/sync-wave": "1.5"}, 0),
        ({"argocd.argoproj.io/sync-wave": "+2"}, 2),
    ],
)
def test_the_wave_falls_back_to_helms_weight_and_zero(
    annotations: dict[str, str], wave: int
) -> None:
    assert sync_wave(thing(annotations=annotations)) == wave


def options_of(*operation: str, target: str = "", live: str = "") -> SyncOptions:
    return SyncOptions.of(
        thing(annotations={OPTIONS: target}) if target else thing(),
        thing(annotations={OPTIONS: live}) if live else thing(),
        OperationOptions.of(operation),
    )


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        pytest.param(options_of(), "validate", True, id="validation is on"),
        pytest.param(options_of("Validate=false"), "validate", False, id="operation"),
        pytest.param(options_of(target="Validate=false"), "validate", False, id="target"),
        pytest.param(options_of("validate=false"), "validate", True, id="case matters"),
        pytest.param(options_of("Replace=true"), "replace", True, id="replace by operation"),
        pytest.param(options_of(live="Replace=true"), "replace", True, id="replace by live"),
        pytest.param(options_of(target="Force=true"), "force", True, id="force by target"),
        pytest.param(options_of("Force=true"), "force", False, id="force is for objects alone"),
        pytest.param(
            options_of("ServerSideApply=true", target="ServerSideApply=false"),
            "server_side_apply",
            False,
            id="an object opts out of server-side apply",
        ),
        pytest.param(options_of(live="Prune=false"), "prune", Removal.NEVER, id="never pruned"),
        pytest.param(options_of(target="Prune=false"), "prune", Removal.ALLOWED, id="live counts"),
        pytest.param(options_of("Prune=confirm"), "prune", Removal.CONFIRM, id="confirm all"),
        pytest.param(
            options_of("Prune=false", live="Prune=true"),
            "prune",
            Removal.ALLOWED,
            id="the annotation beats the operation",
        ),
        pytest.param(
            options_of(live=" Prune=false , PruneLast=true"), "prune_last", True, id="trimmed"
        ),
        pytest.param(
            options_of(target="SkipDryRunOnMissingResource=true"),
            "skip_dry_run_on_missing",
            True,
            id="missing kinds",
        ),
    ],
)
def test_an_option_holds_for_an_object(options: SyncOptions, field: str, value: Any) -> None:
    assert getattr(options, field) == value


@pytest.mark.parametrize(
    ("options", "propagation"),
    [
        ([], Propagation.FOREGROUND),
        (["PrunePropagationPolicy=orphan"], Propagation.ORPHAN),
        (
            ["PrunePropagationPolicy=orphan", "PrunePropagationPolicy=background"],
            Propagation.BACKGROUND,
        ),
        (["PrunePropagationPolicy=sideways"], Propagation.FOREGROUND),
    ],
)
def test_propagation_is_foreground_unless_said(
    options: list[str], propagation: Propagation
) -> None:
    assert OperationOptions.of(options).propagation is propagation


@pytest.mark.parametrize(
    ("annotations", "spec", "choice"),
    [
        ({}, [], Removal.ALLOWED),
        ({OPTIONS: "Delete=false"}, [], Removal.NEVER),
        ({}, ["Delete=false"], Removal.NEVER),
        ({OPTIONS: "Delete=true"}, ["Delete=false"], Removal.ALLOWED),
        ({OPTIONS: "Prune=false"}, [], Removal.ALLOWED),
        ({"helm.sh/resource-policy": "keep"}, [], Removal.NEVER),
        ({"helm.sh/resource-policy": "other, keep"}, [], Removal.NEVER),
    ],
)
def test_deletion_asks_the_object_then_the_spec(
    annotations: dict[str, str], spec: list[str], choice: Removal
) -> None:
    assert deletion_choice(thing(annotations=annotations), spec) is choice


@pytest.mark.parametrize(
    ("target", "live", "spec", "asked"),
    [
        ({}, {}, [], False),
        ({OPTIONS: "Delete=confirm"}, {}, [], True),
        ({}, {OPTIONS: "Prune=confirm"}, [], True),
        ({}, {}, ["Delete=confirm"], True),
        ({}, {OPTIONS: "Delete=true"}, ["Delete=confirm"], False),
    ],
)
def test_confirmation_is_asked_by_either_side_or_the_spec(
    target: dict[str, str], live: dict[str, str], spec: list[str], asked: bool
) -> None:
    found = requires_deletion_confirmation(thing(annotations=target), thing(annotations=live), spec)
    assert found is asked
