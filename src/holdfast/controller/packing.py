"""Manifests and echoes at rest: small, because tens of thousands of them are kept (apply.md B1).

Objects of one kind differ little from each other. Each is therefore compressed against a sample,
an earlier object of its kind: 1 KB of JSON becomes 90 bytes instead of 400. Packing costs 30 µs,
unpacking 5 µs. The first of a kind may look unlike those that follow (it has no status yet, it is
the cluster's own), so what packs badly becomes the sample of what comes after it, a few times.
What many objects have in common (the sample, a kind, a revision …) rests once, in a form that they
share; what only one has rests in one text, its hash or uid before the rest.

A field set (our entry in managedFields, parsed and compiled) takes 12 KB for a Deployment and is
the same for most objects of a kind. Those used last are kept, whole; any other is parsed again.
"""

import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeVar

import orjson

from holdfast.diffing.echo import Echo, learn
from holdfast.domain.application import Application
from holdfast.domain.identity import GroupVersionKind, ResourceKey, Uid
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, REPEATED, Projection

_WINDOW = 32 * 1024  # what deflate can look back upon
_KINDS = 1024  # of so many kinds a sample is kept
_LEVEL = 6
_FIELD_SETS = 512
_HOT_STATUSES = 64  # of Applications that are being worked on
_HOT_APPLICATIONS = 64
_FIT = 12  # what packs to more than a part of so many should have had a better sample
_SHORT = 64  # bytes that are no sample
_CHANGES = 8  # of the sample of a kind
_FORMS = 4096
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_BYTES = 16
_TEXT = 128  # what a uid that is no UUID begins with

Form = TypeVar("Form")


@dataclass(slots=True)
class _Sample:
    """What objects of one kind and role are compressed against, and how often it may change."""

    raw: bytes = b""
    changes: int = _CHANGES


_samples: dict[str, _Sample] = {}


@dataclass(frozen=True, slots=True)
class Packed:
    """A text of JSON at rest: its compressed form, and the sample that it was packed against."""

    data: bytes
    sample: bytes

    def raw(self) -> bytes:
        """Return the text."""
        return _expand(self.data, self.sample)


@dataclass(frozen=True, slots=True)
class PackedEcho(Packed):
    """An echo at rest: values and orders of its projection, packed.

    Attributes:
        uid: The object that it belongs to.
        fields: `fieldsV1` of our entry, packed.
    """

    uid: Uid
    fields: Packed
    is_owned: bool

    @classmethod
    def pack(cls, echo: Echo, kind: object) -> "PackedEcho":
        """Compress an echo of an object of some kind."""
        fields = _packed_fields(f"fields {kind}", orjson.dumps(echo.fields))
        data, sample = _squeeze(f"values {kind}", orjson.dumps(_projection_tree(echo.projection)))
        return cls(data, sample, echo.uid, fields, echo.is_owned)

    def unpack(self) -> Echo:
        """Return the echo."""
        fields, field_set = _fields_of(self.fields)
        projection = _projection_of(orjson.loads(self.raw()), field_set)
        return Echo(self.uid, fields, field_set, projection, self.is_owned)


@dataclass(frozen=True, slots=True, eq=False)
class PackedApplication:
    """An Application at rest, without its managedFields: nobody here asks who manages them.

    The status names every object and is most of an Application; it is read while a round or an
    operation works on it, and is packed by itself.
    """

    spec: Packed
    status: Packed

    def unpack(self) -> Application:
        """Return the Application; those asked for last are kept whole."""
        return _application_of(self)


def at_rest(app: Application) -> PackedApplication:
    """Return an Application as it is kept."""
    kept = {key: value for key, value in app.manifest.tree.items() if key != "status"}
    kept["metadata"] = {k: v for k, v in app.manifest.metadata.items() if k != "managedFields"}
    spec = Packed(*_squeeze("Application", orjson.dumps(kept)))
    status = Packed(*_squeeze("status of an Application", orjson.dumps(app.status)))
    return PackedApplication(spec, status)


@lru_cache(maxsize=_HOT_APPLICATIONS)
def _application_of(packed: PackedApplication) -> Application:
    app = Application.parse(Manifest(orjson.loads(packed.spec.raw())))
    return replace(app, read_status=partial(_status_of, packed.status))


@lru_cache(maxsize=_HOT_STATUSES)
def _status_of(packed: Packed) -> Tree:
    status: Tree = orjson.loads(packed.raw())
    return status


def echo_tree(echo: Echo) -> Tree:
    """Return an echo as JSON, for a file."""
    return {
        "uid": echo.uid,
        "fields": dict(echo.fields),
        "owned": echo.is_owned,
        **_projection_tree(echo.projection),
    }


def echo_of(tree: Tree) -> Echo:
    """Return the echo that `echo_tree` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, IndexError: it is none.
    """
    fields = tree["fields"]
    field_set = FieldSet.parse(fields)
    projection = _projection_of(tree, field_set)
    return Echo(Uid(tree["uid"]), fields, field_set, projection, tree["owned"] is True)


def _projection_tree(found: Projection) -> Tree:
    return {
        "v": [_cell(value) for value in found.values],
        "o": [[[_cell(part) for part in key] for key in order] for order in found.orders],
    }


def _projection_of(tree: Tree, field_set: FieldSet) -> Projection:
    values = tuple([_value(cell) for cell in tree["v"]])
    orders = tuple(
        [tuple([tuple([_value(cell) for cell in key]) for key in order]) for order in tree["o"]]
    )
    return Projection(field_set, values, orders)


def share(text: str) -> str:
    """Return the one copy of a text that many objects have: a namespace, a kind, a name."""
    return sys.intern(text)


def share_key(key: ResourceKey) -> ResourceKey:
    """Return the key with shared texts."""
    return ResourceKey(share(key.group), share(key.kind), share(key.namespace), share(key.name))


@lru_cache(maxsize=_KINDS)
def share_kind(gvk: GroupVersionKind) -> GroupVersionKind:
    """Return the one copy of a kind."""
    return gvk


def learned(answer: Manifest) -> Echo | None:
    """Return the echo that a live object holds (see `learn`), its field set from those kept."""
    return learn(answer, parse=_shared_set)


def share_form(form: Form) -> Form:
    """Return the one copy of what many objects have in common."""
    shared: Form = _share_form(form)
    return shared


@lru_cache(maxsize=_FORMS)
def _share_form(form: Any) -> Any:
    return form


def squeeze(manifest: Manifest, role: str) -> tuple[bytes, bytes]:
    """Return a manifest compressed, and its sample, which `unsqueeze` needs.

    Args:
        manifest: What to keep.
        role: Manifests of one kind and role look alike: what git declares, what is live.
    """
    return _squeeze(f"{role} {manifest.gvk}", orjson.dumps(manifest.tree))


def unsqueeze(data: bytes, sample: bytes) -> Manifest:
    """Return the manifest that was compressed against a sample."""
    return Manifest(orjson.loads(_expand(data, sample)))


def pack_uid(uid: Uid) -> bytes:
    """Return a uid as the head of a packed text: its length, its bytes.

    One of 36 characters is a UUID as every API server gives it, and takes 16; any other is kept as
    it is.
    """
    if _UUID.fullmatch(uid):
        return b"\x10" + bytes.fromhex(uid.replace("-", ""))
    text = uid.encode()
    return bytes((_TEXT + len(text) // 256, len(text) % 256)) + text


def split_uid(data: bytes) -> tuple[Uid, int]:
    """Return the uid at the head of a packed text, and where the rest begins."""
    if data[0] == _UUID_BYTES:
        text = data[1:17].hex()
        parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        return Uid("-".join(parts)), 17
    end = 2 + (data[0] - _TEXT) * 256 + data[1]
    return Uid(data[2:end].decode()), end


def _squeeze(name: str, raw: bytes) -> tuple[bytes, bytes]:
    """Return the raw bytes compressed against the sample of that name, and the sample."""
    sample = _samples.get(name)
    if sample is None:
        sample = _Sample()
        if len(_samples) < _KINDS:
            _samples[name] = sample
    data = _compressed(raw, sample.raw)
    if len(data) * _FIT <= len(raw) or len(raw) < _SHORT or not sample.changes:
        return data, sample.raw
    sample.raw, sample.changes = raw[-_WINDOW:], sample.changes - 1
    return _compressed(raw, sample.raw), sample.raw


def _compressed(raw: bytes, sample: bytes) -> bytes:
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=sample)
    return packing.compress(raw) + packing.flush()


def _expand(data: bytes, sample: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS, zdict=sample).decompress(data)


def _shared_set(fields: Mapping[str, JSON]) -> FieldSet:
    return _set_of(orjson.dumps(fields))


@lru_cache(maxsize=_FIELD_SETS)
def _set_of(fields: bytes) -> FieldSet:
    return FieldSet.parse(orjson.loads(fields))


@lru_cache(maxsize=_FIELD_SETS)
def _packed_fields(name: str, raw: bytes) -> Packed:
    return Packed(*_squeeze(name, raw))


@lru_cache(maxsize=_FIELD_SETS)
def _fields_of(packed: Packed) -> tuple[dict[str, JSON], FieldSet]:
    fields = orjson.loads(packed.raw())
    return fields, _shared_set(fields)


def _cell(value: JSON) -> JSON:
    """Return a value as JSON, in a list of its own; the markers have forms that no value has."""
    if value is MISSING:
        return 0
    return 1 if value is REPEATED else [value]


def _value(cell: JSON) -> JSON:
    if isinstance(cell, list):
        return cell[0]
    return MISSING if cell == 0 else REPEATED
