"""What a person or a program can ask Holdfast to do: a closed union, carried out by one port.

The CLI builds these values; they are carried out straight against the cluster, or (later) sent
over REST. Words and defaults: docs/internals/argocd/api.md §4.5.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import SelectedResource
from holdfast.domain.pause import PauseScope
from holdfast.domain.stored_settings import AnySettingsCommand


@dataclass(frozen=True, slots=True)
class CreateApplication:
    """Create an Application; with `upsert` an existing one is changed to the given spec."""

    manifest: Tree
    upsert: bool = False
    validate: bool = True


@dataclass(frozen=True, slots=True)
class UpdateSpec:
    """Replace `spec` of an Application by the given one (read-modify-write with its version).

    `resource_version` is the version that the caller read; a change in between is HF2004.
    """

    app: AppKey
    spec: Tree
    resource_version: str = ""
    validate: bool = True
    force: bool = False


@dataclass(frozen=True, slots=True)
class UpdateApplication:
    """Replace labels, annotations, finalizers and spec of an Application by those given.

    What the manifest does not name (`labels`, `annotations`, `finalizers` of `metadata`) stays;
    `metadata.resourceVersion`, where given, must be that of the live object (else HF2004).
    """

    manifest: Tree
    validate: bool = True


@dataclass(frozen=True, slots=True)
class PatchApplication:
    """Apply a JSON (`json`) or merge (`merge`) patch to the Application object.

    `dry_run` shows what would come out; `resource_version` is the version that the caller saw,
    and a change in between is HF2004.
    """

    app: AppKey
    patch: JSON
    kind: str = "json"
    force: bool = False
    dry_run: bool = False
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class RefreshApplication:
    """Ask for a comparison now; `hard` bypasses the manifest cache.

    Without `wait` it is only asked for: what comes of it is not waited for.
    """

    app: AppKey
    hard: bool = False
    wait: bool = True


@dataclass(frozen=True, slots=True)
class SyncApplication:
    """Put an operation on the Application.

    `options` None copies the options of the spec; a tuple replaces them. `retry` None copies
    nothing (limit 0), as `argocd app sync` does. `local` is a folder on this machine, as
    `ROOT//PATH`, whose manifests take the place of git's.
    """

    app: AppKey
    revision: str = ""
    revisions: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    strategy: str = "hook"
    force: bool = False
    resources: tuple[SelectedResource, ...] = ()
    options: tuple[str, ...] | None = None
    retry: Tree | None = None
    manifests: tuple[str, ...] | None = None
    info: tuple[tuple[str, str], ...] = ()
    local: str = ""


@dataclass(frozen=True, slots=True)
class RollBackApplication:
    """Sync to an entry of the history; refused while automatic sync is on."""

    app: AppKey
    history_id: int
    prune: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class TerminateOperation:
    """Stop the running operation."""

    app: AppKey


@dataclass(frozen=True, slots=True)
class DeleteApplication:
    """Delete an Application. `cascade` None leaves the finalizers as they are."""

    app: AppKey
    cascade: bool | None = None
    propagation: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmDeletion:
    """Approve prunes and deletions that wait for a confirmation."""

    app: AppKey


@dataclass(frozen=True, slots=True)
class AdoptDrift:
    """Take live drift into git: commit it, or push a branch with it (DESIGN §4.6).

    Attributes:
        resources: Only these objects; empty for all.
        message: The commit's message.
        author: `Name <mail>`, or `""` for who git's configuration says.
        otherwise: The author when git's configuration says nobody; `""` is an error then.
        branch: The branch to make; `""` commits on the one that `targetRevision` names.
        push: Whether to push it.
    """

    app: AppKey
    message: str
    resources: tuple[SelectedResource, ...] = ()
    author: str = ""
    branch: str = ""
    push: bool = False
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the objects of an Application back to Argo CD (apply.md A6).

    Refused while Holdfast would take them again at once. `Done.tree` is
    `{objects: [{group, kind, namespace, name, outcome, reason}]}`; outcome is `handed over`,
    `would be handed over`, `unchanged` or `skipped`.
    """

    app: AppKey
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PatchResource:
    """Patch one object of an Application, or one that grew out of it (api.md §1.6.11).

    Attributes:
        key: The object.
        patch: Decoded JSON.
        kind: `merge`, `json` or `strategic`.
        version: API version, `""` for the server's preferred one.
    """

    app: AppKey
    key: ResourceKey
    patch: JSON
    kind: str = "merge"
    version: str = ""


@dataclass(frozen=True, slots=True)
class DeleteResource:
    """Delete one object of an Application, or one that grew out of it.

    Attributes:
        force: At once, in the background, and without a grace period.
        orphan: Leave what depends on it.
        background: The object at once, what depends on it after that; else the other way round.
    """

    app: AppKey
    key: ResourceKey
    version: str = ""
    force: bool = False
    orphan: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run an action on one object: `restart`, `scale` … (`queries.ListActions` names them)."""

    app: AppKey
    key: ResourceKey
    action: str
    parameters: tuple[tuple[str, str], ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class CreateProject:
    """Create an AppProject."""

    manifest: Tree
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class UpdateProject:
    """Replace the spec of an AppProject that is there.

    `metadata.resourceVersion`, where given, is the version that the caller read; a change in
    between is HF2004.
    """

    manifest: Tree


@dataclass(frozen=True, slots=True)
class DeleteProject:
    """Delete an AppProject."""

    name: str


@dataclass(frozen=True, slots=True)
class PauseHealing:
    """Hold healing, automatic sync and automatic prune for a while.

    Attributes:
        scope: What is held.
        target: Application, project, or server or name of a cluster; `""` for `All`.
        app_namespace: Of the Application.
        resource: One object of the Application; makes the scope `Object`.
        reason: Why; may not be empty.
        until: When it ends by itself, at most 7 days from now; None lasts until it is resumed.
    """

    scope: PauseScope
    reason: str
    until: datetime | None
    target: str = ""
    app_namespace: str = ""
    resource: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class ResumeHealing:
    """End pauses: the one with this id, or those of a scope and target, or every one.

    Attributes:
        pause_id: Name of a Pause object; then nothing else counts.
        scope: None ends every pause. `Application` ends those of its objects as well, unless
            `resource` names one.
    """

    pause_id: str = ""
    scope: PauseScope | None = None
    target: str = ""
    app_namespace: str = ""
    resource: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class SendTestMessage:
    """Send a test message to a target of `holdfast-notifications`; says what became of it."""

    target: str


Command: TypeAlias = (
    SendTestMessage
    | CreateApplication
    | UpdateApplication
    | UpdateSpec
    | PatchApplication
    | RefreshApplication
    | SyncApplication
    | RollBackApplication
    | TerminateOperation
    | DeleteApplication
    | ConfirmDeletion
    | AdoptDrift
    | HandOver
    | PatchResource
    | DeleteResource
    | RunAction
    | CreateProject
    | UpdateProject
    | DeleteProject
    | PauseHealing
    | ResumeHealing
    | AnySettingsCommand
)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command.

    Attributes:
        outcome: `created`, `updated`, `unchanged`, `deleted`, `requested` …
        tree: The object after the command, or None when it is gone.
        notes: Sentences for stderr.
    """

    outcome: str
    tree: Tree | None = None
    notes: tuple[str, ...] = field(default=())


class Commands(Protocol):
    """Carries commands out. Implemented in `controller`, handed out by `assembly`."""

    async def carry_out(self, command: Command, who: str) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        ...
