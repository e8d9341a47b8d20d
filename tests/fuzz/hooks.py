"""What schemathesis is told about this API: names that exist, and the content type."""

from __future__ import annotations

from typing import Any

import schemathesis

_KNOWN = {
    "/applications/{": ("go-sample-app-prod", "go-sample-app-dev"),
    "/projects/{": ("default",),
    "/clusters/{": ("https://kubernetes.default.svc", "in-cluster"),
    "/account/{": ("admin",),
}
_NAMES = ("name", "id")


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Every other request is about something that exists; nothing of that is deleted."""
    path, method = context.operation.path, context.operation.method.upper()
    known = next((names for part, names in _KNOWN.items() if part in path), ())
    is_whole = path.endswith(("{name}", "{id}"))
    if not known or not path_parameters or (method == "DELETE" and is_whole):
        return path_parameters
    for name in _NAMES:
        text = path_parameters.get(name)
        if isinstance(text, str) and len(text) % 2:
            path_parameters[name] = known[len(text) // 2 % len(known)]
    return path_parameters


@schemathesis.hook
def map_query(_context: Any, query: Any) -> Any:
    """A log that is followed has no end."""
    if isinstance(query, dict):
        query.pop("follow", None)
    return query


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """A change needs its content type, with a body or without (api.md §1.1); our key stays."""
    if case.method.upper() not in ("GET", "HEAD", "OPTIONS"):
        case.headers.setdefault("Content-Type", "application/json")
    if case.method.upper() == "DELETE" and "/account/{name}" in case.path:
        case.path_parameters["name"] = "nobody"
