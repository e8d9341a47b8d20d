"""The fields of the forms of a project: its limits, one role, one sync window.

As `create_fields`: what no field shows stays as it is, and what a field cannot show without losing
something is locked, to be changed as YAML.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.api.access.grammar import PolicyError, parse_role_policy
from holdfast.api.page.create_codecs import LINES, SWITCH, TEXT, Codec, FieldError, numbered_lines
from holdfast.api.page.create_fields import Field, FormField
from holdfast.domain.manifest import JSON, Tree

_NAME = "name:"
_CORE = "core"
_ROLE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_POLICY_WORDS = 4


def _show_destinations(value: JSON) -> str | None:
    lines = []
    for item in value if isinstance(value, list) else (None,):
        words = _destination(item)
        if words is None:
            return None
        lines.append(words)
    return "\n".join(lines)


def _destination(item: JSON) -> str | None:
    if not isinstance(item, dict) or not set(item) <= {"server", "name", "namespace"}:
        return None
    server, name, namespace = (item.get(key) or "" for key in ("server", "name", "namespace"))
    texts = all(isinstance(one, str) and not re.search(r"\s", one) for one in (server, name))
    if not texts or not isinstance(namespace, str) or bool(server) == bool(name) or not namespace:
        return None
    return f"{server or _NAME + name} {namespace}"


def _parse_destinations(typed: str) -> JSON:
    found = []
    for number, line in numbered_lines(typed):
        cluster, _, namespace = line.partition(" ")
        if not namespace.strip():
            raise FieldError(f"Line {number}: write CLUSTER NAMESPACE, for example * shop-*.")
        is_name = cluster.startswith(_NAME)
        key = "name" if is_name else "server"
        found.append({key: cluster.removeprefix(_NAME), "namespace": namespace.strip()})
    return found


def _show_kinds(value: JSON) -> str | None:
    lines = []
    for item in value if isinstance(value, list) else (None,):
        if not isinstance(item, dict) or not set(item) <= {"group", "kind", "name"}:
            return None
        group, kind, name = (item.get(key) or "" for key in ("group", "kind", "name"))
        if not kind or any(re.search(r"[\s/]", str(one)) for one in (group, kind, name)):
            return None
        lines.append(f"{group or _CORE}/{kind} {name}".rstrip())
    return "\n".join(lines)


def _parse_kinds(typed: str) -> JSON:
    found = []
    for number, line in numbered_lines(typed):
        place, _, name = line.partition(" ")
        group, slash, kind = place.partition("/")
        if not slash or not group or not kind or "/" in kind:
            raise FieldError(
                f"Line {number}: write GROUP/KIND, for example apps/Deployment or core/ConfigMap."
            )
        rule = {"group": "" if group == _CORE else group, "kind": kind}
        found.append({**rule, "name": name.strip()} if name.strip() else rule)
    return found


DESTINATIONS = Codec(_show_destinations, _parse_destinations)
KINDS = Codec(_show_kinds, _parse_kinds)


@dataclass(frozen=True, slots=True)
class PolicyField:
    """`policies` of a role, each line RESOURCE ACTION OBJECT EFFECT; what does not fit is whole."""

    project: str
    name: str = "policies"
    place: tuple[str, ...] = ("policies",)

    def read(self, tree: Tree) -> str | None:
        """Return its lines."""
        found = tree.get("policies") or []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            return None
        return "\n".join(self._show(str(tree.get("name") or ""), line) for line in found)

    def _show(self, role: str, line: str) -> str:
        try:
            rule = parse_role_policy(self.project, role, line)
        except PolicyError:
            return " ".join(line.split())
        words = (rule.resource, rule.action, rule.target, rule.effect)
        is_plain = not any(re.search(r"[\s,]", word) for word in words)
        return " ".join(words) if is_plain else " ".join(line.split())

    def write(self, tree: Tree, typed: str) -> None:
        """Put what was typed into a role, each line checked.

        Raises:
            FieldError: a line cannot be read, or gives what a role of a project cannot.
        """
        role = str(tree.get("name") or "")
        lines = [self._parse(role, number, line) for number, line in numbered_lines(typed)]
        if len(set(lines)) != len(lines):
            raise FieldError("A line is there twice.")
        if lines:
            tree["policies"] = lines
        else:
            tree.pop("policies", None)

    def _parse(self, role: str, number: int, line: str) -> str:
        words = line.split()
        if "," not in line:
            if len(words) == _POLICY_WORDS - 1:
                words = [*words, "allow"]
            if len(words) != _POLICY_WORDS:
                raise FieldError(
                    f"Line {number}: write RESOURCE ACTION OBJECT EFFECT, for example "
                    f"applications sync {self.project}/* allow."
                )
            line = ", ".join(["p", f"proj:{self.project}:{role}", *words])
        try:
            parse_role_policy(self.project, role, line)
        except PolicyError as error:
            raise FieldError(f"Line {number}: {error}.") from error
        return line


LIMITS: tuple[FormField, ...] = (
    Field("description", ("spec", "description"), TEXT),
    Field("sources", ("spec", "sourceRepos"), LINES),
    Field("destinations", ("spec", "destinations"), DESTINATIONS),
    Field("source_namespaces", ("spec", "sourceNamespaces"), LINES),
    Field("cluster_allowed", ("spec", "clusterResourceWhitelist"), KINDS),
    Field("cluster_denied", ("spec", "clusterResourceBlacklist"), KINDS),
    Field("namespaced_allowed", ("spec", "namespaceResourceWhitelist"), KINDS),
    Field("namespaced_denied", ("spec", "namespaceResourceBlacklist"), KINDS),
)
"""Of the project object."""

WINDOW: tuple[FormField, ...] = (
    Field("kind", ("kind",), TEXT),
    Field("schedule", ("schedule",), TEXT),
    Field("duration", ("duration",), TEXT),
    Field("zone", ("timeZone",), TEXT),
    Field("applications", ("applications",), LINES),
    Field("namespaces", ("namespaces",), LINES),
    Field("clusters", ("clusters",), LINES),
    Field("manual", ("manualSync",), SWITCH),
    Field("all", ("andOperator",), SWITCH),
    Field("description", ("description",), TEXT),
)
"""Of one entry of `spec.syncWindows`."""


@dataclass(frozen=True, slots=True)
class RoleName:
    """`name` of a new role; that of one that is there stays: its tokens carry it."""

    taken: frozenset[str] = frozenset()
    name: str = "name"
    place: tuple[str, ...] = ("name",)

    def read(self, tree: Tree) -> str | None:
        """Return the name."""
        return str(tree.get("name") or "")

    def write(self, tree: Tree, typed: str) -> None:
        """Name the role.

        Raises:
            FieldError: it is no name, or another role has it.
        """
        if not _ROLE_NAME.fullmatch(typed):
            raise FieldError("Letters, digits, - and _, at most 63.")
        if typed in self.taken:
            raise FieldError("There is a role of that name.")
        tree["name"] = typed


def role_fields(project: str, taken: Sequence[str], *, is_new: bool) -> tuple[FormField, ...]:
    """Return the fields of one entry of `spec.roles`."""
    own: tuple[FormField, ...] = (RoleName(frozenset(taken)),) if is_new else ()
    return (
        *own,
        Field("description", ("description",), TEXT),
        Field("groups", ("groups",), LINES),
        PolicyField(project),
    )
