"""The port `Roles`: asks in Argo CD's order, and remembers each verdict until something changes.

The order is the contract (docs/internals/argocd/api.md §3.7); the first yes wins:
  1. `policy.default`, from which no deny can take away;
  2. a project's token: that role alone, and only in its project;
  3. the subject; 4. each group that some grant names; 5. the empty subject.
Each is asked alone: a deny counts only against what the same subject allows.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from holdfast.api.access.builtin import ADMIN, BUILT_IN
from holdfast.api.access.grammar import Lines, PolicyError, join_policies, parse_policy
from holdfast.api.access.projects import ProjectRoles, split_subject
from holdfast.api.access.rules import Extra, MatchMode, Policy, as_expressions
from holdfast.api.caller import Caller
from holdfast.api.news import News

log = logging.getLogger(__name__)

LOCAL_ISSUER = "argocd"
_DEFAULT_ROLE = "policy.default"
_MODE = "policy.matchMode"
_ROLLBACK = "server.rbac.rollback.enforce.enable"
_NO_INHERITANCE = "server.rbac.disableApplicationFineGrainedRBACInheritance"
_WITH_PROJECT = frozenset(
    {"applications", "applicationsets", "repositories", "clusters", "logs", "exec"}
)
_MOST_REMEMBERED = 200_000
_RESERVED = ("role:", "proj:")

_Key = tuple[str, tuple[str, ...], str, str, str, str]


class RoleSettings(Protocol):
    """What roles read: `argocd-rbac-cm`, and switches of `argocd-cm`."""

    def rbac(self) -> dict[str, str]:
        """Return all of `argocd-rbac-cm`."""
        ...

    def switch(self, key: str, *, default: bool = False) -> bool:
        """Return a truth value of `argocd-cm`."""
        ...


class PolicyRoles:
    """Verdicts of `argocd-rbac-cm` and the roles of projects.

    Attributes:
        problem: Why the newest `argocd-rbac-cm` does not count, `""` when it does.
    """

    def __init__(
        self, settings: RoleSettings, projects: ProjectRoles, news: News,
        once: Callable[[str, Coroutine[Any, Any, object]], None],
    ) -> None:  # fmt: skip
        """Begin with the built-in rules alone; `load` reads the others.

        Args:
            settings: Where policies come from.
            projects: Roles of projects.
            news: Told of every change.
            once: Runs a coroutine in the background (`Supervisor.once`).
        """
        self._settings = settings
        self._projects = projects
        self._news = news
        self._once = once
        self._policy = Policy(parse_policy(BUILT_IN, "built-in"))
        self._written: frozenset[str] = frozenset()
        self._default = ""
        self._read: dict[str, str] | None = None
        self._is_loading = False
        self._extras: dict[str, Extra] = {}
        self._verdicts: dict[_Key, bool] = {}
        self.problem = ""
        projects.changed.append(self._forget)

    # --- the policy ---------------------------------------------------------------------------

    def settings_changed(self) -> None:
        """Hear that settings changed: read the policy again, off the loop."""
        self._forget()
        if not self._is_loading and self._settings.rbac() != self._read:
            self._is_loading = True
            self._once("roles", self.load())

    async def load(self) -> None:
        """Read `argocd-rbac-cm`; one that cannot be read leaves the last good one, and is said."""
        self._is_loading = True
        try:
            while (data := self._settings.rbac()) != self._read:
                await self._load(data)
        finally:
            self._is_loading = False

    async def _load(self, data: dict[str, str]) -> None:
        self._default = data.get(_DEFAULT_ROLE, "").strip()
        try:
            self._policy, self._written = await asyncio.to_thread(_build, data)
        except PolicyError as error:
            self.problem = str(error)
            log.error(  # noqa: TRY400 - the person who wrote it needs no trace
                "argocd-rbac-cm cannot be read, the last good policy stays in force: %s", error
            )
        else:
            self.problem = ""
        self._read = data
        self._forget()

    def _forget(self) -> None:
        self._verdicts.clear()
        self._extras.clear()
        self._news.tell()

    # --- verdicts -----------------------------------------------------------------------------

    def allows(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        """Whether the caller may; `target` is the object as api.md §3.5 writes it."""
        if caller.is_trusted:
            return True
        key = (caller.subject, caller.groups, caller.issuer, resource, action, target)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) >= _MOST_REMEMBERED:
                self._verdicts.clear()
            found = self._verdicts[key] = self._decide(caller, resource, action, target)
        return found

    def _decide(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        if resource == "applications":
            if action == "rollback" and not self._settings.switch(_ROLLBACK):
                action = "sync"
            plain = action.split("/")[0]
            is_fine = plain in ("update", "delete") and plain != action
            if (
                is_fine
                and not self._settings.switch(_NO_INHERITANCE, default=True)
                and self._evaluate(caller, resource, plain, target)
            ):
                return True
        return self._evaluate(caller, resource, action, target)

    def _evaluate(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        project = project_of(resource, target)
        extra = self._extra(project)

        def says(subject: str) -> bool:
            return self._policy.allows(subject, extra, resource, action, target)

        if self._default and says(self._default):
            return True
        subject = caller.subject
        is_local = caller.issuer in ("", LOCAL_ISSUER)
        role = split_subject(subject)
        if role is not None and is_local:
            return role[0] == project and says(subject)
        # Names that only we hand out count from us alone: no provider makes an admin of ours.
        if subject and (is_local or not self._is_ours(subject)) and says(subject):
            return True
        for group in caller.groups:
            if self._is_ours(group) or not self._policy.knows_group(group, extra):
                continue
            if says(group):
                return True
        return says("")

    def _is_ours(self, name: str) -> bool:
        """Whether a provider's name is one of ours, which nobody granted it by hand."""
        is_admin = name == ADMIN and ADMIN not in self._written
        return is_admin or name.startswith(_RESERVED)

    def _extra(self, project: str) -> Extra:
        found = self._extras.get(project)
        if found is None:
            roles = self._projects.of(project).values()
            lines = Lines(
                tuple(rule for role in roles for rule in role.lines.rules),
                tuple(link for role in roles for link in role.lines.links),
            )
            found = Extra.compile(lines, self._policy.mode) if roles else _NOTHING
            if roles:
                self._extras[project] = found
        return found


_NOTHING = Extra()


def project_of(resource: str, target: str) -> str:
    """Return the project that an object lies in, `""` for none."""
    if resource == "projects":
        return target
    parts = target.split("/")
    return parts[0] if resource in _WITH_PROJECT and len(parts) > 1 else ""


def _build(data: dict[str, str]) -> tuple[Policy, frozenset[str]]:
    """Return the policy, and the names that somebody wrote into it."""
    word = data.get(_MODE, "").strip() or MatchMode.GLOB
    try:
        mode = MatchMode(word)
    except ValueError as error:
        raise PolicyError(f'policy.matchMode is "{word}", not glob or regex') from error
    ours = parse_policy(BUILT_IN, "built-in")
    if mode is MatchMode.REGEX:
        ours = Lines(tuple(as_expressions(rule) for rule in ours.rules), ours.links)
    written = parse_policy(join_policies(data.items()))
    names = {rule.subject for rule in written.rules} | {link.subject for link in written.links}
    policy = Policy(Lines(ours.rules + written.rules, ours.links + written.links), mode)
    return policy, frozenset(names)
