"""Shapes of the routes on Applications (docs/internals/argocd/api.md §1.5, §1.6, §1.8)."""

from typing import Any

from pydantic import Field

from holdfast.api.models.base import JsonObject, Shape, Switch

Names = tuple[str, ...]


class ApplicationQuery(Shape):
    """Which Application is meant; `project` makes a missing one 404 instead of 403."""

    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""


class ListQuery(Shape):
    """`GET /applications`; `project` is the old name of `projects`, and wins."""

    name: str = ""
    app_namespace: str = Field("", alias="appNamespace")
    projects: Names = ()
    project: Names = ()
    selector: str = ""
    repo: str = ""
    fields: str = ""
    resource_version: str = Field("", alias="resourceVersion")


class GetQuery(ApplicationQuery):
    """`GET /applications/{name}`: any `refresh`, the empty one too, asks for a comparison."""

    refresh: str | None = None
    projects: Names = ()


class CreateQuery(Shape):
    """`POST /applications`."""

    upsert: Switch = False
    validation: Switch = Field(True, alias="validate")


class UpdateQuery(ApplicationQuery):
    """`PUT /applications/{name}` and `…/spec`."""

    validation: Switch = Field(True, alias="validate")


class DeleteQuery(ApplicationQuery):
    """`DELETE /applications/{name}`."""

    cascade: Switch | None = None
    propagation_policy: str = Field("", alias="propagationPolicy")


class ManifestsQuery(ApplicationQuery):
    """`GET /applications/{name}/manifests`."""

    revision: str = ""
    revisions: Names = ()
    source_positions: tuple[int, ...] = Field((), alias="sourcePositions")
    no_cache: Switch = Field(False, alias="noCache")


class ResourceQuery(ApplicationQuery):
    """Routes on one object of an Application; as filters, empty ones match all."""

    namespace: str = ""
    resource_name: str = Field("", alias="resourceName")
    version: str = ""
    group: str = ""
    kind: str = ""


class TreeQuery(ApplicationQuery):
    """`GET …/resource-tree` and `…/managed-resources`: filters."""

    namespace: str = ""
    name: str = ""
    version: str = ""
    group: str = ""
    kind: str = ""
    fields: str = ""


class DiffQuery(ApplicationQuery):
    """`GET …/server-side-diff`: each manifest is JSON in a string."""

    target_manifests: Names = Field((), alias="targetManifests")


class Metadata(Shape):
    """Of an object to be created or changed."""

    name: str = Field("", max_length=253)
    namespace: str = Field("", max_length=63)
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: Names | None = None
    resource_version: str = Field("", alias="resourceVersion")


class ApplicationBody(Shape):
    """An Application as a client sends it; `status` and `operation` are not taken from it."""

    metadata: Metadata
    spec: JsonObject


class SpecBody(Shape, extra="allow"):
    """`PUT /applications/{name}/spec`: the whole spec."""


class PatchBody(Shape):
    """`PATCH /applications/{name}`; `patch` is JSON in a string."""

    patch: str
    patch_type: str = Field("json", alias="patchType")
    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""


class Info(Shape):
    """A note on an operation."""

    name: str
    value: str


class SyncResource(Shape):
    """One object that is to be synced."""

    group: str = ""
    kind: str
    name: str
    namespace: str = ""


class SyncOptions(Shape):
    """`syncOptions` of a request."""

    items: Names = ()


class SyncBody(Shape):
    """`POST /applications/{name}/sync` (api.md §1.6.7)."""

    revision: str = ""
    revisions: Names = ()
    source_positions: tuple[int, ...] = Field((), alias="sourcePositions")
    dry_run: bool = Field(False, alias="dryRun")
    prune: bool = False
    strategy: dict[str, dict[str, Any]] | None = None
    resources: tuple[SyncResource, ...] = ()
    manifests: Names | None = None
    infos: tuple[Info, ...] = ()
    retry_strategy: JsonObject | None = Field(None, alias="retryStrategy")
    sync_options: SyncOptions | None = Field(None, alias="syncOptions")
    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""


class RollbackBody(Shape):
    """`POST /applications/{name}/rollback`."""

    id: int = 0
    dry_run: bool = Field(False, alias="dryRun")
    prune: bool = False
    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""


# --- answers -----------------------------------------------------------------------------------


class Application(Shape, extra="allow"):
    """An Application object."""

    metadata: JsonObject
    spec: JsonObject
    status: JsonObject | None = None
    operation: JsonObject | None = None


class ListMetadata(Shape, extra="allow"):
    """`metadata` of a list."""

    resource_version: str | None = Field(None, alias="resourceVersion")


class ApplicationList(Shape):
    """`GET /applications`; `fields` may leave the items out."""

    metadata: ListMetadata
    items: tuple[JsonObject, ...] = ()


class Manifests(Shape):
    """`GET …/manifests`: each manifest is JSON in a string, Secrets masked."""

    manifests: Names
    namespace: str
    server: str
    revision: str
    source_type: str = Field(alias="sourceType")


class ResourceDiff(Shape, extra="allow"):
    """One managed object; the states are JSON in strings. `fields` may leave any of them out."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    target_state: str = Field("", alias="targetState")
    live_state: str = Field("", alias="liveState")
    normalized_live_state: str = Field("", alias="normalizedLiveState")
    predicted_live_state: str = Field("", alias="predictedLiveState")


class ManagedResources(Shape):
    """`GET …/managed-resources`."""

    items: tuple[ResourceDiff, ...] = ()


class ServerSideDiff(ManagedResources):
    """`GET …/server-side-diff`."""

    modified: bool


class ResourceTree(Shape):
    """`GET …/resource-tree`."""

    nodes: tuple[JsonObject, ...]
    orphaned_nodes: tuple[JsonObject, ...] = Field((), alias="orphanedNodes")
    hosts: tuple[JsonObject, ...] = ()


class ApplicationEventShape(Shape):
    """One message of `GET /stream/applications`."""

    type: str
    application: JsonObject
