"""The few words in which the three kinds are described.

    record("name", name=TEXT, tags=listed(TEXT))  an object; positional names are required
    listed(shape)                                 a list
    TEXT FLAG NUMBER TIME LABELS FLAGS FREE ANY   leaves

A shape is a node of an OpenAPI v3 schema as apiextensions.k8s.io/v1 takes it. Shapes are shared
between places and never changed.
"""

from typing import Any, Final, TypeAlias

Shape: TypeAlias = dict[str, Any]

TEXT: Final[Shape] = {"type": "string"}
FLAG: Final[Shape] = {"type": "boolean"}
NUMBER: Final[Shape] = {"type": "integer", "format": "int64"}
TIME: Final[Shape] = {"type": "string", "format": "date-time"}
LABELS: Final[Shape] = {"type": "object", "additionalProperties": TEXT}
"""A mapping of texts."""
FLAGS: Final[Shape] = {"type": "object", "additionalProperties": FLAG}
FREE: Final[Shape] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""An object of which nothing is known."""
ANY: Final[Shape] = {"x-kubernetes-preserve-unknown-fields": True}
"""Any value at all."""
INT_OR_TEXT: Final[Shape] = {"x-kubernetes-int-or-string": True}


def record(*required: str, **members: Shape) -> Shape:
    """Return an object with exactly these members; those in `required` must be there."""
    shape: Shape = {"type": "object", "properties": members}
    if required:
        shape["required"] = sorted(required)
    return shape


def listed(item: Shape) -> Shape:
    """Return a list of a shape."""
    return {"type": "array", "items": item}


def mapped(value: Shape) -> Shape:
    """Return a mapping from names to a shape."""
    return {"type": "object", "additionalProperties": value}


TEXTS: Final[Shape] = listed(TEXT)
