"""What kinds besides workloads and Services may say; the words are the real server's."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.statuses import FieldError, invalid_value, required, unsupported

_LEAST_FIELDS = 5


def check_claim(case: Case) -> list[FieldError]:
    """A new claim says how it is mounted and how much it needs."""
    if case.old is not None:
        return []
    spec = case.new.get("spec") or {}
    errors: list[FieldError] = []
    if not spec.get("accessModes"):
        errors.append(required("spec.accessModes", "at least 1 access mode is required"))
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        errors.append(required("spec.resources[storage]"))
    return errors


def check_ingress(case: Case) -> list[FieldError]:
    """An Ingress leads somewhere."""
    spec = case.new.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        words = "either `defaultBackend` or `rules` must be specified"
        return [invalid_value("spec", None, words)]
    errors: list[FieldError] = []
    for index, rule in enumerate(spec.get("rules") or []):
        if rule.get("http") is not None and not rule["http"].get("paths"):
            errors.append(required(f"spec.rules[{index}].http.paths"))
        for place, path in enumerate((rule.get("http") or {}).get("paths") or []):
            field = f"spec.rules[{index}].http.paths[{place}]"
            errors += _path_errors(path, field)
    return errors


def _path_errors(path: Tree, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    kind, text = path.get("pathType"), path.get("path") or ""
    if not kind:
        errors.append(required(f"{field}.pathType", "pathType must be specified"))
    elif kind in {"Exact", "Prefix"} and not text.startswith("/"):
        errors.append(invalid_value(f"{field}.path", text, "must be an absolute path"))
    service = (path.get("backend") or {}).get("service")
    if service is not None:
        port = service.get("port") or {}
        if not service.get("name"):
            errors.append(required(f"{field}.backend.service.name"))
        if not port.get("name") and not port.get("number"):
            words = "port name or number is required"
            errors.append(required(f"{field}.backend.service.port", words))
    return errors


def check_autoscaler(case: Case) -> list[FieldError]:
    """An autoscaler knows its bounds and what it scales."""
    spec = case.new.get("spec") or {}
    most, least = spec.get("maxReplicas") or 0, spec.get("minReplicas", 1)
    errors: list[FieldError] = []
    if most < 1:
        errors.append(required("spec.maxReplicas", "must be set and greater than 0"))
    if least is not None and most < least:
        words = "must be greater than or equal to `minReplicas`"
        errors.append(invalid_value("spec.maxReplicas", most, words))
    target = spec.get("scaleTargetRef") or {}
    errors += [
        required(f"spec.scaleTargetRef.{key}") for key in ("kind", "name") if not target.get(key)
    ]
    if not target.get("apiVersion"):
        words = "apiVersion must specify API group"
        errors.append(invalid_value("spec.scaleTargetRef.apiVersion", "", words))
    return errors


_POLICIES = ("Allow", "Forbid", "Replace")


def check_concurrency(case: Case) -> list[FieldError]:
    """A CronJob says what becomes of two Jobs at once, and how many it keeps."""
    spec = case.new.get("spec") or {}
    errors: list[FieldError] = []
    policy = spec.get("concurrencyPolicy")
    if policy is not None and policy not in _POLICIES:
        errors.append(unsupported("spec.concurrencyPolicy", policy, _POLICIES))
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        if (spec.get(key) or 0) < 0:
            words = "must be greater than or equal to 0"
            errors.append(invalid_value(f"spec.{key}", spec[key], words))
    return errors


def check_role(case: Case) -> list[FieldError]:
    """A rule of a role allows something on something."""
    errors: list[FieldError] = []
    for index, rule in enumerate(case.new.get("rules") or []):
        here = f"rules[{index}]"
        if not rule.get("verbs"):
            errors.append(required(f"{here}.verbs", "verbs must contain at least one value"))
        urls = rule.get("nonResourceURLs")
        if urls and case.resource.namespaced:
            words = "namespaced rules cannot apply to non-resource URLs"
            errors.append(invalid_value(f"{here}.nonResourceURLs", urls, words))
        if urls:
            continue
        for key, noun in (("apiGroups", "api group"), ("resources", "resource")):
            if not rule.get(key):
                words = f"resource rules must supply at least one {noun}"
                errors.append(required(f"{here}.{key}", words))
    return errors


def check_schedule(case: Case) -> list[FieldError]:
    """A CronJob has a schedule of five fields, or a word for one."""
    schedule = str((case.new.get("spec") or {}).get("schedule") or "")
    if not schedule:
        return [required("spec.schedule")]
    fields = schedule.split()
    if schedule.startswith("@") or len(fields) == _LEAST_FIELDS:
        return []
    found = " ".join(fields)
    words = f"expected exactly {_LEAST_FIELDS} fields, found {len(fields)}: [{found}]"
    return [invalid_value("spec.schedule", schedule, words)]
