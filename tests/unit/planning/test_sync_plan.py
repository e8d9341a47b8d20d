"""What one operation does, as steps (controller.md §6.3, §6.4, §6.7-§6.9)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest
from holdfast.planning.authorize import WriteScope
from holdfast.planning.checks import check_tasks
from holdfast.planning.options import OperationOptions, SyncOptions
from holdfast.planning.prune import choose_prune, unconfirmed_prunes
from holdfast.planning.sync import NamespaceWish, Plan, plan_sync
from holdfast.planning.tasks import Pair, SyncPhase, Task
from tests.support.applications import (
    application,
    definition,
    find_kind,
    project,
    sync,
    thing,
)

WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
OPTIONS = "argocd.argoproj.io/sync-options"
PROD = NamespaceWish("prod", thing("Namespace", "prod", namespace=""))
SCOPE = WriteScope(AppKey("argocd", "web"), project(), "https://kubernetes.default.svc", "")


def new(*targets: Manifest) -> list[Pair]:
    return [Pair(target, None) for target in targets]


def extra(*live: Manifest) -> list[Pair]:
    return [Pair(None, manifest) for manifest in live]


def shape(plan: Plan) -> list[str]:
    """One line for each step: `Sync 0: -Old/a | A/a A/b | B/c`."""
    lines = []
    for step in plan.steps:
        groups = [[f"-{task.manifest.kind}/{task.key.name}" for task in step.prunes]]
        groups += [[f"{t.manifest.kind}/{t.key.name}" for t in group] for group in step.groups]
        text = " | ".join(" ".join(group) for group in groups if group)
        lines.append(f"{step.phase!s} {step.wave}: {text}")
    return lines


def test_applies_are_grouped_by_kind_in_the_order_of_kinds() -> None:
    pairs = new(
        thing("Deployment", "b"),
        thing("Widget", "z"),
        thing("Service", "s"),
        thing("Deployment", "a"),
        thing("ConfigMap", "c"),
    )
    plan = plan_sync(pairs, sync(), PROD)
    assert shape(plan) == ["Sync 0: ConfigMap/c | Service/s | Deployment/a Deployment/b | Widget/z"]
    assert not plan.is_multi_step


def test_unlisted_kinds_come_last_as_equals_by_name() -> None:
    plan = plan_sync(new(thing("B", "1"), thing("A", "2"), thing("B", "3")), sync(), PROD)
    assert shape(plan) == ["Sync 0: B/1 | A/2 | B/3"]


def test_waves_come_before_kinds() -> None:
    pairs = new(
        thing("Service", "late", annotations={WAVE: "1"}),
        thing("Deployment", "early", annotations={WAVE: "-1"}),
        thing("ConfigMap", "middle"),
    )
    plan = plan_sync(pairs, sync(), PROD)
    assert shape(plan) == [
        "Sync -1: Deployment/early",
        "Sync 0: ConfigMap/middle",
        "Sync 1: Service/late",
    ]
    assert plan.is_multi_step


def test_a_namespace_moves_in_front_of_what_lives_in_it() -> None:
    pairs = new(
        thing("ConfigMap", "c", namespace="dev", annotations={WAVE: "-2"}),
        thing("Namespace", "dev", namespace=""),
    )
    assert shape(plan_sync(pairs, sync(), PROD)) == ["Sync -2: Namespace/dev | ConfigMap/c"]


def test_a_cluster_scoped_object_counts_as_living_in_the_destination_namespace() -> None:
    pairs = new(
        thing("ClusterRole", "r", namespace="", annotations={WAVE: "-2"}),
        thing("Namespace", "prod", namespace=""),
    )
    assert shape(plan_sync(pairs, sync(), PROD)) == ["Sync -2: Namespace/prod | ClusterRole/r"]


def test_a_definition_moves_in_front_of_the_first_object_of_its_kind() -> None:
    pairs = new(
        thing("Order", "o", api_version="shop.example/v1", annotations={WAVE: "-1"}),
        definition("Order"),
    )
    assert shape(plan_sync(pairs, sync(), PROD)) == [
        "Sync -1: CustomResourceDefinition/orders.shop.example | Order/o"
    ]


def test_prunes_run_in_reverse_waves() -> None:
    pairs = extra(
        thing("A", "first", annotations={WAVE: "-1"}),
        thing("A", "second"),
        thing("A", "third", annotations={WAVE: "5"}),
    )
    assert shape(plan_sync(pairs, sync(prune=True), PROD)) == [
        "Sync -1: -A/third",
        "Sync 0: -A/second",
        "Sync 5: -A/first",
    ]


def test_prune_last_runs_behind_every_other_wave() -> None:
    pairs = [
        *extra(thing("Old", "o"), thing("Old", "p", annotations={OPTIONS: "PruneLast=true"})),
        *new(thing("ConfigMap", "c", annotations={WAVE: "3"})),
    ]
    assert shape(plan_sync(pairs, sync(prune=True), PROD)) == [
        "Sync 0: -Old/o",
        "Sync 3: ConfigMap/c",
        "Sync 4: -Old/p",
    ]


def test_within_a_wave_prunes_run_before_applies() -> None:
    pairs = [*new(thing("ConfigMap", "c")), *extra(thing("Zoo", "z"))]
    assert shape(plan_sync(pairs, sync(prune=True), PROD)) == ["Sync 0: -Zoo/z | ConfigMap/c"]


def test_a_selective_sync_touches_only_what_it_names() -> None:
    pairs = new(thing("ConfigMap", "a"), thing("ConfigMap", "b"), thing("Secret", "a"))
    named = sync(resources=[{"kind": "ConfigMap", "name": "a"}])
    assert shape(plan_sync(pairs, named, PROD)) == ["Sync 0: ConfigMap/a"]
    elsewhere = sync(resources=[{"kind": "ConfigMap", "name": "a", "namespace": "dev"}])
    assert plan_sync(pairs, elsewhere, PROD).steps == ()


def test_objects_with_copied_tracking_data_are_left_alone() -> None:
    pair = Pair(None, thing(), is_self_referencing=False)
    assert plan_sync([pair], sync(prune=True), PROD).steps == ()


def test_only_what_is_out_of_sync_is_applied_when_asked() -> None:
    pairs = [
        Pair(thing("ConfigMap", "same"), thing("ConfigMap", "same"), is_modified=False),
        Pair(thing("ConfigMap", "changed"), thing("ConfigMap", "changed")),
        Pair(thing("ConfigMap", "new"), None),
    ]
    plan = plan_sync(pairs, sync("ApplyOutOfSyncOnly=true"), PROD)
    assert shape(plan) == ["Sync 0: ConfigMap/changed ConfigMap/new"]


def test_hooks_are_left_out_and_named() -> None:
    hook = thing("Job", "migrate", api_version="batch/v1", annotations={HOOK: "PreSync"})
    plan = plan_sync(new(hook, thing()), sync(), PROD)
    assert shape(plan) == ["Sync 0: ConfigMap/web"]
    assert plan.left_out == (hook.key,)
    assert plan.conditions == (
        Condition(
            ConditionType.NOT_BUILT,
            "Hooks are not run by this version of Holdfast, they were left out: "
            "batch/Job prod/migrate",
        ),
    )


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(sync(syncStrategy={"apply": {}}), id="strategy apply"),
        pytest.param(
            sync(resources=[{"group": "batch", "kind": "Job", "name": "migrate"}]), id="selective"
        ),
    ],
)
def test_hooks_that_argo_cd_skips_too_are_not_named(operation: object) -> None:
    hook = thing("Job", "migrate", api_version="batch/v1", annotations={HOOK: "PreSync"})
    plan = plan_sync(new(hook), operation, PROD)  # type: ignore[arg-type]  # from the table
    assert plan == Plan(())


@pytest.mark.parametrize("value", ["Skip", "Nonsense", "PreDelete", "PostDelete"])
def test_skipped_garbage_and_deletion_hooks_take_no_part(value: str) -> None:
    pairs = [
        *new(thing(annotations={HOOK: value})),
        *extra(thing("Job", annotations={HOOK: value})),
    ]
    assert plan_sync(pairs, sync(prune=True), PROD) == Plan(())


def test_the_destination_namespace_is_created_before_everything_else() -> None:
    plan = plan_sync(new(thing()), sync("CreateNamespace=true"), NamespaceWish("prod"))
    assert shape(plan) == ["PreSync 0: Namespace/prod", "Sync 0: ConfigMap/web"]
    (namespace,) = plan.steps[0].tasks
    assert namespace.creates_namespace
    assert namespace.manifest.annotations == {}


@pytest.mark.parametrize(
    ("pairs", "options", "wish"),
    [
        pytest.param(new(thing()), (), NamespaceWish("prod"), id="not asked for"),
        pytest.param(new(thing()), ("CreateNamespace=true",), PROD, id="exists"),
        pytest.param(new(thing()), ("CreateNamespace=true",), NamespaceWish(""), id="no name"),
        pytest.param(
            new(thing("Namespace", "prod", namespace="")),
            ("CreateNamespace=true",),
            NamespaceWish("prod"),
            id="git declares it",
        ),
    ],
)
def test_no_namespace_is_created_when(
    pairs: list[Pair], options: tuple[str, ...], wish: NamespaceWish
) -> None:
    tasks = plan_sync(pairs, sync(*options), wish).tasks
    assert not any(task.creates_namespace for task in tasks)


def test_managed_metadata_is_written_to_an_existing_namespace_too() -> None:
    wish = replace(PROD, metadata={"labels": {"a": "b"}, "annotations": {"c": "d"}})
    plan = plan_sync([], sync("CreateNamespace=true"), wish)
    (task,) = plan.tasks
    assert task.phase is SyncPhase.PRE_SYNC
    assert task.manifest.labels == {"a": "b"}
    assert task.manifest.annotations == {"c": "d", OPTIONS: "ServerSideApply=true"}


def test_a_task_outside_the_project_fails_the_operation() -> None:
    scope = replace(SCOPE, project=project(namespaceResourceWhitelist=[]))
    plan = plan_sync(new(thing("ConfigMap", "a"), thing("Secret", "b")), sync(), PROD)
    checked = check_tasks(plan.tasks, scope, find_kind, lambda _: None)
    assert len(checked.invalid) == 2
    assert checked.failure == (
        "one or more synchronization tasks are not valid: "
        "resource :ConfigMap is not permitted in project default; "
        "resource :Secret is not permitted in project default"
    )


def test_an_unknown_kind_is_named_with_where_it_is_missing() -> None:
    plan = plan_sync(new(thing("Order", api_version="shop.example/v1")), sync(), PROD)
    checked = check_tasks(plan.tasks, SCOPE, find_kind, lambda _: None)
    assert [item.message for item in checked.invalid] == [
        "The Kubernetes API could not find shop.example/Order for requested resource prod/web. "
        'Make sure the "Order" CRD is installed on the destination cluster.'
    ]


def test_a_kind_in_another_version_is_named_with_the_served_one() -> None:
    order = thing("Order", api_version="shop.example/v1")
    served = find_kind(thing("Order", api_version="x.example/v2").gvk)
    plan = plan_sync(new(order), sync(), PROD)
    checked = check_tasks(plan.tasks, SCOPE, find_kind, lambda _: served)
    assert [item.message for item in checked.invalid] == [
        'The Kubernetes API could not find version "v1" of shop.example/Order for requested '
        'resource prod/web. Version "v2" of shop.example/Order is installed on the destination '
        "cluster."
    ]


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        pytest.param(
            (definition("Order"), thing("Order", api_version="shop.example/v1")),
            (),
            id="comes with the same sync",
        ),
        pytest.param(
            (thing("Order", api_version="shop.example/v1"),),
            ("SkipDryRunOnMissingResource=true",),
            id="allowed to be missing",
        ),
    ],
)
def test_a_kind_that_is_not_served_yet_is_tried_without_dry_run(
    targets: tuple[Manifest, ...], options: tuple[str, ...]
) -> None:
    plan = plan_sync(new(*targets), sync(*options), PROD)
    checked = check_tasks(plan.tasks, SCOPE, find_kind, lambda _: None)
    assert checked.failure is None
    assert {key.kind for key in checked.without_dry_run} == {"Order"}


def prune_task(options: str = "", **metadata: object) -> Task:
    live = thing(annotations={OPTIONS: options} if options else None, metadata=metadata)
    return Task.of(Pair(None, live), SyncOptions.of(None, live, OperationOptions.of(())))


@pytest.mark.parametrize(
    ("task", "members", "deletes", "status", "message"),
    [
        (prune_task(), {}, False, "PruneSkipped", "ignored (requires pruning)"),
        (prune_task(), {"prune": True}, True, "Pruned", "pruned"),
        (prune_task("Prune=false"), {"prune": True}, False, "PruneSkipped", "ignored (no prune)"),
        (prune_task(), {"prune": True, "dryRun": True}, False, "Pruned", "pruned (dry run)"),
        (prune_task(deletionTimestamp="x"), {"prune": True}, False, "Pruned", "pruned"),
    ],
)
def test_a_prune_ends_in_argo_cds_words(
    task: Task, members: dict[str, bool], deletes: bool, status: str, message: str
) -> None:
    choice = choose_prune(task, sync(**members))
    assert (choice.deletes, choice.status, choice.message) == (deletes, status, message)


@pytest.mark.parametrize(
    ("approved", "waits"),
    [(None, True), ("2026-01-01T09:59:59Z", True), ("2026-01-01T10:00:00Z", False), ("x", True)],
)
def test_a_prune_that_asks_waits_for_an_approval_after_the_start(
    approved: str | None, waits: bool
) -> None:
    annotations = {"argocd.argoproj.io/deletion-approved": approved} if approved else {}
    app = application(annotations=annotations)
    started = datetime(2026, 1, 1, 10, tzinfo=UTC)
    task = prune_task("Prune=confirm")
    found = unconfirmed_prunes([task, prune_task()], sync(prune=True), app, started)
    assert found == ((task,) if waits else ())


def test_a_sync_that_prunes_nothing_waits_for_no_approval() -> None:
    started = datetime(2026, 1, 1, 10, tzinfo=UTC)
    task = prune_task("Prune=confirm")
    assert unconfirmed_prunes([task], sync(), application(), started) == ()
