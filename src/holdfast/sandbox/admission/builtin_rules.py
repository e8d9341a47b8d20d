"""What single kinds add to an object and what they refuse, registered once."""

from holdfast.sandbox.admission import (
    fixed,
    limits,
    others,
    pod_updates,
    quotas,
    services,
    workloads,
)
from holdfast.sandbox.admission.rules import Case, Rules
from holdfast.sandbox.kinds.crds import completed_crd, crd_errors
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import FieldError
from holdfast.schema.validation import uses_cel

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
_RBAC = "rbac.authorization.k8s.io"


def make_rules(plane: Plane) -> Rules:
    """Return the rules of all built-in kinds."""
    rules = Rules()
    _core(rules, plane)
    _workloads(rules)
    _classes(rules)
    rules.on("apiextensions.k8s.io", "customresourcedefinitions", prepare=_crd, check=_check_crd)
    for plural in ("rolebindings", "clusterrolebindings"):
        rules.on(_RBAC, plural, check=fixed.check_role_kind)
        rules.on(_RBAC, plural, check=fixed.check_role_ref)
    for plural in ("roles", "clusterroles"):
        rules.on(_RBAC, plural, check=others.check_role)
    rules.on("policy", "poddisruptionbudgets", check=workloads.check_budget)
    rules.on("networking.k8s.io", "ingresses", check=others.check_ingress)
    rules.on("autoscaling", "horizontalpodautoscalers", check=others.check_autoscaler)
    rules.admit += [limits.admit, quotas.admit]
    rules.on("", "resourcequotas", check=quotas.check_quota)
    return rules


def _core(rules: Rules, plane: Plane) -> None:
    addresses = services.Addresses(plane.store)
    rules.on("", "namespaces", prepare=_namespace)
    rules.on("", "services", prepare=addresses.prepare, check=services.check_service)
    rules.on("", "pods", prepare=limits.set_defaults)
    rules.on("", "pods", prepare=workloads.prepare_pod, check=workloads.check_pod_itself)
    rules.on("", "pods", check=pod_updates.check_pod)
    rules.on("", "configmaps", check=fixed.check_config)
    rules.on("", "secrets", check=fixed.check_config)
    rules.on("", "persistentvolumeclaims", prepare=_claim, check=fixed.check_claim)
    rules.on("", "persistentvolumeclaims", check=others.check_claim)


def _workloads(rules: Rules) -> None:
    for plural in ("deployments", "replicasets", "statefulsets", "daemonsets"):
        rules.on("apps", plural, check=workloads.check_workload)
    for plural in ("deployments", "replicasets", "daemonsets"):
        rules.on("apps", plural, check=fixed.fixed_path("spec", "selector"))
    rules.on("apps", "deployments", check=workloads.check_strategy)
    rules.on("apps", "deployments", check=workloads.check_deadline)
    rules.on("apps", "statefulsets", check=fixed.check_stateful_set)
    rules.on("apps", "daemonsets", prepare=_daemon_set)
    rules.on("batch", "jobs", prepare=workloads.prepare_job, check=workloads.check_job_template)
    rules.on("batch", "jobs", check=fixed.check_job)
    rules.on("batch", "cronjobs", check=others.check_schedule)
    rules.on("batch", "cronjobs", check=others.check_concurrency)
    rules.on("batch", "cronjobs", check=workloads.check_job_template)


def _classes(rules: Rules) -> None:
    """Kinds that others refer to: what they mean stays."""
    for key in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"):
        rules.on("storage.k8s.io", "storageclasses", check=fixed.fixed_path(key))
    rules.on("", "persistentvolumes", check=fixed.check_volume)
    priorities = ("scheduling.k8s.io", "priorityclasses")
    rules.on(*priorities, check=fixed.check_priority)
    rules.on(*priorities, check=fixed.fixed_path("preemptionPolicy"))
    rules.on("networking.k8s.io", "ingressclasses", check=fixed.fixed_path("spec", "controller"))
    rules.on("node.k8s.io", "runtimeclasses", check=fixed.fixed_path("handler"))
    rules.on("discovery.k8s.io", "endpointslices", check=fixed.fixed_path("addressType"))


def _namespace(case: Case) -> None:
    new, old = case.new, case.old
    if old is None:
        new["spec"] = {"finalizers": ["kubernetes"]}
        new["status"] = {"phase": "Active"}
    else:
        # spec.finalizers is written through `finalize` alone.
        new["spec"] = old.get("spec") or {}


def _crd(case: Case) -> None:
    case.new["spec"] = completed_crd(case.new)["spec"]
    if uses_cel(case.new["spec"]):
        case.warnings.append(
            "the Holdfast sandbox does not evaluate x-kubernetes-validations; "
            "what these rules forbid is accepted here"
        )


def _check_crd(case: Case) -> list[FieldError]:
    return crd_errors(case.new, case.old)


def _daemon_set(case: Case) -> None:
    """DaemonSets count the generations of their template."""
    annotations = dict(case.new["metadata"].get("annotations") or {})
    key = "deprecated.daemonset.template.generation"
    if case.old is None:
        annotations[key] = "1"
    else:
        before = (case.old["metadata"].get("annotations") or {}).get(key, "0")
        old, new = case.old.get("spec") or {}, case.new.get("spec") or {}
        changed = old.get("template") != new.get("template")
        annotations[key] = str(int(before) + 1) if changed else before
    case.new["metadata"]["annotations"] = annotations


def _claim(case: Case) -> None:
    """A claim without a class takes the default one; claims are protected from deletion."""
    if case.old is not None:
        return
    if case.plane.builtin_controllers:
        metadata = case.new["metadata"]
        metadata["finalizers"] = [*(metadata.get("finalizers") or []), CLAIM_PROTECTION]
    spec = case.new.get("spec") or {}
    if "storageClassName" in spec or case.new["metadata"].get("annotations", {}).get(_BETA_CLASS):
        return
    rows = case.plane.store.all_of(case.plane.resource("storage.k8s.io", "storageclasses").id)
    for row in rows:
        annotations = row.tree["metadata"].get("annotations") or {}
        if annotations.get("storageclass.kubernetes.io/is-default-class") == "true":
            case.new["spec"] = {**spec, "storageClassName": row.tree["metadata"]["name"]}
            return


_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
