"""The OpenAPI document, made from the table of routes and nothing else."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from holdfast import __version__
from holdfast.api.table import Needs, Route, Table

_REF = "#/components/schemas/{model}"
_ARGO_ERROR = {
    "type": "object",
    "required": ["error", "message", "code"],
    "properties": {
        "error": {"type": "string"},
        "message": {"type": "string"},
        "code": {"type": "integer", "minimum": 1, "maximum": 16},
    },
}
_OUR_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "about", "hint"],
            "properties": {
                name: {"type": "string"} for name in ("code", "message", "about", "hint")
            },
        }
    },
}
_COMMON = {
    "400": "The request makes no sense, or contradicts the state of what it is about.",
    "401": "No token, or one that is no good.",
    "403": "Not permitted; the same answer as for what does not exist.",
    "404": "Not there.",
    "409": "Somebody else was faster.",
    "413": "The body is too large.",
    "415": "Not application/json.",
    "429": "Too many requests.",
    "500": "A mistake in Holdfast.",
    "501": "Not built.",
    "503": "The cluster cannot be reached at present.",
    "504": "It took too long.",
}


def document(table: Table) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a table."""
    shapes = _shapes(table)
    _, definitions = models_json_schema(
        [(shape, mode) for shape in shapes for mode in ("validation",)], ref_template=_REF
    )
    schemas = dict(definitions.get("$defs", {}))
    schemas["ArgoError"], schemas["OurError"] = _ARGO_ERROR, _OUR_ERROR
    paths: dict[str, Any] = {}
    for route in table.routes:
        path = route.path.replace(":rest}", "}")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shapes(table: Table) -> list[type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    for route in table.routes:
        for shape in (route.body, route.answer):
            if shape is not None:
                found[shape.__name__] = shape
    return list(found.values())


def _operation(route: Route) -> dict[str, Any]:
    refusals: dict[str, Any] = {status: {"description": words, "content": _error_of(route)}
                for status, words in _COMMON.items()}  # fmt: skip
    refusals["415"] = {"description": _COMMON["415"]}
    # What is no HTTP at all never reaches a row.
    refusals["400"]["content"] = {**_error_of(route), "text/plain": {"schema": {"type": "string"}}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {"200": _answer(route), **refusals},
        "security": [{"token": []}] if route.needs is Needs.SIGN_IN else [],
    }
    if route.path.startswith("/auth/"):
        operation["responses"]["303"] = {"description": "Go on there."}
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.optional_body,
            "content": {"application/json": {"schema": _ref(route.body)}},
        }
    return operation


def _answer(route: Route) -> dict[str, Any]:
    if route.answer is None:
        return {"description": route.summary}
    kind = "application/json"
    schema: dict[str, Any] = _ref(route.answer)
    if route.streams:
        schema = {"type": "object", "properties": {"result": schema}}
    return {"description": route.summary, "content": {kind: {"schema": schema}}}


def _error_of(route: Route) -> dict[str, Any]:
    name = "OurError" if route.is_ours else "ArgoError"
    return {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = [
        segment[1:-1].removesuffix(":rest")
        for segment in route.path.split("/")
        if segment.startswith("{")
    ]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(by_alias=True, ref_template=_REF)
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": item}
        for name, item in schema.get("properties", {}).items()
    ]


def _ref(shape: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=shape.__name__)}
