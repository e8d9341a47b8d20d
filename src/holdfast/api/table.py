"""The table of routes, and the way from a request to its row.

One row says everything: method, path, shapes of query, body and answer, whether sign-in is needed.
Handlers, the OpenAPI document and the tests are made from it. Paths are matched segment by
segment on the raw path, since repository and cluster addresses stand in them percent-encoded
(docs/internals/argocd/api.md §1.1).
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel

from holdfast.api.call import Call
from holdfast.api.models.base import Nothing

Handler = Callable[[Call[Any, Any]], Awaitable[Any]]

KIB = 1024
DEFAULT_BODY_BYTES = 4 * 1024 * KIB


class Needs(StrEnum):
    """Whether somebody must be signed in."""

    SIGN_IN = "sign-in"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        path: With `{name}` for one segment and, at the end, `{name:rest}` for all that is left.
        handle: Returns a tree, a shape, an `Answer`, a `Stream` or a Starlette response.
        summary: One line for the document.
        query: Shape of the query.
        body: Shape of the JSON body, or None when there is none.
        answer: Shape of the answer, None for what is no JSON.
        needs: Whether sign-in is needed.
        streams: Whether the answer has no end.
        body_bytes: How large a body may be.
        optional_body: Whether the body may be left out.
        refusals: HTTP statuses of refusals that this row documents beside the common ones.
    """

    method: str
    path: str
    handle: Handler
    summary: str
    query: type[BaseModel] = Nothing
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    needs: Needs = Needs.SIGN_IN
    streams: bool = False
    body_bytes: int = DEFAULT_BODY_BYTES
    optional_body: bool = False
    refusals: tuple[int, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether errors have our shape instead of Argo CD's."""
        return self.path.startswith("/api/holdfast/")


_Rows = dict[str, tuple[Route, tuple[str, ...]]]


@dataclass(slots=True)
class _Node:
    """One segment of the tree of paths."""

    fixed: dict[str, "_Node"] = field(default_factory=dict)
    named: "_Node | None" = None
    rows: _Rows = field(default_factory=dict)
    rest: _Rows = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A row that fits, and what stood in its named segments."""

    route: Route
    path: dict[str, str]


class Table:
    """All rows, ready to be matched."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Build the tree.

        Raises:
            ValueError: two rows have one method and one path.
        """
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.path.strip("/").split("/"):
            if not segment.startswith("{"):
                node = node.fixed.setdefault(segment, _Node())
                continue
            name = segment[1:-1]
            if name.endswith(":rest"):
                names.append(name.removesuffix(":rest"))
                node.rest[route.method] = (route, tuple(names))
                return
            names.append(name)
            if node.named is None:
                node.named = _Node()
            node = node.named
        if route.method in node.rows:
            raise ValueError(f"{route.method} {route.path} stands in the table twice")
        node.rows[route.method] = (route, tuple(names))

    def match(self, method: str, raw_path: str) -> Match | frozenset[str]:
        """Return the row of a request; else the methods that this path knows (empty: none)."""
        search = _Search(method, raw_path.strip("/").split("/"), set())
        found = search.descend(self._root, 0, ())
        return found if found is not None else frozenset(search.allowed)


@dataclass(frozen=True, slots=True)
class _Search:
    """One look for a row; `allowed` collects the methods of rows whose path fits."""

    method: str
    segments: list[str]
    allowed: set[str]

    def descend(self, node: _Node, at: int, values: tuple[str, ...]) -> Match | None:
        if at == len(self.segments):
            return self._pick(node.rows, values)
        segment = self.segments[at]
        fixed = node.fixed.get(unquote_plus(segment))
        if fixed is not None:
            found = self.descend(fixed, at + 1, values)
            if found is not None:
                return found
        if node.named is not None and segment:
            found = self.descend(node.named, at + 1, (*values, unquote_plus(segment)))
            if found is not None:
                return found
        if node.rest:
            rest = unquote_plus("/".join(self.segments[at:]))
            return self._pick(node.rest, (*values, rest))
        return None

    def _pick(self, rows: _Rows, values: tuple[str, ...]) -> Match | None:
        self.allowed.update(rows)
        row = rows.get(self.method) or (rows.get("GET") if self.method == "HEAD" else None)
        if row is None:
            return None
        route, names = row
        return Match(route, dict(zip(names, values, strict=True)))
