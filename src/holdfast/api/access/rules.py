"""Rules with compiled patterns, and the verdict of those that a subject reaches (api.md §3.1).

Allowed is what at least one rule allows and none denies. A pattern that cannot be read allows
nothing, and denies everything it stands for: a mistake never opens a door.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

import casbin
import re2
from casbin.model import Model

from holdfast.api.access.grammar import Lines, Link, RuleLine
from holdfast.domain.globs import is_glob, matches_glob

MODEL = """
[request_definition]
r = sub, res, act, obj
[policy_definition]
p = sub, res, act, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && fits(r.res, p.res) && fits(r.act, p.act) && fits(r.obj, p.obj)
"""
_MOST_PATTERN = 1024
_MOST_REMEMBERED = 10_000
_SPECIAL = frozenset("*?[]{}\\")

# casbin prints its model at each load.
logging.getLogger("casbin").setLevel(logging.WARNING)

Matcher = Callable[[str], bool]
K = TypeVar("K")
V = TypeVar("V")


class MatchMode(StrEnum):
    """How patterns are read (`policy.matchMode`)."""

    GLOB = "glob"
    REGEX = "regex"


@lru_cache(maxsize=8192)
def matcher(pattern: str, mode: MatchMode) -> Matcher | None:
    """Return what says whether a text fits, None when the pattern cannot be read.

    Regular expressions are Go's, matched in linear time (RE2), and not anchored.
    """
    if len(pattern) > _MOST_PATTERN:
        return None
    if mode is MatchMode.REGEX:
        return _expression(pattern)
    if pattern == "*":
        return _always
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    if not is_glob(pattern):
        return None
    return lambda text: matches_glob(pattern, text)


def _always(_text: str) -> bool:
    return True


def _expression(pattern: str) -> Matcher | None:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return None
    return lambda text: compiled.search(text) is not None


def as_expressions(line: RuleLine) -> RuleLine:
    """Return one of the built-in rules, which are globs, for `policy.matchMode: regex`."""
    resource, action, target = (
        f"^{part.replace('*', '.*')}$" for part in (line.resource, line.action, line.target)
    )
    return RuleLine(line.subject, resource, action, target, line.effect)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be asked; what cannot be read is None.

    Attributes:
        head: What every object begins with that the rule can speak of, up to the first `/`; None
            when that is not said in plain letters.
    """

    resource: Matcher | None
    action: Matcher | None
    target: Matcher | None
    denies: bool
    head: str | None = None

    @classmethod
    def compile(cls, line: RuleLine, mode: MatchMode) -> "Rule":
        """Compile the patterns of a line."""
        return cls(
            matcher(line.resource, mode),
            matcher(line.action, mode),
            matcher(line.target, mode),
            line.effect == "deny",
            _head(line.target) if mode is MatchMode.GLOB else None,
        )

    def fits(self, resource: str, action: str, target: str) -> bool:
        """Whether the rule speaks of that."""
        return self._part(self.target, target) and self.speaks_of(resource, action)

    def speaks_of(self, resource: str, action: str) -> bool:
        """Whether the rule speaks of some object of that kind."""
        return self._part(self.resource, resource) and self._part(self.action, action)

    def _part(self, match: Matcher | None, text: str) -> bool:
        return self.denies if match is None else match(text)


def _head(pattern: str) -> str | None:
    head = pattern.partition("/")[0]
    is_plain = not _SPECIAL.intersection(head) and len(pattern) <= _MOST_PATTERN
    return head if is_plain and is_glob(pattern) else None


@dataclass(frozen=True, slots=True)
class _About:
    """Rules of one subject on one resource and action, by what their objects begin with.

    A policy has a line or more for each team: so a list of a thousand Applications asks few rules.
    """

    by_head: Mapping[str, tuple[Rule, ...]]
    others: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "_About":
        """Sort rules."""
        by_head: dict[str, list[Rule]] = {}
        others: list[Rule] = []
        for rule in rules:
            (others if rule.head is None else by_head.setdefault(rule.head, [])).append(rule)
        return cls({head: tuple(some) for head, some in by_head.items()}, tuple(others))

    def on(self, target: str) -> tuple[Rule, ...]:
        """Return the rules that may speak of an object."""
        return self.by_head.get(target.partition("/")[0], ()) + self.others


def verdict(rules: Iterable[Rule], resource: str, action: str, target: str) -> bool:
    """Whether some rule allows it and none denies it."""
    allowed = False
    for rule in rules:
        if allowed and not rule.denies:
            continue
        if rule.fits(resource, action, target):
            if rule.denies:
                return False
            allowed = True
    return allowed


@dataclass(frozen=True, slots=True)
class Extra:
    """What a project adds to the policy while one of its objects is asked about (api.md §3.7)."""

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def compile(cls, lines: Lines, mode: MatchMode) -> "Extra":
        """Compile the lines of a project."""
        return cls(_by_subject(lines.rules, mode), _by_user(lines.links))


class Policy:
    """Rules and roles of one moment; never changes. Made in a thread."""

    def __init__(self, lines: Lines, mode: MatchMode = MatchMode.GLOB) -> None:
        """Load casbin with the lines, and compile their patterns."""
        self.mode = mode
        self._rules = _by_subject(lines.rules, mode)
        self._granted = frozenset(link.subject for link in lines.links)
        self.enforcer = _enforcer(lines, mode)
        self._reached: dict[str, tuple[str, ...]] = {}
        self._narrowed: dict[tuple[str, str, str], _About] = {}

    def knows_group(self, group: str, extra: Extra) -> bool:
        """Whether a group is the first field of a grant; others are not evaluated."""
        return group in self._granted or group in extra.links

    def allows(self, subject: str, extra: Extra, resource: str, action: str, target: str) -> bool:
        """Return the verdict for a subject alone, with the roles that it has."""
        rules: list[Rule] = []
        for name in self._reach(subject, extra):
            rules += self._about(name, resource, action).on(target)
            rules += extra.rules.get(name, ())
        return verdict(rules, resource, action, target)

    def _about(self, subject: str, resource: str, action: str) -> _About:
        """Return the rules of one subject that speak of this resource and action."""
        key = (subject, resource, action)
        found = self._narrowed.get(key)
        if found is None:
            rules = self._rules.get(subject, ())
            found = _About.of(rule for rule in rules if rule.speaks_of(resource, action))
            _remember(self._narrowed, key, found)
        return found

    def _reach(self, subject: str, extra: Extra) -> tuple[str, ...]:
        found = self._roles(subject)
        if not extra.links:
            return found
        added = [role for name in found for role in sorted(extra.links.get(name, ()))]
        return tuple(
            dict.fromkeys([*found, *(more for role in added for more in self._roles(role))])
        )

    def _roles(self, subject: str) -> tuple[str, ...]:
        """Return the subject and all roles that it has, as casbin's graph says."""
        found = self._reached.get(subject)
        if found is None:
            found = (subject, *self.enforcer.get_implicit_roles_for_user(subject))
            _remember(self._reached, subject, found)
        return found


def _remember(memory: dict[K, V], key: K, value: V) -> None:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value


def _enforcer(lines: Lines, mode: MatchMode) -> casbin.Enforcer:
    model = Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.enable_auto_save(auto_save=False)

    def fits(text: str, pattern: str) -> bool:
        match = matcher(pattern, mode)
        return match is not None and match(text)

    enforcer.add_function("fits", fits)
    if lines.rules:
        kept = dict.fromkeys(lines.rules)
        enforcer.add_policies(
            [[one.subject, one.resource, one.action, one.target, one.effect] for one in kept]
        )
    if lines.links:
        enforcer.add_grouping_policies(
            [[one.subject, one.role] for one in dict.fromkeys(lines.links)]
        )
    return enforcer


def _by_subject(lines: Iterable[RuleLine], mode: MatchMode) -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for line in lines:
        found.setdefault(line.subject, []).append(Rule.compile(line, mode))
    return {subject: tuple(rules) for subject, rules in found.items()}


def _by_user(links: Iterable[Link]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for link in links:
        found.setdefault(link.subject, set()).add(link.role)
    return {subject: frozenset(roles) for subject, roles in found.items()}
