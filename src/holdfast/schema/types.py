"""Say what every field of a kind is: its shape, its list keys, who may merge what.

In:  a kind (`find_type`), or the structural schema of a CRD (`type_from_crd_schema`).
Out: a `Type`, whose fields, items and values are `Type`s again.

The types of built-in kinds come from generated tables, one file for each package of types,
read on first use; struct fields are decoded when somebody looks at them. A `Type` is immutable
for its readers and shared freely; two are the same when they are the same object.

What the compact form in the tables means is written in `_Table.decode` and nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.domain.identity import GroupVersionKind
    from holdfast.domain.manifest import JSON


class Shape(StrEnum):
    """What kind of value stands at a field."""

    SCALAR = "scalar"
    STRUCT = "struct"
    MAP = "map"
    LIST = "list"
    ANY = "any"
    """Anything; merged as what it turns out to be (maps by key, lists as a whole)."""


class ListKind(StrEnum):
    """How two lists become one."""

    ATOMIC = "atomic"
    SET = "set"
    MAP = "map"


class ScalarType(StrEnum):
    """The JSON type of a scalar."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    QUANTITY = "quantity"
    INT_OR_STRING = "int-or-string"
    RAW = "raw"
    """An embedded object that is always taken as a whole."""


class _Unset:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()
"""The default of a field that has none (`None` would be a default of null)."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a struct."""

    type: Type
    default: JSON = UNSET
    """What the schema says: for built-in kinds the Go zero value, except for list keys."""
    required: bool = False
    pointer: bool = False
    """Built-in kinds: an explicit `0`, `""`, `false` or `{}` is stored and not dropped."""
    always: bool = False
    """Built-in kinds: optional, yet written when it is not set (`divisor: "0"`, `rules: null`)."""
    patch_strategies: tuple[str, ...] = ()
    merge_key: str = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Type:
    """What may stand at a place, and how it merges."""

    shape: Shape
    name: str = ""
    """The full definition name (`io.k8s.api.apps.v1.Deployment`); empty for inline types."""
    scalar: ScalarType | None = None
    format: str = ""
    values: Type | None = None
    """The type of map values, and of a struct's undeclared fields; None refuses those."""
    items: Type | None = None
    list_kind: ListKind = ListKind.ATOMIC
    keys: tuple[str, ...] = ()
    atomic: bool = False
    """A map or struct that is owned and replaced as a whole."""
    nullable: bool = False
    embedded: bool = False
    """A CRD field that holds a whole Kubernetes object (apiVersion, kind, metadata)."""
    prunes: bool = False
    """A CRD struct whose undeclared fields are dropped."""
    schema: Mapping[str, JSON] | None = None
    """The CRD schema this was made from, for validation."""
    load_fields: Callable[[], dict[str, Field]] = dict

    @property
    def fields(self) -> Mapping[str, Field]:
        """The declared fields by name; empty unless a struct."""
        return self.load_fields()

    def find_child(self, name: str) -> Type | None:
        """Return the type of a field or map value; None when the name is not allowed."""
        field = self.load_fields().get(name)
        return field.type if field is not None else self.values

    @property
    def is_untyped(self) -> bool:
        """True for scalars of which any JSON scalar is accepted when merging."""
        return self.scalar in _UNTYPED or (
            self.scalar is ScalarType.STRING and self.format not in ("", "byte")
        )

    def key_default(self, name: str) -> JSON:
        """Return what an item that leaves out a list key is taken to have; UNSET for nothing."""
        field = self.items.load_fields().get(name) if self.items is not None else None
        return UNSET if field is None else field.default


ObjectType = Type
"""The type of a whole object; has the fields apiVersion, kind and metadata."""

_UNTYPED = (ScalarType.QUANTITY, ScalarType.INT_OR_STRING, ScalarType.RAW)


def _any_type() -> Type:
    """Return the type of a value of which nothing is known; below it nothing is either."""
    made = Type(shape=Shape.ANY)
    object.__setattr__(made, "values", made)
    return made


ANY: Final = _any_type()
FREE_FORM: Final = Type(shape=Shape.MAP, values=ANY)
_SCALARS = {
    "s": ScalarType.STRING,
    "i": ScalarType.INTEGER,
    "n": ScalarType.NUMBER,
    "b": ScalarType.BOOLEAN,
    "q": ScalarType.QUANTITY,
}
_RAW_NAMES = frozenset({"io.k8s.apimachinery.pkg.runtime.RawExtension"})
GROUP_VERSION_TABLES: Final = {
    "": "core",
    "rbac.authorization.k8s.io": "rbac",
    "flowcontrol.apiserver.k8s.io": "flowcontrol",
}
"""Table names that are not the first part of the group's name."""


def find_type(gvk: GroupVersionKind) -> ObjectType | None:
    """Return the type of a built-in kind in one version, None when there is no such kind."""
    short = GROUP_VERSION_TABLES.get(gvk.group) or gvk.group.split(".", 1)[0]
    table = _find_table(f"{short}.{gvk.version}")
    if table is None or gvk.kind not in table.kinds.get(gvk.api_version, ()):
        return None
    return table.named(gvk.kind)


def get_named_type(name: str) -> Type:
    """Return a built-in type by its full definition name.

    Raises:
        KeyError: There is no such definition.
    """
    prefix, _, short = name.rpartition(".")
    table = _find_table(".".join(prefix.split(".")[-2:]))
    if table is None or table.prefix != prefix:
        raise KeyError(name)
    return table.named(short)


def object_meta() -> Type:
    """Return the type of `metadata`."""
    return get_named_type("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")


@cache
def _find_table(name: str) -> _Table | None:
    resource = files("holdfast.schema").joinpath("tables", f"{name}.json")
    if name == "kinds" or not resource.is_file():
        return None
    return _Table(json.loads(resource.read_bytes()))


class _Table:
    """The types of one package, decoded one by one."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.prefix: str = content["prefix"]
        self.kinds: dict[str, list[str]] = content["kinds"]
        self.type_names: tuple[str, ...] = tuple(content["types"])
        self._raw: dict[str, Any] = content["types"]
        self._made: dict[str, Type] = {}

    def named(self, short: str) -> Type:
        """Return the type of a name in this table.

        Raises:
            KeyError: There is no such type.
        """
        found = self._made.get(short)
        if found is None:
            name = f"{self.prefix}.{short}"
            if name in _RAW_NAMES:
                made = Type(shape=Shape.SCALAR, scalar=ScalarType.RAW)
            else:
                made = self.decode(self._raw[short])
            found = self._made[short] = replace(made, name=name)
        return found

    def decode(self, spec: Any) -> Type:
        """Return the type that a compact form stands for.

        `s` `i` `n` `b` scalars with `:format`, `q` quantity, `x` int or string, `*` anything,
        `@Name` and `@table/Name` other types, `{"l"}` list (`k`: its keys or "set"), `{"m"}` map
        and `{"f"}` struct (`a`: atomic).
        """
        if isinstance(spec, str):
            return self._decode_text(spec)
        if "l" in spec:
            keys = spec.get("k", ())
            kind = ListKind.SET if keys == "set" else ListKind.MAP if keys else ListKind.ATOMIC
            return Type(
                shape=Shape.LIST,
                items=self.decode(spec["l"]),
                list_kind=kind,
                keys=tuple(keys) if kind is ListKind.MAP else (),
            )
        atomic = bool(spec.get("a"))
        if "m" in spec:
            return Type(shape=Shape.MAP, values=self.decode(spec["m"]), atomic=atomic)
        return Type(shape=Shape.STRUCT, atomic=atomic, load_fields=self._fields_of(spec["f"]))

    def _decode_text(self, spec: str) -> Type:
        if spec.startswith("@"):
            other, _, short = spec[1:].rpartition("/")
            table = _find_table(other) if other else self
            if table is None:
                raise KeyError(spec)
            return table.named(short)
        if spec == "*":
            return ANY
        if spec == "x":
            return Type(shape=Shape.SCALAR, scalar=ScalarType.INT_OR_STRING)
        letter, _, form = spec.partition(":")
        return Type(shape=Shape.SCALAR, scalar=_SCALARS[letter], format=form)

    def _fields_of(self, raw: dict[str, Any]) -> Callable[[], dict[str, Field]]:
        @cache
        def load() -> dict[str, Field]:
            return {name: self._field(spec) for name, spec in raw.items()}

        return load

    def _field(self, spec: Any) -> Field:
        if not isinstance(spec, list):
            return Field(self.decode(spec))
        inner, attributes = spec
        made = self.decode(inner)
        if "a" in attributes:
            made = replace(made, atomic=bool(attributes["a"]))
        strategies = attributes.get("s", "")
        return Field(
            made,
            default=attributes.get("d", UNSET),
            required=bool(attributes.get("r")),
            pointer=bool(attributes.get("p")),
            always=bool(attributes.get("v")),
            patch_strategies=tuple(strategies.split(",")) if strategies else (),
            merge_key=attributes.get("y", ""),
        )


# -- CRDs ----------------------------------------------------------------------------------


def type_from_crd_schema(
    schema: Mapping[str, JSON] | None, *, preserve_unknown_fields: bool = False
) -> ObjectType:
    """Return the type of a custom resource.

    Args:
        schema: `spec.versions[].schema.openAPIV3Schema` of the CRD; None takes anything.
        preserve_unknown_fields: `spec.preserveUnknownFields` of the CRD.
    """
    root: Mapping[str, JSON] = schema if schema is not None else _ANYTHING
    made = _crd_type(root, keeps=preserve_unknown_fields)
    inner = made.load_fields

    @cache
    def with_meta() -> dict[str, Field]:
        text = Field(Type(shape=Shape.SCALAR, scalar=ScalarType.STRING))
        return dict(inner()) | {
            "apiVersion": text,
            "kind": text,
            "metadata": Field(object_meta()),
        }

    shape = Shape.STRUCT
    return replace(made, shape=shape, load_fields=with_meta, embedded=False)


_ANYTHING: Mapping[str, JSON] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _crd_type(schema: Mapping[str, JSON], *, keeps: bool) -> Type:
    keeps_here = keeps or schema.get("x-kubernetes-preserve-unknown-fields") is True
    nullable = schema.get("nullable") is True
    if schema.get("x-kubernetes-int-or-string") is True:
        scalar = ScalarType.INT_OR_STRING
        return Type(shape=Shape.SCALAR, scalar=scalar, nullable=nullable, schema=schema)
    kind = schema.get("type", "")
    if kind == "array":
        return _crd_list(schema, keeps=keeps_here, nullable=nullable)
    if kind in _CRD_SCALARS:
        scalar = _CRD_SCALARS[kind]
        form = schema.get("format", "")
        return Type(
            shape=Shape.SCALAR, scalar=scalar, format=form, nullable=nullable, schema=schema
        )
    if kind == "" and not schema.get("properties"):
        return replace(ANY, nullable=nullable, schema=schema)
    return _crd_object(schema, keeps=keeps_here, nullable=nullable)


_CRD_SCALARS = {
    "string": ScalarType.STRING,
    "integer": ScalarType.INTEGER,
    "number": ScalarType.NUMBER,
    "boolean": ScalarType.BOOLEAN,
}


def _crd_list(schema: Mapping[str, JSON], *, keeps: bool, nullable: bool) -> Type:
    kind = ListKind(schema.get("x-kubernetes-list-type", "atomic"))
    keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
    items = schema.get("items")
    return Type(
        shape=Shape.LIST,
        items=_crd_type(items, keeps=keeps) if isinstance(items, dict) else ANY,
        list_kind=kind,
        keys=keys if kind is ListKind.MAP else (),
        nullable=nullable,
        schema=schema,
    )


def _crd_object(schema: Mapping[str, JSON], *, keeps: bool, nullable: bool) -> Type:
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    embedded = schema.get("x-kubernetes-embedded-resource") is True
    values: Type | None = None
    if isinstance(additional, dict):
        values = _crd_type(additional, keeps=keeps)
    elif additional is True or keeps or not (properties or embedded):
        # Without a word about its fields an object is free-form when merging, although pruning
        # empties it.
        values = ANY

    @cache
    def load() -> dict[str, Field]:
        required = frozenset(schema.get("required") or ())
        fields = {
            name: Field(
                _crd_type(inner, keeps=keeps),
                default=inner.get("default", UNSET),
                required=name in required,
            )
            for name, inner in properties.items()
        }
        return (_embedded_fields() | fields) if embedded else fields

    return Type(
        shape=Shape.STRUCT if properties or embedded else Shape.MAP,
        values=values,
        atomic=schema.get("x-kubernetes-map-type") == "atomic",
        nullable=nullable,
        embedded=embedded,
        prunes=not keeps and additional is None,
        schema=schema,
        load_fields=load,
    )


@cache
def _embedded_fields() -> dict[str, Field]:
    text = Field(Type(shape=Shape.SCALAR, scalar=ScalarType.STRING))
    return {"apiVersion": text, "kind": text, "metadata": Field(FREE_FORM)}
