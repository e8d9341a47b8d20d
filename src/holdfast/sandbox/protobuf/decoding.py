r"""From Kubernetes' protobuf to the JSON tree.

    "k8s\0"  Unknown{ 1: TypeMeta{1: apiVersion, 2: kind}, 2: the object }

Go writes every field that is no pointer, also empty ones; the types know which of those are stored
(`Shapes.completed` drops the rest, as the real server does when it writes JSON).
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

import base64
import datetime
import json
import struct
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

from holdfast.domain.manifest import JSON, Tree

MAGIC = b"k8s\x00"
# Kinds of options: every API version carries them.
_META_KINDS = frozenset({"DeleteOptions", "Status"})

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"


class ProtobufError(ValueError):
    """The bytes are no object that is known here."""


def decode_object(raw: bytes) -> Tree:
    """Decode an enveloped object.

    Raises:
        ProtobufError: No envelope, an unknown kind, or broken bytes.
    """
    if not raw.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message")
    try:
        outer = dict(_fields(raw[len(MAGIC) :]))
        head = dict(_fields(_bytes(outer.get(1, b""))))
        version, kind = _bytes(head.get(1, b"")).decode(), _bytes(head.get(2, b"")).decode()
        package = "meta.v1" if kind in _META_KINDS else package_name(version)
        tree = _message(package, kind, _bytes(outer.get(2, b"")))
    except (KeyError, IndexError, struct.error, UnicodeDecodeError, FileNotFoundError) as error:
        raise ProtobufError(f"unable to decode the protobuf body: {error!r}") from error
    return {"apiVersion": version, "kind": kind, **tree}


def package_name(version: str) -> str:
    """Return the package of an apiVersion: `apps/v1` -> `apps.v1`, `v1` -> `core.v1`."""
    group, _, name = version.rpartition("/")
    if group == "rbac.authorization.k8s.io":
        return f"rbac.{name}"
    return f"{group.split('.')[0] or 'core'}.{name}"


def read_tables() -> None:
    """Read every table from disk, so that no request does it on the event loop."""
    for path in files("holdfast.sandbox.protobuf").joinpath("tables").iterdir():
        _table(path.name.removesuffix(".json"))


@cache
def _table(package: str) -> dict[str, dict[str, list[str]]]:
    path = files("holdfast.sandbox.protobuf").joinpath("tables", f"{package}.json")
    tables: dict[str, dict[str, list[str]]] = json.loads(path.read_bytes())
    return tables


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise KeyError("a number where bytes belong")
    return value


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(raw: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yield field number and raw value: bytes, or an integer for varints."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(raw, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(raw, at)
        elif wire in {1, 5}:
            size = 8 if wire == 1 else 4
        else:
            raise KeyError(f"wire type {wire}")
        if at + size > len(raw):
            raise IndexError("the body ends early")
        yield number, raw[at : at + size]
        at += size


def _message(package: str, name: str, raw: bytes) -> Tree:
    special = _SPECIAL_TREES.get(name)
    if special is not None and package == "meta.v1":
        return special(raw)
    known = _table(package)[name]
    tree: Tree = {}
    for number, value in _fields(raw):
        field = known.get(str(number))
        if field is None:
            continue
        json_name, code = field
        if code.startswith("*"):
            tree.setdefault(json_name, []).append(_value(package, code[1:], value))
        elif code.startswith("%"):
            key, item = _entry(package, code[1:], _bytes(value))
            tree.setdefault(json_name, {})[key] = item
        elif json_name:
            tree[json_name] = _value(package, code, value)
        else:
            tree.update(_value(package, code, value))
    return tree


def _entry(package: str, code: str, raw: bytes) -> tuple[str, JSON]:
    parts = dict(_fields(raw))
    empty: bytes | int = 0 if code in {"i", "b"} else b""
    return _bytes(parts.get(1, b"")).decode(), _value(package, code, parts.get(2, empty))


def _value(package: str, code: str, value: bytes | int) -> JSON:
    if code.startswith("@"):
        return _named(package, code[1:], _bytes(value))
    if isinstance(value, int):
        if code == "b":
            return bool(value)
        return value - (1 << 64) if value >= 1 << 63 else value
    if code == "s":
        return value.decode()
    if code == "y":
        return base64.b64encode(value).decode()
    return struct.unpack("<d", value)[0]


def _named(package: str, name: str, raw: bytes) -> JSON:
    other, _, short = name.rpartition("/")
    package = other or package
    if package == "api.resource":
        return _text_field(raw, 1)
    if package == "util.intstr":
        return _int_or_string(raw)
    if package == "pkg.runtime":
        return json.loads(_bytes(dict(_fields(raw)).get(1, b"null")))
    if package == "meta.v1" and short in {"Time", "MicroTime"}:
        return _time(raw, micro=short == "MicroTime")
    if _table(package)[short] == {"1": ["items", "*s"]}:
        # A named list of texts (ExtraValue): a plain list in JSON.
        return [_bytes(value).decode() for _, value in _fields(raw)]
    return _message(package, short, raw)


def _text_field(raw: bytes, number: int) -> str:
    return _bytes(dict(_fields(raw)).get(number, b"")).decode()


def _int_or_string(raw: bytes) -> int | str:
    parts = dict(_fields(raw))
    if parts.get(1):
        return _bytes(parts.get(3, b"")).decode()
    number = parts.get(2, 0)
    return int(number) if isinstance(number, int) else 0


def _time(raw: bytes, *, micro: bool) -> str | None:
    parts = dict(_fields(raw))
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not seconds and not nanos:
        return None
    if not isinstance(seconds, int) or not isinstance(nanos, int) or seconds >= 1 << 62:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanos // 1000:06d}Z" if micro else f"{text}Z"


def _fields_v1(raw: bytes) -> Tree:
    tree: Tree = json.loads(_bytes(dict(_fields(raw)).get(1, b"{}")))
    return tree


_SPECIAL_TREES: dict[str, Callable[[bytes], Tree]] = {"FieldsV1": _fields_v1}
