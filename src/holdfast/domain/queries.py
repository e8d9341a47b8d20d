"""What a person or a program can ask Holdfast to tell: a closed union, answered by one port."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from holdfast.domain.application_set import AnySetQuery
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.log_lines import LogLine
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import SelectedResource
from holdfast.domain.stored_settings import AnySettingsQuery


@dataclass(frozen=True, slots=True)
class GetApplication:
    """The Application object. Answer: its tree."""

    app: AppKey


@dataclass(frozen=True, slots=True)
class ListApplications:
    """All Applications of a namespace. Answer: list of trees."""

    namespace: str
    selector: str = ""
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GetManifests:
    """Desired manifests. Answer: list of trees (Secrets masked).

    `revision` `""` is the target revision; `local` is a folder on this machine instead.
    """

    app: AppKey
    revision: str = ""
    revisions: tuple[str, ...] = ()
    local: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class ManagedResources:
    """Every managed object. Answer: list of records as controller.md §8.4 (Secrets masked).

    Each: `{group, kind, namespace, name, targetState, liveState, normalizedLiveState,
    predictedLiveState, resourceVersion, hook, modified}`; the states are trees or None here.
    With `only`, of that object alone: one dry run instead of one for each.
    """

    app: AppKey
    revision: str = ""
    local: str = ""
    revisions: tuple[str, ...] = ()
    only: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class CompareManifests:
    """What manifests would make of an Application's objects, by the API server's own dry run.

    Answer: records as `ManagedResources`, for the objects named alone. Objects that are none of
    the Application's are shown as new, and Secrets are left out: nothing can be guessed.
    """

    app: AppKey
    manifests: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class ResourceTree:
    """Managed objects with their children. Answer: `{nodes: […]}` as controller.md §8.5.

    With `below`, a managed object, what matters is it and what grew out of it: others may be
    missing, and large Applications answer faster.
    """

    app: AppKey
    below: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class RevisionMetadata:
    """What git says of a commit of one source. Answer: `{author, date, message, tags}`.

    Attributes:
        source_index: Which source, from 0.
    """

    app: AppKey
    revision: str
    source_index: int = 0


@dataclass(frozen=True, slots=True)
class GetResource:
    """One object of an Application, or one that grew out of it. Answer: its tree, masked."""

    app: AppKey
    key: ResourceKey
    version: str = ""


@dataclass(frozen=True, slots=True)
class ListActions:
    """What can be done with one object. Answer: `[{name, displayName, iconClass, disabled, …}]`."""

    app: AppKey
    key: ResourceKey
    version: str = ""


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Kubernetes Events. Answer: list of trees, the newest last.

    Attributes:
        app: The Application.
        namespace, name, uid: One of its objects; all `""` for the Application itself.
    """

    app: AppKey
    namespace: str = ""
    name: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class ListProjectEvents:
    """Kubernetes Events on an AppProject. Answer: list of trees, the newest last."""

    name: str


@dataclass(frozen=True, slots=True)
class GetProjectWindows:
    """Sync windows of an AppProject that are active now. Answer: list of trees."""

    name: str


@dataclass(frozen=True, slots=True)
class GetSyncWindows:
    """Sync windows of the project that are about an Application (controller.md §12).

    Answer: `{assignedWindows, activeWindows, canSync}`; `canSync` is for a sync by hand.
    """

    app: AppKey


@dataclass(frozen=True, slots=True)
class PlanAdoption:
    """What `AdoptDrift` would commit.

    Answer: `{diff, files: […], adopted: […], refused: […]}`; nothing is written.
    """

    app: AppKey
    resources: tuple[SelectedResource, ...] = ()


@dataclass(frozen=True, slots=True)
class TryApplication:
    """What would come of creating an Application, or of changing it to this; nothing is written.

    Answer: `{problems: [{field, message, hint, code, blocks}], objects: [record…]}`; a record is
    that of `ManagedResources` with `refusal`: why it could not or should not be applied, or `""`.
    A problem with `blocks` false is a warning. When one blocks, later checks are left out and
    there are no objects.

    Attributes:
        manifest: The Application as it would be written.
        is_new: It must not exist yet.
    """

    manifest: Tree
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class GetProject:
    """An AppProject. Answer: its tree."""

    name: str


@dataclass(frozen=True, slots=True)
class ListProjects:
    """All AppProjects. Answer: list of trees."""


@dataclass(frozen=True, slots=True)
class GetStatus:
    """How Holdfast itself does. Answer: `{connected, leader, watchLag, version, lastErrors…}`."""


@dataclass(frozen=True, slots=True)
class PodLogs:
    """Logs of the pods of an Application's objects. Answer: through `Queries.logs`.

    Attributes:
        group: Only pods of objects in this API group; `kind`, `namespace`, `name` likewise.
        container: `""` is the only one of each pod, or its default.
        follow: Go on as lines are printed.
        tail: Lines from the end of each pod's log; 0 is all.
        since_s: Only what is younger than so many seconds; 0 is all.
        until: No line that is younger than this (RFC 3339); `""` is no end.
        filter: Only lines with this text; with a leading `!`, only lines without it.
        match_case: The filter tells capitals.
        previous: Of each container's run before its last restart.
    """

    app: AppKey
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    container: str = ""
    follow: bool = False
    tail: int = 0
    since_s: int = 0
    until: str = ""
    filter: str = ""
    match_case: bool = False
    previous: bool = False


@dataclass(frozen=True, slots=True)
class ListPauses:
    """Pauses, the one that ends first at the beginning. Answer: list of Pause trees.

    Attributes:
        app: Only those that hold this Application or objects of it.
        ended: Those that are over as well.
    """

    app: AppKey | None = None
    ended: bool = False


Query: TypeAlias = (
    GetApplication
    | ListApplications
    | GetManifests
    | ManagedResources
    | CompareManifests
    | ResourceTree
    | RevisionMetadata
    | GetResource
    | ListActions
    | ListEvents
    | ListProjectEvents
    | GetSyncWindows
    | GetProjectWindows
    | PlanAdoption
    | TryApplication
    | GetProject
    | ListProjects
    | GetStatus
    | ListPauses
    | AnySettingsQuery
    | AnySetQuery
)


class Queries(Protocol):
    """Answers questions. Implemented in `controller`, handed out by `assembly`."""

    async def answer(self, query: Query, who: str) -> JSON:
        """Answer, or raise a HoldfastError that says why not."""
        ...

    def watch_application(self, app: AppKey) -> AsyncIterator[Tree | None]:
        """Yield the Application at once and after each change; None once it is deleted."""
        ...

    def logs(self, query: PodLogs) -> AsyncIterator[LogLine]:
        """Yield lines of logs of several pods, merged by time."""
        ...
