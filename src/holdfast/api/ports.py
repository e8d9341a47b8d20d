"""What the API asks of the other half of its own room: sign-in, roles, live copies.

Protocols, so that routes are tested with fakes and each half can be read alone.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from starlette.requests import HTTPConnection

from holdfast.api.caller import Caller
from holdfast.api.intake import Intake
from holdfast.api.news import News
from holdfast.api.own_health import OwnHealth
from holdfast.api.people import Accounts, Provider, Sessions
from holdfast.api.shared_episodes import SharedEpisodes
from holdfast.api.shared_looks import SharedLook
from holdfast.api.shared_trees import SharedTrees
from holdfast.domain.commands import Commands
from holdfast.domain.identity import AppKey
from holdfast.domain.journal import JournalReader
from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock
from holdfast.domain.queries import Queries


class SignIn(Protocol):
    """Finds out who a request comes from (api.md §2.1)."""

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Return the caller; `ANONYMOUS` where anonymous access is allowed.

        Raises:
            ApiError: 401, there is no token, or it is no good.
        """
        ...

    async def identify_or_none(self, connection: HTTPConnection) -> Caller | None:
        """Return the caller, None when nobody is signed in; for routes that need no sign-in."""
        ...

    def is_still_good(self, caller: Caller) -> bool:
        """Whether the token of a caller still counts; asked again and again on long streams."""
        ...


class Roles(Protocol):
    """Says who may do what (api.md §3). Pure CPU, cached: never holds the loop over 10 ms."""

    def allows(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        """Whether the caller may; `target` is the object as api.md §3.5 writes it."""
        ...


@dataclass(frozen=True, slots=True)
class ApplicationEvent:
    """One change of an Application: `ADDED`, `MODIFIED` or `DELETED`, and the object."""

    type: str
    tree: Tree


class Following(Protocol):
    """Changes of Applications, since it was asked for; `contextlib.aclosing` ends it."""

    async def next(self, timeout_s: float | None = None) -> ApplicationEvent | None:
        """Return the next change; None when none came in that time.

        Raises:
            ApiError: 503, it was read too slowly and missed changes.
        """
        ...

    def __aiter__(self) -> Self:
        """Read it in a loop."""
        ...

    async def __anext__(self) -> ApplicationEvent:
        """Return the next change."""
        ...

    async def aclose(self) -> None:
        """Hear of nothing more."""
        ...


class Applications(Protocol):
    """Live copies of all Applications and projects, kept by one watch (api.md §1.6.13)."""

    @property
    def resource_version(self) -> str:
        """The version up to which the copies are true."""
        ...

    def all(self) -> Sequence[Tree]:
        """Return all Applications, by name: a thousand hold the loop for 50 ms, see `each`."""
        ...

    def each(self) -> AsyncGenerator[Tree, None]:
        """Yield all Applications, by name, and let others have the loop in between."""
        ...

    def versions(self) -> Sequence[tuple[AppKey, str]]:
        """Return key and `resourceVersion` of all, by name: cheap, where `all` decodes each."""
        ...

    def find(self, app: AppKey) -> Tree | None:
        """Return one."""
        ...

    def projects(self) -> Sequence[Tree]:
        """Return all AppProjects, by name."""
        ...

    def follow(self) -> Following:
        """Return every change from this call on. Who is too slow is ended, never waited for."""
        ...


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server knows of itself.

    Attributes:
        control_namespace: Where Applications, projects and settings live.
        cluster_server: Address of the cluster, for people.
        started_at: Unix time.
        auth_disabled: `--disable-auth`.
    """

    control_namespace: str
    cluster_server: str = ""
    started_at: float = 0.0
    auth_disabled: bool = False


class Settings(Protocol):
    """ConfigMaps `argocd-cm`, `argocd-rbac-cm` and Secret `argocd-secret`, followed live."""

    def text(self, key: str, default: str = "") -> str:
        """Return a value of `argocd-cm`, or of `argocd-cmd-params-cm` where it has none."""
        ...

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value, found as `text`."""
        ...

    def rbac(self) -> dict[str, str]:
        """Return all of `argocd-rbac-cm`."""
        ...

    def secret(self, key: str) -> str:
        """Return a value of `argocd-secret`, `""` when it is not set."""
        ...

    def cm(self) -> dict[str, str]:
        """Return all of `argocd-cm`."""
        ...

    def secrets(self) -> dict[str, str]:
        """Return all of `argocd-secret`, decoded."""
        ...

    async def put_secret(self, changes: dict[str, str | None]) -> None:
        """Set (or with None remove) keys of `argocd-secret`; all others stay as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use.

    Attributes:
        news: Told when a token is revoked or rights change; long streams listen.
        accounts, sessions, provider: Of sign-in; None where a test needs none of them.
        health: Numbers of the controller beside this process; None where it runs elsewhere.
    """

    commands: Commands
    queries: Queries
    applications: Applications
    sign_in: SignIn
    roles: Roles
    settings: Settings
    clock: Clock
    facts: ServerFacts
    journal: JournalReader | None = None
    trees: SharedTrees = field(default_factory=SharedTrees)
    episodes: SharedEpisodes = field(default_factory=SharedEpisodes)
    pauses: SharedLook[dict[str, Tree]] = field(default_factory=SharedLook)
    intake: Intake = field(default_factory=Intake)
    news: News = field(default_factory=News)
    accounts: Accounts | None = None
    sessions: Sessions | None = None
    provider: Provider | None = None
    health: OwnHealth | None = None
