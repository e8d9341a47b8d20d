"""Protobuf: what kubectl sends when it makes an object itself."""

from __future__ import annotations

import pytest

from holdfast.sandbox.protobuf.decoding import ProtobufError, decode_object


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _object(version: str, kind: str, body: bytes) -> bytes:
    head = _field(1, version.encode()) + _field(2, kind.encode())
    return b"k8s\x00" + _field(1, head) + _field(2, body)


def test_text_maps_and_metadata_are_read() -> None:
    metadata = _field(1, b"name") + _field(3, b"space")
    entry = _field(1, b"key") + _field(2, b"value")
    tree = decode_object(_object("v1", "ConfigMap", _field(1, metadata) + _field(2, entry)))
    assert tree == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "name", "namespace": "space"},
        "data": {"key": "value"},
    }


def test_bytes_become_base64() -> None:
    entry = _field(1, b"key") + _field(2, b"\x00\xff")
    tree = decode_object(_object("v1", "Secret", _field(2, entry)))
    assert tree["data"] == {"key": "AP8="}


def test_numbers_booleans_and_embedded_structs_are_read() -> None:
    volume = _field(1, b"v") + _field(2, _field(1, _field(1, b"/host")))
    container = _field(1, b"c") + _field(18, 1)
    template = _field(2, _field(1, volume) + _field(2, container))
    spec = _field(1, 3) + _field(3, template)
    tree = decode_object(_object("apps/v1", "Deployment", _field(2, spec)))
    assert tree["spec"]["replicas"] == 3
    pod = tree["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "v", "hostPath": {"path": "/host"}}]
    assert pod["containers"] == [{"name": "c", "tty": True}]


def test_a_negative_number_is_read() -> None:
    minus_one = (1 << 64) - 1
    tree = decode_object(_object("apps/v1", "Deployment", _field(2, _field(1, minus_one))))
    assert tree["spec"]["replicas"] == -1


def test_int_or_string_and_quantities_are_plain_values() -> None:
    port = _field(3, 80) + _field(4, _field(1, 1) + _field(3, b"http"))
    tree = decode_object(_object("v1", "Service", _field(2, _field(1, port))))
    assert tree["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    hard = _field(1, b"pods") + _field(2, _field(1, b"5"))
    tree = decode_object(_object("v1", "ResourceQuota", _field(2, _field(1, hard))))
    assert tree["spec"]["hard"] == {"pods": "5"}


def test_an_empty_time_is_null() -> None:
    tree = decode_object(_object("v1", "ConfigMap", _field(1, _field(8, b""))))
    assert tree["metadata"] == {"creationTimestamp": None}


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        _object("v1", "Nothing", b""),
        _object("no.group/v1", "ConfigMap", b""),
        _object("v1", "ConfigMap", b"\x0a\xff"),
    ],
    ids=["no envelope", "no such kind", "no such group", "ends early"],
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode_object(raw)
