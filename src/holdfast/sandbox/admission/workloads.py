"""What workloads may say, and what the server adds to pods and Jobs."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.names import label_errors
from holdfast.sandbox.admission.pod_specs import pod_spec_errors, template_errors
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.plane import Plane, name_suffix
from holdfast.sandbox.statuses import (
    FieldError,
    StatusError,
    forbidden,
    forbidden_field,
    invalid_value,
    required,
    unsupported,
)
from holdfast.sandbox.store.selectors import selector_matches

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 # a path
_NODE_TROUBLE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_ENDING = ("Never", "OnFailure")
_ALL_RESTARTS = ("Always", "Never", "OnFailure")

_CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
_JOB_NAME = "batch.kubernetes.io/job-name"


def check_workload(case: Case) -> list[FieldError]:
    """Deployments, ReplicaSets, StatefulSets, DaemonSets: selector, template, numbers."""
    spec = case.new.get("spec") or {}
    errors: list[FieldError] = []
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        number = spec.get(key)
        if isinstance(number, int) and number < 0:
            words = "must be greater than or equal to 0"
            errors.append(invalid_value(f"spec.{key}", number, words))
    errors += _selector_errors(spec)
    errors += template_errors(spec.get("template"), "spec.template")
    return errors


def _selector_errors(spec: Tree) -> list[FieldError]:
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        words = "`selector` does not match template `labels`"
        return [
            required("spec.selector"),
            invalid_value("spec.template.metadata.labels", labels or None, words),
        ]
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        words = "empty selector is invalid for deployment"
        return [invalid_value("spec.selector", selector, words)]
    errors = label_errors(selector.get("matchLabels"), "spec.selector.matchLabels")
    if not errors and not selector_matches(selector, labels):
        words = "`selector` does not match template `labels`"
        errors.append(invalid_value("spec.template.metadata.labels", labels, words))
    return errors


def check_deadline(case: Case) -> list[FieldError]:
    """A rollout may take longer than a pod has to be ready."""
    spec = case.new.get("spec") or {}
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is None or deadline < 0 or deadline > ready:
        return []
    words = "must be greater than minReadySeconds"
    return [invalid_value("spec.progressDeadlineSeconds", deadline, words)]


def check_strategy(case: Case) -> list[FieldError]:
    """A Deployment is replaced at once or step by step, not both."""
    strategy = (case.new.get("spec") or {}).get("strategy") or {}
    kind = strategy.get("type", "")
    if kind == "Recreate" and strategy.get("rollingUpdate") is not None:
        words = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_field("spec.strategy.rollingUpdate", words)]
    if kind not in {"Recreate", "RollingUpdate"}:
        shown = {"Type": kind, "RollingUpdate": None}
        return [unsupported("spec.strategy", shown, ["Recreate", "RollingUpdate"])]
    return []


def check_job_template(case: Case) -> list[FieldError]:
    """A Job's pods come to an end."""
    spec = case.new.get("spec") or {}
    field = "spec"
    if case.resource.plural == "cronjobs":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        field = "spec.jobTemplate.spec"
    template = spec.get("template") or {}
    errors = template_errors(template, f"{field}.template", _ALL_RESTARTS)
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        where = f"{field}.template.spec.restartPolicy"
        errors.append(
            FieldError(
                "FieldValueRequired",
                where,
                'Required value: valid values: "OnFailure", "Never"',
            )
        )
    if case.resource.plural == "jobs":
        errors += _job_selector_errors(spec)
    return errors


def _job_selector_errors(spec: Tree) -> list[FieldError]:
    if spec.get("selector") is not None:
        return []
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    words = "`selector` does not match template `labels`"
    return [
        required("spec.selector"),
        invalid_value("spec.template.metadata.labels", labels, words),
    ]


def check_budget(case: Case) -> list[FieldError]:
    """A PodDisruptionBudget counts one way."""
    spec = case.new.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        words = "minAvailable and maxUnavailable cannot be both set"
        # The server shows its internal type here.
        shown = {
            "MinAvailable": spec["minAvailable"],
            "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        return [invalid_value("spec", shown, words)]
    return []


def check_pod_itself(case: Case) -> list[FieldError]:
    """A Pod that is created."""
    if case.old is not None:
        return []
    return pod_spec_errors(case.new.get("spec") or {}, "spec", _ALL_RESTARTS)


def prepare_job(case: Case) -> None:
    """Give a new Job the selector that chooses its own pods alone."""
    if case.old is not None:
        return
    spec = case.new["spec"]
    if spec.get("manualSelector"):
        return
    metadata = case.new["metadata"]
    uid, name = metadata["uid"], metadata.get("name") or ""
    template = dict(spec.get("template") or {})
    template_metadata = dict(template.get("metadata") or {})
    labels = {
        **(template_metadata.get("labels") or {}),
        _CONTROLLER_UID: uid,
        _JOB_NAME: name,
        "controller-uid": uid,
        "job-name": name,
    }
    template["metadata"] = {**template_metadata, "labels": labels}
    if not metadata.get("labels"):
        metadata["labels"] = labels
    case.new["spec"] = {
        **spec,
        "selector": spec.get("selector") or {"matchLabels": {_CONTROLLER_UID: uid}},
        "template": template,
    }


def prepare_pod(case: Case) -> None:
    """What admission adds to every new pod: account, token, priority, tolerations.

    Raises:
        StatusError: 403, the ServiceAccount or PriorityClass does not exist.
    """
    if case.old is not None:
        return
    spec = case.new["spec"] = dict(case.new.get("spec") or {})
    case.new["status"] = {**(case.new.get("status") or {}), "phase": "Pending"}
    case.new["status"]["qosClass"] = _quality(spec)
    _add_account(case, spec)
    _add_priority(case, spec)
    tolerations = list(spec.get("tolerations") or [])
    for key in _NODE_TROUBLE:
        if not any(row.get("key") in {key, None, ""} for row in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )
    spec["tolerations"] = tolerations


def _quality(spec: Tree) -> str:
    """The quality-of-service class, by requests and limits."""
    rows = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    resources = [row.get("resources") or {} for row in rows]
    if not any(row.get("requests") or row.get("limits") for row in resources):
        return "BestEffort"
    for row in resources:
        limits, requests = row.get("limits") or {}, row.get("requests") or {}
        for key in ("cpu", "memory"):
            if key not in limits or requests.get(key, limits[key]) != limits[key]:
                return "Burstable"
    return "Guaranteed"


def _refusal(case: Case, why: str) -> StatusError:
    name = case.new["metadata"].get("name") or ""
    return forbidden(case.resource.named(name), why)


def _add_account(case: Case, spec: Tree) -> None:
    namespace = case.new["metadata"].get("namespace", "")
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    if not case.plane.builtin_controllers:
        # Nobody makes the default account then; a bare API server would have no such admission.
        return
    account = case.plane.tree("", "serviceaccounts", namespace, name)
    if account is None:
        raise _refusal(
            case,
            f"error looking up service account {namespace}/{name}: "
            f'serviceaccount "{name}" not found',
        )
    wanted = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken"))
    if wanted is not False:
        _add_token(spec)


def _add_token(spec: Tree) -> None:
    name = f"kube-api-access-{name_suffix()}"
    used = False
    for key in ("initContainers", "containers"):
        rows = []
        for row in spec.get(key) or []:
            mounts = list(row.get("volumeMounts") or [])
            if not any(mount.get("mountPath") == _TOKEN_PATH for mount in mounts):
                mounts.append({"name": name, "mountPath": _TOKEN_PATH, "readOnly": True})
                used = True
            rows.append({**row, "volumeMounts": mounts})
        if rows:
            spec[key] = rows
    if used:
        spec["volumes"] = [*(spec.get("volumes") or []), _token_volume(name)]


def _token_volume(name: str) -> Tree:
    reference = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    certificate = {
        "name": "kube-root-ca.crt",
        "items": [{"key": "ca.crt", "path": "ca.crt"}],
    }
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": reference}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _add_priority(case: Case, spec: Tree) -> None:
    name = spec.get("priorityClassName") or ""
    found = find_priority(case.plane, name)
    if name and found is None:
        raise _refusal(case, f"no PriorityClass with name {name} was found")
    if found is not None:
        spec["priorityClassName"] = found["metadata"]["name"]
        spec["priority"] = found.get("value", 0)
        spec["preemptionPolicy"] = found.get("preemptionPolicy", "PreemptLowerPriority")
    else:
        spec["priority"] = 0
        spec["preemptionPolicy"] = "PreemptLowerPriority"


def find_priority(plane: Plane, name: str) -> Tree | None:
    """Return the PriorityClass of a name; without a name the default one."""
    if name in {"system-cluster-critical", "system-node-critical"}:
        number = 2_000_000_000 if name == "system-cluster-critical" else 2_000_001_000
        return {"metadata": {"name": name}, "value": number}
    if name:
        return plane.tree("scheduling.k8s.io", "priorityclasses", "", name)
    rows = plane.store.all_of(plane.resource("scheduling.k8s.io", "priorityclasses").id)
    return next((row.tree for row in rows if row.tree.get("globalDefault")), None)
