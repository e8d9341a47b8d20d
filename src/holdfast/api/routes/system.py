"""Version, health and the OpenAPI document (docs/internals/argocd/api.md §1.7)."""

import platform
from typing import Any

from pydantic import Field
from starlette.responses import PlainTextResponse

from holdfast import __version__
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code
from holdfast.api.models.base import JsonObject, Nothing, Shape
from holdfast.api.openapi import document
from holdfast.api.table import Needs, Route, Table


class Version(Shape):
    """`GET /api/version`: the keys are capitalised; all but the first only for who is signed in."""

    version: str = Field(alias="Version")
    platform: str | None = Field(None, alias="Platform")
    compiler: str | None = Field(None, alias="Compiler")
    build_date: str | None = Field(None, alias="BuildDate")
    git_commit: str | None = Field(None, alias="GitCommit")
    git_tag: str | None = Field(None, alias="GitTag")
    git_tree_state: str | None = Field(None, alias="GitTreeState")
    go_version: str | None = Field(None, alias="GoVersion")


async def _version(call: Call[Nothing, None]) -> JsonObject:
    tree: JsonObject = {"Version": f"v{__version__}"}
    if call.caller.is_signed_in:
        tree["Platform"] = f"{platform.system().lower()}/{platform.machine()}"
        tree["Compiler"] = f"{platform.python_implementation()} {platform.python_version()}"
        # Argo CD's clients print them; of a wheel there is nothing to say.
        tree |= dict.fromkeys(("BuildDate", "GitCommit", "GitTag", "GitTreeState", "GoVersion"), "")
    return tree


async def _health(_call: Call[Nothing, None]) -> PlainTextResponse:
    return PlainTextResponse("ok")


ROUTES = (
    Route("GET", "/api/version", _version, "The version of the server.",
          answer=Version, needs=Needs.NOTHING),
    Route("GET", "/healthz", _health, "Whether the server answers.", needs=Needs.NOTHING),
)  # fmt: skip


def document_route(table: Table) -> Route:
    """Return the row that serves the document of a table."""
    tree: dict[str, Any] = document(table)

    async def swagger(call: Call[Nothing, None]) -> JsonObject:
        if call.services.settings.switch("server.disable.swagger.ui"):
            raise ApiError(Code.NOT_FOUND, "Not Found")
        return tree

    return Route("GET", "/swagger.json", swagger, "The OpenAPI document.", needs=Needs.NOTHING)
