"""The roles that adapters play, as seen from the stages. Named by role, not by technology.

Every Secret value and every last-applied annotation that crosses these ports is sealed: an opaque
token stands in its place (apply.md B3). Equal values have equal tokens. The cluster room alone can
open them again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from holdfast.domain.identity import GroupKind, GroupVersionKind, ResourceKey, Uid
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import (
    ApplyOptions,
    Authorized,
    PatchKind,
    Propagation,
    SystemWrite,
)
from holdfast.domain.source import (
    Checkout,
    CommitInfo,
    CommitOrder,
    Committed,
    RenderContext,
    Rendered,
    Source,
    SourceType,
)
from holdfast.domain.text_nodes import TextNode


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """Return the wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


# --- cluster ---------------------------------------------------------------------------------


class Kinds(Protocol):
    """Discovery, cached."""

    def find(self, gvk: GroupVersionKind) -> KindInfo | None:
        """Return a served kind in exactly this version."""
        ...

    def find_preferred(self, kind: GroupKind) -> KindInfo | None:
        """Return a kind in the server's preferred version."""
        ...

    def all(self) -> Sequence[KindInfo]:
        """Return every served kind and version."""
        ...

    async def refresh(self) -> None:
        """Ask the server again (a CRD came or went)."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A consistent list and the version at which it was taken."""

    items: tuple[Manifest, ...]
    resource_version: str


class ClusterReader(Protocol):
    """Reading objects. Errors: `ClusterError`; a missing object is None, not an error."""

    async def get(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        """Return the object (sealed), or None when it, its namespace or its kind is missing."""
        ...

    async def list(
        self, gvk: GroupVersionKind, namespace: str | None = None, selector: str = ""
    ) -> Listed:
        """Return all objects of a kind in one namespace, or in all when None; paged inside."""
        ...

    async def server_version(self) -> str:
        """Return `v1.36.3`."""
        ...


class ClusterWriter(Protocol):
    """Writing declared objects. Every method demands an `Authorized` for that very object."""

    async def apply(
        self, manifest: Manifest, permit: Authorized, options: ApplyOptions
    ) -> Manifest:
        """Server-side apply; return the server's answer (sealed, with managedFields)."""
        ...

    async def create(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """POST: for `generateName` objects only (apply.md A6)."""
        ...

    async def replace(self, manifest: Manifest, permit: Authorized) -> Manifest:
        """PUT with the live resourceVersion; for `Replace=true`."""
        ...

    async def delete(
        self,
        gvk: GroupVersionKind,
        permit: Authorized,
        *,
        uid: Uid | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
    ) -> bool:
        """Delete; return False when it was already gone (or has another uid)."""
        ...

    async def patch_managed_fields(
        self, live: Manifest, managed_fields: list[Tree], permit: Authorized
    ) -> Manifest:
        """JSON patch of `metadata.managedFields` that tests the resourceVersion (apply.md A1, A6).

        Raises:
            ClusterError: HF2004 when the object moved meanwhile; read again and retry.
        """
        ...

    async def hand_over(
        self, live: Manifest, managed_fields: list[Tree], last_applied: str, permit: Authorized
    ) -> Manifest:
        """Patch `metadata.managedFields` and write the annotation last-applied, for Argo CD (A6).

        `last_applied` `""` leaves the annotation as it is. Tests the resourceVersion.

        Raises:
            ClusterError: HF2004 when the object moved meanwhile; read again and retry.
        """
        ...

    async def dry_run(self, manifest: Manifest) -> Manifest:
        """Server-side apply with dryRun=All and force; return what would be (sealed)."""
        ...


class RequestWriter(ClusterWriter, Protocol):
    """What people may ask for beside what healing and syncing do."""

    async def delete(
        self,
        gvk: GroupVersionKind,
        permit: Authorized,
        *,
        uid: Uid | None = None,
        propagation: Propagation = Propagation.FOREGROUND,
        grace_s: int | None = None,
    ) -> bool:
        """Delete as above.

        `grace_s` is how long its containers have to end; None leaves that to the object.
        """
        ...

    async def patch(
        self, gvk: GroupVersionKind, patch: JSON, kind: PatchKind, permit: Authorized
    ) -> Manifest:
        """Send a patch that a person gave; return the server's answer (sealed)."""
        ...


class SystemWriter(Protocol):
    """Our own bookkeeping writes."""

    async def create(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """POST an object of ours."""
        ...

    async def replace(self, manifest: Manifest, write: SystemWrite) -> Manifest:
        """PUT an object of ours with its resourceVersion (optimistic locking)."""
        ...

    async def merge_patch(
        self, gvk: GroupVersionKind, namespace: str, name: str, patch: Tree, write: SystemWrite
    ) -> Manifest:
        """JSON merge patch (RFC 7386)."""
        ...

    async def json_patch(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        patch: list[Tree],
        write: SystemWrite,
    ) -> Manifest:
        """JSON patch (RFC 6902)."""
        ...

    async def delete(
        self,
        gvk: GroupVersionKind,
        namespace: str,
        name: str,
        write: SystemWrite,
    ) -> bool:
        """Delete an object of ours at once; False when it was gone.

        What depends on it goes later: in the foreground it would stay, and count, until the
        garbage collector has looked for its dependents.
        """
        ...


class Sealing(Protocol):
    """Masks Secrets before any other room sees them, and remembers what stood there."""

    def seal(self, manifest: Manifest) -> Manifest:
        """Return the manifest with Secret values and last-applied annotations as tokens.

        `stringData` is folded into `data` and base64 is normalised on the way (apply.md A5).
        """
        ...


class EventKind(StrEnum):
    """What a watch says of an object. LISTED: it stood in a list (start or re-list)."""

    LISTED = "LISTED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class WatchScope:
    """The unit of watching: a kind in one version, in one namespace or (None) in all."""

    gvk: GroupVersionKind
    namespace: str | None = None


class WatchSink(Protocol):
    """Who is told what a watch sees. Called on the event loop; must return at once."""

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """One object was listed, added, changed or deleted (sealed)."""
        ...

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """A list is complete: objects of the scope that are not in `keys` are gone at `version`."""
        ...

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """The scope cannot be watched at present (403, 404 of the kind, unreachable)."""
        ...


class Watching(Protocol):
    """Keeps list+watch streams open. Reconnects, resumes and re-lists by itself (DESIGN §4.1)."""

    def start(self, scope: WatchScope, sink: WatchSink) -> None:
        """Begin watching; a scope that is already watched is left alone."""
        ...

    def stop(self, scope: WatchScope) -> None:
        """Stop watching a scope."""
        ...

    def is_synced(self, scope: WatchScope) -> bool:
        """Whether the first list is complete and the stream is open or resuming."""
        ...

    async def wait_synced(self, scopes: Sequence[WatchScope], timeout_s: float) -> bool:
        """Wait until all are synced or have failed; False when the time is over."""
        ...

    def lag_s(self) -> float:
        """Seconds since the oldest open scope last heard from the server."""
        ...


# --- git and tools ---------------------------------------------------------------------------


class Sources(Protocol):
    """Repositories. Errors: `RepositoryError`, `ToolError`, texts without credentials."""

    async def resolve(self, source: Source, revision: str, *, force: bool = False) -> str:
        """Return the full SHA of a branch, tag, SHA, constraint or HEAD (controller.md §3.9).

        Args:
            source: Names the repository.
            revision: What to resolve; `""` is HEAD.
            force: Ask the remote even if it was asked a moment ago.
        """
        ...

    async def checkout(self, source: Source, sha: str) -> Checkout:
        """Return the files of a commit. Shared and read-only; cached."""
        ...

    async def commit_info(self, source: Source, sha: str) -> CommitInfo:
        """Return author, date and message of a commit."""
        ...

    def watch_local(self, repo_url: str, changed: Callable[[], None]) -> None:
        """Call `changed` within 1 s of a new commit in a local repository; no-op for others."""
        ...


class Renderer(Protocol):
    """Turns a folder of a checkout into manifests, in a process of its own (apply.md C1)."""

    async def render(self, checkout: Checkout, source: Source, context: RenderContext) -> Rendered:
        """Render one source.

        Raises:
            RepositoryError: what git holds is wrong; names file and line.
            ToolError: the tool failed, took too long or printed too much.
        """
        ...

    def refuse_unbuilt(self, source: Source) -> None:
        """Raise for a source whose type is not built, before anything is fetched.

        Raises:
            ConfigurationError: HF3008, names the type.
        """
        ...

    def forget(self) -> None:
        """Drop kept results: a hard refresh was asked for."""
        ...


# --- recording -------------------------------------------------------------------------------


class Metrics(Protocol):
    """Counters and histograms; names in controller.md §11.2."""

    def increment(self, metric: str, amount: float = 1.0, /, **labels: str) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: str, value: float, /, **labels: str) -> None:
        """Add a value to a histogram."""
        ...

    def set_gauge(self, metric: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        ...

    def drop(self, metric: str, /, **labels: str) -> None:
        """Forget the series of a gauge that match the labels."""
        ...


class HintStore(Protocol):
    """Keeps bytes that make a start faster; nothing is wrong when they are lost."""

    async def read(self) -> bytes | None:
        """Return what was written last, None when there is nothing.

        Raises:
            OSError: it cannot be read.
        """
        ...

    async def write(self, content: bytes) -> None:
        """Replace it as a whole.

        Raises:
            OSError: it cannot be written.
        """
        ...


Reaction = Callable[[JSON], Awaitable[None]]


# --- adopting: live drift into git -----------------------------------------------------------


class Texts(Protocol):
    """Reads texts for editing, in a process of its own, and tells which tool a folder wants."""

    async def locate(self, text: str, file: str) -> tuple[TextNode | None, ...]:
        """Return the node of each document of a YAML or JSON file; None for an empty one.

        Raises:
            RepositoryError: HF1004, it does not parse.
        """
        ...

    async def inspect(
        self, checkout: Checkout, source: Source, context: RenderContext
    ) -> tuple[SourceType, Source]:
        """Return the tool, and the source with the override files of its folder merged in."""
        ...


class Copies(Protocol):
    """Private copies of checkouts in which files are changed, to see what a commit would do."""

    async def read(self, checkout: Checkout, path: str) -> str | None:
        """Return a text file of a checkout; None when there is none.

        Raises:
            RepositoryError: HF1004, it is no UTF-8 text; HF1006, it leaves the repository.
        """
        ...

    async def find(self, checkout: Checkout, folder: str) -> tuple[str, ...]:
        """Return the names of what lies in a folder, sorted."""
        ...

    async def copy(self, checkout: Checkout, files: Mapping[str, str | None]) -> Checkout:
        """Return a copy with these files written (None: removed); it lives until `close`."""
        ...


class Commits(Protocol):
    """Writes commits into repositories. Nothing is ever forced, nothing overwritten."""

    async def commit(self, source: Source, base: str, order: CommitOrder) -> Committed:
        """Commit files on top of a commit that `targetRevision` means now.

        Raises:
            ConfigurationError: HF3013, it cannot be done safely; the hint says what can.
            RepositoryError, ToolError: the repository refused.
        """
        ...
