"""Lines of `policy.csv` and of project roles (docs/internals/argocd/api.md §3.3, §3.8)."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.api.access.builtin import ACTIONS

RULE_FIELDS = 6
LINK_FIELDS = 3
EFFECTS = frozenset({"allow", "deny"})
_MOST_BYTES = 4 * 1024 * 1024
_IN_ROLES = frozenset(
    {"applications", "applicationsets", "repositories", "exec", "logs", "clusters"}
)


class PolicyError(Exception):
    """A policy that cannot be read; its text is for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class RuleLine:
    """`p, subject, resource, action, target, effect`; all but the subject are patterns."""

    subject: str
    resource: str
    action: str
    target: str
    effect: str


@dataclass(frozen=True, slots=True)
class Link:
    """`g, subject, role`: the subject has the role."""

    subject: str
    role: str


@dataclass(frozen=True, slots=True)
class Lines:
    """What a policy says."""

    rules: tuple[RuleLine, ...] = ()
    links: tuple[Link, ...] = ()


def parse_policy(text: str, name: str = "policy.csv") -> Lines:
    """Return the lines of a policy.

    Raises:
        PolicyError: a line has another form; the text says which.
    """
    if len(text) > _MOST_BYTES:
        raise PolicyError(f"{name} is larger than {_MOST_BYTES} bytes")
    rules: list[RuleLine] = []
    links: list[Link] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        try:
            _take(words, rules, links)
        except (PolicyError, csv.Error) as error:
            raise PolicyError(f"{name}, line {number}: {error}") from error
    return Lines(tuple(rules), tuple(links))


def _take(line: str, rules: list[RuleLine], links: list[Link]) -> None:
    fields = [field.strip() for field in next(csv.reader([line], skipinitialspace=True))]
    if fields[0] == "p" and len(fields) == RULE_FIELDS:
        rule = RuleLine(*fields[1:])
        if rule.effect not in EFFECTS:
            raise PolicyError(f'the effect is "{rule.effect}", not allow or deny')
        rules.append(rule)
    elif fields[0] == "g" and len(fields) == LINK_FIELDS:
        links.append(Link(*fields[1:]))
    else:
        raise PolicyError(
            "a rule is `p, subject, resource, action, object, allow|deny` "
            "and a grant is `g, subject, role`"
        )


def parse_role_policy(project: str, role: str, line: str) -> RuleLine:
    """Return one entry of `spec.roles[].policies`.

    Raises:
        PolicyError: it names another project or role, or something that roles of projects cannot
            give.
    """
    found = parse_policy(line, f'role "{role}" of project "{project}"')
    if len(found.rules) != 1 or found.links:
        raise PolicyError(f'invalid policy rule \'{line}\': must be of the form: \'p, sub, res, '
                          "act, obj, eft'")  # fmt: skip
    rule = found.rules[0]
    wanted = f"proj:{project}:{role}"
    if rule.subject != wanted:
        raise PolicyError(f"invalid policy rule '{line}': policy subject must be: '{wanted}', "
                          f"not '{rule.subject}'")  # fmt: skip
    if rule.resource not in _IN_ROLES:
        raise PolicyError(f"invalid policy rule '{line}': project resource must be one of "
                          f"{', '.join(sorted(_IN_ROLES))}, not '{rule.resource}'")  # fmt: skip
    if rule.action != "*" and rule.action.split("/")[0] not in ACTIONS:
        raise PolicyError(f"invalid policy rule '{line}': invalid action '{rule.action}'")
    if not rule.target.startswith(f"{project}/"):
        raise PolicyError(f"invalid policy rule '{line}': object must be of form '{project}/*', "
                          f"'{project}[/<NAMESPACE>]/<APPNAME>', not '{rule.target}'")  # fmt: skip
    return rule


def join_policies(data: Iterable[tuple[str, str]]) -> str:
    """Return `policy.csv` and then `policy.*.csv`, in the order of their names."""
    parts = {
        name: text
        for name, text in data
        if name.startswith("policy.") and name.endswith(".csv") and len(name) > len("policy.csv")
    }
    main = [text for name, text in data if name == "policy.csv"]
    return "\n".join([*main, *(parts[name] for name in sorted(parts))])
