"""Defaults of built-in kinds: what a real API server answers to a create that is a dry run.

Compared are the whole object and the managedFields. Left out is what no defaulting gives: what
the server allocates, and what admission and the create itself add (`ADDED`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.apply_merge import Writer, record_update
from holdfast.schema.defaults import with_defaults
from holdfast.schema.kinds import find_builtin_kind, reset_fields
from holdfast.schema.types import find_type
from tests.support.kube_rest import KubeRest, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON
    from tests.support.plane import RealPlane

LABELS = {"matchLabels": {"a": "b"}}
HIDDEN = ("uid", "creationTimestamp", "resourceVersion", "generation", "managedFields")
JOB_LABELS = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
)
ADDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Namespace": (("spec", "finalizers"),),
    "Service": (
        *(("spec", name) for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")),
        ("spec", "healthCheckNodePort"),
    ),
    "PersistentVolumeClaim": (("metadata", "finalizers"),),
    "PersistentVolume": (("metadata", "finalizers"), ("status", "lastPhaseTransitionTime")),
    "Pod": (
        *(("spec", name) for name in ("preemptionPolicy", "priority", "tolerations", "volumes")),
        ("spec", "serviceAccount"),
        ("spec", "serviceAccountName"),
        ("status",),
    ),
    "Job": (
        ("spec", "selector"),
        *(("metadata", "labels", name) for name in JOB_LABELS),
        *(("spec", "template", "metadata", "labels", name) for name in JOB_LABELS),
    ),
}


def container(name: str = "c", **more: JSON) -> JSON:
    return {"name": name, "image": "i", **more}


def template(*containers: JSON, **spec: JSON) -> JSON:
    pod = {"containers": list(containers or [container()]), **spec}
    return {"metadata": {"labels": {"a": "b"}}, "spec": pod}


def made(api_version: str, kind: str, **body: JSON) -> JSON:
    metadata = {"name": "x", **body.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


RICH = container(
    image="reg.io:5000/x/y:1.2",
    args=[],
    stdin=False,
    env=[
        {"name": "A", "value": ""},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "D", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
    ],
    ports=[
        {"containerPort": 80, "hostPort": 0},
        {"containerPort": 81, "protocol": "UDP", "name": "u"},
    ],
    resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}},
    livenessProbe={"httpGet": {"port": 80}},
    readinessProbe={"exec": {"command": ["x"]}, "initialDelaySeconds": 0},
    startupProbe={"tcpSocket": {"port": "http"}},
    lifecycle={"preStop": {"httpGet": {"port": 80}}},
    volumeMounts=[
        {"name": "e", "mountPath": "/e"},
        {"name": "h", "mountPath": "/h", "readOnly": False},
    ],
    securityContext={"runAsUser": 0, "capabilities": {}},
)
VOLUMES: list[JSON] = [
    {"name": "e", "emptyDir": {}},
    {"name": "n"},
    {"name": "h", "hostPath": {"path": "/x"}},
    {"name": "c", "configMap": {"name": "x"}},
    {"name": "s", "secret": {"secretName": "x", "defaultMode": 256}},
    {"name": "d", "downwardAPI": {"items": []}},
    {"name": "pvc", "persistentVolumeClaim": {"claimName": "x", "readOnly": False}},
    {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi"}},
    {
        "name": "p",
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "t"}},
                {
                    "downwardAPI": {
                        "items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]
                    }
                },
            ]
        },
    },
]
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
WEBHOOK = {
    "name": "a.b.c",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "clientConfig": {"service": {"name": "s", "namespace": "n"}},
    "rules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    ],
}
RBAC = "rbac.authorization.k8s.io/v1"
MANIFESTS: dict[str, JSON] = {
    "ConfigMap, empty": made("v1", "ConfigMap"),
    "ConfigMap": made(
        "v1", "ConfigMap", data={"a": "1", "n": None}, binaryData={"b": "Cg==\n"}, immutable=False
    ),
    "Secret with stringData": made(
        "v1", "Secret", stringData={"a": "1", "b": "2"}, data={"b": "Cg==\n", "c": ""}
    ),
    "Secret of a type": made(
        "v1", "Secret", type="kubernetes.io/tls", data={"tls.crt": "", "tls.key": ""}
    ),
    "ServiceAccount": made("v1", "ServiceAccount"),
    "ServiceAccount with pull secrets": made(
        "v1",
        "ServiceAccount",
        automountServiceAccountToken=False,
        imagePullSecrets=[{"name": "x"}],
        secrets=[],
    ),
    "Namespace": made("v1", "Namespace", metadata={"name": "schema-defaults"}),
    "Service": made("v1", "Service", spec={"ports": [{"port": 80}], "selector": {"a": "b"}}),
    "Service, node port": made(
        "v1",
        "Service",
        spec={
            "type": "NodePort",
            "ports": [
                {"port": 80, "name": "a", "targetPort": "http"},
                {"port": 80, "name": "b", "protocol": "UDP"},
            ],
            "sessionAffinity": "ClientIP",
        },
    ),
    "Service, load balancer": made(
        "v1",
        "Service",
        spec={"type": "LoadBalancer", "ports": [{"port": 80}], "externalTrafficPolicy": "Local"},
    ),
    "Service, headless": made(
        "v1",
        "Service",
        spec={"clusterIP": "None", "ports": [{"port": 80}], "publishNotReadyAddresses": True},
    ),
    "Service, external name": made(
        "v1", "Service", spec={"type": "ExternalName", "externalName": "x.y"}
    ),
    "PersistentVolumeClaim": made("v1", "PersistentVolumeClaim", spec=CLAIM),
    "PersistentVolume": made(
        "v1",
        "PersistentVolume",
        spec={
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"},
        },
    ),
    "Endpoints": made(
        "v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]
    ),
    "LimitRange": made(
        "v1",
        "LimitRange",
        spec={"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Mi"}}]},
    ),
    "ResourceQuota": made("v1", "ResourceQuota", spec={"hard": {"pods": "10", "cpu": "1000m"}}),
    "PodTemplate": made("v1", "PodTemplate", template=template()),
    "PodTemplate with everything": made(
        "v1",
        "PodTemplate",
        template=template(
            RICH,
            container("d", image="x:latest"),
            container("e2", image=f"x@sha256:{'a' * 64}"),
            volumes=VOLUMES,
            initContainers=[container("init")],
            serviceAccountName="sa",
            hostNetwork=False,
            topologySpreadConstraints=[
                {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}
            ],
            tolerations=[{"key": "x"}],
            affinity={},
            nodeSelector={},
        ),
    ),
    "PodTemplate on the host's network": made(
        "v1",
        "PodTemplate",
        template=template(container(ports=[{"containerPort": 80}]), hostNetwork=True, hostPID=True),
    ),
    "Pod": made(
        "v1",
        "Pod",
        spec={
            "containers": [container(resources={"limits": {"cpu": "2"}})],
            "automountServiceAccountToken": False,
        },
    ),
    "ReplicationController": made("v1", "ReplicationController", spec={"template": template()}),
    "Event": made(
        "v1",
        "Event",
        involvedObject={"kind": "Pod", "name": "x", "namespace": "default"},
        reason="R",
        message="m",
        type="Normal",
    ),
    "Deployment": made("apps/v1", "Deployment", spec={"selector": LABELS, "template": template()}),
    "Deployment with zeros": made(
        "apps/v1",
        "Deployment",
        spec={
            "selector": LABELS,
            "template": template(RICH, volumes=VOLUMES),
            "replicas": 0,
            "strategy": {"type": "Recreate"},
            "minReadySeconds": 0,
            "paused": False,
        },
    ),
    "Deployment with half a strategy": made(
        "apps/v1",
        "Deployment",
        spec={
            "selector": LABELS,
            "template": template(),
            "strategy": {"rollingUpdate": {"maxSurge": 1}},
        },
    ),
    "StatefulSet": made(
        "apps/v1",
        "StatefulSet",
        spec={
            "selector": LABELS,
            "serviceName": "s",
            "template": template(),
            "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": CLAIM}],
        },
    ),
    "StatefulSet, on delete": made(
        "apps/v1",
        "StatefulSet",
        spec={
            "selector": LABELS,
            "template": template(),
            "updateStrategy": {"type": "OnDelete"},
        },
    ),
    "DaemonSet": made("apps/v1", "DaemonSet", spec={"selector": LABELS, "template": template()}),
    "ReplicaSet": made("apps/v1", "ReplicaSet", spec={"selector": LABELS, "template": template()}),
    "ControllerRevision": made(
        "apps/v1", "ControllerRevision", revision=1, data={"a": {"b": None}}
    ),
    "Job": made("batch/v1", "Job", spec={"template": template(restartPolicy="Never")}),
    "Job, indexed": made(
        "batch/v1",
        "Job",
        spec={
            "template": template(restartPolicy="Never"),
            "completions": 3,
            "completionMode": "Indexed",
            "backoffLimitPerIndex": 1,
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
            },
        },
    ),
    "CronJob": made(
        "batch/v1",
        "CronJob",
        spec={
            "schedule": "* * * * *",
            "jobTemplate": {"spec": {"template": template(restartPolicy="OnFailure")}},
        },
    ),
    "Ingress": made(
        "networking.k8s.io/v1",
        "Ingress",
        spec={
            "rules": [
                {
                    "host": "h",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "s", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ]
        },
    ),
    "IngressClass": made(
        "networking.k8s.io/v1",
        "IngressClass",
        spec={"controller": "a/b", "parameters": {"kind": "K", "name": "n"}},
    ),
    "NetworkPolicy": made("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}),
    "NetworkPolicy with empties": made(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": {}},
            "ingress": [{"ports": [{"port": 80}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": []}}]}],
        },
    ),
    "PodDisruptionBudget": made(
        "policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": LABELS}
    ),
    "HorizontalPodAutoscaler": made(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={"maxReplicas": 3, "scaleTargetRef": TARGET},
    ),
    "HorizontalPodAutoscaler with behavior": made(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={
            "maxReplicas": 3,
            "scaleTargetRef": TARGET,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}},
        },
    ),
    "HorizontalPodAutoscaler v1": made(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        spec={"maxReplicas": 3, "scaleTargetRef": TARGET},
    ),
    "Role": made(
        RBAC, "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    ),
    "Role without rules": made(RBAC, "Role"),
    "ClusterRole": made(RBAC, "ClusterRole", aggregationRule={"clusterRoleSelectors": [LABELS]}),
    "RoleBinding": made(
        RBAC,
        "RoleBinding",
        roleRef={"kind": "Role", "name": "r"},
        subjects=[
            {"kind": "User", "name": "u"},
            {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
        ],
    ),
    "ClusterRoleBinding": made(
        RBAC, "ClusterRoleBinding", roleRef={"kind": "ClusterRole", "name": "r"}
    ),
    "CustomResourceDefinition": made(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        metadata={"name": "foos.g.x"},
        spec={
            "group": "g.x",
            "names": {"kind": "Foo", "plural": "foos"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"a": {"type": "string", "default": "x"}},
                        }
                    },
                    "subresources": {"status": {}},
                }
            ],
        },
    ),
    "PriorityClass": made("scheduling.k8s.io/v1", "PriorityClass", value=5),
    "StorageClass": made("storage.k8s.io/v1", "StorageClass", provisioner="x/y"),
    "CSIDriver": made("storage.k8s.io/v1", "CSIDriver", spec={}),
    "Lease": made(
        "coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "x", "leaseTransitions": 0}
    ),
    "EndpointSlice": made(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        addressType="IPv4",
        endpoints=[{"addresses": ["10.0.0.1"]}],
        ports=[{"port": 80}],
    ),
    "ValidatingWebhookConfiguration": made(
        "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[WEBHOOK]
    ),
    "MutatingWebhookConfiguration": made(
        "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", webhooks=[WEBHOOK]
    ),
    "APIService": made(
        "apiregistration.k8s.io/v1",
        "APIService",
        metadata={"name": "v1.zz.x"},
        spec={
            "group": "zz.x",
            "version": "v1",
            "groupPriorityMinimum": 1,
            "versionPriority": 1,
            "service": {"name": "s", "namespace": "n"},
        },
    ),
    "RuntimeClass": made("node.k8s.io/v1", "RuntimeClass", handler="h"),
}


@pytest.fixture(scope="module")
def rest(real_plane: RealPlane) -> Iterator[KubeRest]:
    client = KubeRest.open(real_plane.kubeconfig)
    yield client
    client.close()


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_create_is_answered_with_the_servers_defaults(rest: KubeRest, name: str) -> None:
    tree = MANIFESTS[name]
    gvk = GroupVersionKind.parse(tree["apiVersion"], tree["kind"])
    found, kind = find_builtin_kind(gvk), find_type(gvk)
    assert found is not None
    assert kind is not None
    if found.namespaced:
        tree = {**tree, "metadata": {**tree["metadata"], "namespace": "default"}}
    path = path_of(tree, found.plural, named=False)
    answer = rest.send("POST", path, tree, dryRun="All", fieldManager="t")
    assert answer.status == 201, answer.message

    ours = with_defaults(tree, kind)
    writer = Writer("t", gvk.api_version, "2026-11-23T16:00:00Z", reset_fields=reset_fields(found))
    managed = record_update(None, ours, type=kind, writer=writer)
    assert entries(managed) == entries(answer.body)
    assert comparable(ours, gvk.kind) == comparable(answer.body, gvk.kind)
    assert with_defaults(ours, kind) == ours, "defaulting twice is defaulting once"


def entries(tree: JSON) -> list[JSON]:
    found = tree["metadata"].get("managedFields", ())
    return [{name: value for name, value in entry.items() if name != "time"} for entry in found]


def comparable(tree: JSON, kind: str) -> JSON:
    """Return a tree without what no defaulting gives."""
    for path in (*(("metadata", name) for name in HIDDEN), *ADDED.get(kind, ())):
        tree = without(tree, path)
    if kind == "Service":
        spec = {**tree["spec"], "ports": [without(p, ("nodePort",)) for p in ports_of(tree)]}
        if spec.get("clusterIP") != "None":
            spec.pop("clusterIP", None)
        tree = {**tree, "spec": spec}
    return tree


def ports_of(tree: JSON) -> list[JSON]:
    found: list[JSON] = tree["spec"].get("ports", [])
    return found


def without(tree: JSON, path: tuple[str, ...]) -> JSON:
    name, *rest = path
    if not isinstance(tree, dict) or name not in tree:
        return tree
    if not rest:
        return {key: value for key, value in tree.items() if key != name}
    return {**tree, name: without(tree[name], tuple(rest))}
