"""Shapes of the routes on one object of an Application (docs/internals/argocd/api.md §1.6.11)."""

from typing import Literal

from pydantic import Field, RootModel

from holdfast.api.models.applications import ApplicationQuery, ResourceQuery
from holdfast.api.models.base import JsonObject, Shape, Switch


class PatchResourceQuery(ResourceQuery):
    """`POST …/resource`: `patchType` is a media type."""

    patch_type: str = Field("application/merge-patch+json", alias="patchType")


class DeleteResourceQuery(ResourceQuery):
    """`DELETE …/resource`; `propagationPolicy=background` is ours, the others are Argo CD's."""

    force: Switch = False
    orphan: Switch = False
    propagation_policy: Literal["", "foreground", "background", "orphan"] = Field(
        "", alias="propagationPolicy"
    )


class Text(RootModel[str]):
    """A JSON string: a patch, or the name of an action."""


class ActionParameter(Shape):
    """A value that an action needs."""

    name: str
    value: str = ""


class RunActionBody(Shape):
    """`POST …/resource/actions/v2`."""

    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""
    namespace: str = ""
    resource_name: str = Field("", alias="resourceName")
    version: str = ""
    group: str = ""
    kind: str = ""
    action: str
    parameters: tuple[ActionParameter, ...] = Field((), alias="resourceActionParameters")


class EventsQuery(ApplicationQuery):
    """`GET …/events`; without the first three, those of the Application itself."""

    resource_name: str = Field("", alias="resourceName")
    resource_namespace: str = Field("", alias="resourceNamespace")
    resource_uid: str = Field("", alias="resourceUID")


class LinksQuery(Shape):
    """`GET …/links`: `namespace` is that of the Application."""

    namespace: str = ""
    project: str = ""


class RevisionQuery(ApplicationQuery):
    """`GET …/revisions/{revision}/metadata`."""

    source_index: int = Field(0, alias="sourceIndex", ge=0)
    version_id: int = Field(0, alias="versionId")


class LogsQuery(ApplicationQuery):
    """`GET …/logs` (api.md §1.6.12)."""

    namespace: str = ""
    pod_name: str = Field("", alias="podName")
    container: str = ""
    since_seconds: int = Field(0, alias="sinceSeconds", ge=0)
    since_time: str = Field("", alias="sinceTime")
    tail_lines: int = Field(0, alias="tailLines", ge=0)
    follow: Switch = False
    until_time: str = Field("", alias="untilTime")
    filter: str = ""
    match_case: Switch = Field(False, alias="matchCase")
    kind: str = ""
    group: str = ""
    resource_name: str = Field("", alias="resourceName")
    previous: Switch = False
    download: Switch = False


# --- answers -----------------------------------------------------------------------------------


class ResourceManifest(Shape):
    """An object as JSON in a string, Secret values masked."""

    manifest: str


class ActionShape(Shape, extra="allow"):
    """One action."""

    name: str
    disabled: bool
    display_name: str = Field(alias="displayName")
    icon_class: str = Field(alias="iconClass")
    params: tuple[JsonObject, ...] = ()


class ActionList(Shape):
    """`GET …/resource/actions`."""

    actions: tuple[ActionShape, ...]


class EventList(Shape):
    """Kubernetes Events."""

    metadata: JsonObject
    items: tuple[JsonObject, ...]


class Link(Shape):
    """A link that an administrator configured."""

    title: str
    url: str
    description: str | None = None
    icon_class: str | None = Field(None, alias="iconClass")


class LinkList(Shape):
    """`GET …/links`."""

    items: tuple[Link, ...]


class SyncWindowsShape(Shape):
    """`GET …/syncwindows`."""

    active_windows: tuple[JsonObject, ...] = Field(alias="activeWindows")
    assigned_windows: tuple[JsonObject, ...] = Field(alias="assignedWindows")
    can_sync: bool = Field(alias="canSync")


class RevisionMetadataShape(Shape, extra="allow"):
    """`GET …/revisions/{revision}/metadata`."""

    author: str
    date: str
    message: str
    tags: tuple[str, ...] = ()


class LogEntry(Shape):
    """One message of a log stream; the last one is empty and says so."""

    content: str
    time_stamp: str | None = Field(alias="timeStamp")
    time_stamp_str: str = Field(alias="timeStampStr")
    pod_name: str = Field(alias="podName")
    last: bool
