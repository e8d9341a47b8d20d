"""Label and field selectors: parse once, match many.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.statuses import StatusError, bad_request

_VALUE = re.compile(r"[A-Za-z0-9_.-]*")

Match = Callable[[Tree], bool]

_TERM = re.compile(
    r"\s*(!)?\s*([A-Za-z0-9_./-]+)\s*(?:(==|=|!=|>|<|\s(?:in|notin)\s*\()\s*(.*))?$", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, JSON]) -> bool:
        """Whether a set of labels fulfils the term."""
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return self.key in labels
            case "absent":
                return self.key not in labels
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
            case _:
                return self._compare(value)

    def _compare(self, value: JSON) -> bool:
        try:
            left, right = int(value), int(next(iter(self.values)))
        except (TypeError, ValueError):
            return False
        return left > right if self.operator == ">" else left < right


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Parse `a=b,c!=d,e in (f,g),!h,i`.

    Raises:
        StatusError: 400, the text is no selector.
    """
    return tuple(_requirement(term, text) for term in _split(text) if term.strip())


def _split(text: str) -> list[str]:
    terms, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            terms.append(text[start:index])
            start = index + 1
    terms.append(text[start:])
    return terms


def _requirement(term: str, whole: str) -> Requirement:
    found = _TERM.match(term)
    if found is None:
        raise _unreadable(whole)
    negated, key, operator, rest = found.groups()
    if operator is None:
        return Requirement(key, "absent" if negated else "exists", frozenset())
    if negated:
        raise _unreadable(whole)
    operator = operator.strip()
    if operator in {"=", "==", "!="}:
        value = rest.strip()
        if not _VALUE.fullmatch(value):
            wrong = next(char for char in value if not _VALUE.fullmatch(char))
            raise bad_request(f"found '{wrong}', expected: ',' or 'end of string'")
        return Requirement(key, "notin" if operator == "!=" else "in", frozenset([value]))
    if operator in {">", "<"}:
        return Requirement(key, operator, frozenset([rest.strip()]))
    body = rest.strip()
    if not body.endswith(")"):
        raise _unreadable(whole)
    values = frozenset(item.strip() for item in body[:-1].split(","))
    return Requirement(key, "notin" if operator.startswith("notin") else "in", values)


def _unreadable(text: str) -> StatusError:
    return bad_request(f"unable to parse requirement: found '{text}', expected: identifier")


def label_match(requirements: tuple[Requirement, ...]) -> Match:
    """Return a predicate on objects."""

    def matches(tree: Tree) -> bool:
        labels = tree["metadata"].get("labels") or {}
        return all(requirement.matches(labels) for requirement in requirements)

    return matches


def selector_matches(selector: Tree | None, labels: Mapping[str, JSON]) -> bool:
    """Whether a `metav1.LabelSelector` (matchLabels, matchExpressions) selects these labels.

    An empty selector selects everything, a missing one nothing.
    """
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    for term in selector.get("matchExpressions") or []:
        operator = operators.get(term.get("operator", ""), "in")
        requirement = Requirement(term["key"], operator, frozenset(term.get("values") or []))
        if not requirement.matches(labels):
            return False
    return True


# Fields that a field selector may name besides metadata.name and metadata.namespace.
SELECTABLE: Mapping[tuple[str, str], frozenset[str]] = {
    ("", "pods"): frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    ("", "events"): frozenset(
        {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    ("", "secrets"): frozenset({"type"}),
    ("", "namespaces"): frozenset({"status.phase", "name"}),
    ("", "nodes"): frozenset({"spec.unschedulable"}),
    ("", "services"): frozenset({"spec.clusterIP", "spec.type"}),
    ("", "replicationcontrollers"): frozenset({"status.replicas"}),
    ("apps", "replicasets"): frozenset({"status.replicas"}),
    ("batch", "jobs"): frozenset({"status.successful"}),
    ("certificates.k8s.io", "certificatesigningrequests"): frozenset({"spec.signerName"}),
}


def parse_fields(text: str, group: str, plural: str, extra: frozenset[str] = frozenset()) -> Match:
    """Return the predicate of a field selector.

    Args:
        text: `metadata.name=web,status.phase!=Running`.
        group: Group of the resource, which decides the fields that may be named.
        plural: The resource.
        extra: Further selectable fields (of a CustomResourceDefinition).

    Raises:
        StatusError: 400, a field that cannot be selected by, or text that cannot be read.
    """
    allowed = SELECTABLE.get((group, plural), frozenset()) | extra
    terms: list[tuple[str, str, bool]] = []
    for term in text.split(","):
        if not term.strip():
            continue
        field, operator, value = _field_term(term, text)
        if field not in {"metadata.name", "metadata.namespace"} and field not in allowed:
            if allowed:
                raise bad_request(f"field label not supported: {field}")
            raise bad_request(
                f'"{field}" is not a known field selector: only "metadata.name", '
                '"metadata.namespace"'
            )
        terms.append((field, value, operator == "!="))

    def matches(tree: Tree) -> bool:
        return all((_field(tree, name) == value) != negated for name, value, negated in terms)

    return matches


def _field_term(term: str, whole: str) -> tuple[str, str, str]:
    for operator in ("!=", "==", "="):
        if operator in term:
            field, _, value = term.partition(operator)
            return field.strip(), operator, value.strip()
    raise bad_request(f"invalid selector: '{whole}'; can't understand '{term}'")


def _field(tree: Tree, path: str) -> str:
    if path == "source":
        path = "source.component"
    elif path == "name":
        path = "metadata.name"
    elif path == "status.successful":
        path = "status.succeeded"
    value: JSON = tree
    for step in path.split("."):
        if not isinstance(value, dict):
            return ""
        value = value.get(step)
    if value is None:
        return "false" if path in {"spec.unschedulable", "spec.hostNetwork"} else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
