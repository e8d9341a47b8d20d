"""Strategic merge patches; compared with a real server in tests/contract/test_schema_patches."""

import copy

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON
from holdfast.schema.strategic_merge import PatchError, merge_patch, strategic_merge
from holdfast.schema.types import find_type

POD = find_type(GroupVersionKind("", "v1", "Pod"))


def pod(**spec: JSON) -> JSON:
    return {"metadata": {"name": "x"}, "spec": spec}


def patched(tree: JSON, patch: JSON) -> JSON:
    assert POD is not None
    before = copy.deepcopy((tree, patch))
    made = strategic_merge(tree, patch, type=POD)
    assert (tree, patch) == before, "the arguments stay as they are"
    return made


def names(items: list[JSON]) -> list[str]:
    return [item["name"] for item in items]


def test_list_items_merge_by_their_key() -> None:
    tree = pod(containers=[{"name": "a", "image": "1"}, {"name": "b", "image": "1"}])
    made = patched(tree, {"spec": {"containers": [{"name": "c"}, {"name": "b", "image": "2"}]}})
    assert made["spec"]["containers"] == [
        {"name": "c"},
        {"name": "a", "image": "1"},
        {"name": "b", "image": "2"},
    ]


def test_a_list_without_a_strategy_is_replaced() -> None:
    made = patched(
        pod(containers=[{"name": "a", "args": ["1", "2"]}]),
        {"spec": {"containers": [{"name": "a", "args": ["3"]}]}},
    )
    assert made["spec"]["containers"][0]["args"] == ["3"]


def test_null_removes_a_field() -> None:
    made = patched(pod(nodeName="n", hostname="h"), {"spec": {"nodeName": None, "bogus": None}})
    assert made["spec"] == {"hostname": "h"}


def test_a_directive_deletes_one_item() -> None:
    tree = pod(containers=[{"name": "a"}, {"name": "b"}])
    made = patched(tree, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}})
    assert names(made["spec"]["containers"]) == ["b"]


def test_a_directive_replaces_a_list_or_a_map() -> None:
    tree = pod(containers=[{"name": "a"}], securityContext={"runAsUser": 1})
    made = patched(
        tree,
        {
            "spec": {
                "containers": [{"name": "z"}, {"$patch": "replace"}],
                "securityContext": {"$patch": "replace", "fsGroup": 2},
            }
        },
    )
    assert made["spec"] == {"containers": [{"name": "z"}], "securityContext": {"fsGroup": 2}}


def test_a_directive_empties_a_map() -> None:
    made = patched(
        pod(securityContext={"runAsUser": 1}), {"spec": {"securityContext": {"$patch": "delete"}}}
    )
    assert made["spec"]["securityContext"] == {}


def test_retain_keys_drops_the_other_members_of_a_union() -> None:
    tree = pod(volumes=[{"name": "v", "emptyDir": {}}])
    made = patched(
        tree,
        {
            "spec": {
                "volumes": [
                    {"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}
                ]
            }
        },
    )
    assert made["spec"]["volumes"] == [{"name": "v", "secret": {"secretName": "s"}}]


def test_the_order_of_items_can_be_set() -> None:
    tree = pod(containers=[{"name": "a"}, {"name": "b"}, {"name": "x"}])
    made = patched(
        tree,
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
                "containers": [{"name": "c"}],
            }
        },
    )
    assert names(made["spec"]["containers"]) == ["b", "c", "a", "x"]


def test_scalars_can_be_taken_out_of_a_list_and_are_not_doubled() -> None:
    tree = {"metadata": {"finalizers": ["a", "b"]}}
    gone = patched(tree, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})
    assert gone["metadata"]["finalizers"] == ["b"]
    more = patched(tree, {"metadata": {"finalizers": ["b", "c"]}})
    assert more["metadata"]["finalizers"] == ["a", "b", "c"]


def test_new_parts_lose_nulls_and_directives() -> None:
    made = patched(
        pod(),
        {"spec": {"containers": [{"name": "a", "image": None}, {"$patch": "delete", "name": "b"}]}},
    )
    assert made["spec"]["containers"] == [{"name": "a"}]


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({"spec": {"containers": [{"image": "i"}]}}, "does not contain declared merge key: name"),
        ({"spec": {"$patch": "bogus"}}, "unknown patch type: bogus"),
        ({"spec": {"containers": [{"name": "a", "$patch": "merge"}]}}, "merging lists"),
        ({"spec": {"$retainKeys": ["a"], "nodeName": "x"}}, "retainKeys"),
        (
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
                    "containers": [{"name": "b"}, {"name": "a"}],
                }
            },
            "doesn't match",
        ),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(patch: JSON, reason: str) -> None:
    with pytest.raises(PatchError, match=reason):
        patched(pod(containers=[{"name": "a"}, {"name": "b"}]), patch)


def test_a_json_merge_patch_replaces_lists_and_removes_by_null() -> None:
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": "x"}
    assert merge_patch(tree, {"a": {"c": [3], "b": None, "e": {"f": None}}, "d": {"y": 1}}) == {
        "a": {"c": [3], "e": {}},
        "d": {"y": 1},
    }
    assert merge_patch(tree, "whole") == "whole"
