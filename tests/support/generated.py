"""Manifests as people write them, made by hypothesis: valid, and awkward as in apply.md A5.

What the API server would refuse is not made.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.support import declared as d

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

Tree = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
CLUSTER_SCOPED = frozenset({"ClusterRole", "ClusterRoleBinding"})

_words = st.sampled_from(["a", "b", "Web", "x.y", "1", "true", "0.5", "é", "two words", ""])
_labels = st.dictionaries(
    st.sampled_from(["app", "tier", "example.com/part", "x"]),
    st.sampled_from(["web", "1", "true", "", "a.b"]),
    max_size=3,
)
_cpu = st.sampled_from(["500m", "0.5", "1", 1, "1000m", "2e0"])
_memory = st.sampled_from(["1Gi", "1024Mi", "1073741824", "128974848", "129e6", "0.5Gi"])
_ports = st.sampled_from([53, 80, 8080, 9090, 443])
_protocols = st.sampled_from([None, "TCP", "UDP"])
_texts = st.dictionaries(st.sampled_from(["a", "b", "c.yaml", "D_1"]), _words, max_size=3)


def _given(**members: Any) -> Tree:
    """The members that are there."""
    return {key: value for key, value in members.items() if value is not None}


def _or_none(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def _metadata(draw: DrawFn) -> Tree:
    found = _given(
        labels=draw(_or_none(_labels)),
        annotations=draw(_or_none(st.dictionaries(st.sampled_from(["n/a", "b"]), _words))),
    )
    if draw(st.booleans()):
        found["creationTimestamp"] = None
    return found


@st.composite
def _env(draw: DrawFn) -> Tree:
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return {"value": draw(_words)}
    if kind == 1:
        return {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    if kind == 2:
        divisor = draw(st.sampled_from([None, "0", "1Mi", 1]))
        return {
            "valueFrom": {
                "resourceFieldRef": _given(resource="limits.memory", divisor=divisor),
            }
        }
    return {}


@st.composite
def _probe(draw: DrawFn) -> Tree:
    how: Tree = draw(
        st.sampled_from(
            [
                {"httpGet": {"path": "/", "port": 80}},
                {"httpGet": {"path": "/", "port": "http", "scheme": "HTTPS"}},
                {"tcpSocket": {"port": 80}},
                {"exec": {"command": ["true"]}},
            ]
        )
    )
    period = draw(st.sampled_from([None, 3, 0]))
    return {**how, **_given(periodSeconds=period, timeoutSeconds=draw(st.sampled_from([None, 2])))}


@st.composite
def _container(draw: DrawFn, name: str, *, may_probe: bool = True) -> Tree:
    resources = _given(
        requests=draw(_or_none(st.fixed_dictionaries({"cpu": _cpu, "memory": _memory}))),
        limits=draw(st.sampled_from([None, {}, {"memory": "2Gi"}])),
    )
    names = draw(st.permutations(["Z", "A", "M"]))[: draw(st.integers(0, 3))]
    ports = draw(
        st.lists(
            st.builds(lambda p, q: _given(containerPort=p, protocol=q), _ports, _protocols),
            max_size=3,
            unique_by=lambda p: (p["containerPort"], p.get("protocol") or "TCP"),
        )
    )
    return {
        "name": name,
        "image": draw(st.sampled_from(["web", "registry.example/web:1", "a/b@sha256:" + "0" * 64])),
        **_given(
            args=draw(st.sampled_from([None, [], ["--port", "80"], [""]])),
            env=draw(_or_none(st.just([{"name": n, **draw(_env())} for n in names]))),
            ports=draw(_or_none(st.just(ports))),
            resources=draw(_or_none(st.just(resources))),
            readinessProbe=draw(_or_none(_probe())) if may_probe else None,
            securityContext=draw(st.sampled_from([None, {}, {"runAsNonRoot": False}])),
            imagePullPolicy=draw(st.sampled_from([None, "Always", ""])),
            volumeMounts=draw(st.sampled_from([None, [{"name": "v", "mountPath": "/v"}]])),
        ),
    }


_volume_sources: SearchStrategy[Tree] = st.sampled_from(
    [
        {"emptyDir": {}},
        {"emptyDir": {"sizeLimit": "0.5Gi"}},
        {"configMap": {"name": "none", "optional": True}},
        {"secret": {"secretName": "none", "optional": True, "defaultMode": 420}},
        {
            "projected": {
                "sources": [
                    {
                        "downwardAPI": {
                            "items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]
                        }
                    }
                ]
            }
        },
        {"hostPath": {"path": "/tmp", "type": ""}},
    ]
)


@st.composite
def _pod_spec(draw: DrawFn, restart: str = "") -> Tree:
    count = draw(st.integers(1, 3))
    names = draw(st.permutations(["web", "side", "b"]))[:count]
    first = draw(st.integers(0, 2))
    return {
        "containers": [draw(_container(name)) for name in names],
        "volumes": [{"name": "v", **draw(_volume_sources)}],
        **_given(
            initContainers=[draw(_container(f"i{n}", may_probe=False)) for n in range(first)]
            or None,
            nodeSelector=draw(st.sampled_from([None, {}, {"kubernetes.io/os": "linux"}])),
            tolerations=draw(st.sampled_from([None, [], [{"key": "a", "operator": "Exists"}]])),
            affinity=draw(st.sampled_from([None, {}])),
            securityContext=draw(st.sampled_from([None, {}, {"fsGroup": 1}])),
            serviceAccountName=draw(st.sampled_from([None, "", "default"])),
            terminationGracePeriodSeconds=draw(st.sampled_from([None, 0, 5])),
            hostAliases=draw(
                st.sampled_from([None, [{"ip": "10.0.0.1", "hostnames": ["b", "a"]}]])
            ),
            topologySpreadConstraints=draw(st.sampled_from([None, []])),
            restartPolicy=restart or draw(st.sampled_from([None, "Always"])),
        ),
    }


@st.composite
def _template(draw: DrawFn, name: str, restart: str = "") -> Tree:
    metadata: Tree = {"labels": {"app": name}}
    if draw(st.booleans()):
        metadata["creationTimestamp"] = None
    if draw(st.booleans()):
        metadata["annotations"] = draw(st.sampled_from([{}, {"a": ""}]))
    return {"metadata": metadata, "spec": draw(_pod_spec(restart))}


@st.composite
def _workload(draw: DrawFn, name: str) -> Tree:
    kind = draw(st.sampled_from(["Deployment", "Deployment", "StatefulSet", "DaemonSet"]))
    spec: Tree = {
        "selector": {"matchLabels": {"app": name}},
        "template": draw(_template(name)),
    }
    if kind != "DaemonSet":
        spec.update(_given(replicas=draw(st.sampled_from([None, 0, 1]))))
    else:
        # No node has it: the pods of a batch would be what the time goes into.
        spec["template"]["spec"]["nodeSelector"] = {"no-such": "node"}
    if kind == "Deployment":
        strategy = draw(
            st.sampled_from(
                [
                    None,
                    {"type": "Recreate"},
                    {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
                    {},
                ]
            )
        )
        spec.update(_given(strategy=strategy, progressDeadlineSeconds=draw(_or_none(st.just(60)))))
    if kind == "StatefulSet":
        spec["serviceName"] = draw(st.sampled_from([name, ""]))
        claim = {
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": draw(_memory)}},
            },
        }
        spec.update(_given(volumeClaimTemplates=draw(_or_none(st.just([claim])))))
    return d.thing("apps/v1", kind, name, spec=spec, metadata=draw(_metadata()))


@st.composite
def _job(draw: DrawFn, name: str) -> Tree:
    pods = {
        "template": {
            "metadata": draw(st.sampled_from([{}, {"creationTimestamp": None}])),
            "spec": draw(_pod_spec(draw(st.sampled_from(["Never", "OnFailure"])))),
        },
        **_given(
            backoffLimit=draw(st.sampled_from([None, 0, 3])), completions=draw(_or_none(st.just(1)))
        ),
    }
    if draw(st.booleans()):
        return d.thing("batch/v1", "Job", name, spec={**pods, "suspend": draw(st.booleans())})
    spec = {
        "schedule": "0 3 1 1 *",
        "jobTemplate": {"metadata": {"creationTimestamp": None}, "spec": pods},
        **_given(
            suspend=draw(_or_none(st.booleans())), timeZone=draw(_or_none(st.just("Etc/UTC")))
        ),
    }
    return d.thing("batch/v1", "CronJob", name, spec=spec, metadata=draw(_metadata()))


@st.composite
def _service(draw: DrawFn, name: str) -> Tree:
    kind = draw(st.sampled_from([None, "ClusterIP", "NodePort", "Headless", "ExternalName"]))
    if kind == "ExternalName":
        spec: Tree = {"type": kind, "externalName": "example.com"}
        return d.thing("v1", "Service", name, spec=spec, metadata=draw(_metadata()))
    ports = draw(
        st.lists(
            st.builds(lambda p, q: _given(port=p, protocol=q), _ports, _protocols),
            min_size=1,
            max_size=3,
            unique_by=lambda p: (p["port"], p.get("protocol") or "TCP"),
        )
    )
    for place, port in enumerate(ports):
        port["name"] = f"p{place}"
        port.update(_given(targetPort=draw(st.sampled_from([None, 80, "http"]))))
        if kind == "NodePort" and draw(st.booleans()):
            port["nodePort"] = 0
    spec = {
        "ports": ports,
        **_given(
            type=None if kind == "Headless" else kind,
            clusterIP="None" if kind == "Headless" else draw(st.sampled_from([None, ""])),
            selector=draw(st.sampled_from([None, {}, {"app": name}])),
            sessionAffinity=draw(st.sampled_from([None, "None", "ClientIP"])),
            ipFamilyPolicy=draw(st.sampled_from([None, "PreferDualStack"])),
        ),
    }
    found = d.thing("v1", "Service", name, spec=spec, metadata=draw(_metadata()))
    return {**found, "status": {"loadBalancer": {}}} if draw(st.booleans()) else found


@st.composite
def _ingress(draw: DrawFn, name: str) -> Tree:
    port = draw(st.sampled_from([{"number": 80}, {"name": "http"}]))
    backend = {"service": {"name": "web", "port": port}}
    paths = [
        {"path": path, "pathType": draw(st.sampled_from(["Prefix", "Exact"])), "backend": backend}
        for path in draw(st.permutations(["/", "/b", "/a"]))[: draw(st.integers(1, 3))]
    ]
    rule = _given(host=draw(st.sampled_from([None, "a.example"])), http={"paths": paths})
    spec = {
        "rules": [rule],
        **_given(
            tls=draw(st.sampled_from([None, [], [{"hosts": ["a.example"], "secretName": "t"}]])),
            ingressClassName=draw(st.sampled_from([None, "none"])),
        ),
    }
    return d.thing("networking.k8s.io/v1", "Ingress", name, spec=spec, metadata=draw(_metadata()))


@st.composite
def _policy(draw: DrawFn, name: str) -> Tree:
    block = {"ipBlock": _given(cidr="10.0.0.0/8", **{"except": draw(st.sampled_from([None, []]))})}
    peers = st.sampled_from(
        [block, {"podSelector": {}}, {"namespaceSelector": {"matchLabels": {}}}]
    )
    ports = st.sampled_from([{"port": 80}, {"port": "http", "protocol": "UDP"}, {}])
    rule = st.builds(
        _given,
        **{
            "from": _or_none(st.lists(peers, max_size=2)),
            "ports": _or_none(st.lists(ports, max_size=2)),
        },
    )
    spec = {
        "podSelector": draw(
            st.sampled_from([{}, {"matchLabels": {}}, {"matchLabels": {"a": "b"}}])
        ),
        **_given(
            ingress=draw(_or_none(st.lists(rule, max_size=2))),
            policyTypes=draw(st.sampled_from([None, ["Ingress"], ["Ingress", "Egress"]])),
        ),
    }
    return d.thing("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)


@st.composite
def _access(draw: DrawFn, name: str) -> Tree:
    kind = draw(
        st.sampled_from(["Role", "ClusterRole", "Aggregated", "RoleBinding", "ServiceAccount"])
    )
    verbs = draw(st.permutations(["get", "list", "watch"]))
    rules = [{"apiGroups": ["", "apps"], "resources": ["deployments"], "verbs": verbs}]
    if kind == "ServiceAccount":
        more = _given(
            automountServiceAccountToken=draw(_or_none(st.booleans())),
            imagePullSecrets=draw(st.sampled_from([None, [], [{"name": "r"}]])),
        )
        return d.thing("v1", kind, name, metadata=draw(_metadata()), **more)
    if kind == "Aggregated":
        select = {
            "clusterRoleSelectors": [
                {"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}
            ]
        }
        return d.thing(
            RBAC,
            "ClusterRole",
            name,
            aggregationRule=select,
            rules=draw(st.sampled_from([[], None])),
        )
    if kind == "RoleBinding":
        group = "rbac.authorization.k8s.io"
        subjects = draw(
            st.sampled_from(
                [
                    None,
                    [],
                    [
                        {"kind": "ServiceAccount", "name": "b", "namespace": "x"},
                        {"kind": "User", "name": "a"},
                    ],
                ]
            )
        )
        ref = {
            "apiGroup": group,
            "kind": draw(st.sampled_from(["Role", "ClusterRole"])),
            "name": "r",
        }
        return d.thing(RBAC, kind, name, roleRef=ref, **_given(subjects=subjects))
    return d.thing(RBAC, kind, name, rules=draw(st.sampled_from([rules, [], None])))


@st.composite
def _autoscaler(draw: DrawFn, name: str) -> Tree:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}
    spec: Tree = {
        "scaleTargetRef": target,
        "maxReplicas": 5,
        **_given(minReplicas=draw(st.sampled_from([None, 1, 2]))),
    }
    if draw(st.booleans()):
        spec.update(_given(targetCPUUtilizationPercentage=draw(st.sampled_from([None, 60]))))
        return d.thing("autoscaling/v1", "HorizontalPodAutoscaler", name, spec=spec)
    metrics = [
        {"type": "Resource", "resource": {"name": n, "target": t}}
        for n, t in (
            ("memory", {"type": "AverageValue", "averageValue": draw(_memory)}),
            ("cpu", {"type": "Utilization", "averageUtilization": 60}),
        )
    ]
    spec.update(
        _given(
            metrics=draw(st.sampled_from([None, metrics, metrics[:1], metrics[::-1]])),
            behavior=draw(
                st.sampled_from([None, {}, {"scaleDown": {"stabilizationWindowSeconds": 0}}])
            ),
        )
    )
    return d.thing("autoscaling/v2", "HorizontalPodAutoscaler", name, spec=spec)


@st.composite
def _budget(draw: DrawFn, name: str) -> Tree:
    limit: Tree = draw(
        st.sampled_from([{"minAvailable": 1}, {"maxUnavailable": "25%"}, {"minAvailable": 0}])
    )
    selector = draw(st.sampled_from([{}, {"matchLabels": {"app": "x"}}, {"matchExpressions": []}]))
    return d.thing("policy/v1", "PodDisruptionBudget", name, spec={**limit, "selector": selector})


@st.composite
def _config_map(draw: DrawFn, name: str) -> Tree:
    texts = draw(
        st.dictionaries(st.sampled_from(["a", "b", "c.yaml"]), _or_none(_words), max_size=3)
    )
    binary = st.sampled_from([None, {}, {"z": "AAEC"}, {"z": "AA\nEC"}])
    more = _given(data=draw(_or_none(st.just(texts))), binaryData=draw(binary))
    return d.thing("v1", "ConfigMap", name, metadata=draw(_metadata()), **more)


@st.composite
def _secret(draw: DrawFn, name: str) -> Tree:
    def encoded(text: str) -> str:
        plain = base64.b64encode(text.encode()).decode()
        return draw(st.sampled_from([plain, plain + "\n", plain[:2] + "\n" + plain[2:]]))

    texts = draw(_texts)
    data = {key: draw(_or_none(st.just(encoded(value)))) for key, value in texts.items()}
    more = _given(
        data=draw(_or_none(st.just(data))),
        stringData=draw(_or_none(_texts)),
        type=draw(st.sampled_from([None, "Opaque", "example.com/own"])),
    )
    return d.thing("v1", "Secret", name, metadata=draw(_metadata()), **more)


@st.composite
def _claim(draw: DrawFn, name: str) -> Tree:
    spec = {
        "accessModes": draw(
            st.sampled_from([["ReadWriteOnce"], ["ReadOnlyMany", "ReadWriteOnce"]])
        ),
        "resources": {"requests": {"storage": draw(_memory)}},
        **_given(storageClassName=draw(st.sampled_from([None, "", "fast"]))),
        **_given(volumeMode=draw(st.sampled_from([None, "Filesystem"]))),
    }
    return d.thing("v1", "PersistentVolumeClaim", name, spec=spec)


@st.composite
def _definition(draw: DrawFn, name: str) -> Tree:
    tree = widget_definition(f"{name}.generated.example", "Gadget")
    if draw(st.booleans()):
        tree["status"] = {
            "conditions": [],
            "acceptedNames": {"kind": "", "plural": ""},
            "storedVersions": [],
        }
    if draw(st.booleans()):
        tree["spec"]["names"]["shortNames"] = []
        tree["spec"]["preserveUnknownFields"] = False
    if draw(st.booleans()):
        tree["spec"]["conversion"] = {"strategy": "None"}
    return tree


@st.composite
def _widget(draw: DrawFn, name: str) -> Tree:
    numbers = st.sampled_from([1, 1.0, 0, 2.5, 1e3, -0.0])
    parts = [
        {"name": part, **_given(size=draw(_or_none(numbers)))}
        for part in draw(st.permutations(["b", "a", "c"]))[: draw(st.integers(0, 3))]
    ]
    spec = _given(
        number=draw(_or_none(numbers)),
        count=draw(_or_none(st.sampled_from([0, 1, 7]))),
        port=draw(st.sampled_from([None, 80, "http"])),
        parts=draw(_or_none(st.just(parts))),
        tags=draw(_or_none(st.permutations(["z", "a"]))),
        whole=draw(st.sampled_from([None, {}, {"a": {}}, {"a": None}, {"b": [1.0, None]}])),
        free=draw(
            st.sampled_from([None, {}, {"a": {"b": ""}}, {"list": [{"x": 1.0}]}, {"n": None}])
        ),
        nested=draw(st.sampled_from([None, {}, {"mode": ""}, {"mode": "slow"}])),
        off=draw(_or_none(st.booleans())),
    )
    found = d.thing(f"{WIDGETS}/v1", "Widget", name, spec=spec, metadata=draw(_metadata()))
    return {**found, "status": {"phase": "?"}} if draw(st.booleans()) else found


WIDGETS = "widgets.generated.example"


def widget_definition(group: str = WIDGETS, kind: str = "Widget") -> Tree:
    """A CRD with each shape that matters: defaults, map, set and atomic lists, free parts."""
    number = {"type": "number"}
    text = {"type": "string"}
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": text, "size": number, "unit": {"type": "string", "default": "m"}},
    }
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {
        "type": "object",
        "properties": {
            "number": number,
            "count": {"type": "integer"},
            "port": {"x-kubernetes-int-or-string": True},
            "parts": {
                "type": "array",
                "items": part,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "tags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "whole": {**free, "x-kubernetes-map-type": "atomic"},
            "free": free,
            "nested": {
                "type": "object",
                "properties": {"mode": text, "level": {"type": "integer", "default": 3}},
                "default": {},
            },
            "off": {"type": "boolean", "default": True},
        },
    }
    plural = f"{kind.lower()}s"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": free}}
        },
    }
    return d.thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"{plural}.{group}",
        spec={
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    )


_MAKERS: tuple[Callable[[str], SearchStrategy[Tree]], ...] = (
    _workload,
    _workload,
    _job,
    _service,
    _service,
    _ingress,
    _policy,
    _access,
    _autoscaler,
    _budget,
    _config_map,
    _secret,
    _claim,
    _widget,
    _widget,
    _definition,
)


_PREFIX = "gNNN"


def one_of_each() -> SearchStrategy[tuple[Tree, ...]]:
    """One object of each maker; `numbered` gives them names that no other set has."""
    made = enumerate(_MAKERS)
    return st.tuples(*(make(f"{_PREFIX}-{place}") for place, make in made))


def numbered(trees: tuple[Tree, ...], word: str) -> list[Tree]:
    """The objects with a word in their names."""
    found: list[Tree] = json.loads(json.dumps(trees).replace(_PREFIX, f"g{word}"))
    return found


def is_cluster_scoped(tree: Tree) -> bool:
    """Whether it stands in no namespace."""
    return tree["kind"] in CLUSTER_SCOPED or tree["kind"] == "CustomResourceDefinition"
