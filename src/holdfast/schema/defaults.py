"""Fill in what the API server fills in for built-in kinds.

In:  an object that a client sent, and its type.
Out: the object as the server would store it: unknown and empty fields gone, quantities canonical
     (`trees.as_stored`), defaults in place.

One function for each type that has defaults, called wherever a value of that type stands, outer
types before inner ones, as on the server. Not here: what a server allocates or what admission and
controllers put there (clusterIP, uid, tokens of ServiceAccounts, status).

Shown against a real API server in tests/contract/test_schema_defaults.py.
"""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, TypeAlias

from holdfast.schema.quantities import Quantity, parse_quantity
from holdfast.schema.trees import as_stored
from holdfast.schema.types import Shape, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.domain.manifest import JSON
    from holdfast.schema.types import ObjectType

Tree: TypeAlias = "dict[str, JSON]"
_MILLI = 10**6


def with_defaults(tree: Mapping[str, JSON], kind: ObjectType) -> dict[str, JSON]:
    """Return a built-in object as the server stores it; the argument stays as it is."""
    made = as_stored(_folded(tree, kind), kind)
    _fill(made, kind)
    return made


def _folded(tree: Mapping[str, JSON], kind: ObjectType) -> Mapping[str, JSON]:
    """Return a Secret with `stringData` in its `data`, where it wins."""
    if _short(kind) != "core.v1.Secret" or not isinstance(tree.get("stringData"), dict):
        return tree
    data = dict(tree.get("data") or {})
    for name, text in tree["stringData"].items():
        data[name] = base64.b64encode(str(text or "").encode()).decode()
    return {name: value for name, value in tree.items() if name != "stringData"} | {"data": data}


def _short(kind: Type) -> str:
    return ".".join(kind.name.rsplit(".", 3)[-3:])


def _fill(value: JSON, kind: Type) -> None:
    """Put defaults into a tree of our own, in place."""
    if isinstance(value, dict):
        filler = _FILLERS.get(_short(kind)) if kind.name else None
        if filler is not None:
            filler(value)
        for name, inner in list(value.items()):
            if isinstance(inner, dict | list):
                child = kind.find_child(name)
                if child is not None and child.shape is not Shape.ANY:
                    _fill(inner, child)
    elif isinstance(value, list) and kind.items is not None:
        for item in value:
            _fill(item, kind.items)


def _default(tree: Tree, **values: JSON) -> None:
    """Set each field that is not set; `None` and `""` count as not set."""
    for name, value in values.items():
        if tree.get(name) in (None, ""):
            tree[name] = value


def _default_zero(tree: Tree, **values: JSON) -> None:
    """Set each number that is not set or 0."""
    for name, value in values.items():
        if not tree.get(name):
            tree[name] = value


# -- core ------------------------------------------------------------------------------------


def _pod_spec(spec: Tree) -> None:
    _default(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        securityContext={},
        terminationGracePeriodSeconds=30,
        schedulerName="default-scheduler",
    )
    # Two names of one thing: the older is still written.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if not spec.get(name):
            spec.pop(name, None)


def _containers(spec: Tree) -> list[Tree]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _pod(pod: Tree) -> None:
    spec = pod["spec"]
    for container in _containers(spec):
        resources = container["resources"]
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    pod_resources = spec.get("resources") or {}
    if pod_resources.get("limits"):
        asked = _requests_of(spec)
        supported = {
            name: value
            for name, value in {**pod_resources["limits"], **asked}.items()
            if name in ("cpu", "memory")
        }
        requests = supported | (pod_resources.get("requests") or {})
        if requests:
            pod_resources["requests"] = requests
    _default(spec, enableServiceLinks=True)
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports") or ():
                _default_zero(port, hostPort=port.get("containerPort", 0))


def _requests_of(spec: Tree) -> dict[str, str]:
    """Return what all containers of a Pod ask for together."""
    total: dict[str, Quantity] = {}
    for container in spec.get("containers") or ():
        for name, value in (container["resources"].get("requests") or {}).items():
            amount = parse_quantity(value)
            nanos = amount.nanos + (total[name].nanos if name in total else 0)
            total[name] = Quantity(nanos, amount.notation)
    return {name: amount.canonical for name, amount in total.items()}


def _container(container: Tree) -> None:
    _default(
        container,
        imagePullPolicy=_pull_policy(container.get("image") or ""),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )


def _pull_policy(image: str) -> str:
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    is_latest = tag == "latest" or (not tag and not digest)
    return "Always" if is_latest else "IfNotPresent"


def _resources(resources: Tree) -> None:
    for name in ("limits", "requests"):
        _round_up(resources.get(name))


def _round_up(amounts: JSON) -> None:
    """Round each amount up to thousandths, which is as fine as resources go."""
    for name, value in (amounts or {}).items():
        try:
            amount = parse_quantity(value)
        except ValueError:
            continue
        if amount.nanos % _MILLI:
            up = -(-amount.nanos // _MILLI) * _MILLI
            amounts[name] = Quantity(up, amount.notation).canonical


def _probe(probe: Tree) -> None:
    _default_zero(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)


def _volume(volume: Tree) -> None:
    if not any(isinstance(source, dict) for source in volume.values()):
        volume["emptyDir"] = {}
    image = volume.get("image")
    if isinstance(image, dict):
        _default(image, pullPolicy=_pull_policy(image.get("reference") or ""))


def _default_mode(source: Tree) -> None:
    _default(source, defaultMode=0o644)


def _service(service: Tree) -> None:
    spec = service["spec"]
    _default(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.get("sessionAffinityConfig") or {}
        client = config.get("clientIP") or {}
        _default(client, timeoutSeconds=10800)
        spec["sessionAffinityConfig"] = config | {"clientIP": client}
    for port in spec.get("ports") or ():
        _default(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    _service_traffic(spec, service)


def _service_traffic(spec: Tree, service: Tree) -> None:
    kind = spec["type"]
    is_balanced = kind == "LoadBalancer"
    if is_balanced or kind == "NodePort" or (kind == "ClusterIP" and spec.get("externalIPs")):
        _default(spec, externalTrafficPolicy="Cluster")
    if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
        _default(spec, internalTrafficPolicy="Cluster")
    if is_balanced:
        _default(spec, allocateLoadBalancerNodePorts=True)
        for ingress in service["status"]["loadBalancer"].get("ingress") or ():
            if ingress.get("ip"):
                _default(ingress, ipMode="VIP")


def _namespace(namespace: Tree) -> None:
    metadata = namespace["metadata"]
    if metadata.get("name"):
        labels = metadata.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = metadata["name"]


def _persistent_volume(volume: Tree) -> None:
    _default(volume["status"], phase="Pending")
    _default(volume["spec"], persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    _round_up(volume["spec"].get("capacity"))


def _limit_range_item(item: Tree) -> None:
    if item.get("type") != "Container":
        return
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests


def _replication_controller(controller: Tree) -> None:
    spec = controller["spec"]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        spec.setdefault("selector", dict(labels))
        controller["metadata"].setdefault("labels", dict(labels))


def _endpoints(endpoints: Tree) -> None:
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            _default(port, protocol="TCP")


# -- apps, batch, autoscaling ------------------------------------------------------------------


def _deployment(deployment: Tree) -> None:
    spec = deployment["spec"]
    _default(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _default(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        _default(spec["strategy"], rollingUpdate={})
        _default(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _daemon_set(daemon_set: Tree) -> None:
    spec = daemon_set["spec"]
    _default(spec, revisionHistoryLimit=10)
    _default(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], maxUnavailable=1, maxSurge=0)
    annotations = daemon_set["metadata"].setdefault("annotations", {})
    annotations.setdefault("deprecated.daemonset.template.generation", "1")


def _stateful_set(stateful_set: Tree) -> None:
    spec = stateful_set["spec"]
    _default(spec, podManagementPolicy="OrderedReady", replicas=1, revisionHistoryLimit=10)
    strategy = spec["updateStrategy"]
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        _default(strategy, rollingUpdate={})
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        _default(strategy["rollingUpdate"], partition=0)
    _default(spec, persistentVolumeClaimRetentionPolicy={})
    _default(
        spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain"
    )
    # Claims made from a template begin as claims do.
    for claim in spec.get("volumeClaimTemplates") or ():
        claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"


def _replica_set(replica_set: Tree) -> None:
    _default(replica_set["spec"], replicas=1)


def _job(job: Tree) -> None:
    spec = job["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    per_index = spec.get("backoffLimitPerIndex") is not None
    _default(
        spec,
        parallelism=1,
        backoffLimit=2**31 - 1 if per_index else 6,
        completionMode="NonIndexed",
        suspend=False,
        manualSelector=False,
        podReplacementPolicy="Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed",
    )
    labels = spec["template"]["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def _cron_job(cron_job: Tree) -> None:
    _default(
        cron_job["spec"],
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )


def _autoscaler_v1(autoscaler: Tree) -> None:
    _default(autoscaler["spec"], minReplicas=1)
    annotations = autoscaler["metadata"].get("annotations") or {}
    if "autoscaling.alpha.kubernetes.io/metrics" not in annotations:
        _default(autoscaler["spec"], targetCPUUtilizationPercentage=80)


def _autoscaler_v2(autoscaler: Tree) -> None:
    spec = autoscaler["spec"]
    _default(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        up: Tree = {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 15},
            ],
        }
        down: Tree = {
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        }
        behavior["scaleUp"] = up | (behavior.get("scaleUp") or {})
        behavior["scaleDown"] = down | (behavior.get("scaleDown") or {})


# -- the rest ----------------------------------------------------------------------------------


def _network_policy(policy: Tree) -> None:
    spec = policy.get("spec")
    if spec and not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _ingress_class(ingress_class: Tree) -> None:
    parameters = (ingress_class.get("spec") or {}).get("parameters")
    if parameters:
        _default(parameters, scope="Cluster")


def _binding(binding: Tree) -> None:
    _default(binding["roleRef"], apiGroup="rbac.authorization.k8s.io")


def _subject(subject: Tree) -> None:
    if subject.get("kind") in ("User", "Group"):
        _default(subject, apiGroup="rbac.authorization.k8s.io")


def _csi_driver(driver: Tree) -> None:
    _default(
        driver["spec"],
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        requiresRepublish=False,
        seLinuxMount=False,
    )
    if not driver["spec"].get("volumeLifecycleModes"):
        driver["spec"]["volumeLifecycleModes"] = ["Persistent"]


def _webhook(webhook: Tree) -> None:
    _default(
        webhook,
        failurePolicy="Fail",
        matchPolicy="Equivalent",
        namespaceSelector={},
        objectSelector={},
        timeoutSeconds=10,
    )


def _mutating_webhook(webhook: Tree) -> None:
    _webhook(webhook)
    _default(webhook, reinvocationPolicy="Never")


def _crd(crd: Tree) -> None:
    spec = crd["spec"]
    kind = spec["names"].get("kind") or ""
    _default(spec["names"], singular=kind.lower())
    if kind:
        _default(spec["names"], listKind=f"{kind}List")
    _default(spec, conversion={"strategy": "None"})
    if not crd["status"].get("storedVersions"):
        stored = [row["name"] for row in spec.get("versions") or () if row.get("storage")]
        if stored:
            crd["status"]["storedVersions"] = stored[:1]


def _endpoint_port(port: Tree) -> None:
    port.setdefault("name", "")
    _default(port, protocol="TCP")


def _setting(**values: JSON) -> Callable[[Tree], None]:
    """Return a filler that only sets fields that are not set."""

    def fill(tree: Tree) -> None:
        _default(tree, **copy.deepcopy(values))

    return fill


_FILLERS: dict[str, Callable[[Tree], None]] = {
    "core.v1.Container": _container,
    "core.v1.EphemeralContainer": _container,
    "core.v1.ConfigMapVolumeSource": _default_mode,
    "core.v1.DownwardAPIVolumeSource": _default_mode,
    "core.v1.Endpoints": _endpoints,
    "core.v1.HTTPGetAction": _setting(path="/", scheme="HTTP"),
    "core.v1.HostPathVolumeSource": lambda source: source.setdefault("type", ""),
    "core.v1.LimitRangeItem": _limit_range_item,
    "core.v1.Namespace": _namespace,
    "core.v1.NamespaceStatus": _setting(phase="Active"),
    "core.v1.ObjectFieldSelector": _setting(apiVersion="v1"),
    "core.v1.PersistentVolume": _persistent_volume,
    "core.v1.PersistentVolumeClaimSpec": _setting(volumeMode="Filesystem"),
    "core.v1.PersistentVolumeClaimStatus": _setting(phase="Pending"),
    "core.v1.Pod": _pod,
    "core.v1.PodSpec": _pod_spec,
    "core.v1.Probe": _probe,
    "core.v1.ProjectedVolumeSource": _default_mode,
    "core.v1.ReplicationController": _replication_controller,
    "core.v1.ResourceRequirements": _resources,
    "core.v1.VolumeResourceRequirements": _resources,
    "core.v1.Secret": _setting(type="Opaque"),
    "core.v1.SecretVolumeSource": _default_mode,
    "core.v1.Service": _service,
    "core.v1.ServiceAccountTokenProjection": _setting(expirationSeconds=3600),
    "core.v1.Volume": _volume,
    "apps.v1.DaemonSet": _daemon_set,
    "apps.v1.Deployment": _deployment,
    "apps.v1.ReplicaSet": _replica_set,
    "apps.v1.StatefulSet": _stateful_set,
    "batch.v1.CronJob": _cron_job,
    "batch.v1.Job": _job,
    "batch.v1.PodFailurePolicyOnPodConditionsPattern": _setting(status="True"),
    "autoscaling.v1.HorizontalPodAutoscaler": _autoscaler_v1,
    "autoscaling.v2.HorizontalPodAutoscaler": _autoscaler_v2,
    "networking.v1.IngressClass": _ingress_class,
    "networking.v1.NetworkPolicy": _network_policy,
    "networking.v1.NetworkPolicyPort": _setting(protocol="TCP"),
    "rbac.v1.ClusterRoleBinding": _binding,
    "rbac.v1.RoleBinding": _binding,
    "rbac.v1.Subject": _subject,
    "discovery.v1.EndpointPort": _endpoint_port,
    "storage.v1.CSIDriver": _csi_driver,
    "storage.v1.StorageClass": _setting(reclaimPolicy="Delete", volumeBindingMode="Immediate"),
    "scheduling.v1.PriorityClass": _setting(preemptionPolicy="PreemptLowerPriority"),
    "admissionregistration.v1.MatchResources": _setting(
        matchPolicy="Equivalent", namespaceSelector={}, objectSelector={}
    ),
    "admissionregistration.v1.MutatingAdmissionPolicySpec": _setting(failurePolicy="Fail"),
    "admissionregistration.v1.MutatingWebhook": _mutating_webhook,
    "admissionregistration.v1.RuleWithOperations": _setting(scope="*"),
    "admissionregistration.v1.NamedRuleWithOperations": _setting(scope="*"),
    "admissionregistration.v1.ServiceReference": _setting(port=443),
    "admissionregistration.v1.ValidatingAdmissionPolicySpec": _setting(failurePolicy="Fail"),
    "admissionregistration.v1.ValidatingWebhook": _webhook,
    "apiextensions.v1.CustomResourceDefinition": _crd,
    "apiextensions.v1.ServiceReference": _setting(port=443),
    "apiregistration.v1.ServiceReference": _setting(port=443),
}
