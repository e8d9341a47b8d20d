"""What is worth knowing of an object of each kind, in the words of kubectl. Pure.

Values come from a cluster and may be anything: what has another type than it should have is left
out. Of Secrets the names of keys are told, and nothing of their values, not even their length.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from holdfast.api.page.app_view import block, blocks, text
from holdfast.api.page.object_parts import amounts, group_of, texts_of
from holdfast.domain.manifest import JSON, Tree

_MOST = 20  # of keys, ports, rules: the YAML has them all


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the summary; several values stand below each other."""

    label: str
    values: tuple[str, ...]
    is_code: bool = False


def facts_of(live: Tree) -> tuple[Fact, ...]:
    """Return what the summary shows beside what all kinds have."""
    find = _FACTS.get((group_of(live), text(live, "kind")), _nothing)
    return tuple(fact for fact in find(live) if any(fact.values))


def _nothing(_live: Tree) -> Iterable[Fact]:
    return ()


def _deployment(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Replicas", _counts(
        (spec.get("replicas", 1), "wanted"), (status.get("updatedReplicas"), "updated"),
        (status.get("readyReplicas", 0), "ready"), (status.get("availableReplicas"), "available"),
    ))  # fmt: skip
    if spec.get("paused") is True:
        yield _fact("Rollout", "paused")
    strategy = text(block(spec, "strategy"), "type")
    rolling = block(spec, "strategy", "rollingUpdate")
    yield _fact("Strategy", strategy + (f" ({amounts(rolling)})" if rolling else ""))
    yield _selector(spec)


def _stateful_set(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Replicas", _counts(
        (spec.get("replicas", 1), "wanted"), (status.get("updatedReplicas"), "updated"),
        (status.get("readyReplicas", 0), "ready"),
    ))  # fmt: skip
    yield _fact("Service", text(spec, "serviceName"))
    yield _fact("Volumes", *(text(block(v, "metadata"), "name")
                             for v in blocks(spec, "volumeClaimTemplates")))  # fmt: skip
    yield _selector(spec)


def _daemon_set(live: Tree) -> Iterable[Fact]:
    status = block(live, "status")
    yield _fact("Pods", _counts(
        (status.get("desiredNumberScheduled"), "wanted"), (status.get("numberReady"), "ready"),
        (status.get("numberMisscheduled") or None, "where they should not be"),
    ))  # fmt: skip
    yield _selector(block(live, "spec"))


def _replica_set(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Replicas", _counts((spec.get("replicas", 1), "wanted"),
                                    (status.get("readyReplicas", 0), "ready")))  # fmt: skip
    annotations = block(live, "metadata", "annotations")
    yield _fact("Revision", text(annotations, "deployment.kubernetes.io/revision"))


def _pod(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Phase", ": ".join(filter(None, (text(status, "phase"), text(status, "reason")))))
    yield _fact("Node", text(spec, "nodeName"))
    yield _fact("Address", text(status, "podIP"), is_code=True)
    yield _fact("Service account", text(spec, "serviceAccountName"))
    yield _fact("Quality of service", text(status, "qosClass"))
    yield _fact("Priority class", text(spec, "priorityClassName"))


def _job(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Completions", _counts(
        (spec.get("completions", 1), "wanted"), (status.get("succeeded", 0), "succeeded"),
        (status.get("failed") or None, "failed"), (status.get("active") or None, "active"),
    ))  # fmt: skip
    if spec.get("suspend") is True:
        yield _fact("Suspended", "yes")
    yield _fact("Tries", _one(spec.get("backoffLimit")))


def _cron_job(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    zone = text(spec, "timeZone")
    yield _fact("Schedule", text(spec, "schedule") + (f" ({zone})" if zone else ""), is_code=True)
    yield _fact("Suspended", "yes" if spec.get("suspend") is True else "no")
    yield _fact("Last run", text(status, "lastScheduleTime"))
    yield _fact("Last success", text(status, "lastSuccessfulTime"))
    yield _fact("If one still runs", text(spec, "concurrencyPolicy"))


def _service(live: Tree) -> Iterable[Fact]:
    spec = block(live, "spec")
    yield _fact("Type", text(spec, "type"))
    yield _fact("Cluster address", text(spec, "clusterIP"), is_code=True)
    yield _fact("External name", text(spec, "externalName"), is_code=True)
    ingress = blocks(live, "status", "loadBalancer", "ingress")
    yield _fact("Load balancer", *(text(i, "hostname") or text(i, "ip") for i in ingress),
                is_code=True)  # fmt: skip
    yield _fact("Ports", *_limited(_ports(spec)), is_code=True)
    yield _fact("Selector", *_pairs(block(spec, "selector")), is_code=True)


def _ports(spec: Tree) -> Iterator[str]:
    for port in blocks(spec, "ports"):
        name = text(port, "name")
        node = f", node {port['nodePort']}" if port.get("nodePort") else ""
        yield (
            (f"{name} " if name else "")
            + f"{port.get('port')}/{text(port, 'protocol') or 'TCP'} → "
            + f"{port.get('targetPort', port.get('port'))}{node}"
        )


def _ingress(live: Tree) -> Iterable[Fact]:
    spec = block(live, "spec")
    yield _fact("Class", text(spec, "ingressClassName"))
    yield _fact("Rules", *_limited(_rules(spec)), is_code=True)
    yield _fact("TLS", *(text(one, "secretName") for one in blocks(spec, "tls")))


def _rules(spec: Tree) -> Iterator[str]:
    for rule in blocks(spec, "rules"):
        for path in blocks(rule, "http", "paths"):
            service = block(path, "backend", "service")
            port = block(service, "port")
            to = f"{text(service, 'name')}:{port.get('number') or port.get('name') or ''}"
            yield f"{text(rule, 'host') or '*'}{text(path, 'path')} → {to}"


def _config_map(live: Tree) -> Iterable[Fact]:
    sized = (
        f"{name} ({len(value.encode()):,} bytes)"
        for name, value in sorted(block(live, "data").items())
        if isinstance(value, str)
    )
    binary = (f"{name} (binary)" for name in sorted(block(live, "binaryData")))
    yield _fact("Keys", *_limited((*sized, *binary)), is_code=True)
    if live.get("immutable") is True:
        yield _fact("Immutable", "yes")


def _secret(live: Tree) -> Iterable[Fact]:
    yield _fact("Type", text(live, "type"))
    keys = sorted({*block(live, "data"), *block(live, "stringData")})
    yield _fact("Keys", *_limited(keys), is_code=True)
    if live.get("immutable") is True:
        yield _fact("Immutable", "yes")


def _claim(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    yield _fact("Phase", text(status, "phase"))
    asked = block(spec, "resources", "requests").get("storage")
    yield _fact("Asked for", _one(asked))
    yield _fact("Capacity", _one(block(status, "capacity").get("storage")))
    yield _fact("Class", text(spec, "storageClassName"))
    yield _fact("Volume", text(spec, "volumeName"))
    yield _fact("Access", *texts_of(spec.get("accessModes")))


def _autoscaler(live: Tree) -> Iterable[Fact]:
    spec, status = block(live, "spec"), block(live, "status")
    target = block(spec, "scaleTargetRef")
    yield _fact("Scales", f"{text(target, 'kind')} {text(target, 'name')}".strip())
    yield _fact("Replicas", _counts(
        (status.get("currentReplicas"), "now"), (status.get("desiredReplicas"), "wanted"),
        (spec.get("minReplicas", 1), "at least"), (spec.get("maxReplicas"), "at most"),
    ))  # fmt: skip


def _namespace(live: Tree) -> Iterable[Fact]:
    yield _fact("Phase", text(block(live, "status"), "phase"))


def _role(live: Tree) -> Iterable[Fact]:
    rules = (
        f"{', '.join(texts_of(r.get('verbs')))}: "
        + ", ".join((*texts_of(r.get("resources")), *texts_of(r.get("nonResourceURLs"))))
        for r in blocks(live, "rules")
    )
    yield _fact("Rules", *_limited(rules), is_code=True)


def _binding(live: Tree) -> Iterable[Fact]:
    role = block(live, "roleRef")
    yield _fact("Role", f"{text(role, 'kind')} {text(role, 'name')}".strip())
    who = (
        f"{text(s, 'kind')} " + "/".join(filter(None, (text(s, "namespace"), text(s, "name"))))
        for s in blocks(live, "subjects")
    )
    yield _fact("For", *_limited(who))


def _definition(live: Tree) -> Iterable[Fact]:
    spec = block(live, "spec")
    yield _fact("Defines", f"{text(block(spec, 'names'), 'kind')} in {text(spec, 'group')}")
    yield _fact("Scope", text(spec, "scope"))
    versions = (
        text(v, "name") + (", stored" if v.get("storage") is True else "")
        for v in blocks(spec, "versions")
        if v.get("served") is True
    )
    yield _fact("Versions", *versions)


_RBAC = "rbac.authorization.k8s.io"
_FACTS: dict[tuple[str, str], Callable[[Tree], Iterable[Fact]]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "Pod"): _pod,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("", "ConfigMap"): _config_map,
    ("", "Secret"): _secret,
    ("", "PersistentVolumeClaim"): _claim,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("", "Namespace"): _namespace,
    (_RBAC, "Role"): _role,
    (_RBAC, "ClusterRole"): _role,
    (_RBAC, "RoleBinding"): _binding,
    (_RBAC, "ClusterRoleBinding"): _binding,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}


def _fact(label: str, *values: str, is_code: bool = False) -> Fact:
    return Fact(label, tuple(value for value in values if value), is_code)


def _selector(spec: Tree) -> Fact:
    return _fact("Selector", *_pairs(block(spec, "selector", "matchLabels")), is_code=True)


def _pairs(tree: Tree) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(tree.items())]


def _counts(*parts: tuple[JSON, str]) -> str:
    return ", ".join(f"{count} {word}" for count, word in parts if isinstance(count, int))


def _one(value: JSON) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _limited(values: Iterable[str]) -> list[str]:
    found = list(values)
    if len(found) <= _MOST:
        return found
    return [*found[:_MOST], f"and {len(found) - _MOST} more"]
