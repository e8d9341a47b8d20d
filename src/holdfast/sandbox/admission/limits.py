"""LimitRanges: what each container, pod or claim of a namespace gets by default, and may ask for.

Source: https://kubernetes.io/docs/concepts/policy/limit-range/ and the real server's words.
"""

from collections.abc import Iterator
from typing import NamedTuple

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.statuses import forbidden
from holdfast.schema.quantities import Quantity, parse_quantity

RANGES = ResourceId("", "limitranges")
_ANNOTATION = "kubernetes.io/limit-ranger"


class Asked(NamedTuple):
    """What something asks for: amounts by name."""

    requests: dict[str, Quantity]
    limits: dict[str, Quantity]


def _items(case: Case) -> Iterator[Tree]:
    namespace = case.new["metadata"].get("namespace") or ""
    for stored in case.plane.store.all_of(RANGES, namespace):
        yield from (stored.tree.get("spec") or {}).get("limits") or []


def set_defaults(case: Case) -> None:
    """Give the containers of a new pod what the LimitRanges say they get."""
    if case.old is not None:
        return
    defaults: dict[str, Tree] = {"requests": {}, "limits": {}}
    for item in _items(case):
        if item.get("type") == "Container":
            defaults["requests"] |= item.get("defaultRequest") or {}
            defaults["limits"] |= item.get("default") or {}
    if not defaults["requests"] and not defaults["limits"]:
        return
    spec = case.new["spec"] = dict(case.new.get("spec") or {})
    said: list[str] = []
    for key, words in (("containers", "container"), ("initContainers", "init container")):
        if spec.get(key):
            spec[key] = [_completed(row, defaults, words, said) for row in spec[key]]
    if said:
        annotations = dict(case.new["metadata"].get("annotations") or {})
        annotations[_ANNOTATION] = "LimitRanger plugin set: " + "; ".join(said)
        case.new["metadata"]["annotations"] = annotations


def _completed(row: Tree, defaults: dict[str, Tree], words: str, said: list[str]) -> Tree:
    resources = dict(row.get("resources") or {})
    for part, name in (("requests", "request"), ("limits", "limit")):
        given = resources.get(part) or {}
        added = sorted(key for key in defaults[part] if key not in given)
        if added:
            resources[part] = {**given, **{key: defaults[part][key] for key in added}}
            said.append(f"{', '.join(added)} {name} for {words} {row.get('name')}")
    return {**row, "resources": resources}


def admit(case: Case) -> None:
    """Hold a new pod or claim to the LimitRanges of its namespace.

    Raises:
        StatusError: 403, it asks for too much or too little.
    """
    if case.old is not None or case.resource.id not in _KINDS:
        return
    wrong: list[str] = []
    for item in _items(case):
        for asked in _asked_of(case, str(item.get("type"))):
            wrong += _violations(item, asked, claim=case.resource.plural != "pods")
    wrong = list(dict.fromkeys(wrong))
    if wrong:
        text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
        raise forbidden(case.resource.named(case.new["metadata"].get("name") or ""), text)


_KINDS = frozenset({("", "pods"), ("", "persistentvolumeclaims")})


def _asked_of(case: Case, kind: str) -> list[Asked]:
    spec = case.new.get("spec") or {}
    if case.resource.plural != "pods":
        return [_asked(spec)] if kind == "PersistentVolumeClaim" else []
    rows = [_asked(row) for row in spec.get("containers") or []]
    initial = [_asked(row) for row in spec.get("initContainers") or []]
    if kind == "Container":
        return [*rows, *initial]
    return [_together(rows, initial)] if kind == "Pod" else []


def _asked(row: Tree) -> Asked:
    resources = row.get("resources") or {}
    parts = [
        {key: parse_quantity(amount) for key, amount in (resources.get(part) or {}).items()}
        for part in ("requests", "limits")
    ]
    return Asked(*parts)


def _together(rows: list[Asked], initial: list[Asked]) -> Asked:
    """A pod asks for what its containers ask together, or one init container alone."""
    totals: list[dict[str, Quantity]] = []
    for part in (0, 1):
        total: dict[str, Quantity] = {}
        for row in rows:
            for key, amount in row[part].items():
                before = total[key].nanos if key in total else 0
                total[key] = Quantity(before + amount.nanos, amount.notation)
        for row in initial:
            for key, amount in row[part].items():
                if key not in total or amount.nanos > total[key].nanos:
                    total[key] = amount
        totals.append(total)
    return Asked(*totals)


def _violations(item: Tree, asked: Asked, *, claim: bool) -> list[str]:
    kind = item.get("type")
    found = [
        _too_little(f"minimum {key} usage per {kind} is", parse_quantity(bound), key, asked)
        for key, bound in (item.get("min") or {}).items()
    ]
    found += [
        _too_much(f"maximum {key} usage per {kind} is", parse_quantity(bound), key, asked, claim)
        for key, bound in (item.get("max") or {}).items()
    ]
    found += [
        _too_far_apart(f"{key} max limit to request ratio per {kind} is", bound, key, asked)
        for key, bound in (item.get("maxLimitRequestRatio") or {}).items()
    ]
    return [text for text in found if text]


def _too_little(head: str, bound: Quantity, key: str, asked: Asked) -> str:
    request, limit = asked.requests.get(key), asked.limits.get(key)
    if request is None:
        return f"{head} {bound.canonical}.  No request is specified"
    if request.nanos < bound.nanos:
        return f"{head} {bound.canonical}, but request is {request.canonical}"
    if limit is not None and limit.nanos < bound.nanos:
        return f"{head} {bound.canonical}, but limit is {limit.canonical}"
    return ""


def _too_much(head: str, bound: Quantity, key: str, asked: Asked, claim: bool) -> str:
    request, limit = asked.requests.get(key), asked.limits.get(key)
    if claim:
        if request is None:
            return f"{head} {bound.canonical}.  No request is specified"
    elif limit is None:
        return f"{head} {bound.canonical}.  No limit is specified"
    if limit is not None and not claim and limit.nanos > bound.nanos:
        return f"{head} {bound.canonical}, but limit is {limit.canonical}"
    if request is not None and request.nanos > bound.nanos:
        return f"{head} {bound.canonical}, but request is {request.canonical}"
    return ""


def _too_far_apart(head: str, bound: str, key: str, asked: Asked) -> str:
    request, limit = asked.requests.get(key), asked.limits.get(key)
    shown = parse_quantity(bound).canonical
    if request is None or not request.nanos:
        return f"{head} {shown}, but no request is specified or request is 0"
    if limit is None or not limit.nanos:
        return f"{head} {shown}, but no limit is specified or limit is 0"
    ratio = limit.nanos / request.nanos
    if ratio * 10**9 > parse_quantity(bound).nanos:
        return f"{head} {shown}, but provided ratio is {ratio:f}"
    return ""
