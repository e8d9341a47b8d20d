"""Services -> EndpointSlices and Endpoints: who answers behind a name."""

from dataclasses import dataclass, field

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.controllers.access import PODS, Access, owner_reference, value
from holdfast.sandbox.controllers.engine import Wakes, own_key
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


@dataclass(slots=True)
class Endpoints:
    """Reconciles Services; pods wake the namespace as a whole."""

    name: str = "endpoints"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Wake by services, and by pods for every service of their namespace."""
        self.wakes = {SERVICES: own_key, PODS: _pods_of_namespace}

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Write what answers behind a Service (or behind each of a namespace)."""
        if key[1]:
            service = access.find(SERVICES, key)
            if service is not None:
                self._publish(access, service)
            return None
        for service in access.all_of(SERVICES, key[0]):
            self._publish(access, service)
        return None

    def _publish(self, access: Access, service: Tree) -> None:
        selector = value(service, "spec", "selector")
        gone = service["metadata"].get("deletionTimestamp")
        if not selector or gone or value(service, "spec", "type") == "ExternalName":
            return
        pods = _behind(access, service, selector)
        self._write_slice(access, service, pods)
        self._write_endpoints(access, service, pods)

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


def _pods_of_namespace(change: Change) -> list[Key]:
    before = change.before
    changed = change.type != "MODIFIED" or before is None
    if not changed and before is not None and _shown(before.tree) == _shown(change.now.tree):
        return []
    return [(change.key[0], "")]


def _shown(pod: Tree) -> JSON:
    metadata = pod["metadata"]
    address = value(pod, "status", "podIP")
    return metadata.get("labels"), address, is_ready(pod), metadata.get("deletionTimestamp")


def _behind(access: Access, service: Tree, selector: Tree) -> list[Tree]:
    found = []
    for pod in access.all_of(PODS, service["metadata"]["namespace"]):
        labels = pod["metadata"].get("labels") or {}
        ended = value(pod, "status", "phase") in {"Succeeded", "Failed"}
        if ended or not value(pod, "status", "podIP") or pod["metadata"].get("deletionTimestamp"):
            continue
        if all(labels.get(key) == wanted for key, wanted in selector.items()):
            found.append(pod)
    return found


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
