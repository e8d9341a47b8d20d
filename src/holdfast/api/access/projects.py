"""Roles of AppProjects: their rules, groups and tokens (docs/internals/argocd/api.md §3.8)."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.api.access.grammar import Lines, Link, PolicyError, RuleLine, parse_role_policy
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.domain.project import PROJECT

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoleToken:
    """A token of a project role, as the project lists it; times are Unix seconds."""

    issued_at: int
    expires_at: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class ProjectRole:
    """One role.

    Attributes:
        groups: Groups of people who have it.
        lines: Its rules and grants, the implicit ones included.
        tokens: Tokens that are still good.
    """

    name: str
    groups: tuple[str, ...]
    lines: Lines
    tokens: tuple[RoleToken, ...]


def read_roles(tree: Tree) -> dict[str, ProjectRole]:
    """Return the roles of an AppProject; a rule that cannot be read is left out, and said."""
    project = str(tree["metadata"]["name"])
    spec, status = _mapping(tree.get("spec")), _mapping(tree.get("status"))
    mirrored = _mapping(status.get("jwtTokensByRole"))
    found: dict[str, ProjectRole] = {}
    for role in _mappings(spec.get("roles")):
        name = str(role.get("name") or "")
        listed = [*_mappings(role.get("jwtTokens"))]
        listed += _mappings(_mapping(mirrored.get(name)).get("items"))
        groups = tuple(str(group) for group in role.get("groups") or ())
        found[name] = ProjectRole(
            name,
            groups,
            Lines(
                tuple(_rules(project, name, role)),
                tuple(Link(group, subject_of(project, name)) for group in groups),
            ),
            tuple(dict.fromkeys(_token(item) for item in listed)),
        )
    return found


def subject_of(project: str, role: str) -> str:
    """Return what rules are given to."""
    return f"proj:{project}:{role}"


def split_subject(subject: str) -> tuple[str, str] | None:
    """Return project and role of a subject, None when it is no project role."""
    parts = subject.split(":")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "proj" else None


def _rules(project: str, role: str, tree: Tree) -> Iterator[RuleLine]:
    yield RuleLine(subject_of(project, role), "projects", "get", project, "allow")
    for line in tree.get("policies") or ():
        try:
            yield parse_role_policy(project, role, str(line))
        except PolicyError as error:
            log.warning("a rule of a project role does not count: %s", error)


def _token(item: Tree) -> RoleToken:
    return RoleToken(
        int(item.get("iat") or 0), int(item.get("exp") or 0), str(item.get("id") or "")
    )


def _mapping(value: JSON) -> Tree:
    return value if isinstance(value, dict) else {}


def _mappings(value: JSON) -> list[Tree]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class ProjectRoles:
    """Roles of all projects, followed live (a `WatchSink`)."""

    def __init__(self) -> None:
        """Know none yet."""
        self._roles: dict[str, dict[str, ProjectRole]] = {}
        self.changed: list[Callable[[], None]] = []

    def find(self, project: str, role: str) -> ProjectRole | None:
        """Return one role."""
        return self._roles.get(project, {}).get(role)

    def of(self, project: str) -> dict[str, ProjectRole]:
        """Return the roles of a project, none when there is no such project."""
        return self._roles.get(project, {})

    def take(self, tree: Tree) -> None:
        """Take one project as it is now; nothing is told when its roles stayed as they were."""
        name, roles = str(tree["metadata"]["name"]), read_roles(tree)
        if roles != self._roles.get(name):
            self._roles[name] = roles
            self._tell()

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Take a change."""
        if scope.gvk != PROJECT:
            return
        if event is not EventKind.DELETED:
            self.take(manifest.tree)
        elif self._roles.pop(manifest.name, None) is not None:
            self._tell()

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Forget what a list lacks."""
        del version
        if scope.gvk != PROJECT:
            return
        names = {key.name for key in keys}
        gone = [name for name in self._roles if name not in names]
        for name in gone:
            del self._roles[name]
        if gone:
            self._tell()

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Keep what is known."""

    def _tell(self) -> None:
        for changed in self.changed:
            changed()
