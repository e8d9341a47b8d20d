"""From the bytes of a request to checked shapes, within limits.

Order of refusals: content type (415), size (413), JSON (400), shape (400). Bytes are counted as
they come, so that a body without a length cannot fill the memory.
"""

from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request

from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.table import Route

_MAX_DEPTH = 100
_SHOWN_PROBLEMS = 3


class TooLargeError(Exception):
    """The body is larger than its route takes: 413."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        TooLargeError: it is larger than `limit` bytes.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLargeError
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


def parse_body(route: Route, content: bytes) -> Any:
    """Return the body in its shape; None when there is none and none is needed.

    Raises:
        ApiError: 400, it is no JSON or has another shape.
    """
    if route.body is None:
        return None
    if not content.strip():
        if route.optional_body:
            content = b"{}"
        else:
            raise invalid("the body is empty: give a JSON object")
    try:
        tree = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise invalid(f"the body is no JSON: {error}") from error
    if depth_over(tree, _MAX_DEPTH):
        raise invalid(f"the body is nested deeper than {_MAX_DEPTH} levels")
    return _shaped(route.body, tree, "body")


def parse_query(route: Route, query: QueryParams) -> Any:
    """Return the query in its shape: repeated parameters become lists.

    Raises:
        ApiError: 400, a value has another type.
    """
    wanted = route.query.model_fields
    tree: dict[str, Any] = {}
    for name, field in wanted.items():
        key = field.alias or name
        values = query.getlist(key) or query.getlist(f"{key}[]")
        if not values:
            continue
        takes_many = "tuple" in str(field.annotation) or "list" in str(field.annotation)
        tree[key] = values if takes_many else values[-1]
    if route.is_ours:
        known = {field.alias or name for name, field in wanted.items()}
        for key in query:
            if key.removesuffix("[]") not in known:
                raise invalid(f'unknown parameter "{key[:100]}"')
    return _shaped(route.query, tree, "query")


def depth_over(tree: object, limit: int) -> bool:
    """Whether a tree is nested deeper than `limit`; iterative, so that depth costs no stack."""
    level: list[object] = [tree]
    for _ in range(limit + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True


def _shaped(shape: type[BaseModel], tree: object, where: str) -> BaseModel:
    try:
        return shape.model_validate(tree)
    except ValidationError as error:
        # Never `error.errors()[..]["input"]`: what was sent may hold a password.
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or where}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:_SHOWN_PROBLEMS]
        ]
        raise ApiError(Code.INVALID_ARGUMENT, f"invalid {where}: " + "; ".join(problems)) from error
