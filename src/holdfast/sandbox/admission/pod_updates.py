"""What may change of a pod once it is made, in the server's words."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.statuses import FieldError, forbidden_field, invalid_value

_MAY_CHANGE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
# What the other paths below a pod may change besides: of containers, of the pod.
_OF_CONTAINERS = {"resize": ("resources", "resizePolicy")}
_OF_PODS = {"ephemeralcontainers": ("ephemeralContainers",)}
_CHECKED_APART = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
_LONGEST_S = 2**31 - 1


def check_pod(case: Case) -> list[FieldError]:
    """A pod is what it was made; a few fields may change."""
    if case.old is None:
        return []
    new, old = case.new.get("spec") or {}, case.old.get("spec") or {}
    for key in ("containers", "initContainers"):
        if len(new.get(key) or []) != len(old.get(key) or []):
            words = "pod updates may not add or remove containers"
            return [forbidden_field(f"spec.{key}", words)]
    errors = _deadline_errors(new, old) + _gate_errors(new, old) + _toleration_errors(new, old)
    if errors or _core(new, case.subresource) == _core(old, case.subresource):
        return errors
    words = f"pod updates may not change fields other than {','.join(_MAY_CHANGE)}"
    return [forbidden_field("spec", words)]


def _deadline_errors(new: Tree, old: Tree) -> list[FieldError]:
    field = "spec.activeDeadlineSeconds"
    before, now = old.get("activeDeadlineSeconds"), new.get("activeDeadlineSeconds")
    if now == before:
        return []
    if now is None:
        return [invalid_value(field, None, "must not update from a positive integer to nil value")]
    if not 1 <= now <= _LONGEST_S:
        return [invalid_value(field, now, f"must be between 1 and {_LONGEST_S}, inclusive")]
    if before is not None and now > before:
        return [invalid_value(field, now, "must be less than or equal to previous value")]
    return []


def _gate_errors(new: Tree, old: Tree) -> list[FieldError]:
    known = {gate.get("name") for gate in old.get("schedulingGates") or []}
    return [
        forbidden_field(
            f"spec.schedulingGates[{number}].name",
            f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'",
        )
        for number, gate in enumerate(new.get("schedulingGates") or [])
        if gate.get("name") not in known
    ]


def _toleration_errors(new: Tree, old: Tree) -> list[FieldError]:
    """What was tolerated stays tolerated; how long may change."""
    kept = [_tolerated(one) for one in new.get("tolerations") or []]
    if all(_tolerated(one) in kept for one in old.get("tolerations") or []):
        return []
    words = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden_field("spec.tolerations", words)]


def _tolerated(toleration: Tree) -> Tree:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _core(spec: Tree, subresource: str) -> Tree:
    """Return what must stay."""
    free = (*_CHECKED_APART, *_OF_PODS.get(subresource, ()))
    core = {key: value for key, value in spec.items() if key not in free}
    of_containers = ("image", *_OF_CONTAINERS.get(subresource, ()))
    for key in ("containers", "initContainers"):
        if core.get(key):
            core[key] = [
                {name: item for name, item in row.items() if name not in of_containers}
                for row in core[key]
            ]
    return core
