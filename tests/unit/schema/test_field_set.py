"""Field sets: the algebra of managedFields."""

import pytest

from holdfast.domain.manifest import JSON
from holdfast.schema.field_path import (
    FieldName,
    ListIndex,
    ListKey,
    SetValue,
    encode_value,
    field_path,
    find_pointer,
    human_form,
    server_form,
)
from holdfast.schema.field_set import EMPTY, FieldSet

WEB = 'k:{"name":"web"}'
DEPLOYMENT = {
    "f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {WEB: {".": {}, "f:image": {}, "f:name": {}}}}},
    },
}
IMAGE = (
    *field_path("spec", "template", "spec", "containers"),
    ListKey((("name", "web"),)),
    FieldName("image"),
)


def test_a_field_set_reads_and_writes_the_same_json() -> None:
    assert FieldSet.parse(DEPLOYMENT).to_json() == DEPLOYMENT


def test_a_parent_is_a_member_only_when_it_is_marked_with_a_dot() -> None:
    fields = FieldSet.parse(DEPLOYMENT)
    assert fields.has(field_path("metadata", "labels"))
    assert not fields.has(field_path("metadata"))
    assert fields.has(IMAGE)
    assert fields.has(IMAGE[:-1])
    assert not fields.has(IMAGE[:-2])


def test_paths_come_parents_first_and_in_the_servers_order() -> None:
    fields = FieldSet.parse(
        {"f:b": {'v:"x"': {}, ".": {}, 'v:"a"': {}}, "f:a": {"i:10": {}, "i:2": {}}}
    )
    assert [human_form(path) for path in fields.paths()] == [
        "a[2]",
        "a[10]",
        "b",
        'b[="a"]',
        'b[="x"]',
    ]


def test_an_empty_object_is_a_leaf_and_an_empty_set_has_no_path() -> None:
    assert len(FieldSet.parse({"f:spec": {}})) == 1
    assert FieldSet.parse({}).is_empty
    assert FieldSet.parse({}) == EMPTY


def test_two_spellings_of_one_list_key_are_the_same_path() -> None:
    one = FieldSet.parse({"f:ports": {'k:{"port":80,"protocol":"TCP"}': {}}})
    two = FieldSet.parse({"f:ports": {'k:{"protocol": "TCP", "port": 80.0}': {}}})
    assert one == two
    assert hash(one) == hash(two)


@pytest.mark.parametrize("broken", [{"spec": {}}, {"f:spec": 1}, {"k:[1]": {}}])
def test_what_is_no_field_set_is_refused(broken: JSON) -> None:
    with pytest.raises(ValueError, match=r"path element|no object"):
        FieldSet.parse(broken)


def test_difference_keeps_what_lies_below_and_recursive_difference_does_not() -> None:
    whole = FieldSet.parse({"f:a": {".": {}, "f:b": {}}, "f:c": {}})
    parent = FieldSet.parse({"f:a": {}})
    assert (whole - parent).to_json() == {"f:a": {"f:b": {}}, "f:c": {}}
    assert whole.recursive_difference(parent).to_json() == {"f:c": {}}


def test_union_and_intersection_work_path_by_path() -> None:
    one = FieldSet.parse({"f:a": {".": {}, "f:b": {}}})
    two = FieldSet.parse({"f:a": {"f:b": {}, "f:c": {}}})
    assert (one | two).to_json() == {"f:a": {".": {}, "f:b": {}, "f:c": {}}}
    assert (one & two).to_json() == {"f:a": {"f:b": {}}}


def test_leaves_drop_the_members_that_lead_to_others() -> None:
    assert FieldSet.parse({"f:a": {".": {}, "f:b": {}}, "f:c": {".": {}}}).leaves().to_json() == {
        "f:a": {"f:b": {}},
        "f:c": {},
    }


def test_a_set_can_be_made_from_paths() -> None:
    assert FieldSet.of(IMAGE, field_path("spec")).to_json() == {
        "f:spec": {
            ".": {},
            "f:template": {"f:spec": {"f:containers": {WEB: {"f:image": {}}}}},
        }
    }


def test_a_path_has_a_form_for_people_and_one_in_the_servers_words() -> None:
    assert human_form(IMAGE) == 'spec.template.spec.containers[name="web"].image'
    assert server_form(IMAGE) == '.spec.template.spec.containers[name="web"].image'
    label = field_path("metadata", "labels", "app.kubernetes.io/name")
    assert human_form(label) == 'metadata.labels["app.kubernetes.io/name"]'
    assert server_form(label) == ".metadata.labels.app.kubernetes.io/name"
    port = (FieldName("ports"), ListKey((("port", 80), ("protocol", "TCP"))), ListIndex(1))
    assert server_form(port) == '.ports[port=80,protocol="TCP"][1]'
    assert server_form((SetValue("x"),)) == '[="x"]'


def test_values_are_written_as_the_server_writes_them() -> None:
    assert encode_value({"b": "<&>", "a": 1.0}) == '{"a":1,"b":"\\u003c\\u0026\\u003e"}'


def test_a_json_pointer_is_found_through_list_keys() -> None:
    tree = {
        "spec": {
            "template": {"spec": {"containers": [{"name": "x"}, {"name": "web", "image": "i"}]}}
        }
    }
    assert find_pointer(IMAGE, tree) == "/spec/template/spec/containers/1/image"
    assert find_pointer(IMAGE, {}) is None
    slash = field_path("metadata", "annotations", "a/b~c")
    assert (
        find_pointer(slash, {"metadata": {"annotations": {"a/b~c": ""}}})
        == "/metadata/annotations/a~1b~0c"
    )
    assert find_pointer((FieldName("f"), SetValue("b")), {"f": ["a", "b"]}) == "/f/1"
