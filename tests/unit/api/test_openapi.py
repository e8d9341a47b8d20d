"""The document says what the table says: each row, with shapes that can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.api.openapi import document
from holdfast.api.routes.table import all_routes
from holdfast.api.table import Needs, Route, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

Tree = dict[str, Any]
NO_JSON = {
    "GET /api/badge": "a picture",
    "GET /healthz": "a word",
    "POST /api/webhook": "nothing",
    "GET /swagger.json": "the document itself",
}
"""Rows whose good answer has no shape, and what it is."""


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def written() -> Tree:
    return document(Table(all_routes()))


def references(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("$ref"), str):
            yield tree["$ref"]
        for value in tree.values():
            yield from references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from references(value)


def test_each_row_is_an_operation_with_its_sign_in_and_its_refusals() -> None:
    paths = written()["paths"]
    for route in all_routes():
        operation = paths[route.path.replace(":rest}", "}")][route.method.lower()]
        assert bool(operation["security"]) == (route.needs is Needs.SIGN_IN), name_of(route)
        error = "OurError" if route.is_ours else "ArgoError"
        for status in ("401", "403", "404", "500"):
            shape = operation["responses"][status]["content"]["application/json"]["schema"]
            assert shape == {"$ref": f"#/components/schemas/{error}"}, name_of(route)


def test_each_reference_leads_to_a_shape() -> None:
    tree = written()
    known = {f"#/components/schemas/{name}" for name in tree["components"]["schemas"]}
    assert set(references(tree)) - known == set()


def test_two_shapes_never_share_a_name() -> None:
    shapes = {shape for row in all_routes() for shape in (row.body, row.answer) if shape}
    names = [shape.__name__ for shape in shapes]
    assert sorted(names) == sorted(set(names)), "the document would show one for both"


def test_each_row_that_answers_with_json_says_its_shape() -> None:
    shapeless = {
        name_of(route)
        for route in all_routes()
        if route.answer is None
        and not route.summary.startswith("Not built")
        and not route.path.startswith("/auth/")
    }
    assert shapeless == set(NO_JSON)
