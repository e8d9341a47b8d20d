"""Repositories, credentials, host keys and clusters, as the control namespace keeps them.

Argo CD's labelled Secrets and its two ConfigMaps of trust (docs/internals/argocd/api.md §1.7, §12).
What is asked and told about them are values of the closed unions; the values of Secrets stand in no
`repr`, so that no log can hold one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from holdfast.domain.manifest import Tree

SECRET_TYPE_LABEL = "argocd.argoproj.io/secret-type"  # noqa: S105 - a label's name
KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
TLS_CERTIFICATES = "argocd-tls-certs-cm"

HIDDEN_KEYS = frozenset({
    "password", "bearerToken", "sshPrivateKey", "tlsClientCertData", "tlsClientCertKey",
    "githubAppPrivateKey", "gcpServiceAccountKey", "azureServicePrincipalClientSecret",
})  # fmt: skip
"""Keys of repository Secrets whose values leave for git servers alone."""


class SecretType(StrEnum):
    """What a labelled Secret holds; the values are those of the label."""

    REPOSITORY = "repository"
    REPO_CREDS = "repo-creds"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One labelled Secret.

    Attributes:
        tree: The object, with its real values in base64.
        values: What `data` holds, decoded; what is no text is left out.
    """

    tree: Tree = field(repr=False)
    values: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """Of the Secret."""
        return str(self.tree["metadata"]["name"])

    def text(self, key: str) -> str:
        """Return one value, `""` where there is none."""
        return self.values.get(key, "")


class StoredSettings(Protocol):
    """Reads labelled Secrets with their values, and tries what they say."""

    async def secrets(self, wanted: SecretType) -> Sequence[StoredSecret]:
        """Return all of a type, by name.

        Raises:
            ClusterError: they may not be read.
        """
        ...

    async def check_repository(self, url: str, secrets: Sequence[Tree]) -> None:
        """Ask a repository for its references, signing in as these Secrets say.

        Raises:
            HoldfastError: HF1001 and others, it cannot be read.
        """
        ...

    async def cluster_version(self, server: str, config: Tree) -> str:
        """Return the version of a cluster, signing in as its Secret says.

        Raises:
            HoldfastError: it cannot be reached, or refuses.
        """
        ...

    def forget(self) -> None:
        """What was read before counts no longer: something was written."""
        ...


def count_applications(clusters: Iterable[Tree], apps: Iterable[Tree]) -> None:
    """Fill in how many of these Applications deploy to each cluster, whatever they call it.

    Args:
        clusters: As the API answers them; `info.applicationsCount` of each is set.
        apps: Those of the control namespace, which are the ones that Holdfast serves.
    """
    counts: Counter[str] = Counter()
    for app in apps:
        destination = (app.get("spec") or {}).get("destination") or {}
        counts[str(destination.get("server") or destination.get("name") or "").rstrip("/")] += 1
    for tree in clusters:
        called = {tree["server"].rstrip("/"), tree["name"].rstrip("/")}
        tree["info"]["applicationsCount"] = sum(counts[name] for name in called)


# --- what can be asked for -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutRepository:
    """Keep a repository and how to sign in to it, once it could be read.

    Attributes:
        values: Keys of its Secret (api.md §1.7), `url` among them.
        upsert: One that is there and differs is changed.
        must_exist: It is an update; a credential that is not given stays as it is.
    """

    values: Mapping[str, str] = field(repr=False)
    upsert: bool = False
    must_exist: bool = False


@dataclass(frozen=True, slots=True)
class DeleteRepository:
    """Forget a repository and its credentials."""

    url: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class CheckRepository:
    """Try to read a repository with these values; nothing is kept."""

    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PutRepoCreds:
    """Keep credentials for every repository below a URL; fields as `PutRepository`."""

    values: Mapping[str, str] = field(repr=False)
    upsert: bool = False
    must_exist: bool = False


@dataclass(frozen=True, slots=True)
class DeleteRepoCreds:
    """Forget credentials of a URL prefix."""

    url: str


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A host key (`ssh`) or a certificate (`https`).

    Attributes:
        host: As `known_hosts` writes it, or the server name.
        type: `ssh` or `https`.
        sub_type: Of an ssh key: `ssh-ed25519` …; `""` for a certificate.
        data: The key in base64, or PEM.
    """

    host: str
    type: str
    sub_type: str
    data: str


@dataclass(frozen=True, slots=True)
class PutTrustedKeys:
    """Trust host keys and certificates; with `upsert` one that differs is replaced."""

    keys: tuple[TrustedKey, ...]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class DeleteTrustedKeys:
    """Trust no longer what fits; `""` fits everything but for the host."""

    host: str
    type: str = ""
    sub_type: str = ""


@dataclass(frozen=True, slots=True)
class PutCluster:
    """Keep a cluster and how to sign in to it.

    Attributes:
        tree: As Argo CD's API writes one: `server`, `name`, `config`, `namespaces` …
        upsert: One that is there and differs is changed.
        fields: For an update, which members of `tree` count; empty are all. None creates.
    """

    tree: Tree = field(repr=False)
    upsert: bool = False
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class DeleteCluster:
    """Forget a cluster."""

    server: str


@dataclass(frozen=True, slots=True)
class AddProjectToken:
    """List a token of a project role, so that it counts; times are Unix seconds."""

    project: str
    role: str
    token_id: str
    issued_at: int
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class DeleteProjectToken:
    """List a token no longer; it is named by its id or by when it was issued."""

    project: str
    role: str
    issued_at: int = 0
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class ListRepositories:
    """Repositories with their connection state, without secrets. Answer: list of trees.

    Attributes:
        refresh: Try each anew instead of believing what was seen within the hour.
        patience_s: How long is waited for what has to be tried; None is to the end. A state
            that is not known by then is `Unknown`, and looked for all the same.
        url: This one alone, in each project that has it; no other is tried. `""` is all.
    """

    refresh: bool = False
    patience_s: float | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class ListRepoCreds:
    """Credentials by URL prefix, without secrets. Answer: list of trees."""


@dataclass(frozen=True, slots=True)
class ListTrustedKeys:
    """Host keys and certificates. Answer: list of trees (api.md §1.5)."""


@dataclass(frozen=True, slots=True)
class ListClusters:
    """The cluster that Holdfast runs in, and those that Secrets describe, without secrets.

    Answer: list of trees; the own one is the first.

    Attributes:
        patience_s: As `ListRepositories`.
        counts: Count the Applications of each, which lists them all.
    """

    patience_s: float | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GetWindowWeek:
    """When the sync windows of a project are active in the seven days from a moment.

    Answer: `[{window: {…}, problem, spans: [{start, end}]}]`, times in RFC 3339 (UTC).
    """

    project: str
    start: str


@dataclass(frozen=True, slots=True)
class ListGlobalProjects:
    """The projects that a project inherits limits from. Answer: list of trees."""

    project: str


AnySettingsCommand: TypeAlias = (
    PutRepository
    | DeleteRepository
    | CheckRepository
    | PutRepoCreds
    | DeleteRepoCreds
    | PutTrustedKeys
    | DeleteTrustedKeys
    | PutCluster
    | DeleteCluster
    | AddProjectToken
    | DeleteProjectToken
)
AnySettingsQuery: TypeAlias = (
    ListRepositories
    | ListRepoCreds
    | ListTrustedKeys
    | ListClusters
    | GetWindowWeek
    | ListGlobalProjects
)
