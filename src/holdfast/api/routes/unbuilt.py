"""Rows of Argo CD's API that are not built: 501 in words, once roles have allowed them.

A client learns what is missing, and from nobody what it may not know.
"""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code
from holdfast.api.models.applications import ApplicationQuery
from holdfast.api.table import Handler, Route

_V1 = "/api/v1"
_GPG = "signatures of commits are not checked: keys cannot be kept"
_NOTIFICATIONS = "Argo CD's notifications are not built: see the ConfigMap holdfast-notifications"
_FILES = "manifests of local files are rendered by the command line: holdfast app diff --local"
_ACTIONS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}


def _refusal(words: str, resource: str = "") -> Handler:
    """Return a handler that refuses who may not, and tells the others that it is not built."""

    async def refuse(call: Call[Any, Any]) -> None:
        if resource:
            action = _ACTIONS[call.request.method]
            call.demand(resource, action, next(iter(call.path.values()), ""))
        raise ApiError(Code.UNIMPLEMENTED, words)

    return refuse


_KEYS = _refusal(_GPG, "gpgkeys")
_NOTES = _refusal(_NOTIFICATIONS)

ROUTES = (
    Route("POST", f"{_V1}/applications/manifestsWithFiles", _refusal(_FILES),
          "Not built.", query=ApplicationQuery),
    *(Route(method, f"{_V1}/gpgkeys", _KEYS, "Not built.")
      for method in ("GET", "POST", "DELETE")),
    Route("GET", f"{_V1}/gpgkeys/{{id}}", _KEYS, "Not built."),
    *(Route("GET", f"{_V1}/notifications/{name}", _NOTES, "Not built.")
      for name in ("services", "triggers", "templates")),
)  # fmt: skip
