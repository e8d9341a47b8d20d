"""Server-side apply; that it is the server's own is shown in tests/contract/test_schema_apply."""

import copy

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON
from holdfast.schema.apply_merge import (
    ApplyConflict,
    ApplyRequestError,
    Merged,
    TypedPatchError,
    Writer,
    differs_only_in_times,
    record_update,
    server_side_apply,
)
from holdfast.schema.field_set import FieldSet
from holdfast.schema.managed_fields import read_managers
from holdfast.schema.types import Type, find_type

NOW = "2026-11-23T16:00:00Z"
LATER = "2026-11-23T17:00:00Z"


def kind_of(tree: JSON) -> Type:
    found = find_type(GroupVersionKind.parse(tree["apiVersion"], tree["kind"]))
    assert found is not None
    return found


def config_map(**data: JSON) -> JSON:
    tree: JSON = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    return tree | ({"data": data} if data else {})


def deployment(*containers: JSON, replicas: int | None = None) -> JSON:
    spec: JSON = {"template": {"spec": {"containers": list(containers)}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec}


def apply(
    live: JSON, tree: JSON, manager: str = "a", *, force: bool = False, now: str = NOW
) -> Merged:
    writer = Writer(manager, tree["apiVersion"], now)
    return server_side_apply(live, tree, type=kind_of(tree), writer=writer, force=force)


def update(before: JSON, after: JSON, manager: str = "u", subresource: str = "") -> JSON:
    writer = Writer(manager, after["apiVersion"], NOW, subresource)
    return record_update(before, after, type=kind_of(after), writer=writer)


def owned(tree: JSON) -> dict[str, JSON]:
    return {
        f"{entry['manager']}/{entry['operation']}": entry["fieldsV1"]
        for entry in tree["metadata"].get("managedFields", ())
    }


def containers_of(tree: JSON) -> list[JSON]:
    found: list[JSON] = tree["spec"]["template"]["spec"]["containers"]
    return found


def test_an_apply_owns_exactly_what_it_says() -> None:
    made = apply(None, config_map(x="1"))
    assert made.changed
    assert owned(made.tree) == {"a/Apply": {"f:data": {"f:x": {}}}}
    assert made.tree["metadata"]["managedFields"][0]["time"] == NOW


def test_an_identical_apply_changes_nothing_and_keeps_the_time() -> None:
    first = apply(None, config_map(x="1")).tree
    again = apply(first, config_map(x="1"), now=LATER)
    assert not again.changed
    assert again.tree == first


def test_a_field_that_is_no_longer_applied_and_belongs_to_nobody_goes() -> None:
    first = apply(None, config_map(x="1", y="2")).tree
    assert apply(first, config_map(y="2")).tree["data"] == {"y": "2"}


def test_a_field_that_somebody_else_applied_too_stays() -> None:
    both = apply(apply(None, config_map(x="1", y="2")).tree, config_map(x="1"), "b").tree
    left = apply(both, config_map(y="2")).tree
    assert left["data"] == {"x": "1", "y": "2"}
    assert owned(left)["b/Apply"] == {"f:data": {"f:x": {}}}


def test_another_value_for_a_field_of_somebody_else_is_a_conflict_in_the_servers_words() -> None:
    live = update(None, deployment({"name": "c"}, replicas=1), "kubectl-edit")
    with pytest.raises(ApplyConflict) as refused:
        apply(live, deployment({"name": "c"}, replicas=3))
    assert str(refused.value) == (
        'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas'
    )
    cause = refused.value.causes[0]
    assert (cause.manager, cause.field) == ("kubectl-edit", ".spec.replicas")


def test_several_conflicts_are_listed_by_manager() -> None:
    live = apply(apply(None, config_map(x="1"), "b").tree, config_map(y="1"), "c").tree
    with pytest.raises(ApplyConflict) as refused:
        apply(live, config_map(x="2", y="2"))
    assert str(refused.value) == (
        'Apply failed with 2 conflicts: conflicts with "b":\n- .data.x\n'
        'conflicts with "c":\n- .data.y'
    )


def test_force_takes_the_field_and_the_other_entry_shrinks() -> None:
    live = apply(None, config_map(x="1", y="1"), "b").tree
    taken = apply(live, config_map(x="2"), force=True).tree
    assert taken["data"] == {"x": "2", "y": "1"}
    assert owned(taken) == {
        "a/Apply": {"f:data": {"f:x": {}}},
        "b/Apply": {"f:data": {"f:y": {}}},
    }


def test_a_list_item_is_merged_by_its_key_and_keeps_what_others_put_there() -> None:
    live = apply(None, deployment({"name": "web", "image": "i:1"})).tree
    edited = copy.deepcopy(live)
    containers_of(edited)[0]["env"] = [{"name": "DEBUG", "value": "1"}]
    containers_of(edited).append({"name": "injected", "image": "s"})
    edited = update(live, edited)
    healed = apply(edited, deployment({"name": "web", "image": "i:2"}), force=True).tree
    assert containers_of(healed) == [
        {"name": "web", "image": "i:2", "env": [{"name": "DEBUG", "value": "1"}]},
        {"name": "injected", "image": "s"},
    ]


def test_a_container_that_was_renamed_by_hand_stands_beside_the_applied_one() -> None:
    """docs/internals/argocd/apply.md §A1: why the heal must take over the parent."""
    live = apply(None, deployment({"name": "c", "image": "i"})).tree
    edited = update(live, live | deployment({"name": "d", "image": "i"}))
    healed = apply(edited, deployment({"name": "c", "image": "i"}), force=True).tree
    assert [container["name"] for container in containers_of(healed)] == ["d", "c"]


def test_the_order_of_applied_items_wins_and_items_of_others_keep_their_place() -> None:
    live = apply(None, deployment({"name": "a"}, {"name": "b"})).tree
    with_other = update(live, live | deployment({"name": "x"}, {"name": "a"}, {"name": "b"}))
    turned = apply(with_other, deployment({"name": "b"}, {"name": "a"})).tree
    assert [container["name"] for container in containers_of(turned)] == ["x", "b", "a"]


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (
            deployment({"name": "c", "env": [{"name": "A"}, {"name": "A"}]}),
            '.spec.template.spec.containers[name="c"].env: duplicate entries for key [name="A"]',
        ),
        (deployment({"name": "c", "bogus": 1}), '[name="c"].bogus: field not declared in schema'),
        (config_map(x=1), ".data.x: expected string, got &value.valueUnstructured{Value:1}"),
    ],
    ids=["two items with one key", "a field the kind does not have", "a value of the wrong type"],
)
def test_what_an_apply_cannot_express_is_refused_in_the_servers_words(
    tree: JSON, reason: str
) -> None:
    with pytest.raises(TypedPatchError) as refused:
        apply(None, tree)
    assert str(refused.value).startswith("failed to create typed patch object (/x; ")
    assert reason in str(refused.value)


def test_managed_fields_in_the_applied_object_are_refused() -> None:
    tree = config_map()
    tree["metadata"]["managedFields"] = []
    with pytest.raises(ApplyRequestError, match=r"metadata\.managedFields must be nil"):
        apply(None, tree)


def test_the_first_apply_to_an_untracked_object_keeps_what_was_there() -> None:
    made = apply(config_map(x="1", y="1"), config_map(x="1")).tree
    assert owned(made) == {
        "a/Apply": {"f:data": {"f:x": {}}},
        "before-first-apply/Update": {"f:data": {".": {}, "f:x": {}, "f:y": {}}},
    }


def test_kubectl_takes_over_what_its_client_side_apply_wrote_without_a_conflict() -> None:
    annotation = "kubectl.kubernetes.io/last-applied-configuration"
    tree = config_map(x="1")
    tree["metadata"]["annotations"] = {
        annotation: '{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"1"}}'
    }
    live = update(None, tree, "kubectl-client-side-apply")
    made = apply(live, config_map(x="2"), "kubectl").tree
    assert made["data"] == {"x": "2"}
    assert '"x":"2"' in made["metadata"]["annotations"][annotation]
    with pytest.raises(ApplyConflict):
        apply(live, config_map(x="2"), "someone")


def test_a_create_owns_all_but_what_an_empty_object_has() -> None:
    made = update(None, deployment({"name": "c"}, replicas=1))
    assert owned(made) == {
        "u/Update": {
            "f:spec": {
                "f:replicas": {},
                "f:template": {
                    "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}}}}
                },
            }
        }
    }


def test_an_update_takes_what_it_changes_and_drops_what_it_removes() -> None:
    live = apply(None, config_map(x="1", y="1")).tree
    after = update(live, config_map(x="2"), "kubectl-edit")
    assert owned(after) == {"kubectl-edit/Update": {"f:data": {"f:x": {}}}}


def test_updates_of_one_manager_become_one_entry_and_each_subresource_has_its_own() -> None:
    live = update(None, deployment({"name": "c"}))
    live = update(live, live | deployment({"name": "c"}, replicas=2))
    scaled = update(live, live | deployment({"name": "c"}, replicas=3), subresource="scale")
    assert [entry.get("subresource", "") for entry in scaled["metadata"]["managedFields"]] == [
        "",
        "scale",
    ]


def test_a_client_may_reset_managed_fields_and_they_are_not_tracked_again() -> None:
    live = update(None, config_map(x="1"))
    wish = config_map(x="1")
    wish["metadata"]["managedFields"] = [{}]
    reset = update(live, wish)
    assert owned(reset) == {}
    assert owned(update(reset, config_map(x="2"))) == {}


def test_a_client_that_sends_no_managed_fields_does_not_delete_them() -> None:
    live = apply(None, config_map(x="1")).tree
    assert owned(update(live, config_map(x="1"))) == owned(live)


def test_entries_renamed_to_one_manager_are_merged() -> None:
    """docs/internals/argocd/apply.md §A6: how objects of Argo CD are taken over."""
    live = apply(update(None, config_map(x="1", y="1"), "argocd"), config_map(x="1")).tree
    wish = copy.deepcopy(live)
    for entry in wish["metadata"]["managedFields"]:
        entry["manager"], entry["operation"] = "a", "Apply"
    renamed = update(live, wish)
    assert owned(renamed) == {"a/Apply": {"f:data": {".": {}, "f:x": {}, "f:y": {}}}}
    assert apply(renamed, config_map(x="1")).tree["data"] == {"x": "1"}


def test_more_than_ten_updaters_become_ancient_changes() -> None:
    live = update(None, config_map(k="0"), "m0")
    for number in range(1, 12):
        after = copy.deepcopy(live)
        after["data"][f"k{number}"] = "1"
        live = update(live, after, f"m{number}")
    managers = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert len(managers) == 10
    assert "ancient-changes" in managers


def test_what_the_subresource_may_not_change_is_neither_changed_nor_owned() -> None:
    live = deployment({"name": "c"}) | {"status": {"replicas": 1}}
    writer = Writer("a", "apps/v1", NOW, reset_fields=FieldSet.parse({"f:status": {}}))
    tree = deployment({"name": "c"}) | {"status": {"replicas": 9}}
    made = server_side_apply(live, tree, type=kind_of(tree), writer=writer).tree
    assert made["status"] == {"replicas": 1}
    assert "f:status" not in owned(made)["a/Apply"]


def test_a_write_that_moved_nothing_but_times_is_told() -> None:
    one = apply(None, config_map(x="1")).tree
    two = apply(None, config_map(x="1"), now=LATER).tree
    assert one != two
    assert differs_only_in_times(one, two)
    assert not differs_only_in_times(one, apply(None, config_map(x="2")).tree)


def test_nothing_that_was_given_is_changed() -> None:
    live = apply(None, deployment({"name": "c", "image": "i"}, replicas=1), "b").tree
    tree = deployment({"name": "c", "image": "j"})
    before = copy.deepcopy((live, tree))
    apply(live, tree, force=True)
    update(live, tree)
    assert (live, tree) == before


def test_of_two_equal_managers_the_last_counts() -> None:
    """Whoever renames a manager unites the field sets: the server does not (apply.md A6)."""
    entry = {"operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "manager": "t"}
    entries = [
        {**entry, "fieldsV1": {"f:data": {name: {}}}, "time": time}
        for name, time in (("f:x", "2026-01-01T00:00:02Z"), ("f:y", "2026-01-01T00:00:01Z"))
    ]
    managers = read_managers({"metadata": {"managedFields": entries}})
    [(_, owned)] = managers.items()
    assert owned.fields.to_json() == {"f:data": {"f:y": {}}}
    assert owned.time == "2026-01-01T00:00:01Z"
