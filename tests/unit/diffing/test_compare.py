"""Live against the echo: what is drift and what is none (apply.md A5)."""

from typing import Any

import pytest

from holdfast.diffing.compare import Comparison, compare, describe
from holdfast.diffing.echo import Echo, borrow, learn
from holdfast.domain.drift import DriftKind
from holdfast.domain.manifest import Manifest
from tests.support.builders import config_map, deployment, service

Tree = dict[str, Any]


def owned(manager: str, fields: Tree, operation: str = "Update", **more: str) -> Tree:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def stored(tree: Tree, fields: Tree, *others: Tree, uid: str = "u1") -> Manifest:
    """An object in which `fields` are ours."""
    ours = owned("holdfast", fields, "Apply")
    entries = [{**entry, "apiVersion": tree["apiVersion"]} for entry in (ours, *others)]
    metadata = {**tree["metadata"], "uid": uid, "managedFields": entries}
    return Manifest({**tree, "metadata": metadata})


def echo_of(answer: Manifest) -> Echo:
    echo = learn(answer)
    assert echo is not None
    return echo


def paths(found: Comparison, live: Manifest) -> list[str]:
    return [item.path for item in describe(found, live).differences]


A: Tree = {"f:data": {"f:a": {}}}
AB: Tree = {"f:data": {"f:a": {}, "f:b": {}}}


def test_an_object_equals_its_own_echo() -> None:
    answer = stored(config_map(a="1"), A)
    assert not compare(answer, echo_of(answer)).needs_apply


def test_what_others_add_is_no_difference() -> None:
    echo = echo_of(stored(config_map(a="1"), A))
    live = stored(config_map(a="1", z="theirs"), A, owned("other", {"f:data": {"f:z": {}}}))
    assert not compare(live, echo).needs_apply


def test_a_changed_value_is_named_with_both_sides_and_its_owner() -> None:
    echo = echo_of(stored(config_map(a="1", b="1"), AB))
    live = stored(config_map(a="2", b="1"), {"f:data": {"f:b": {}}}, owned("kubectl-edit", A))
    drift = describe(compare(live, echo), live)
    assert drift.kind is DriftKind.CHANGED
    (difference,) = drift.differences
    assert (difference.path, difference.desired, difference.live) == ("data.a", "1", "2")
    assert difference.managers == ("kubectl-edit",)


def test_nobody_is_accused_of_a_removal() -> None:
    """apply.md B2: a removed field leaves no entry of whoever removed it."""
    echo = echo_of(stored(config_map(a="1", b="1"), AB))
    live = stored(config_map(a="1"), A, owned("kubectl-edit", {"f:metadata": {"f:labels": {}}}))
    (difference,) = describe(compare(live, echo), live).differences
    assert (difference.desired, difference.live, difference.managers) == ("1", None, ())


def test_a_whole_list_that_is_what_it_was_may_be_booked_to_another_manager() -> None:
    """kube-apiserver 1.36 does so with the metrics of an autoscaler at anybody's next write."""
    spec: Tree = {"maxReplicas": 5, "metrics": [{"type": "Resource"}]}
    tree: Tree = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "prod", "uid": "u1"},
        "spec": spec,
    }
    limit: Tree = {"f:maxReplicas": {}}
    echo = echo_of(stored(tree, {"f:spec": {**limit, "f:metrics": {}}}))
    theirs = owned("leader", {"f:spec": {"f:metrics": {}}})
    live = stored(tree, {"f:spec": limit}, theirs)
    assert not compare(live, echo).needs_apply

    changed = {**tree, "spec": {**spec, "metrics": [{"type": "Object"}]}}
    assert compare(stored(changed, {"f:spec": limit}, theirs), echo).differences


def test_lost_ownership_of_an_equal_value_needs_an_apply_and_is_no_difference() -> None:
    echo = echo_of(stored(config_map(a="1", b="1"), AB))
    live = stored(config_map(a="1", b="1"), A, owned("other", {"f:data": {"f:b": {}}}))
    found = compare(live, echo)
    assert found.is_equal
    assert found.needs_apply


def test_cleared_managed_fields_need_an_apply() -> None:
    answer = stored(config_map(a="1"), A)
    live = answer.with_metadata(managedFields=None)
    assert compare(live, echo_of(answer)).needs_apply


def test_an_empty_value_that_another_controller_fills_is_no_drift() -> None:
    """`caBundle: ""` filled by cainjector: putting it back would remove the CA."""
    echo = echo_of(stored(config_map(a="1"), AB))
    live = stored(config_map(a="1", b="CA"), A, owned("cainjector", {"f:data": {"f:b": {}}}))
    found = compare(live, echo)
    assert found.is_equal


def test_the_same_filled_by_a_person_is_drift() -> None:
    echo = echo_of(stored(config_map(a="1"), AB))
    live = stored(config_map(a="1", b="x"), A, owned("kubectl-edit", {"f:data": {"f:b": {}}}))
    assert paths(compare(live, echo), live) == ["data.b"]


def test_an_empty_map_of_ours_that_others_fill_is_no_drift_while_we_own_it() -> None:
    fields: Tree = {"f:data": {}}
    tree = {**config_map(), "data": {}}
    echo = echo_of(stored(tree, fields))
    live = stored(config_map(z="1"), fields, owned("kubectl-edit", {"f:data": {"f:z": {}}}))
    assert not compare(live, echo).needs_apply


def test_what_others_had_put_into_an_empty_map_of_ours_is_not_expected_to_stay() -> None:
    """An apply that came after them: its answer holds their values at our field."""
    fields: Tree = {"f:data": {}}
    theirs = owned("kubectl-edit", {"f:data": {"f:z": {}}})
    echo = echo_of(stored(config_map(z="1"), fields, theirs))
    more = owned("kubectl-edit", {"f:data": {"f:y": {}, "f:z": {}}})
    assert not compare(stored(config_map(y="2", z="1"), fields, more), echo).needs_apply


def test_a_map_that_the_server_drops_while_it_is_empty_may_be_filled_by_anybody() -> None:
    """Our entry loses the path, and no apply of ours would remove what is in it."""
    fields: Tree = {"f:data": {}, "f:immutable": {}}
    empty = {key: value for key, value in config_map().items() if key != "data"}
    echo = echo_of(stored({**empty, "immutable": False}, fields))
    tree = {**config_map(z="1"), "immutable": False}
    live = stored(tree, {"f:immutable": {}}, owned("kubectl-edit", {"f:data": {"f:z": {}}}))
    assert not compare(live, echo).needs_apply


def test_an_empty_map_whose_path_we_lost_is_drift() -> None:
    tree = {**config_map(), "data": {}}
    echo = echo_of(stored(tree, {"f:data": {}}))
    live = stored(config_map(z="1"), {"f:metadata": {"f:labels": {}}})
    assert paths(compare(live, echo), live) == ["data"]


@pytest.mark.parametrize(("desired", "live"), [(1.0, 1), (0, 0.0), (2, 2.0)])
def test_equal_numbers_are_equal(desired: float, live: float) -> None:
    fields: Tree = {"f:spec": {"f:size": {}}}
    head: Tree = {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "w"}}
    echo = echo_of(stored({**head, "spec": {"size": desired}}, fields))
    assert compare(stored({**head, "spec": {"size": live}}, fields), echo).is_equal


CONTAINERS: Tree = {
    "f:spec": {
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {".": {}, "f:image": {}, "f:name": {}},
                }
            }
        }
    }
}


def containers(*items: Tree) -> Tree:
    tree = deployment()
    tree["spec"]["template"]["spec"]["containers"] = list(items)
    return tree


def test_a_sidecar_put_before_ours_is_no_drift() -> None:
    web = {"name": "web", "image": "web:1"}
    echo = echo_of(stored(containers(web), CONTAINERS))
    live = stored(containers({"name": "proxy", "image": "p:1"}, web), CONTAINERS)
    assert not compare(live, echo).needs_apply


def test_a_renamed_container_is_told_apart_from_a_removed_one() -> None:
    web = {"name": "web", "image": "web:1"}
    echo = echo_of(stored(containers(web), CONTAINERS))
    foreign: Tree = {
        "f:spec": {
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"other"}': {"f:image": {}}}}}
        }
    }
    live = stored(containers({**web, "name": "other"}), {}, owned("kubectl-edit", foreign))
    assert compare(live, echo).is_renamed_element
    gone = stored(containers(), {}, owned("kubectl-edit", {"f:metadata": {"f:labels": {}}}))
    assert not compare(gone, echo).is_renamed_element


def test_the_order_of_declared_elements_counts() -> None:
    """`$(Z)` in an env value sees only what stands before it."""
    fields: Tree = {
        "f:spec": {
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {}, 'k:{"port":81,"protocol":"TCP"}': {}}
        }
    }
    first, second = {"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}
    echo = echo_of(stored(service("web", first, second), fields))
    assert not compare(stored(service("web", second, first), fields), echo).is_equal


def test_an_answer_without_our_entry_teaches_nothing() -> None:
    assert learn(Manifest(config_map())) is None
    foreign = stored(config_map(), A)
    entries = [owned("other", A, "Apply")]
    assert learn(foreign.with_metadata(managedFields=entries)) is None


def test_a_borrowed_echo_takes_the_values_that_are_live() -> None:
    """A dry run invents allocated values (apply.md A5)."""
    dry = stored(config_map(a="1", b="invented"), AB)
    live = stored(config_map(a="1", b="allocated"), A)
    echo = borrow(dry, live)
    assert echo is not None
    assert not echo.is_owned
    assert compare(live, echo).is_equal
    moved = stored(config_map(a="2", b="allocated"), A)
    assert paths(compare(moved, echo), moved) == ["data.a"]


def test_a_status_entry_owns_nothing_that_a_person_is_told() -> None:
    echo = echo_of(stored(config_map(a="1"), A))
    live = stored(config_map(a="2"), {}, owned("controller", A, subresource="status"))
    (difference,) = describe(compare(live, echo), live).differences
    assert difference.managers == ()
