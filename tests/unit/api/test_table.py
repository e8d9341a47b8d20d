"""The table of routes: which row answers a request."""

import pytest

from holdfast.api.table import Match, Route, Table


async def _handle(_call: object) -> None:
    return None


def _table(*rows: tuple[str, str]) -> Table:
    return Table(Route(method, path, _handle, path) for method, path in rows)


TABLE = _table(
    ("GET", "/api/v1/applications"),
    ("POST", "/api/v1/applications"),
    ("GET", "/api/v1/applications/{name}"),
    ("POST", "/api/v1/applications/{name}/sync"),
    ("GET", "/api/v1/applications/manifests"),
    ("GET", "/api/v1/repositories/{repo}/refs"),
    ("GET", "/api/v1/account/can-i/{resource}/{action}/{subresource:rest}"),
)


@pytest.mark.parametrize(
    ("method", "path", "row", "named"),
    [
        ("GET", "/api/v1/applications", "/api/v1/applications", {}),
        ("HEAD", "/api/v1/applications", "/api/v1/applications", {}),
        ("GET", "/api/v1/applications/web", "/api/v1/applications/{name}", {"name": "web"}),
        ("GET", "/api/v1/applications/manifests", "/api/v1/applications/manifests", {}),
        (
            "GET",
            "/api/v1/repositories/https%3A%2F%2Fexample.com%2Fa%2Fb/refs",
            "/api/v1/repositories/{repo}/refs",
            {"repo": "https://example.com/a/b"},
        ),
        (
            "GET",
            "/api/v1/account/can-i/logs/get/default/web",
            "/api/v1/account/can-i/{resource}/{action}/{subresource:rest}",
            {"resource": "logs", "action": "get", "subresource": "default/web"},
        ),
    ],
)
def test_a_path_finds_its_row(method: str, path: str, row: str, named: dict[str, str]) -> None:
    found = TABLE.match(method, path)
    assert isinstance(found, Match)
    assert found.route.path == row
    assert found.path == named


def test_a_known_path_with_another_method_tells_which_it_knows() -> None:
    assert TABLE.match("DELETE", "/api/v1/applications") == frozenset({"GET", "POST"})


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/applications//sync", "/api/v2/x"])
def test_an_unknown_path_has_no_row(path: str) -> None:
    assert TABLE.match("GET", path) == frozenset()


def test_a_row_stands_in_the_table_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        _table(("GET", "/a"), ("GET", "/a"))
