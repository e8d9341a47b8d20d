"""Bring a custom resource into the shape that its CRD's structural schema asks for.

In:  an object and `spec.versions[].schema.openAPIV3Schema`.
Out: the object with defaults, without unknown fields and without nulls that mean nothing, and
     the paths of what was dropped, as the API server would name them.

Order, as on the server: defaults, then pruning, then metadata, then the nulls that are left.
Validation is `holdfast.schema.validation`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.schema.decoding import find_decode_error, unknown_fields
from holdfast.schema.trees import as_stored
from holdfast.schema.types import object_meta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.domain.manifest import JSON

_OBJECT_FIELDS = ("apiVersion", "kind", "metadata")
_KEEPS = "x-kubernetes-preserve-unknown-fields"
_EMBEDS = "x-kubernetes-embedded-resource"


@dataclass(frozen=True, slots=True)
class Shaped:
    """A custom resource in the shape of its schema."""

    tree: dict[str, JSON]
    dropped: tuple[str, ...]
    """Paths such as `spec.rules[0].y`, sorted."""
    error: str | None = None
    """Why `metadata` cannot be read (HTTP 400), in the server's words."""


def shape_custom(
    tree: Mapping[str, JSON],
    schema: Mapping[str, JSON] | None,
    *,
    preserve_unknown_fields: bool = False,
) -> Shaped:
    """Return a custom resource with defaults and without what its schema does not know.

    Args:
        tree: The object that a client sent. It is not changed.
        schema: `openAPIV3Schema` of its version; None keeps everything.
        preserve_unknown_fields: `spec.preserveUnknownFields` of the CRD.
    """
    made = copy.deepcopy(dict(tree))
    metadata_dropped = [f"metadata.{path}" for path in _shape_metadata(made)]
    error = find_decode_error(tree.get("metadata") or {}, object_meta())
    dropped: list[str] = []
    embedded: list[str] = []
    if schema is not None:
        _default_fields(made, schema)
        if not preserve_unknown_fields:
            _prune(made, schema, "", dropped, is_object=True)
        _shape_embedded(made, schema, "", embedded)
        _drop_nulls(made, schema)
    return Shaped(made, (*metadata_dropped, *sorted(dropped), *embedded), error)


def _shape_metadata(tree: dict[str, JSON]) -> list[str]:
    """Bring `metadata` into the shape of every object's; return the paths that it loses."""
    metadata = tree.get("metadata")
    if not isinstance(metadata, dict):
        return []
    lost = unknown_fields(metadata, object_meta())
    tree["metadata"] = as_stored(metadata, object_meta())
    return lost


def _shape_embedded(value: JSON, schema: Mapping[str, JSON], path: str, lost: list[str]) -> None:
    for name, inner, inner_schema in _children(value, schema):
        below = _joined(path, name)
        if inner_schema.get(_EMBEDS) is True and isinstance(inner, dict):
            lost.extend(f"{below}.metadata.{gone}" for gone in _shape_metadata(inner))
        _shape_embedded(inner, inner_schema, below, lost)


def _children(
    value: JSON, schema: Mapping[str, JSON]
) -> list[tuple[str | int, JSON, Mapping[str, JSON]]]:
    """Return the parts of a value that the schema says something about."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        rest = schema.get("additionalProperties")
        found: list[tuple[str | int, JSON, Mapping[str, JSON]]] = []
        for name, inner in value.items():
            inner_schema = properties.get(name, rest)
            if isinstance(inner_schema, dict):
                found.append((name, inner, inner_schema))
        return found
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [(place, inner, items) for place, inner in enumerate(value)]
    return []


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _is_meaningless_null(value: JSON, schema: Mapping[str, JSON]) -> bool:
    return value is None and schema.get("nullable") is not True


def _default_fields(value: JSON, schema: Mapping[str, JSON]) -> None:
    """Set what is not set and has a default, in place, at any depth."""
    if isinstance(value, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if inner.get("default") is None:
                continue
            if name not in value or _is_meaningless_null(value[name], inner):
                value[name] = copy.deepcopy(inner["default"])
    for name, inner, inner_schema in _children(value, schema):
        if _is_meaningless_null(inner, inner_schema) and inner_schema.get("default") is not None:
            value[name] = copy.deepcopy(inner_schema["default"])
        _default_fields(value[name], inner_schema)


def _prune(
    value: JSON,
    schema: Mapping[str, JSON],
    path: str,
    dropped: list[str],
    *,
    is_object: bool = False,
) -> None:
    """Drop what the schema does not know, in place; `is_object` spares apiVersion and so on."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        rest = schema.get("additionalProperties")
        keeps = schema.get(_KEEPS) is True or rest is True
        is_object = is_object or schema.get(_EMBEDS) is True
        for name in list(value):
            if is_object and name in _OBJECT_FIELDS:
                continue
            inner = properties.get(name, rest)
            if isinstance(inner, dict):
                _prune(value[name], inner, _joined(path, name), dropped)
            elif not keeps:
                del value[name]
                dropped.append(_joined(path, name))
    elif isinstance(value, list):
        items = schema.get("items")
        for place, item in enumerate(value):
            if isinstance(items, dict):
                _prune(item, items, _joined(path, place), dropped)


def _drop_nulls(value: JSON, schema: Mapping[str, JSON]) -> None:
    """Drop nulls from fields that may not be null and have no default, in place."""
    if isinstance(value, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if name in value and _is_meaningless_null(value[name], inner):
                del value[name]
    for _, inner, inner_schema in _children(value, schema):
        _drop_nulls(inner, inner_schema)
