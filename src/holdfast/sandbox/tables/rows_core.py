"""Rows of the tables of core, networking, storage and access kinds."""

import datetime
from collections.abc import Callable

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.tables.cells import (
    NONE,
    age,
    at,
    join_some,
    number,
    pairs,
    selector_text,
    since,
)

_RBAC = "rbac.authorization.k8s.io"

COLUMNS: dict[tuple[str, str], str] = {
    ("", "configmaps"): "Name, Data, Age",
    ("", "endpoints"): "Name, Endpoints, Age",
    ("", "events"): (
        "Last Seen, Type, Reason, Object, Subobject*, Source*, Message, First Seen*, Count*, Name*"
    ),
    ("", "namespaces"): "Name, Status, Age",
    ("", "nodes"): (
        "Name, Status, Roles, Age, Version, Internal-IP*, External-IP*, OS-Image*, "
        "Kernel-Version*, Container-Runtime*"
    ),
    ("", "persistentvolumeclaims"): (
        "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, "
        "VolumeMode*"
    ),
    ("", "persistentvolumes"): (
        "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, "
        "VolumeAttributesClass, Reason, Age, VolumeMode*"
    ),
    ("", "resourcequotas"): "Name, Request, Limit, Age",
    ("", "secrets"): "Name, Type, Data, Age",
    ("", "serviceaccounts"): "Name, Age",
    ("", "services"): "Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector*",
    ("coordination.k8s.io", "leases"): "Name, Holder, Age",
    ("discovery.k8s.io", "endpointslices"): "Name, AddressType, Ports, Endpoints, Age",
    ("networking.k8s.io", "ingressclasses"): "Name, Controller, Parameters, Age",
    ("networking.k8s.io", "ingresses"): "Name, Class, Hosts, Address, Ports, Age",
    ("networking.k8s.io", "networkpolicies"): "Name, Pod-Selector, Age",
    ("node.k8s.io", "runtimeclasses"): "Name, Handler, Age",
    (_RBAC, "rolebindings"): "Name, Role, Age, Users*, Groups*, ServiceAccounts*",
    (_RBAC, "clusterrolebindings"): "Name, Role, Age, Users*, Groups*, ServiceAccounts*",
    ("scheduling.k8s.io", "priorityclasses"): (
        "Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy"
    ),
    ("storage.k8s.io", "storageclasses"): (
        "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age"
    ),
}

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _name(tree: Tree) -> str:
    return str(tree["metadata"]["name"])


def _configmap(tree: Tree, now: datetime.datetime) -> list[JSON]:
    count = len(tree.get("data") or {}) + len(tree.get("binaryData") or {})
    return [_name(tree), count, age(tree, now)]


def _secret(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), tree.get("type", ""), len(tree.get("data") or {}), age(tree, now)]


def _endpoints(tree: Tree, now: datetime.datetime) -> list[JSON]:
    found = []
    for subset in tree.get("subsets") or []:
        ports = subset.get("ports") or [{}]
        for port in ports:
            for row in subset.get("addresses") or []:
                suffix = f":{port['port']}" if "port" in port else ""
                found.append(f"{row['ip']}{suffix}")
    return [_name(tree), join_some(found) or NONE, age(tree, now)]


def _event(tree: Tree, now: datetime.datetime) -> list[JSON]:
    first = since(tree.get("firstTimestamp") or tree.get("eventTime"), now)
    last = since(tree.get("lastTimestamp"), now) if tree.get("lastTimestamp") else first
    about = tree.get("involvedObject") or {}
    target = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    source = tree.get("source") or {}
    origin = ", ".join(item for item in (source.get("component"), source.get("host")) if item)
    origin = origin or tree.get("reportingComponent", "")
    return [
        last,
        tree.get("type", ""),
        tree.get("reason", ""),
        target,
        about.get("fieldPath", ""),
        origin,
        str(tree.get("message", "")).strip(),
        first,
        tree.get("count", 1) or 1,
        _name(tree),
    ]


def _namespace(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), at(tree, "status", "phase") or "", age(tree, now)]


def _node(tree: Tree, now: datetime.datetime) -> list[JSON]:
    conditions = {row["type"]: row["status"] for row in at(tree, "status", "conditions") or []}
    ready = {"True": "Ready", None: "Unknown"}.get(conditions.get("Ready"), "NotReady")
    if at(tree, "spec", "unschedulable"):
        ready += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = tree["metadata"].get("labels") or {}
    roles = sorted(key[len(prefix) :] for key in labels if key.startswith(prefix))
    info = at(tree, "status", "nodeInfo") or {}
    addresses = {row["type"]: row["address"] for row in at(tree, "status", "addresses") or []}
    kernel = info.get("kernelVersion") or "<unknown>"
    if info.get("architecture"):
        kernel += f" ({info['architecture']})"
    return [
        _name(tree),
        ready,
        ",".join(roles) or NONE,
        age(tree, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage") or "<unknown>",
        kernel,
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _modes(tree: Tree) -> str:
    modes = at(tree, "status", "accessModes") or at(tree, "spec", "accessModes") or []
    return ",".join(_MODES.get(mode, mode) for mode in modes)


def _claim(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    phase = at(tree, "status", "phase") or ""
    if tree["metadata"].get("deletionTimestamp"):
        phase = "Terminating"
    bound = bool(spec.get("volumeName"))
    return [
        _name(tree),
        phase,
        spec.get("volumeName", ""),
        str(at(tree, "status", "capacity", "storage") or "") if bound else "",
        _modes(tree) if bound else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or "<unset>",
        age(tree, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _volume(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    claim = spec.get("claimRef") or {}
    phase = at(tree, "status", "phase") or ""
    if tree["metadata"].get("deletionTimestamp"):
        phase = "Terminating"
    return [
        _name(tree),
        str(at(spec, "capacity", "storage") or ""),
        ",".join(_MODES.get(mode, mode) for mode in spec.get("accessModes") or []),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim['namespace']}/{claim['name']}" if claim else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or "<unset>",
        at(tree, "status", "reason") or "",
        age(tree, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _quota(tree: Tree, now: datetime.datetime) -> list[JSON]:
    hard, used = at(tree, "status", "hard") or {}, at(tree, "status", "used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for key in sorted(hard):
        text = f"{key}: {used.get(key, '0')}/{hard[key]}"
        (limits if key.startswith("limits") else requests).append(text)
    return [_name(tree), ", ".join(requests), ", ".join(limits), age(tree, now)]


def _named(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), age(tree, now)]


def _external(tree: Tree) -> str:
    spec = tree.get("spec") or {}
    extra = list(spec.get("externalIPs") or [])
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        rows = at(tree, "status", "loadBalancer", "ingress") or []
        found = [row.get("ip") or row.get("hostname") or "" for row in rows]
        return ",".join([*found, *extra]) or "<pending>"
    return ",".join(extra) or NONE


def _service(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    ports = []
    for row in spec.get("ports") or []:
        node = f":{row['nodePort']}" if row.get("nodePort") else ""
        ports.append(f"{row['port']}{node}/{row.get('protocol', 'TCP')}")
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or NONE]
    return [
        _name(tree),
        spec.get("type", ""),
        addresses[0],
        _external(tree),
        ",".join(ports) or NONE,
        age(tree, now),
        pairs(spec.get("selector")),
    ]


def _lease(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), at(tree, "spec", "holderIdentity") or "", age(tree, now)]


def _slice(tree: Tree, now: datetime.datetime) -> list[JSON]:
    ports = [str(row.get("port", "*")) for row in tree.get("ports") or []]
    found = [text for row in tree.get("endpoints") or [] for text in row.get("addresses") or []]
    shown_ports = join_some(ports) or "<unset>"
    return [
        _name(tree),
        tree.get("addressType", ""),
        shown_ports,
        join_some(found) or "<unset>",
        age(tree, now),
    ]


def _ingress_class(tree: Tree, now: datetime.datetime) -> list[JSON]:
    parameters = at(tree, "spec", "parameters") or {}
    text = NONE
    if parameters:
        group = parameters.get("apiGroup")
        text = f"{parameters.get('kind')}.{group}" if group else str(parameters.get("kind"))
        text += f"/{parameters.get('name')}"
    return [_name(tree), at(tree, "spec", "controller") or "", text, age(tree, now)]


def _ingress(tree: Tree, now: datetime.datetime) -> list[JSON]:
    spec = tree.get("spec") or {}
    hosts = [row.get("host", "") for row in spec.get("rules") or [] if row.get("host")]
    rows = at(tree, "status", "loadBalancer", "ingress") or []
    addresses = [row.get("ip") or row.get("hostname") or "" for row in rows]
    return [
        _name(tree),
        spec.get("ingressClassName") or NONE,
        join_some(hosts) or "*",
        ",".join(addresses),
        "80, 443" if spec.get("tls") else "80",
        age(tree, now),
    ]


def _policy(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), selector_text(at(tree, "spec", "podSelector")), age(tree, now)]


def _runtime(tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [_name(tree), tree.get("handler", ""), age(tree, now)]


def _binding(tree: Tree, now: datetime.datetime) -> list[JSON]:
    role = tree.get("roleRef") or {}
    users, groups, accounts = [], [], []
    for row in tree.get("subjects") or []:
        if row.get("kind") == "User":
            users.append(row.get("name", ""))
        elif row.get("kind") == "Group":
            groups.append(row.get("name", ""))
        else:
            accounts.append(f"{row.get('namespace', '')}/{row.get('name', '')}")
    lists = [", ".join(part) for part in (users, groups, accounts)]
    return [_name(tree), f"{role.get('kind')}/{role.get('name')}", age(tree, now), *lists]


def _priority(tree: Tree, now: datetime.datetime) -> list[JSON]:
    default = bool(tree.get("globalDefault"))
    return [
        _name(tree),
        number(tree, "value"),
        default,
        age(tree, now),
        tree.get("preemptionPolicy"),
    ]


def _storage_class(tree: Tree, now: datetime.datetime) -> list[JSON]:
    name = _name(tree)
    annotations = tree["metadata"].get("annotations") or {}
    if annotations.get("storageclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    return [
        name,
        tree.get("provisioner", ""),
        tree.get("reclaimPolicy") or "Delete",
        tree.get("volumeBindingMode") or "Immediate",
        bool(tree.get("allowVolumeExpansion")),
        age(tree, now),
    ]


ROWS: dict[tuple[str, str], Callable[[Tree, datetime.datetime], list[JSON]]] = {
    ("", "configmaps"): _configmap,
    ("", "endpoints"): _endpoints,
    ("", "events"): _event,
    ("", "namespaces"): _namespace,
    ("", "nodes"): _node,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _volume,
    ("", "resourcequotas"): _quota,
    ("", "secrets"): _secret,
    ("", "serviceaccounts"): _named,
    ("", "services"): _service,
    ("coordination.k8s.io", "leases"): _lease,
    ("discovery.k8s.io", "endpointslices"): _slice,
    ("networking.k8s.io", "ingressclasses"): _ingress_class,
    ("networking.k8s.io", "ingresses"): _ingress,
    ("networking.k8s.io", "networkpolicies"): _policy,
    ("node.k8s.io", "runtimeclasses"): _runtime,
    (_RBAC, "rolebindings"): _binding,
    (_RBAC, "clusterrolebindings"): _binding,
    ("scheduling.k8s.io", "priorityclasses"): _priority,
    ("storage.k8s.io", "storageclasses"): _storage_class,
}
