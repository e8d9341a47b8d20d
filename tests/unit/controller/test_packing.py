"""What is kept of tens of thousands of objects is small, and comes back as it was."""

import pytest

from holdfast.controller.packing import PackedEcho, pack_uid, split_uid, squeeze, unsqueeze
from holdfast.diffing.compare import compare
from holdfast.diffing.echo import Echo, learn
from holdfast.domain.identity import Uid
from holdfast.domain.manifest import JSON, Manifest
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, REPEATED, Projection, project

FIELDS: dict[str, JSON] = {
    "f:data": {"f:mode": {}, "f:size": {}},
    "f:metadata": {"f:annotations": {"f:argocd.argoproj.io/tracking-id": {}}, "f:labels": {}},
}


def applied(number: int, **data: JSON) -> Manifest:
    name = f"settings-{number}"
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": f"team-{number}",
                "uid": f"0000-{number}",
                "resourceVersion": str(1000 + number),
                "labels": {"app": "web"},
                "annotations": {
                    "argocd.argoproj.io/tracking-id": f"web:/ConfigMap:team-{number}/{name}"
                },
                "managedFields": [
                    {
                        "manager": "holdfast",
                        "operation": "Apply",
                        "apiVersion": "v1",
                        "fieldsType": "FieldsV1",
                        "fieldsV1": FIELDS,
                    }
                ],
            },
            "data": {"mode": "production", "size": str(number), **data},
        }
    )


def echo_of(manifest: Manifest) -> Echo:
    echo = learn(manifest)
    assert echo is not None
    return echo


def back_from(manifest: Manifest, role: str) -> Manifest:
    return unsqueeze(*squeeze(manifest, role))


def test_a_manifest_comes_back_as_it_was() -> None:
    for number in range(5):
        manifest = applied(number, text="ä\n" * 100, empty="")
        assert back_from(manifest, "live") == manifest


def test_a_manifest_larger_than_the_window_comes_back_as_it_was() -> None:
    large = applied(1, text="".join(str(n * n) for n in range(20_000)))
    assert back_from(large, "large") == large
    assert back_from(applied(2), "large") == applied(2)


def test_objects_that_look_alike_take_a_fraction_of_their_size() -> None:
    sizes = [len(squeeze(applied(number), "alike")[0]) for number in range(20)]
    assert max(sizes[1:]) < 110


def test_a_first_object_that_looks_unlike_the_others_does_not_spoil_their_size() -> None:
    squeeze(Manifest({"apiVersion": "v1", "kind": "ConfigMap"}), "unlike")
    sizes = [len(squeeze(applied(number), "unlike")[0]) for number in range(20)]
    assert max(sizes[1:]) < 110


def test_what_was_packed_before_the_sample_changed_comes_back_as_it_was() -> None:
    manifests = [applied(n, **{f"key-{n}-{m}": "x" * n for m in range(40)}) for n in range(20)]
    kept = [squeeze(manifest, "changing") for manifest in manifests]
    assert len({sample for _, sample in kept}) > 1
    assert [unsqueeze(data, sample) for data, sample in kept] == manifests


@pytest.mark.parametrize(
    "uid",
    [
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
        "",
        "uid-1",
        "ä" * 300,
    ],
)
def test_any_uid_comes_back_as_it_was(uid: str) -> None:
    head = pack_uid(Uid(uid))
    assert split_uid(head + b"rest") == (uid, len(head))


def test_a_uuid_takes_sixteen_bytes() -> None:
    assert len(pack_uid(Uid("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"))) == 17


def test_an_echo_comes_back_equal_and_compares_equal() -> None:
    for number in range(3):
        manifest = applied(number)
        echo = echo_of(manifest)
        back = PackedEcho.pack(echo, "ConfigMap").unpack()
        assert back == echo
        assert not compare(manifest, back).needs_apply


@pytest.mark.parametrize("missing", [MISSING, REPEATED])
def test_markers_of_an_echo_stay_what_they_are(missing: object) -> None:
    fields = FieldSet.parse({"f:data": {"f:mode": {}, "f:size": {}}})
    before = Projection(fields, (missing, 1.0), (((missing, "a"), ("b", 0)),))
    echo = Echo(Uid("1"), fields.to_json(), fields, before, is_owned=False)
    back = PackedEcho.pack(echo, "marked").unpack().projection
    assert back.values[0] is missing
    assert back.orders[0][0][0] is missing
    assert back == before


def test_a_value_that_looks_like_a_marker_stays_a_value() -> None:
    fields = FieldSet.parse({"f:data": {"f:mode": {}, "f:size": {}}})
    tree: dict[str, JSON] = {"data": {"mode": 0, "size": [1]}}
    echo = Echo(Uid("1"), fields.to_json(), fields, project(tree, fields), is_owned=True)
    assert PackedEcho.pack(echo, "numbers").unpack() == echo


def test_equal_field_sets_of_two_objects_are_kept_once() -> None:
    one, two = (PackedEcho.pack(echo_of(applied(n)), "ConfigMap") for n in (1, 2))
    assert one.fields is two.fields
    assert one.unpack().field_set is two.unpack().field_set
