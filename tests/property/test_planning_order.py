"""Laws of the order of tasks (controller.md §6.3)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.manifest import Manifest
from holdfast.planning.definitions import defined_kind, is_crd
from holdfast.planning.order import kind_rank, mirror_prune_waves
from holdfast.planning.sync import NamespaceWish, plan_sync
from holdfast.planning.tasks import Pair, Task
from tests.support.applications import definition, sync, thing

KINDS = ("ConfigMap", "Service", "Deployment", "Job", "Widget")
NAMESPACES = ("prod", "dev", "")


@st.composite
def objects(draw: st.DrawFn) -> Manifest:
    wave = {"argocd.argoproj.io/sync-wave": str(draw(st.integers(-3, 3)))}
    kind = draw(st.sampled_from((*KINDS, "Namespace", "CustomResourceDefinition", "Order")))
    if kind == "Namespace":
        found = thing(kind, draw(st.sampled_from(("prod", "dev"))), namespace="", annotations=wave)
    elif kind == "CustomResourceDefinition":
        found = definition("Order").with_annotation(*next(iter(wave.items())))
    else:
        version = "shop.example/v1" if kind == "Order" else "v1"
        name = draw(st.sampled_from("abcd"))
        namespace = draw(st.sampled_from(NAMESPACES))
        found = thing(kind, name, namespace=namespace, api_version=version, annotations=wave)
    return found


@st.composite
def pairs(draw: st.DrawFn) -> list[Pair]:
    unique = draw(st.lists(objects(), max_size=12, unique_by=lambda manifest: manifest.key))
    return [
        Pair(None, manifest) if draw(st.booleans()) else Pair(manifest, None) for manifest in unique
    ]


def plan_tasks(given_pairs: list[Pair]) -> tuple[Task, ...]:
    return plan_sync(given_pairs, sync(prune=True), NamespaceWish("prod")).tasks


@given(pairs())
def test_every_object_is_planned_exactly_once(given_pairs: list[Pair]) -> None:
    planned = [task.key for task in plan_tasks(given_pairs)]
    assert sorted(planned) == sorted(pair.manifest.key for pair in given_pairs)


@given(pairs())
def test_phases_and_waves_never_go_back(given_pairs: list[Pair]) -> None:
    plan = plan_sync(given_pairs, sync(prune=True), NamespaceWish("prod"))
    places = [(step.phase, step.wave) for step in plan.steps]
    assert all(earlier < later for earlier, later in pairwise(places))


@given(pairs(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_the_input(
    given_pairs: list[Pair], random: object
) -> None:
    shuffled = list(given_pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    keys = [task.key for task in plan_tasks(given_pairs)]
    assert [task.key for task in plan_tasks(shuffled)] == keys


@given(pairs())
def test_nothing_is_applied_before_its_namespace_or_definition(given_pairs: list[Pair]) -> None:
    applied = [task.manifest for task in plan_tasks(given_pairs) if not task.is_prune]
    for index, manifest in enumerate(applied):
        earlier = applied[:index]
        if manifest.kind == "Namespace":
            assert not any(other.namespace == manifest.name for other in earlier)
        if is_crd(manifest):
            kind = defined_kind(manifest)
            assert not any(other.key.group_kind == kind for other in earlier)


@given(pairs())
def test_prunes_run_in_the_reverse_of_their_waves(given_pairs: list[Pair]) -> None:
    extras = [pair for pair in given_pairs if pair.target is None]
    waves = {pair.manifest.key: _wave(pair.manifest) for pair in extras}
    order = [waves[task.key] for task in plan_tasks(extras)]
    assert order == sorted(order, reverse=True)


@given(pairs())
def test_mirroring_twice_gives_the_same_waves_again(given_pairs: list[Pair]) -> None:
    tasks = plan_tasks(given_pairs)
    assert mirror_prune_waves(mirror_prune_waves(tasks)) == tasks


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
def test_within_a_wave_kinds_follow_their_rank(kinds: list[str]) -> None:
    named = [Pair(thing(kind, str(index)), None) for index, kind in enumerate(kinds)]
    ranks = [kind_rank(task.manifest.kind) for task in plan_tasks(named)]
    assert ranks == sorted(ranks)


def _wave(manifest: Manifest) -> int:
    return int(manifest.annotations["argocd.argoproj.io/sync-wave"])
