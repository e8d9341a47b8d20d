"""From `schema`'s types to OpenAPI schemas.

Named types become components; fields refer to them. Descriptions are not there: they would weigh
several megabytes, and validation, `explain`, `diff` and `apply` need none.
"""

from holdfast.domain.manifest import Tree
from holdfast.schema.types import UNSET, Field, ListKind, ScalarType, Shape, Type

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

_SCALARS: dict[ScalarType, Tree] = {
    ScalarType.STRING: {"type": "string"},
    ScalarType.INTEGER: {"type": "integer"},
    ScalarType.NUMBER: {"type": "number"},
    ScalarType.BOOLEAN: {"type": "boolean"},
    ScalarType.RAW: {"type": "object"},
}


class Components:
    """Collects the schemas of everything that is referred to.

    Attributes:
        schemas: By name.
        is_version_2: Whether they are for an OpenAPI document of version 2.
    """

    def __init__(self, prefix: str = "#/components/schemas/") -> None:
        """Start empty.

        Args:
            prefix: What stands before a name in references; version 2 has another.
        """
        self._prefix = prefix
        self.is_version_2 = prefix == "#/definitions/"
        self.schemas: dict[str, Tree] = {}

    def reference(self, kind: Type) -> Tree:
        """Return a reference to a named type; the type becomes a component."""
        if kind.name not in self.schemas:
            self.schemas[kind.name] = {}
            self.schemas[kind.name] = self._inline(kind)
        return {"$ref": self._prefix + kind.name}

    def schema(self, kind: Type) -> Tree:
        """Return the schema of a type: a reference when it has a name."""
        if kind.scalar is ScalarType.QUANTITY:
            return self._special(_QUANTITY, [{"type": "string"}, {"type": "number"}], "")
        if kind.scalar is ScalarType.INT_OR_STRING:
            parts = [{"type": "integer"}, {"type": "string"}]
            return self._special(_INT_OR_STRING, parts, "int-or-string")
        if kind.name:
            return self.reference(kind)
        return self._inline(kind)

    def _special(self, name: str, parts: list[Tree], form: str) -> Tree:
        if self.is_version_2:
            made: Tree = {"type": "string"}
        else:
            made = {"oneOf": parts}
        self.schemas[name] = made | ({"format": form} if form else {})
        return {"$ref": self._prefix + name}

    def _inline(self, kind: Type) -> Tree:
        if kind.shape is Shape.SCALAR:
            made = dict(_SCALARS[kind.scalar or ScalarType.STRING])
            return made | ({"format": kind.format} if kind.format else {})
        if kind.shape is Shape.LIST:
            return self._list(kind)
        if kind.shape is Shape.MAP:
            made = {"type": "object"}
            if kind.values is not None and kind.values.shape is not Shape.ANY:
                made["additionalProperties"] = self.schema(kind.values)
            return made | ({"x-kubernetes-map-type": "atomic"} if kind.atomic else {})
        if kind.shape is Shape.STRUCT:
            return self._struct(kind)
        return {"x-kubernetes-preserve-unknown-fields": True} if not kind.name else {}

    def _list(self, kind: Type) -> Tree:
        made: Tree = {"type": "array", "items": self.schema(kind.items) if kind.items else {}}
        made["x-kubernetes-list-type"] = kind.list_kind.value
        if kind.list_kind is ListKind.MAP:
            made["x-kubernetes-list-map-keys"] = list(kind.keys)
        return made

    def _struct(self, kind: Type) -> Tree:
        made: Tree = {"type": "object"}
        required = sorted(name for name, field in kind.fields.items() if field.required)
        if required:
            made["required"] = required
        made["properties"] = {name: self._field(field) for name, field in kind.fields.items()}
        if kind.atomic:
            made["x-kubernetes-map-type"] = "atomic"
        return made

    def _field(self, field: Field) -> Tree:
        made = self.schema(field.type)
        extras: Tree = {}
        if field.default is not UNSET:
            extras["default"] = field.default
        if field.patch_strategies:
            extras["x-kubernetes-patch-strategy"] = ",".join(field.patch_strategies)
        if field.merge_key:
            extras["x-kubernetes-patch-merge-key"] = field.merge_key
        if "$ref" not in made:
            return {**made, **extras}
        if self.is_version_2:
            return {**made, **extras}
        return {**extras, "allOf": [made]} if extras else made


def with_kind(schema: Tree, group: str, version: str, kind: str) -> Tree:
    """Return a schema that says of which kind it is."""
    mark = {"group": group, "kind": kind, "version": version}
    return {**schema, "x-kubernetes-group-version-kind": [mark]}
