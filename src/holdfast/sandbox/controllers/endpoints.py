"""Services -> EndpointSlices and Endpoints: who answers behind a name."""

from collections import defaultdict
from dataclasses import dataclass, field

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.controllers.access import PODS, Access, owner_reference, value
from holdfast.sandbox.controllers.engine import Wakes
from holdfast.sandbox.controllers.replicas import is_ready
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store.objects import Change, Key

SERVICES = ResourceId("", "services")
SLICES = ResourceId("discovery.k8s.io", "endpointslices")
ENDPOINTS = ResourceId("", "endpoints")

_MANAGED = "endpointslice.kubernetes.io/managed-by"
_SERVICE = "kubernetes.io/service-name"
_HEADLESS = "service.kubernetes.io/headless"
_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


Pair = tuple[str, str, str]


@dataclass(slots=True)
class Endpoints:
    """Reconciles Services; a pod wakes those that select it."""

    name: str = "endpoints"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=dict)
    # By namespace and one pair of labels: the Services whose selector begins with it, the pods
    # that carry it. So a pod costs its labels, not all Services, and a Service not all pods.
    _services: dict[Pair, set[str]] = field(default_factory=lambda: defaultdict(set))
    _pods: dict[Pair, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        """Wake by services, and by pods for the services that select them."""
        self.wakes = {SERVICES: self._service_changed, PODS: self._pod_changed}

    def _service_changed(self, change: Change) -> list[Key]:
        namespace, name = change.key
        if change.before is not None:
            for pair in _first_pair(namespace, change.before.tree):
                _drop(self._services, pair, name)
        if change.type != "DELETED":
            for pair in _first_pair(namespace, change.now.tree):
                self._services[pair].add(name)
        return [change.key]

    def _pod_changed(self, change: Change) -> list[Key]:
        namespace, name = change.key
        before = change.before
        pairs = set(_label_pairs(namespace, change.now.tree))
        if before is not None:
            if change.type == "MODIFIED" and _shown(before.tree) == _shown(change.now.tree):
                return []
            for pair in _label_pairs(namespace, before.tree):
                pairs.add(pair)
                _drop(self._pods, pair, name)
        if change.type != "DELETED":
            for pair in _label_pairs(namespace, change.now.tree):
                self._pods[pair].add(name)
        found = {service for pair in pairs for service in self._services.get(pair, ())}
        return [(namespace, service) for service in sorted(found)]

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Write what answers behind a Service."""
        service = access.find(SERVICES, key)
        if service is not None:
            self._publish(access, service)
        return None

    def _publish(self, access: Access, service: Tree) -> None:
        selector = value(service, "spec", "selector")
        gone = service["metadata"].get("deletionTimestamp")
        if not selector or gone or value(service, "spec", "type") == "ExternalName":
            return
        pods = self._behind(access, service, selector)
        self._write_slice(access, service, pods)
        self._write_endpoints(access, service, pods)

    def _behind(self, access: Access, service: Tree, selector: Tree) -> list[Tree]:
        namespace = service["metadata"]["namespace"]
        pair = _first_pair(namespace, service)[0]
        found = []
        for name in sorted(self._pods.get(pair, ())):
            pod = access.find(PODS, (namespace, name))
            if pod is None or not _serves(pod):
                continue
            labels = pod["metadata"].get("labels") or {}
            if all(labels.get(key) == wanted for key, wanted in selector.items()):
                found.append(pod)
        return found

    @staticmethod
    def _write_slice(access: Access, service: Tree, pods: list[Tree]) -> None:
        metadata = service["metadata"]
        labels = _labels(service)
        labels |= {_MANAGED: "endpointslice-controller.k8s.io", _SERVICE: metadata["name"]}
        ports = _slice_ports(service, pods)
        rows = [_endpoint(pod) for pod in pods]
        known = [
            tree
            for tree in access.owned(service, SLICES)
            if (tree["metadata"].get("labels") or {}).get(_SERVICE) == metadata["name"]
        ]
        body: Tree = {"addressType": "IPv4", "endpoints": rows or None, "ports": ports or None}
        if not known:
            made: Tree = {
                "generateName": f"{metadata['name']}-",
                "labels": labels,
                "annotations": {_TRIGGER: access.plane.now()},
                "ownerReferences": [owner_reference(service)],
            }
            access.create(SLICES, metadata["namespace"], {"metadata": made, **body})
            return
        old = known[0]
        if all(old.get(key) == item for key, item in body.items()):
            return
        access.update(SLICES, {**old, **body, "metadata": {**old["metadata"], "labels": labels}})

    @staticmethod
    def _write_endpoints(access: Access, service: Tree, pods: list[Tree]) -> None:
        metadata = service["metadata"]
        key = (metadata["namespace"], metadata["name"])
        labels = {**_labels(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        ready = [_address(pod) for pod in pods if is_ready(pod)]
        waiting = [_address(pod) for pod in pods if not is_ready(pod)]
        subset: Tree = {}
        if ready:
            subset["addresses"] = ready
        if waiting:
            subset["notReadyAddresses"] = waiting
        ports = _endpoint_ports(service, pods)
        if ports and subset:
            subset["ports"] = ports
        old = access.find(ENDPOINTS, key)
        subsets = [subset] if subset else None
        if old is None:
            made: Tree = {"name": metadata["name"], "labels": labels}
            made["annotations"] = {_TRIGGER: access.plane.now()}
            tree: Tree = {"metadata": made}
            if subsets:
                tree["subsets"] = subsets
            access.create(ENDPOINTS, metadata["namespace"], tree)
        elif old.get("subsets") != subsets:
            fresh = {name: item for name, item in old.items() if name != "subsets"}
            if subsets:
                fresh["subsets"] = subsets
            access.update(ENDPOINTS, {**fresh, "metadata": {**old["metadata"], "labels": labels}})


def _first_pair(namespace: str, service: Tree) -> list[Pair]:
    selector = value(service, "spec", "selector", default={})
    return [(namespace, key, str(selector[key])) for key in sorted(selector)[:1]]


def _label_pairs(namespace: str, pod: Tree) -> list[Pair]:
    labels = pod["metadata"].get("labels") or {}
    return [(namespace, key, str(text)) for key, text in labels.items()]


def _drop(index: dict[Pair, set[str]], pair: Pair, name: str) -> None:
    index[pair].discard(name)
    if not index[pair]:
        del index[pair]


def _shown(pod: Tree) -> JSON:
    metadata = pod["metadata"]
    address = value(pod, "status", "podIP")
    return metadata.get("labels"), address, is_ready(pod), metadata.get("deletionTimestamp")


def _serves(pod: Tree) -> bool:
    """Whether a pod has an address and is on its way neither out nor to its end."""
    ended = value(pod, "status", "phase") in {"Succeeded", "Failed"}
    going = pod["metadata"].get("deletionTimestamp")
    return bool(value(pod, "status", "podIP")) and not ended and not going


def _labels(service: Tree) -> dict[str, str]:
    labels = dict(service["metadata"].get("labels") or {})
    if value(service, "spec", "clusterIP") == "None":
        labels[_HEADLESS] = ""
    return labels


def _number(port: Tree, pods: list[Tree]) -> int | None:
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"].get("containers") or []:
            for row in container.get("ports") or []:
                if row.get("name") == target:
                    return int(row["containerPort"])
    return None


def _slice_ports(service: Tree, pods: list[Tree]) -> list[Tree]:
    if not pods:
        return []
    rows = []
    for port in value(service, "spec", "ports", default=[]):
        number = _number(port, pods)
        if number is not None:
            name = port.get("name", "")
            rows.append({"name": name, "port": number, "protocol": port.get("protocol", "TCP")})
    return rows


def _endpoint_ports(service: Tree, pods: list[Tree]) -> list[Tree]:
    return [
        {key: item for key, item in row.items() if key != "name" or item}
        for row in _slice_ports(service, pods)
    ]


def _endpoint(pod: Tree) -> Tree:
    ready = is_ready(pod)
    row: Tree = {
        "addresses": [value(pod, "status", "podIP")],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
    }
    row["nodeName"] = value(pod, "spec", "nodeName")
    row["targetRef"] = _reference(pod)
    return row


def _address(pod: Tree) -> Tree:
    return {
        "ip": value(pod, "status", "podIP"),
        "nodeName": value(pod, "spec", "nodeName"),
        "targetRef": _reference(pod),
    }


def _reference(pod: Tree) -> Tree:
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
    }
