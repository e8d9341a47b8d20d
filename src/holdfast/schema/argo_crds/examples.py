"""Objects that hold every field of their kind, made from the shapes themselves.

They are what must come back unchanged from an API server: a field that is pruned, defaulted or
converted shows at once. Values are distinct, so that swapped fields show too.
"""

from holdfast.schema.argo_crds.application import APPLICATION_SHAPE
from holdfast.schema.argo_crds.application_set import APPLICATION_SET_SHAPE
from holdfast.schema.argo_crds.manifests import GROUP, VERSION, Tree
from holdfast.schema.argo_crds.project import PROJECT_SHAPE
from holdfast.schema.argo_crds.shapes import Shape

EXAMPLE_TIME = "2026-01-02T03:04:05Z"


def every_field_application(name: str, namespace: str) -> Tree:
    """Return an Application with every field of spec, operation and status."""
    return _example("Application", APPLICATION_SHAPE, name, namespace)


def every_field_project(name: str, namespace: str) -> Tree:
    """Return an AppProject with every field of spec and status."""
    return _example("AppProject", PROJECT_SHAPE, name, namespace)


def every_field_application_set(name: str, namespace: str) -> Tree:
    """Return an ApplicationSet with every field of spec and status."""
    return _example("ApplicationSet", APPLICATION_SET_SHAPE, name, namespace)


def _example(kind: str, shape: Shape, name: str, namespace: str) -> Tree:
    blocks = {
        block: fill(member, block)
        for block, member in shape["properties"].items()
        if block in ("spec", "operation", "status")
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **blocks,
    }


def fill(shape: Shape, path: str) -> object:
    """Return a value that uses every member of a shape; `path` makes texts distinct."""
    if "properties" in shape:
        return {
            name: fill(member, f"{path}.{name}") for name, member in shape["properties"].items()
        }
    if "additionalProperties" in shape:
        return {"some/key": fill(shape["additionalProperties"], f"{path}.*")}
    if "items" in shape:
        return [fill(shape["items"], f"{path}.{index}") for index in range(2)]
    return _leaf(shape, path)


def _leaf(shape: Shape, path: str) -> object:
    if shape.get("x-kubernetes-int-or-string"):
        return "25%"
    if shape.get("x-kubernetes-preserve-unknown-fields"):
        return {"free": {"deep": [1, 1.5, "two", True, {"at": path}]}}
    values = {"boolean": True, "integer": len(path), "string": path}
    return EXAMPLE_TIME if shape.get("format") == "date-time" else values[shape["type"]]
