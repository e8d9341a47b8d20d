"""Shapes of the routes on AppProjects and clusters (docs/internals/argocd/api.md §1.5, §1.7)."""

from pydantic import Field

from holdfast.api.models.applications import Metadata
from holdfast.api.models.base import JsonObject, Shape, Switch


class ProjectsQuery(Shape):
    """`GET /projects`."""

    name: str = ""
    fields: str = ""


class ProjectTree(Shape):
    """An AppProject as a client sends it."""

    metadata: Metadata
    spec: JsonObject = Field(default_factory=dict)


class ProjectBody(Shape):
    """`POST /projects` and `PUT /projects/{name}`."""

    project: ProjectTree
    upsert: Switch = False


class ClusterQuery(Shape):
    """Which cluster; `id.type` says what the path names."""

    server: str = ""
    name: str = ""
    id_type: str = Field("", alias="id.type")
    id_value: str = Field("", alias="id.value")


# --- answers -----------------------------------------------------------------------------------


class Project(Shape, extra="allow"):
    """An AppProject."""

    metadata: JsonObject
    spec: JsonObject = Field(default_factory=dict)
    status: JsonObject | None = None


class ItemList(Shape):
    """A list with Kubernetes' metadata; `fields` may leave the items out."""

    metadata: JsonObject
    items: tuple[JsonObject, ...] = ()


class Items(Shape):
    """A list without metadata."""

    items: tuple[JsonObject, ...]


class DetailedProject(Shape):
    """`GET /projects/{name}/detailed`."""

    project: Project
    global_projects: tuple[JsonObject, ...] = Field(alias="globalProjects")
    repositories: tuple[JsonObject, ...]
    clusters: tuple[JsonObject, ...]


class Windows(Shape):
    """`GET /projects/{name}/syncwindows`: the active ones."""

    windows: tuple[JsonObject, ...]


class Cluster(Shape, extra="allow"):
    """A cluster; credentials are never told."""

    server: str
    name: str
    config: JsonObject
    info: JsonObject
