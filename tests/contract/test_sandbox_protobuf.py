"""The tables of protobuf fields are checked against what a real API server sends."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.sandbox.protobuf.decoding import MEDIA_TYPE, decode_object
from holdfast.schema.trees import as_stored
from holdfast.schema.types import find_type
from tests.support.kube_rest import KubeRest
from tests.support.kubectl import deployment

if TYPE_CHECKING:
    from tests.support.plane import RealPlane

POD: Any = {
    "volumes": [
        {"name": "a", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "b", "configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
        {"name": "d", "projected": {"sources": [{"secret": {"name": "s"}}]}},
        {"name": "h", "hostPath": {"path": "/x", "type": "Directory"}},
    ],
    "initContainers": [{"name": "i", "image": "i"}],
    "containers": [
        {
            "name": "c",
            "image": "i",
            "args": ["x"],
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "B", "value": "$(A)"},
            ],
            "envFrom": [{"prefix": "P", "configMapRef": {"name": "c", "optional": True}}],
            "ports": [{"name": "http", "containerPort": 80, "protocol": "UDP"}],
            "resources": {"limits": {"cpu": "100m"}, "requests": {"memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
            "readinessProbe": {"exec": {"command": ["true"]}},
            "lifecycle": {"preStop": {"exec": {"command": ["sleep"]}}},
            "securityContext": {"runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}},
            "volumeMounts": [{"name": "a", "mountPath": "/a", "readOnly": True}],
        }
    ],
    "nodeSelector": {"a": "b"},
    "tolerations": [
        {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    ],
    "affinity": {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "preference": {"matchExpressions": [{"key": "k", "operator": "Exists"}]},
                }
            ]
        }
    },
}


def _template(labels: bool = True) -> Any:
    metadata = {"metadata": {"labels": {"app": "web"}}} if labels else {}
    return {**metadata, "spec": POD}


def _rich_deployment() -> Any:
    tree = deployment("web", replicas=0)
    tree["spec"]["template"] = _template()
    return tree


OBJECTS: dict[str, Any] = {
    "apis/apps/v1/deployments": _rich_deployment(),
    "api/v1/services": {
        "apiVersion": "v1",
        "kind": "Service",
        "spec": {"ports": [{"port": 80, "targetPort": "http"}], "selector": {"a": "b"}},
    },
    "api/v1/configmaps": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {"a": "b"},
        "binaryData": {"x": "AP8="},
        "immutable": True,
    },
    "api/v1/secrets": {"apiVersion": "v1", "kind": "Secret", "data": {"a": "AP8="}},
    "apis/batch/v1/cronjobs": {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "spec": {
            "schedule": "0 0 1 1 *",
            "suspend": True,
            "jobTemplate": {
                "spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}, "backoffLimit": 2}
            },
        },
    },
    "apis/networking.k8s.io/v1/ingresses": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {
            "tls": [{"hosts": ["a.example"], "secretName": "s"}],
            "rules": [
                {
                    "host": "a.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "x", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
        },
    },
    "apis/networking.k8s.io/v1/networkpolicies": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "spec": {
            "podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
            "ingress": [{"ports": [{"port": "http", "protocol": "TCP"}]}],
        },
    },
    "apis/autoscaling/v2/horizontalpodautoscalers": {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nothing"},
        },
    },
    "apis/policy/v1/poddisruptionbudgets": {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}},
    },
    "apis/rbac.authorization.k8s.io/v1/roles": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    },
    "apis/rbac.authorization.k8s.io/v1/rolebindings": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"},
        "subjects": [{"kind": "User", "name": "me"}],
    },
    "api/v1/persistentvolumeclaims": {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
        },
    },
    "api/v1/resourcequotas": {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "spec": {"hard": {"count/secrets": "100"}},
    },
    "apis/coordination.k8s.io/v1/leases": {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "spec": {"holderIdentity": "x", "renewTime": "2026-01-02T03:04:05.000006Z"},
    },
}


@pytest.mark.parametrize("path", sorted(OBJECTS), ids=lambda path: path.rpartition("/")[2])
def test_an_object_in_protobuf_is_the_object_in_json(real_plane: RealPlane, path: str) -> None:
    client = KubeRest.open(real_plane.kubeconfig)
    namespace = client.new_namespace()
    root, _, plural = path.rpartition("/")
    tree = {**OBJECTS[path], "metadata": {"name": "web", "labels": {"a": "b"}}}
    collection = f"/{root}/namespaces/{namespace}/{plural}"
    made = client.send("POST", collection, tree)
    assert made.status == 201, made
    where = urlsplit(client.plane.server)
    assert where.hostname is not None
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=client.plane.tls)

    def read(accept: str) -> bytes:
        headers = client.plane.headers | {"Accept": accept}
        connection.request("GET", f"{collection}/web", headers=headers)
        return connection.getresponse().read()

    # A controller may write in between: both forms must be of one version.
    while True:
        plain = json.loads(read("application/json"))
        decoded = decode_object(read(MEDIA_TYPE))
        if plain["metadata"]["resourceVersion"] == decoded["metadata"]["resourceVersion"]:
            break
    connection.close()
    client.close()
    kind = find_type(GroupVersionKind.parse(tree["apiVersion"], tree["kind"]))
    assert kind is not None
    # Protobuf carries empty values that JSON leaves out.
    assert as_stored(decoded, kind) == as_stored(plain, kind)
