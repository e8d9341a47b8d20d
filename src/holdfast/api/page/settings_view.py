"""Repositories, clusters, projects and accounts as the Settings screens show them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from holdfast.api.page.app_view import block, blocks, moment, text
from holdfast.api.people import Account
from holdfast.domain.application import IN_CLUSTER_SERVER
from holdfast.domain.manifest import JSON, Tree

STATES = {"Successful": "Succeeded", "Failed": "Failed"}
"""Connection states by the icon that shows them; any other is a question."""


@dataclass(frozen=True, slots=True)
class RepositoryView:
    """One repository.

    Attributes:
        state: `Succeeded`, `Failed` or `Unknown`; `message` says why.
        sign_in: How it is signed in to, in words; `""` for not at all.
        apps: Applications that use it.
    """

    url: str
    type: str
    name: str
    project: str
    username: str
    sign_in: str
    state: str
    message: str
    tried: datetime | None
    apps: int
    insecure: bool
    may_delete: bool

    @property
    def is_pending(self) -> bool:
        """Whether it is tried just now, for the first time."""
        return self.type == "git" and self.state == "Unknown" and self.tried is None

    @property
    def api(self) -> str:
        """Where it is deleted."""
        path = f"/api/v1/repositories/{quote(self.url, '')}"
        return f"{path}?appProject={quote(self.project, '')}" if self.project else path


def repository_of(tree: Tree, apps: int, *, may_delete: bool) -> RepositoryView:
    """Return a repository of the API's list."""
    state = block(tree, "connectionState")
    kind = text(tree, "credentialsKind")
    if tree.get("inheritedCreds"):
        kind = "inherited credentials"
    return RepositoryView(
        url=text(tree, "repo"),
        type=text(tree, "type") or "git",
        name=text(tree, "name"),
        project=text(tree, "project"),
        username=text(tree, "username"),
        sign_in=kind or ("name" if tree.get("username") else ""),
        state=STATES.get(text(state, "status"), "Unknown"),
        message=text(state, "message"),
        tried=moment(state.get("attemptedAt")),
        apps=apps,
        insecure=tree.get("insecure") is True,
        may_delete=may_delete,
    )


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster; `is_own` is the one that Holdfast runs in, and deploys to."""

    name: str
    server: str
    version: str
    state: str
    message: str
    tried: datetime | None
    apps: int
    project: str
    namespaces: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    is_own: bool
    may_delete: bool

    @property
    def is_pending(self) -> bool:
        """Whether it is tried just now, for the first time."""
        return self.state == "Unknown" and self.tried is None

    @property
    def api(self) -> str:
        """Where it is deleted."""
        return f"/api/v1/clusters/{quote(self.server, '')}"


def cluster_of(tree: Tree, *, may_delete: bool) -> ClusterView:
    """Return a cluster of the API's list."""
    info, server = block(tree, "info"), text(tree, "server")
    state = block(info, "connectionState")
    labels = tree.get("labels")
    return ClusterView(
        name=text(tree, "name"),
        server=server,
        version=text(info, "serverVersion"),
        state=STATES.get(text(state, "status"), "Unknown"),
        message=text(state, "message"),
        tried=moment(state.get("attemptedAt")),
        apps=int(info.get("applicationsCount") or 0),
        project=text(tree, "project"),
        namespaces=_texts(tree.get("namespaces")),
        labels=tuple(sorted(labels.items())) if isinstance(labels, dict) else (),
        is_own=server == IN_CLUSTER_SERVER,
        may_delete=may_delete and server != IN_CLUSTER_SERVER,
    )


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token of a role or an account."""

    id: str
    issued: datetime | None
    issued_s: int
    expires: datetime | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class RuleView:
    """One policy line: `applications sync data/* allow`; `whole` is it as it was written."""

    resource: str
    action: str
    target: str
    effect: str
    whole: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """One role of a project."""

    name: str
    description: str
    groups: tuple[str, ...]
    rules: tuple[RuleView, ...]
    tokens: tuple[TokenView, ...]


@dataclass(frozen=True, slots=True)
class ProjectView:
    """One project.

    Attributes:
        kinds: Lists of kinds: words, whether they allow, and the kinds; a list that allows all
            or forbids nothing is left out.
    """

    name: str
    description: str
    destinations: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    source_namespaces: tuple[str, ...]
    kinds: tuple[tuple[str, str, tuple[str, ...]], ...]
    roles: tuple[RoleView, ...]
    windows: int
    apps: int
    orphans: str
    signature_keys: tuple[str, ...] = ()
    inherits: tuple[str, ...] = field(default=())

    @property
    def url(self) -> str:
        """Of its screen."""
        return f"/settings/projects/{quote(self.name, '')}"

    @property
    def api(self) -> str:
        """Of the API."""
        return f"/api/v1/projects/{quote(self.name, '')}"


_KINDS = (
    ("clusterResourceWhitelist", "Cluster-scoped kinds allowed", "allow"),
    ("clusterResourceBlacklist", "Cluster-scoped kinds forbidden", "deny"),
    ("namespaceResourceWhitelist", "Namespaced kinds allowed", "allow"),
    ("namespaceResourceBlacklist", "Namespaced kinds forbidden", "deny"),
)


def project_of(tree: Tree, apps: int, now: datetime, inherits: Iterable[str] = ()) -> ProjectView:
    """Return a project."""
    spec, status = block(tree, "spec"), block(tree, "status")
    orphans = "not watched for"
    if "orphanedResources" in spec:
        warns = block(spec, "orphanedResources").get("warn") is not False
        orphans = "watched for, with a warning" if warns else "watched for"
    return ProjectView(
        name=text(block(tree, "metadata"), "name"),
        description=text(spec, "description"),
        destinations=tuple(
            (text(one, "name") or text(one, "server"), text(one, "namespace"))
            for one in blocks(spec, "destinations")
        ),
        sources=_texts(spec.get("sourceRepos")),
        source_namespaces=_texts(spec.get("sourceNamespaces")),
        kinds=tuple(
            (words, effect, found)
            for key, words, effect in _KINDS
            if (found := tuple(_kind(one) for one in blocks(spec, key)))
        ),
        roles=tuple(
            _role(one, block(status, "jwtTokensByRole"), now) for one in blocks(spec, "roles")
        ),
        windows=len(blocks(spec, "syncWindows")),
        apps=apps,
        orphans=orphans,
        signature_keys=tuple(text(one, "keyID") for one in blocks(spec, "signatureKeys")),
        inherits=tuple(inherits),
    )


def _kind(tree: Tree) -> str:
    group, kind, name = text(tree, "group"), text(tree, "kind"), text(tree, "name")
    words = f"{group or 'core'}/{kind}" if (group, kind) != ("*", "*") else "every kind"
    return f"{words} {name}".rstrip()


def _role(tree: Tree, mirrored: Tree, now: datetime) -> RoleView:
    name = text(tree, "name")
    listed = [*blocks(tree, "jwtTokens"), *blocks(block(mirrored, name), "items")]
    known: dict[tuple[JSON, JSON], TokenView] = {}
    for one in listed:
        issued, expires = int(one.get("iat") or 0), int(one.get("exp") or 0)
        known.setdefault(
            (one.get("iat"), one.get("id")), token_of(text(one, "id"), issued, expires, now)
        )
    return RoleView(
        name=name,
        description=text(tree, "description"),
        groups=_texts(tree.get("groups")),
        rules=tuple(_rule(line) for line in _texts(tree.get("policies"))),
        tokens=tuple(sorted(known.values(), key=lambda one: -one.issued_s)),
    )


def _rule(line: str) -> RuleView:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 6:
        return RuleView("", "", "", "", line)
    return RuleView(parts[2], parts[3], parts[4], parts[5], line)


def token_of(token_id: str, issued: int, expires: int, now: datetime) -> TokenView:
    """Return a token; times are Unix seconds, 0 expires never."""
    end = _moment(expires)
    return TokenView(token_id, _moment(issued), issued, end, end is not None and end <= now)


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account.

    Attributes:
        may_change: Whether the caller may make and take its tokens.
        is_self: Whether it is the caller's own.
    """

    name: str
    is_enabled: bool
    capabilities: tuple[str, ...]
    tokens: tuple[TokenView, ...]
    may_change: bool
    is_self: bool

    @property
    def api(self) -> str:
        """Of the API."""
        return f"/api/v1/account/{quote(self.name, '')}"

    @property
    def takes_tokens(self) -> bool:
        """Whether it may have API keys."""
        return "apiKey" in self.capabilities


def account_of(account: Account, now: datetime, *, may_change: bool, is_self: bool) -> AccountView:
    """Return an account."""
    tokens = [token_of(one.id, one.issued_at, one.expires_at, now) for one in account.tokens]
    return AccountView(
        name=account.name,
        is_enabled=account.is_enabled,
        capabilities=tuple(str(one) for one in account.capabilities),
        tokens=tuple(sorted(tokens, key=lambda one: -one.issued_s)),
        may_change=may_change,
        is_self=is_self,
    )


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
