"""An Application as the page shows it: every word and number taken out of the object once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, SELF_HEAL_ANNOTATION
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import JSON, Tree

HEALTH_CODES = ("Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown")
SYNC_CODES = ("Synced", "OutOfSync", "Unknown")
_LINK = "link.argocd.argoproj.io/"


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source of an Application.

    Attributes:
        place: Path in the repository, or name of the chart.
        target: What `targetRevision` says; `HEAD` when it says nothing.
    """

    repo: str
    place: str
    target: str
    is_chart: bool
    revision: str = ""

    @property
    def repo_name(self) -> str:
        """The last two parts of the address, for narrow places."""
        parts = [part for part in self.repo.removesuffix(".git").split("/") if part]
        return "/".join(parts[-2:]) if "://" in self.repo else (parts or [self.repo])[-1]


@dataclass(frozen=True, slots=True)
class OperationView:
    """The operation that runs, or the last one; `phase` is `""` when there was none."""

    phase: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    revision: str = ""
    initiated_by: str = ""
    is_automated: bool = False
    is_dry_run: bool = False
    retries: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it runs."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.phase in ("Running", "Terminating")


@dataclass(frozen=True, slots=True)
class AppView:
    """What tiles, rows and headers show of an Application.

    Attributes:
        version: `resourceVersion`, by which copies are told apart.
        prune, self_heal: As the spec says; they count while `automated` is true.
        heals: Whether drift is healed now.
        differing: How many of its objects are not as git wants them.
        errors, warnings: How many conditions there are.
    """

    key: AppKey
    version: str
    project: str
    labels: Mapping[str, str]
    health: str
    health_message: str
    sync: str
    operation: OperationView
    sources: tuple[SourceView, ...]
    revision: str
    server: str
    cluster: str
    namespace: str
    created: datetime | None
    synced: datetime | None
    compared: datetime | None
    automated: bool
    prune: bool
    self_heal: bool
    heals: bool
    objects: int
    differing: int
    errors: int
    warnings: int
    is_deleting: bool
    links: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.key.name

    @property
    def id(self) -> str:
        """`NAMESPACE/NAME`."""
        return str(self.key)

    @property
    def url(self) -> str:
        """Where its screen is."""
        return f"/applications/{quote(self.key.namespace, '')}/{quote(self.key.name, '')}"

    @property
    def api(self) -> str:
        """Where the REST API has it."""
        return f"/api/v1/applications/{quote(self.key.name, '')}"

    @property
    def query(self) -> str:
        """The query that names its namespace and project to the REST API."""
        return f"appNamespace={quote(self.key.namespace, '')}&project={quote(self.project, '')}"

    @property
    def source(self) -> SourceView:
        """Its first source."""
        return self.sources[0] if self.sources else SourceView("", "", "HEAD", is_chart=False)


def view_of(tree: Tree) -> AppView:
    """Read an Application object; what is missing or has another type counts as empty."""
    metadata, spec, status = block(tree, "metadata"), block(tree, "spec"), block(tree, "status")
    sync, health = block(status, "sync"), block(status, "health")
    destination, operation = block(spec, "destination"), operation_of(tree)
    automated, policy = automated_of(spec), block(spec, "syncPolicy", "automated")
    annotations = block(metadata, "annotations")
    kinds = [text(item, "type") for item in blocks(status, "conditions")]
    resources = [item for item in blocks(status, "resources") if not item.get("hook")]
    sources = sources_of(spec, sync)
    history = blocks(status, "history")
    return AppView(
        key=AppKey(text(metadata, "namespace"), text(metadata, "name")),
        version=text(metadata, "resourceVersion"),
        project=text(spec, "project") or "default",
        labels={str(k): str(v) for k, v in block(metadata, "labels").items()},
        health=_one_of(text(health, "status"), HEALTH_CODES),
        health_message=text(health, "message"),
        sync=_one_of(text(sync, "status"), SYNC_CODES),
        operation=operation,
        sources=sources,
        revision=text(sync, "revision") or next((s.revision for s in sources if s.revision), ""),
        server=text(destination, "server"),
        cluster=_cluster(destination),
        namespace=text(destination, "namespace"),
        created=moment(metadata.get("creationTimestamp")),
        synced=moment(history[-1].get("deployedAt")) if history else None,
        compared=moment(status.get("reconciledAt")),
        automated=automated is not None,
        prune=bool(policy.get("prune")),
        self_heal=bool(policy.get("selfHeal")),
        heals=bool(automated and automated.get("selfHeal"))
        or (automated is None and annotations.get(SELF_HEAL_ANNOTATION) == "last-synced"),
        objects=len(resources),
        differing=sum(text(item, "status") not in ("Synced", "") for item in resources),
        errors=sum(kind.endswith("Error") for kind in kinds),
        warnings=sum(kind.endswith("Warning") for kind in kinds),
        is_deleting=bool(metadata.get("deletionTimestamp")),
        links=tuple(
            (str(key).removeprefix(_LINK), str(value))
            for key, value in sorted(annotations.items())
            if str(key).startswith(_LINK)
        ),
    )


def automated_of(spec: Tree) -> Tree | None:
    """Return `syncPolicy.automated` where it is switched on."""
    policy = block(spec, "syncPolicy")
    found = policy.get("automated")
    return found if isinstance(found, dict) and found.get("enabled") is not False else None


def operation_of(tree: Tree) -> OperationView:
    """Return the operation that runs or is asked for, else the last one."""
    state = block(tree, "status", "operationState")
    asked = block(tree, "operation")
    if not state and not asked:
        return OperationView()
    operation = block(state, "operation") or asked
    sync, who = block(operation, "sync"), block(operation, "initiatedBy")
    return OperationView(
        phase=text(state, "phase") or "Running",
        message=text(state, "message"),
        started=moment(state.get("startedAt")),
        finished=moment(state.get("finishedAt")),
        revision=text(block(state, "syncResult"), "revision") or text(sync, "revision"),
        initiated_by=text(who, "username"),
        is_automated=bool(who.get("automated")),
        is_dry_run=bool(sync.get("dryRun")),
        retries=state.get("retryCount") if isinstance(state.get("retryCount"), int) else 0,  # type: ignore[arg-type]
    )


def sources_of(spec: Tree, sync: Tree) -> tuple[SourceView, ...]:
    """Return the sources, each with the revision that was compared."""
    several = blocks(spec, "sources")
    revisions = [str(item) for item in sync.get("revisions") or ()] if several else []
    single = [text(sync, "revision")]
    found = several or ([block(spec, "source")] if block(spec, "source") else [])
    if block(spec, "sourceHydrator"):
        found = [_hydrated(block(spec, "sourceHydrator"))]
    return tuple(
        source_view(tree, *((revisions or single)[number : number + 1]))
        for number, tree in enumerate(found)
    )


def source_view(tree: Tree, revision: str = "") -> SourceView:
    """Return one source."""
    chart = text(tree, "chart")
    return SourceView(
        repo=text(tree, "repoURL"),
        place=chart or text(tree, "path") or ".",
        target=text(tree, "targetRevision") or "HEAD",
        is_chart=bool(chart),
        revision=revision,
    )


def _hydrated(tree: Tree) -> Tree:
    dry, synced = block(tree, "drySource"), block(tree, "syncSource")
    return {
        "repoURL": synced.get("repoURL") or dry.get("repoURL") or "",
        "path": synced.get("path") or "",
        "targetRevision": synced.get("targetBranch") or "",
    }


def _cluster(destination: Tree) -> str:
    server = text(destination, "server")
    return text(destination, "name") or (IN_CLUSTER_NAME if server == IN_CLUSTER_SERVER else server)


def _one_of(word: str, known: tuple[str, ...]) -> str:
    return word if word in known else "Unknown"


def block(tree: JSON, *path: str) -> Tree:
    """Return an object below a tree, `{}` when there is none."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def blocks(tree: JSON, *path: str) -> list[Tree]:
    """Return the objects of a list below a tree."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return [item for item in tree if isinstance(item, dict)] if isinstance(tree, list) else []


def text(tree: Tree, name: str) -> str:
    """Return a text of an object, `""` when there is none."""
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def moment(value: JSON) -> datetime | None:
    """Return an RFC 3339 time, None when it is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
