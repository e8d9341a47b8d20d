"""Laws of comparing: nothing differs from itself, ignore rules commute."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.diffing.canonical import canonicalise
from holdfast.diffing.cold_start import declared_is_live
from holdfast.diffing.compare import compare
from holdfast.diffing.echo import learn
from holdfast.diffing.ignore import ignored_paths, without_ignored
from holdfast.domain.application import IgnoreRule, parse_ignore_rule
from holdfast.domain.manifest import Manifest
from holdfast.schema.apply_merge import Writer, server_side_apply
from tests.support.builders import config_map
from tests.support.fake_cluster import type_of

Tree = dict[str, Any]
names = st.sampled_from(["a", "b", "c", "d"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "1", "100m"])
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
specs = st.dictionaries(names, values, max_size=4)
datas = st.dictionaries(names, st.sampled_from(["", "1", "2"]), max_size=4)
pointers = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/spec/" + "/".join(parts))
rules = st.lists(pointers, min_size=1, max_size=3).map(
    lambda found: parse_ignore_rule({"group": "*", "kind": "*", "jsonPointers": found})
)


def widget(spec: Tree) -> Manifest:
    head = {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "w"}}
    return Manifest({**head, "spec": spec})


def applied(tree: Tree, live: Tree | None = None, manager: str = "holdfast") -> Manifest:
    manifest = Manifest(tree)
    writer = Writer(manager, manifest.api_version, "2026-01-02T12:00:00Z")
    kind = type_of(manifest.gvk)
    return Manifest(server_side_apply(live, tree, type=kind, writer=writer, force=True).tree)


@given(datas)
def test_what_was_applied_does_not_differ_from_itself(data: Tree) -> None:
    answer = applied({**config_map(), "data": data})
    echo = learn(answer)
    assert echo is not None
    assert not compare(answer, echo).needs_apply


@given(datas, datas)
def test_what_others_apply_beside_it_is_no_drift(data: Tree, theirs: Tree) -> None:
    answer = applied({**config_map(), "data": data})
    echo = learn(answer)
    assert echo is not None
    beside = {name: value for name, value in theirs.items() if name not in data}
    live = applied({**config_map(), "data": beside}, answer.tree, manager="other")
    assert not compare(live, echo).needs_apply


@given(datas, datas)
def test_applying_again_undoes_whatever_others_did_to_declared_fields(
    data: Tree, theirs: Tree
) -> None:
    tree = {**config_map(), "data": data}
    answer = applied(tree)
    echo = learn(answer)
    assert echo is not None
    healed = applied(tree, applied({**config_map(), "data": theirs}, answer.tree, "other").tree)
    assert compare(healed, echo).is_equal
    assert {name: healed.tree["data"][name] for name in data} == data


@given(specs)
def test_a_declaration_is_live_in_itself(spec: Tree) -> None:
    manifest = canonicalise(widget(spec))
    assert declared_is_live(manifest, manifest)


@given(specs)
def test_a_canonical_manifest_stays_as_it_is(spec: Tree) -> None:
    once = canonicalise(widget(spec))
    assert canonicalise(once) == once


@given(specs, st.lists(rules, max_size=4), st.randoms(use_true_random=False))
def test_ignore_rules_commute(spec: Tree, given_rules: list[IgnoreRule], rng: Any) -> None:
    manifest = widget(spec)
    turned = list(given_rules)
    rng.shuffle(turned)
    one = without_ignored(manifest, ignored_paths(manifest, given_rules))
    other = without_ignored(manifest, ignored_paths(manifest, turned))
    assert one == other


@given(specs, st.lists(rules, max_size=3))
def test_ignoring_twice_is_ignoring_once(spec: Tree, given_rules: list[IgnoreRule]) -> None:
    manifest = widget(spec)
    ignored = ignored_paths(manifest, given_rules)
    once = without_ignored(manifest, ignored)
    assert without_ignored(once, ignored) == once
