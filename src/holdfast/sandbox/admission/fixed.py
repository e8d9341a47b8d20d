"""Fields that cannot change after creation, in the server's words."""

from collections.abc import Callable

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.admission.names import config_key_errors
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.statuses import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
    unsupported,
)

IMMUTABLE = "field is immutable"

_STATEFUL_SET_MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_JOB_FIXED = (
    "selector",
    "template",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)


def fixed_path(*path: str) -> Callable[[Case], list[FieldError]]:
    """Return a rule: the value at a path stays what it was."""

    def check(case: Case) -> list[FieldError]:
        if case.old is None:
            return []
        new, old = _at(case.new, path), _at(case.old, path)
        if new == old:
            return []
        return [invalid_value(".".join(path), new, IMMUTABLE)]

    return check


_OF_VOLUMES = frozenset(
    {
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
        "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName",
        "volumeMode",
    }
)  # fmt: skip


def check_volume(case: Case) -> list[FieldError]:
    """Where a volume lies does not change."""
    if case.old is None:
        return []
    new, old = case.new.get("spec") or {}, case.old.get("spec") or {}
    errors: list[FieldError] = []
    sources = [
        {key: value for key, value in spec.items() if key not in _OF_VOLUMES} for spec in (new, old)
    ]
    if sources[0] != sources[1]:
        field = "spec.persistentvolumesource"
        errors.append(forbidden_field(field, f"{field} is immutable after creation"))
    if new.get("volumeMode") != old.get("volumeMode"):
        errors.append(invalid_value("volumeMode", new.get("volumeMode"), IMMUTABLE))
    return errors


def check_priority(case: Case) -> list[FieldError]:
    """A priority means the same for all pods that ever had it."""
    if case.old is None or case.new.get("value") == case.old.get("value"):
        return []
    return [forbidden_field("value", "may not be changed in an update.")]


def _at(tree: JSON, path: tuple[str, ...]) -> JSON:
    for step in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree


def check_config(case: Case) -> list[FieldError]:
    """ConfigMaps and Secrets: their keys; those marked immutable; the type of a Secret."""
    old, new = case.old, case.new
    errors = config_key_errors(new.get("data"), "data")
    errors += config_key_errors(new.get("binaryData"), "binaryData")
    twice = sorted((new.get("data") or {}).keys() & (new.get("binaryData") or {}).keys())
    words = "duplicate of key present in binaryData"
    errors += [invalid_value(f"data[{key}]", key, words) for key in twice]
    if old is None:
        return errors
    if case.resource.plural == "secrets" and new.get("type") != old.get("type"):
        errors.append(invalid_value("type", new.get("type") or "", IMMUTABLE))
    if old.get("immutable") is not True:
        return errors
    words = "field is immutable when `immutable` is set"
    if new.get("immutable") is not True:
        errors.append(forbidden_field("immutable", words))
    changed = [
        key for key in ("data", "binaryData") if (new.get(key) or {}) != (old.get(key) or {})
    ]
    return errors + [forbidden_field(key, words) for key in changed]


def check_role_ref(case: Case) -> list[FieldError]:
    """A binding binds to one role for ever."""
    if case.old is None or case.new.get("roleRef") == case.old.get("roleRef"):
        return []
    reference = case.new.get("roleRef") or {}
    # The server shows its internal type here.
    shown = {key[:1].upper() + key[1:]: reference.get(key, "") for key in ("kind", "name")}
    shown = {"APIGroup": reference.get("apiGroup", ""), **shown}
    return [invalid_value("roleRef", shown, "cannot change roleRef")]


def check_role_kind(case: Case) -> list[FieldError]:
    """A binding binds to a kind of role."""
    reference = case.new.get("roleRef") or {}
    allowed = ["ClusterRole"]
    if case.resource.namespaced:
        allowed = ["Role", "ClusterRole"]
    errors = []
    if reference.get("kind") not in allowed:
        errors.append(unsupported("roleRef.kind", reference.get("kind") or "", allowed))
    if not reference.get("name"):
        errors.append(required("roleRef.name"))
    return errors


def check_stateful_set(case: Case) -> list[FieldError]:
    """Most of a StatefulSet's spec is fixed."""
    if case.old is None:
        return []
    if _without(case.new, _STATEFUL_SET_MAY_CHANGE) == _without(case.old, _STATEFUL_SET_MAY_CHANGE):
        return []
    *names, last = [f"'{name}'" for name in _STATEFUL_SET_MAY_CHANGE]
    words = (
        f"updates to statefulset spec for fields other than {', '.join(names)} and {last} "
        "are forbidden"
    )
    return [forbidden_field("spec", words)]


def _without(tree: Tree, names: tuple[str, ...]) -> Tree:
    return {key: value for key, value in (tree.get("spec") or {}).items() if key not in names}


def check_job(case: Case) -> list[FieldError]:
    """What a Job runs is fixed once it runs."""
    if case.old is None:
        return []
    new, old = case.new.get("spec") or {}, case.old.get("spec") or {}
    errors: list[FieldError] = []
    indexed = old.get("completionMode") == "Indexed"
    if not indexed and new.get("completions") != old.get("completions"):
        errors.append(invalid_value("spec.completions", new.get("completions"), IMMUTABLE))
    for key in _JOB_FIXED:
        if key == "template" and old.get("suspend"):
            errors += _suspended_template_errors(new.get(key) or {}, old.get(key) or {})
        elif new.get(key) != old.get(key):
            errors.append(invalid_value(f"spec.{key}", new.get(key), IMMUTABLE))
    return errors


_MAY_CHANGE_BEFORE_START = (
    "affinity",
    "nodeSelector",
    "schedulingGates",
    "tolerations",
)


def _suspended_template_errors(new: Tree, old: Tree) -> list[FieldError]:
    """A Job that waits may still be told where to run and what it may use."""
    if _fixed_template(new) == _fixed_template(old):
        return []
    return [invalid_value("spec.template.spec", new.get("spec"), IMMUTABLE)]


def _fixed_template(template: Tree) -> Tree:
    spec = dict(template.get("spec") or {})
    for key in _MAY_CHANGE_BEFORE_START:
        spec.pop(key, None)
    for key in ("containers", "initContainers"):
        if spec.get(key):
            spec[key] = [
                {name: item for name, item in row.items() if name != "resources"}
                for row in spec[key]
            ]
    return spec


def check_claim(case: Case) -> list[FieldError]:
    """A claim asks once; a bound one may ask for more room."""
    if case.old is None:
        return []
    new, old = dict(case.new.get("spec") or {}), dict(case.old.get("spec") or {})
    if not old.get("volumeName"):
        old["volumeName"] = new.get("volumeName")
    bound = _at(case.old, ("status", "phase")) == "Bound"
    if bound:
        for spec in (new, old):
            spec.pop("resources", None)
            spec.pop("volumeAttributesClassName", None)
    old = {key: value for key, value in old.items() if value is not None}
    if new == old:
        return []
    words = (
        "spec is immutable after creation except resources.requests and "
        "volumeAttributesClassName for bound claims"
    )
    return [forbidden_field("spec", words)]
