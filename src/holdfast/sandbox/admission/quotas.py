"""ResourceQuotas: what a namespace may hold. Counted anew at each creation, so always true.

    pods, services, configmaps, secrets, persistentvolumeclaims …   objects
    count/deployments.apps                                          objects of any kind
    cpu, memory, requests.*, limits.*                               what living pods ask for
    requests.storage                                                what claims ask for
    services.nodeports, services.loadbalancers                      Services of a type

Scopes are not built: a quota with scopes is refused.
"""

from collections.abc import Iterable

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import FieldError, forbidden, not_built
from holdfast.schema.quantities import Quantity, parse_quantity

QUOTAS = ResourceId("", "resourcequotas")

_PLAIN = frozenset(
    {
        "pods",
        "services",
        "configmaps",
        "secrets",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
    }
)
_ZERO = parse_quantity("0")


def check_quota(case: Case) -> list[FieldError]:
    """Refuse what would not be enforced.

    Raises:
        StatusError: 501, the quota has scopes.
    """
    spec = case.new.get("spec") or {}
    if spec.get("scopes") or spec.get("scopeSelector"):
        raise not_built("scopes of ResourceQuotas")
    return []


def admit(case: Case) -> None:
    """Let an object in if every quota of its namespace has room.

    Raises:
        StatusError: 403, a quota would be exceeded.
    """
    if case.old is not None or not case.resource.namespaced:
        return
    namespace = case.new["metadata"].get("namespace") or ""
    for stored in case.plane.store.all_of(QUOTAS, namespace):
        quota = stored.tree
        hard: Tree = (quota.get("spec") or {}).get("hard") or {}
        asked = {name: usage_of(case.resource.id, case.new, name) for name in hard}
        asked = {name: amount for name, amount in asked.items() if amount.nanos}
        if asked or case.resource.plural == "pods":
            _hold(case, quota, hard, asked)


def _hold(case: Case, quota: Tree, hard: Tree, asked: dict[str, Quantity]) -> None:
    name = case.new["metadata"].get("name") or ""
    missing = sorted(key for key in hard if _must_say(case, key) and key not in asked)
    if missing:
        rows = "; ".join(f"{key} for: {_unsaid(case, key)}" for key in missing)
        why = f"failed quota: {quota['metadata']['name']}: must specify {rows}"
        raise forbidden(case.resource.named(name), why)
    used = used_by_namespace(case.plane, quota, asked)
    over = [
        key
        for key, amount in sorted(asked.items())
        if used[key].nanos + amount.nanos > parse_quantity(hard[key]).nanos
    ]
    if not over:
        return
    requested = ",".join(f"{key}={asked[key].canonical}" for key in over)
    present = ",".join(f"{key}={used[key].canonical}" for key in over)
    limited = ",".join(f"{key}={parse_quantity(hard[key]).canonical}" for key in over)
    why = (
        f"exceeded quota: {quota['metadata']['name']}, requested: {requested}, "
        f"used: {present}, limited: {limited}"
    )
    raise forbidden(case.resource.named(name), why)


def _must_say(case: Case, key: str) -> bool:
    """Whether a pod must say how much of something it needs, because it is limited."""
    return case.resource.id == ("", "pods") and _part(key) is not None


def _unsaid(case: Case, key: str) -> str:
    part = _part(key) or ("requests", key)
    rows = (case.new.get("spec") or {}).get("containers") or []
    names = [
        str(row["name"])
        for row in rows
        if part[1] not in ((row.get("resources") or {}).get(part[0]) or {})
    ]
    return ",".join(names)


def used_by_namespace(plane: Plane, quota: Tree, names: Iterable[str]) -> dict[str, Quantity]:
    """Return how much of each limited thing a namespace uses now."""
    namespace = quota["metadata"]["namespace"]
    used = dict.fromkeys(names, _ZERO)
    for name in used:
        for resource in _counted(plane, name):
            for stored in plane.store.all_of(resource, namespace):
                amount = usage_of(resource, stored.tree, name)
                notation = amount.notation if used[name] is _ZERO else used[name].notation
                used[name] = Quantity(used[name].nanos + amount.nanos, notation)
    return used


def _counted(plane: Plane, name: str) -> list[ResourceId]:
    """Return the resources whose objects count for a limit."""
    if name.startswith("count/"):
        plural, _, group = name.removeprefix("count/").partition(".")
        return [ResourceId(group, plural)]
    if name.startswith("services."):
        return [ResourceId("", "services")]
    if name == "requests.storage":
        return [ResourceId("", "persistentvolumeclaims")]
    if name in _PLAIN:
        return [ResourceId("", name)]
    del plane
    return [ResourceId("", "pods")]


def usage_of(resource: ResourceId, tree: Tree, name: str) -> Quantity:
    """Return how much of a limited thing one object uses."""
    one = parse_quantity("1")
    full = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    if name == f"count/{full}":
        return one
    if resource.group:
        return _ZERO
    if resource.plural == "pods":
        return _pod_usage(tree, name)
    if name == resource.plural and name in _PLAIN:
        return one
    return _special_usage(resource.plural, tree.get("spec") or {}, name)


def _special_usage(plural: str, spec: Tree, name: str) -> Quantity:
    """Services of a type, and the storage of claims."""
    wanted = {
        "services.loadbalancers": {"LoadBalancer"},
        "services.nodeports": {"LoadBalancer", "NodePort"},
    }
    if plural == "services" and spec.get("type") in wanted.get(name, ()):
        return parse_quantity("1")
    if plural == "persistentvolumeclaims" and name == "requests.storage":
        return parse_quantity(
            ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
        )
    return _ZERO


def _pod_usage(tree: Tree, name: str) -> Quantity:
    if (tree.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
        return _ZERO
    if name == "pods":
        return parse_quantity("1")
    part = _part(name)
    if part is None:
        return _ZERO
    total = _ZERO
    for row in (tree.get("spec") or {}).get("containers") or []:
        value = ((row.get("resources") or {}).get(part[0]) or {}).get(part[1])
        if value is not None:
            amount = parse_quantity(value)
            total = Quantity(total.nanos + amount.nanos, amount.notation)
    return total


def _part(name: str) -> tuple[str, str] | None:
    """Return where a pod says how much it needs: `requests`, `cpu`."""
    if name in {"cpu", "memory", "ephemeral-storage"}:
        return "requests", name
    kind, _, rest = name.partition(".")
    if kind in {"requests", "limits"} and rest and rest != "storage":
        return kind, rest
    return None
