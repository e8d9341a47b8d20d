"""Shapes of the routes on ApplicationSets (docs/internals/argocd/api.md §1.5)."""

from pydantic import Field

from holdfast.api.models.applications import Names
from holdfast.api.models.base import JsonObject, Shape


class SetQuery(Shape):
    """Which ApplicationSet; others than those of the control namespace are not known."""

    namespace: str = Field("", alias="appsetNamespace")


class SetsQuery(SetQuery):
    """`GET /applicationsets`."""

    projects: Names = ()
    selector: str = ""


class SetWatchQuery(Shape):
    """`GET /stream/applicationsets`."""

    name: str = ""
    projects: Names = ()
    selector: str = ""
    namespace: str = Field("", alias="appSetNamespace")
    resource_version: str = Field("", alias="resourceVersion")


class SetBody(Shape):
    """An ApplicationSet as a client sends it."""

    metadata: JsonObject
    spec: JsonObject


class GenerateBody(Shape):
    """`POST /applicationsets/generate`."""

    application_set: SetBody = Field(alias="applicationSet")


class ApplicationSet(Shape, extra="allow"):
    """An ApplicationSet."""

    metadata: JsonObject
    spec: JsonObject
    status: JsonObject | None = None


class SetTree(Shape):
    """`GET /applicationsets/{name}/resource-tree`."""

    nodes: tuple[JsonObject, ...]


class ApplicationSetEvent(Shape):
    """One message of `GET /stream/applicationsets`."""

    type: str
    application_set: JsonObject = Field(alias="applicationSet")
